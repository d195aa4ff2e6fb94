//! od(1): bytes in octal and other forms.

use crate::number::parse_size;
use crate::options::{Parsed, Spec, parse};
use crate::report::{Failure, Outcome, complain_of, failure, quote};
use crate::stream::{Input, Output};

const SPEC: Spec = Spec::new(
    "A,address-radix= endian= j,skip-bytes= N,read-bytes= S,strings=? t,format= v,output-duplicates w,width=? a b c d D e f F h H i I l L o O s x X B",
    "Usage: od [OPTION]... [FILE]...
Prints bytes in octal (-t o2) or by other TYPEs.

  -A, --address-radix=RADIX   d, o, x, n: how offsets are printed
      --endian=little|big
  -j, --skip-bytes=BYTES      begins there
  -N, --read-bytes=BYTES      no more than that
  -t, --format=TYPE           a names, c characters, d o u x with sizes 1 2 4 8 C S I L, f with 4 8 F D; z: text beside
  -v, --output-duplicates     lines that repeat, too
  -w, --width=BYTES           bytes a line (16)
  -a -b -c -d -f -i -l -o -s -x   as -t a o1 c u2 fF dI dL o2 d2 x2
",
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Character,
    Signed,
    Unsigned,
    Octal,
    Hex,
    Float,
}

#[derive(Clone, Copy)]
struct Format {
    kind: Kind,
    size: usize,
    text: bool,
}

impl Format {
    /// Columns of one value, without the blank before it.
    fn width(&self) -> usize {
        match (self.kind, self.size) {
            (Kind::Name | Kind::Character, _) => 3,
            (Kind::Signed, 1) => 4,
            (Kind::Signed, 2) => 6,
            (Kind::Signed, 4) => 11,
            (Kind::Signed, _) => 20,
            (Kind::Unsigned, 1) => 3,
            (Kind::Unsigned, 2) => 5,
            (Kind::Unsigned, 4) => 10,
            (Kind::Unsigned, _) => 20,
            (Kind::Octal, 1) => 3,
            (Kind::Octal, 2) => 6,
            (Kind::Octal, 4) => 11,
            (Kind::Octal, _) => 22,
            (Kind::Hex, size) => 2 * size,
            (Kind::Float, 4) => 15,
            (Kind::Float, _) => 24,
        }
    }

    fn show(&self, bytes: &[u8], big: bool) -> String {
        let mut padded = bytes.to_vec();
        padded.resize(self.size, 0);
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = if big { padded.iter().fold(0, fold) } else { padded.iter().rev().fold(0, fold) };
        let width = self.width();
        match self.kind {
            Kind::Name => name(bytes[0]),
            Kind::Character => character(bytes[0]),
            Kind::Signed => {
                let shift = 64 - 8 * self.size as u32;
                (((value << shift) as i64) >> shift).to_string()
            }
            Kind::Unsigned => value.to_string(),
            Kind::Octal => format!("{value:0width$o}"),
            Kind::Hex => format!("{value:0width$x}"),
            Kind::Float if self.size == 4 => shortest(f64::from(f32::from_bits(value as u32)), 9, |text| {
                text.parse::<f32>().ok().map(f32::to_bits) == Some(value as u32)
            }),
            Kind::Float => shortest(f64::from_bits(value), 17, |text| text.parse::<f64>().ok().map(f64::to_bits) == Some(value)),
        }
    }
}

/// `%g` with as few digits as give the number back.
fn shortest(value: f64, most: usize, same: impl Fn(&str) -> bool) -> String {
    let shown = |digits: usize| {
        let format = format!("%.{digits}g");
        crate::printf::float(format.as_bytes(), value).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    };
    if !value.is_finite() {
        return shown(6);
    }
    (1..=most).map(shown).find(|text| same(text)).unwrap_or_else(|| shown(most))
}

/// `-t c`: the character, its escape or three octal digits.
pub fn character(byte: u8) -> String {
    match byte {
        0 => "\\0".to_owned(),
        7 => "\\a".to_owned(),
        8 => "\\b".to_owned(),
        9 => "\\t".to_owned(),
        10 => "\\n".to_owned(),
        11 => "\\v".to_owned(),
        12 => "\\f".to_owned(),
        13 => "\\r".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("{byte:03o}"),
    }
}

