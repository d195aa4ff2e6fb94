//! base64(1), base32(1), xxd(1), hexdump(1), hd(1): bytes as text and back.

use crate::number::{parse_size, parse_unsigned};
use crate::options::{Parsed, Spec, extra_operand, parse};
use crate::report::{Failure, Outcome, failure, quote, quote_bare};
use crate::stream::{Input, Output};

const BASE: Spec = Spec::new(
    "d,decode D i,ignore-garbage w,wrap=",
    "Usage: base64 [OPTION]... [FILE]
Prints FILE as text of 64 (base32: 32) characters, in lines of 76.

  -d, --decode           text back to bytes
  -i, --ignore-garbage   with -d, leaves out what is no such character
  -w, --wrap=COLS        lines of COLS characters (0: one line)
",
);

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An alphabet whose characters stand for `bits` bits; `group` bytes give whole characters.
struct Alphabet {
    letters: &'static [u8],
    bits: u32,
    group: usize,
}

impl Alphabet {
    fn encode(&self, bytes: &[u8], text: &mut Vec<u8>) {
        for group in bytes.chunks(self.group) {
            let value = group.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)) << (8 * (self.group - group.len()));
            let characters = self.group * 8 / self.bits as usize;
            let used = (group.len() * 8).div_ceil(self.bits as usize);
            for at in 0..characters {
                let index = value >> (self.bits as usize * (characters - 1 - at)) & ((1 << self.bits) - 1);
                text.push(if at < used { self.letters[index as usize] } else { b'=' });
            }
        }
    }

    /// The bytes of a group of characters; `None` when it is not one.
    fn decode(&self, group: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
        let characters = self.group * 8 / self.bits as usize;
        let used = group.iter().position(|&byte| byte == b'=').unwrap_or(group.len());
        if group[used..].iter().any(|&byte| byte != b'=') || group.len() != characters {
            return None;
        }
        let index = |byte: &u8| self.letters.iter().position(|letter| letter == byte).map(|at| at as u64);
        let mut value = 0;
        for byte in &group[..used] {
            value = value << self.bits | index(byte)?;
        }
        let bits = used * self.bits as usize;
        if bits < 8 || (used < characters && bits % 8 >= self.bits as usize) {
            return None;
        }
        let whole = bits / 8;
        value >>= bits - whole * 8;
        bytes.extend((0..whole).rev().map(|at| (value >> (8 * at)) as u8));
        Some(())
    }
}

pub fn run_base64(args: Vec<Vec<u8>>) -> Outcome {
    base(args, &Alphabet { letters: BASE64, bits: 6, group: 3 })
}

pub fn run_base32(args: Vec<Vec<u8>>) -> Outcome {
    base(args, &Alphabet { letters: BASE32, bits: 5, group: 5 })
}

fn open(parsed: &Parsed) -> Result<Input, Failure> {
    if let Some(extra) = parsed.operands.get(1) {
        return Err(extra_operand(1, extra));
    }
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    Input::open(name).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(name))))
}

fn chunk(input: &mut Input) -> Result<&[u8], Failure> {
    input.chunk().map_err(|errno| failure(1, format!("read error: {errno}")))
}

fn base(args: Vec<Vec<u8>>, alphabet: &Alphabet) -> Outcome {
    let parsed = parse(args, &BASE)?;
    let wrap = match parsed.value("w") {
        Some(text) => parse_unsigned(text).ok_or_else(|| failure(1, format!("invalid wrap size: {}", quote(text))))?,
        None => 76,
    };
    let mut input = open(&parsed)?;
    if parsed.has("d") || parsed.has("D") {
        return decode(&mut input, alphabet, parsed.has("i"));
    }
    let mut out = Output::stdout();
    let wrap = usize::try_from(wrap).unwrap_or(0);
    let (mut held, mut column): (Vec<u8>, usize) = (Vec::new(), 0);
    loop {
        let more = chunk(&mut input)?;
        let last = more.is_empty();
        held.extend_from_slice(more);
        let whole = if last { held.len() } else { held.len() / alphabet.group * alphabet.group };
        let mut text = Vec::with_capacity(whole * 2);
        alphabet.encode(&held[..whole], &mut text);
        held.drain(..whole);
        put_wrapped(&text, wrap, &mut column, &mut out)?;
        if last {
            break;
        }
    }
    if column > 0 && wrap > 0 {
        out.byte(b'\n')?;
    }
    out.finish(0)
}

fn put_wrapped(text: &[u8], wrap: usize, column: &mut usize, out: &mut Output) -> Result<(), Failure> {
    if wrap == 0 {
        return out.put(text);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let take = rest.len().min(wrap - *column);
        out.put(&rest[..take])?;
        *column += take;
        rest = &rest[take..];
        if *column == wrap {
            out.byte(b'\n')?;
            *column = 0;
        }
    }
    Ok(())
}

fn decode(input: &mut Input, alphabet: &Alphabet, ignore: bool) -> Outcome {
    let characters = alphabet.group * 8 / alphabet.bits as usize;
    let mut out = Output::stdout();
    let mut held: Vec<u8> = Vec::new();
    loop {
        let more = chunk(input)?;
        let last = more.is_empty();
        let keep = |byte: &u8| *byte != b'\n' && (!ignore || *byte == b'=' || alphabet.letters.contains(byte));
        held.extend(more.iter().copied().filter(keep));
        let whole = if last { held.len() } else { held.len() / characters * characters };
        let mut bytes = Vec::new();
        for group in held[..whole].chunks(characters) {
            if alphabet.decode(group, &mut bytes).is_none() {
                valid_part(group, alphabet, &mut bytes);
                out.put(&bytes)?;
                out.flush()?;
                return Err(failure(1, "invalid input"));
            }
        }
        held.drain(..whole);
        out.put(&bytes)?;
        if last {
            return out.finish(0);
        }
    }
}

/// What a broken group still says before it breaks.
fn valid_part(group: &[u8], alphabet: &Alphabet, bytes: &mut Vec<u8>) {
    let valid = group.iter().take_while(|byte| alphabet.letters.contains(byte)).count();
    let whole = valid * alphabet.bits as usize / 8;
    let mut padded = group[..valid].to_vec();
    padded.resize(alphabet.group * 8 / alphabet.bits as usize, alphabet.letters[0]);
    let mut decoded = Vec::new();
    if alphabet.decode(&padded, &mut decoded).is_some() {
        bytes.extend_from_slice(&decoded[..whole.min(decoded.len())]);
    }
}

const XXD: Spec = Spec::new(
    "b c= e g= i l= o= p ps plain postscript r s= u cols= len= seek=",
    "Usage: xxd [OPTION]... [INFILE [OUTFILE]]
Prints bytes in hexadecimal, or turns that back into bytes.

  -b        in binary
  -c COLS   bytes a line (16)
  -g N      bytes a group (2)
  -i        as an array of C
  -l LEN    no more than LEN bytes
  -p        only the digits
  -r        back to bytes
  -s SEEK   begins at SEEK
  -u        capital letters
",
);

/// `-ps`, `-plain`, `-cols N`: long names with one dash.
fn xxd_words(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let long = |arg: &[u8]| [&b"-ps"[..], b"-plain", b"-postscript", b"-cols", b"-len", b"-seek"].contains(&arg);
    args.into_iter().map(|arg| if long(&arg) { [b"-", &arg[..]].concat() } else { arg }).collect()
}

fn number(parsed: &Parsed, names: &[&str], default: usize) -> Result<usize, Failure> {
    let Some(text) = names.iter().find_map(|name| parsed.value(name)) else { return Ok(default) };
    let number = match text.strip_prefix(b"0x") {
        Some(hex) => std::str::from_utf8(hex).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok()),
        None => parse_size(text),
    };
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| failure(1, format!("invalid number {}", quote(text))))
}