fn name(byte: u8) -> String {
    const NAMES: [&str; 33] = [
        "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff", "cr", "so", "si", "dle", "dc1",
        "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc", "fs", "gs", "rs", "us", "sp",
    ];
    match byte & 0x7f {
        0x7f => "del".to_owned(),
        low if low <= 32 => NAMES[usize::from(low)].to_owned(),
        low => char::from(low).to_string(),
    }
}

fn formats(text: &[u8]) -> Result<Vec<Format>, Failure> {
    let bad = || failure(1, format!("invalid type string {}", quote(text)));
    let mut formats: Vec<Format> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let letter = text[at];
        at += 1;
        let kind = match letter {
            b'a' => Kind::Name,
            b'c' => Kind::Character,
            b'd' => Kind::Signed,
            b'u' => Kind::Unsigned,
            b'o' => Kind::Octal,
            b'x' => Kind::Hex,
            b'f' => Kind::Float,
            b'z' => {
                formats.last_mut().ok_or_else(bad)?.text = true;
                continue;
            }
            other => {
                let text = quote(text);
                return Err(failure(1, format!("invalid character '{}' in type string {text}", char::from(other))));
            }
        };
        let size = if matches!(kind, Kind::Name | Kind::Character) { 1 } else { size(text, &mut at, kind)? };
        formats.push(Format { kind, size, text: false });
    }
    Ok(formats)
}

fn size(text: &[u8], at: &mut usize, kind: Kind) -> Result<usize, Failure> {
    let float = kind == Kind::Float;
    let named = match text.get(*at) {
        Some(b'C') if !float => Some(1),
        Some(b'S') if !float => Some(2),
        Some(b'I') if !float => Some(4),
        Some(b'L') if !float => Some(8),
        Some(b'F') if float => Some(4),
        Some(b'D' | b'L') if float => Some(8),
        _ => None,
    };
    if let Some(size) = named {
        *at += 1;
        return Ok(size);
    }
    let digits = text[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return Ok(if float { 8 } else { 4 });
    }
    let number: usize = std::str::from_utf8(&text[*at..*at + digits]).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    *at += digits;
    let known: &[usize] = if float { &[4, 8] } else { &[1, 2, 4, 8] };
    if known.contains(&number) {
        return Ok(number);
    }
    let what = if float { "floating point" } else { "integral" };
    Err(failure(1, format!("invalid type string {};\nthis system doesn't provide a {number}-byte {what} type", quote(text))))
}

fn count(parsed: &Parsed, option: &str) -> Result<Option<u64>, Failure> {
    let Some(text) = parsed.value(option) else { return Ok(None) };
    let hex = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    let number = match hex {
        Some(hex) => std::str::from_utf8(hex).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok()),
        None if text.len() > 1 && text[0] == b'0' && text.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(text).ok().and_then(|text| u64::from_str_radix(text, 8).ok())
        }
        None => parse_size(text),
    };
    number.map(Some).ok_or_else(|| failure(1, format!("invalid -{option} argument {}", quote(text))))
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let mut chosen = Vec::new();
    for (option, value) in &parsed.options {
        let text: &[u8] = match *option {
            "t" => value.as_deref().unwrap_or_default(),
            "a" => b"a",
            "b" => b"o1",
            "c" => b"c",
            "d" => b"u2",
            "D" => b"u4",
            "e" | "F" => b"fD",
            "f" => b"fF",
            "h" | "x" => b"x2",
            "H" | "X" => b"x4",
            "i" => b"dI",
            "I" | "l" | "L" => b"dL",
            "o" | "B" => b"o2",
            "O" => b"o4",
            "s" => b"d2",
            "S" => return Err(failure(1, "strings (-S) are not supported")),
            _ => continue,
        };
        chosen.extend(formats(text)?);
    }
    if chosen.is_empty() {
        chosen = formats(b"o2")?;
    }
    let radix = parsed.value("A").unwrap_or(b"o").to_vec();
    if !matches!(radix.as_slice(), b"o" | b"d" | b"x" | b"n") {
        let shown = String::from_utf8_lossy(&radix[..radix.len().min(1)]).into_owned();
        return Err(failure(1, format!("invalid output address radix '{shown}'; it must be one character from [doxn]")));
    }
    let unit = chosen.iter().map(|format| format.size).max().unwrap_or(1);
    let width = match (parsed.has("w"), count(&parsed, "w")?) {
        (true, None) => 32,
        (_, Some(width)) if width > 0 && (width as usize).is_multiple_of(unit) => width as usize,
        (_, Some(_)) => unit,
        (false, None) => 16,
    };
    let big = match parsed.value("endian") {
        Some(word) => crate::options::choose(word, "--endian", &["little", "big"], 1)? == "big",
        None => false,
    };
    let mut status = 0;
    let mut bytes = Vec::new();
    let (skip, most) = (count(&parsed, "j")?.unwrap_or(0), count(&parsed, "N")?);
    let enough = most.map(|most| skip.saturating_add(most));
    for file in parsed.files() {
        if let Err(errno) = read(&file, enough, &mut bytes) {
            complain_of(&file, errno);
            status = 1;
        }
    }
    if status != 0 && bytes.is_empty() {
        return Ok(status);
    }
    if skip > bytes.len() as u64 {
        return Err(failure(1, "cannot skip past end of combined input"));
    }
    let end = enough.map_or(bytes.len(), |enough| usize::try_from(enough).unwrap_or(usize::MAX).min(bytes.len()));
    let mut out = Output::stdout();
    let dump = Dump { formats: chosen, width, radix: radix[0], big, all: parsed.has("v") };
    dump.print(&bytes[..end], skip as usize, &mut out)?;
    out.finish(status)
}