pub fn run_xxd(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(xxd_words(args), &XXD)?;
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    let mut input = Input::open(name).map_err(|errno| failure(2, format!("{}: {errno}", String::from_utf8_lossy(name))))?;
    let mut out = match parsed.operands.get(1) {
        Some(file) => {
            let how = tidepool_system::Open::write().create().truncate();
            Output::to(tidepool_system::open(file, how).map_err(|errno| failure(3, format!("{}: {errno}", quote_bare(file))))?)
        }
        None => Output::stdout(),
    };
    let plain = ["p", "ps", "plain", "postscript"].iter().any(|option| parsed.has(option));
    let binary = parsed.has("b");
    let columns = number(
        &parsed,
        &["c", "cols"],
        if plain {
            30
        } else if parsed.has("i") {
            12
        } else if binary {
            6
        } else {
            16
        },
    )?;
    let group = number(
        &parsed,
        &["g"],
        if binary {
            1
        } else if parsed.has("e") {
            4
        } else {
            2
        },
    )?;
    let bytes = input.all().map_err(|errno| failure(2, format!("{}: {errno}", String::from_utf8_lossy(name))))?;
    if parsed.has("r") {
        out.put(&if plain { from_plain(&bytes) } else { from_dump(&bytes) })?;
        return out.finish(0);
    }
    let begin = number(&parsed, &["s", "seek"], 0)?.min(bytes.len());
    let end = begin.saturating_add(number(&parsed, &["l", "len"], usize::MAX)?).min(bytes.len());
    let shown = &bytes[begin..end];
    let offset = begin + number(&parsed, &["o"], 0)?;
    let hex = |byte: u8| if parsed.has("u") { format!("{byte:02X}") } else { format!("{byte:02x}") };
    if plain {
        let columns = if columns == 0 { shown.len().max(1) } else { columns };
        for row in shown.chunks(columns) {
            out.text(row.iter().map(|&byte| hex(byte)).collect::<String>() + "\n")?;
        }
    } else if parsed.has("i") {
        out.text(c_array(name, shown, columns.max(1)))?;
    } else {
        let digits = |byte: u8| if binary { format!("{byte:08b}") } else { hex(byte) };
        let group = if group == 0 { columns } else { group };
        let each = if binary { 8 } else { 2 };
        let width = columns * each + columns.div_ceil(group.max(1)) - 1;
        for (index, row) in shown.chunks(columns.max(1)).enumerate() {
            let groups: Vec<String> = row
                .chunks(group.max(1))
                .map(|bytes| {
                    if parsed.has("e") {
                        bytes.iter().rev().map(|&byte| digits(byte)).collect()
                    } else {
                        bytes.iter().map(|&byte| digits(byte)).collect::<String>()
                    }
                })
                .collect();
            out.text(format!("{:08x}: {:width$}  ", offset + index * columns, groups.join(" ")))?;
            let text: Vec<u8> = row.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte } else { b'.' }).collect();
            out.put(&text)?;
            out.byte(b'\n')?;
        }
    }
    out.finish(0)
}

fn c_array(name: &[u8], bytes: &[u8], columns: usize) -> String {
    let variable: String = name.iter().map(|&byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '_' }).collect();
    let rows: Vec<String> = bytes
        .chunks(columns)
        .map(|row| format!("  {}", row.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(", ")))
        .collect();
    if name == b"-" {
        return rows.join(",\n") + "\n";
    }
    let variable = if variable.starts_with(|first: char| first.is_ascii_digit()) { format!("__{variable}") } else { variable };
    format!("unsigned char {variable}[] = {{\n{}\n}};\nunsigned int {variable}_len = {};\n", rows.join(",\n"), bytes.len())
}

fn from_plain(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text.iter().filter_map(|&byte| char::from(byte).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// `00000000: 6162 6364  abcd`: offsets and digits; the text behind two blanks does not count.
fn from_dump(text: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let offset = std::str::from_utf8(&line[..colon]).ok().and_then(|offset| usize::from_str_radix(offset.trim(), 16).ok());
        let Some(offset) = offset else { continue };
        let digits = line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..]);
        let end = digits.windows(2).position(|two| two == b"  ").unwrap_or(digits.len());
        let row = from_plain(&digits[..end]);
        if offset + row.len() > bytes.len() {
            bytes.resize(offset + row.len(), 0);
        }
        bytes[offset..offset + row.len()].copy_from_slice(&row);
    }
    bytes
}

const HEXDUMP: Spec = Spec::new(
    "b,one-byte-octal c,one-byte-char C,canonical d,two-bytes-decimal o,two-bytes-octal x,two-bytes-hex n,length= s,skip= v,no-squeezing",
    "Usage: hexdump [OPTION]... [FILE]...
Prints bytes.

  -b, -c         as octal numbers, as characters
  -C, --canonical   hexadecimal and characters
  -d, -o, -x     pairs as decimal, octal, hexadecimal numbers
  -n, --length=N    no more than N bytes
  -s, --skip=N      begins at N
  -v                lines that repeat, too
",
);

pub fn run_hd(args: Vec<Vec<u8>>) -> Outcome {
    hexdump(parse(args, &HEXDUMP)?, "C")
}

pub fn run_hexdump(args: Vec<Vec<u8>>) -> Outcome {
    hexdump(parse(args, &HEXDUMP)?, "")
}

fn hexdump(parsed: Parsed, default: &'static str) -> Outcome {
    let style = parsed.last_of(&["b", "c", "C", "d", "o", "x"]).unwrap_or(default);
    let mut bytes = Vec::new();
    let mut status = 0;
    for file in parsed.files() {
        match Input::open(&file).and_then(|mut input| input.all()) {
            Ok(more) => bytes.extend(more),
            Err(errno) => {
                crate::report::complain_of(&file, errno);
                status = 1;
            }
        }
    }
    let begin = number(&parsed, &["s"], 0)?.min(bytes.len());
    let end = begin.saturating_add(number(&parsed, &["n"], usize::MAX)?).min(bytes.len());
    let mut out = Output::stdout();
    let offset = |at: usize| if style == "C" { format!("{at:08x}") } else { format!("{at:07x}") };
    let mut previous: Option<&[u8]> = None;
    let mut squeezed = false;
    for (index, row) in bytes[begin..end].chunks(16).enumerate() {
        if previous == Some(row) && row.len() == 16 && !parsed.has("v") {
            if !std::mem::replace(&mut squeezed, true) {
                out.put(b"*\n")?;
            }
            continue;
        }
        (previous, squeezed) = (Some(row), false);
        out.text(format!("{}{}\n", offset(begin + index * 16), hexdump_row(row, style)))?;
    }
    if end > begin {
        out.text(offset(end) + "\n")?;
    }
    out.finish(status)
}

fn hexdump_row(row: &[u8], style: &str) -> String {
    let bytes = |show: &dyn Fn(u8) -> String| row.iter().map(|&byte| show(byte)).collect::<String>();
    let pairs = |show: &dyn Fn(u16) -> String, width: usize| {
        let text: String =
            row.chunks(2).map(|pair| show(u16::from(pair[0]) | u16::from(pair.get(1).copied().unwrap_or(0)) << 8)).collect();
        format!("{text:width$}")
    };
    match style {
        "C" => {
            let mut text = String::new();
            for at in 0..16 {
                text += if at == 8 { "  " } else { " " };
                text += &row.get(at).map_or("  ".to_owned(), |byte| format!("{byte:02x}"));
            }
            let shown: String =
                row.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }).collect();
            format!(" {text}  |{shown}|")
        }
        "b" => format!("{:64}", bytes(&|byte| format!(" {byte:03o}"))),
        "c" => format!("{:64}", bytes(&|byte| format!(" {:>3}", crate::octal::character(byte)))),
        "d" => pairs(&|pair| format!("   {pair:05}"), 64),
        "o" => pairs(&|pair| format!("  {pair:06o}"), 64),
        "x" => pairs(&|pair| format!("    {pair:04x}"), 64),
        _ => pairs(&|pair| format!(" {pair:04x}"), 40),
    }
}