fn read(file: &[u8], enough: Option<u64>, bytes: &mut Vec<u8>) -> tidepool_system::Result<()> {
    let mut input = Input::open(file)?;
    while enough.is_none_or(|enough| (bytes.len() as u64) < enough) {
        match input.chunk()? {
            [] => break,
            chunk => bytes.extend_from_slice(chunk),
        }
    }
    Ok(())
}

struct Dump {
    formats: Vec<Format>,
    width: usize,
    radix: u8,
    big: bool,
    all: bool,
}

impl Dump {
    fn address(&self, at: usize) -> String {
        match self.radix {
            b'd' => format!("{at:07}"),
            b'x' => format!("{at:06x}"),
            b'o' => format!("{at:07o}"),
            _ => String::new(),
        }
    }

    fn print(&self, bytes: &[u8], skip: usize, out: &mut Output) -> Result<(), Failure> {
        let mut previous: Option<&[u8]> = None;
        let mut squeezed = false;
        for (index, row) in bytes[skip..].chunks(self.width).enumerate() {
            if !self.all && previous == Some(row) && row.len() == self.width {
                if !std::mem::replace(&mut squeezed, true) {
                    out.put(b"*\n")?;
                }
                continue;
            }
            (previous, squeezed) = (Some(row), false);
            self.row(skip + index * self.width, row, out)?;
        }
        if self.radix == b'n' { Ok(()) } else { out.text(self.address(bytes.len()) + "\n") }
    }

    /// One line a format; values of several formats stand below one another.
    fn row(&self, at: usize, row: &[u8], out: &mut Output) -> Result<(), Failure> {
        let unit = self.formats.iter().map(|format| format.size).max().unwrap_or(1);
        let columns = self.formats.iter().map(|format| (format.width() + 1) * (unit / format.size)).max().unwrap_or(0);
        for (line, format) in self.formats.iter().enumerate() {
            let address = self.address(at);
            let mut text = if line == 0 { address } else { " ".repeat(address.len()) };
            let per_unit = unit / format.size;
            for group in row.chunks(unit) {
                let values: Vec<String> = group.chunks(format.size).map(|bytes| format.show(bytes, self.big)).collect();
                // The room of a unit is spread over its values, the rest to the left ones' left.
                let mut left = columns;
                for (index, value) in values.iter().enumerate() {
                    let width = left / (per_unit - index);
                    text += &format!("{value:>width$}");
                    left -= width;
                }
            }
            if format.text {
                let missing = self.width.saturating_sub(row.len()) / format.size * columns / per_unit;
                let shown: String =
                    row.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }).collect();
                text += &format!("{}  >{shown}<", " ".repeat(missing));
            }
            out.text(text + "\n")?;
        }
        Ok(())
    }
}
