//! numfmt(1): numbers with and without units.

use crate::options::{Parsed, Spec, choose, parse};
use crate::report::{Failure, Outcome, complain, failure, quote};
use crate::stream::{Input, Output, trim};
use tidepool_system::Fd;

const SPEC: Spec = Spec::new(
    "d,delimiter= field= format= from= from-unit= grouping header=? invalid= padding= round= suffix= to= to-unit= z,zero-terminated debug",
    "Usage: numfmt [OPTION]... [NUMBER]...
Prints NUMBERs, or those of standard input, with other units.

  -d, --delimiter=X     between fields, instead of blanks
      --field=FIELDS    which fields (1): N, N-, N-M, -M, - for all
      --from=UNIT       none, si, iec, iec-i, auto
      --from-unit=N     what one stands for in the input
      --header[=N]      the first N lines (1) as they are
      --invalid=MODE    abort, fail, warn, ignore
      --padding=N       to N columns; negative: to the left
      --round=METHOD    up, down, from-zero, towards-zero, nearest
      --suffix=SUFFIX   behind numbers, and allowed behind those of the input
      --to=UNIT         none, si, iec, iec-i
      --to-unit=N       what one stands for in the output
      --format=FORMAT   printf's %f with width and precision
  -z, --zero-terminated lines end in NUL
",
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    None,
    Si,
    Iec,
    IecI,
    Auto,
}

struct Numfmt {
    from: Unit,
    to: Unit,
    from_unit: f64,
    to_unit: f64,
    round: &'static str,
    padding: Option<i64>,
    suffix: Vec<u8>,
    delimiter: Option<u8>,
    fields: Vec<(usize, usize)>,
    format: Option<Format>,
    invalid: &'static str,
    end: u8,
    status: i32,
}

struct Format {
    before: Vec<u8>,
    after: Vec<u8>,
    width: usize,
    left: bool,
    zero: bool,
    precision: Option<usize>,
}

const LETTERS: &str = "KMGTPEZY";

fn unit(parsed: &Parsed, option: &str, input: bool) -> Result<Unit, Failure> {
    let words: &[&'static str] = if input { &["none", "si", "iec", "iec-i", "auto"] } else { &["none", "si", "iec", "iec-i"] };
    let Some(word) = parsed.value(option) else { return Ok(Unit::None) };
    Ok(match choose(word, &format!("--{option}"), words, 1)? {
        "si" => Unit::Si,
        "iec" => Unit::Iec,
        "iec-i" => Unit::IecI,
        "auto" => Unit::Auto,
        _ => Unit::None,
    })
}

fn unit_size(parsed: &Parsed, option: &str) -> Result<f64, Failure> {
    let Some(text) = parsed.value(option) else { return Ok(1.0) };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number =
        if digits == 0 { Some(1.0) } else { std::str::from_utf8(&text[..digits]).ok().and_then(|text| text.parse::<f64>().ok()) };
    let factor = match &text[digits..] {
        [] => Some(1.0),
        [letter] => power(*letter).map(|power| 1000f64.powi(power)),
        [letter, b'i'] => power(*letter).map(|power| 1024f64.powi(power)),
        _ => None,
    };
    match (number, factor) {
        (Some(number), Some(factor)) if number > 0.0 => Ok(number * factor),
        _ => Err(failure(1, format!("invalid unit size: {}", quote(text)))),
    }
}

fn power(letter: u8) -> Option<i32> {
    let letter = if letter == b'k' { b'K' } else { letter };
    LETTERS.bytes().position(|known| known == letter).map(|at| at as i32 + 1)
}

fn fields(text: &[u8]) -> Result<Vec<(usize, usize)>, Failure> {
    let bad = || failure(1, format!("invalid field value {}", quote(text)));
    let number = |text: &[u8], missing: usize| match text {
        [] => Ok(missing),
        text => crate::number::parse_unsigned(text).filter(|&number| number > 0).map(|number| number as usize).ok_or_else(bad),
    };
    let range = |piece: &[u8]| match piece.iter().position(|&byte| byte == b'-') {
        Some(dash) => Ok((number(&piece[..dash], 1)?, number(&piece[dash + 1..], usize::MAX)?)),
        None if piece.is_empty() => Err(bad()),
        None => number(piece, 1).map(|number| (number, number)),
    };
    text.split(|&byte| byte == b',').map(range).collect()
}

fn format(text: &[u8]) -> Result<Format, Failure> {
    let bad = |what: &str| failure(1, format!("format {} {what}", quote(text)));
    let percent = text.iter().position(|&byte| byte == b'%').ok_or_else(|| bad("has no % directive"))?;
    let mut at = percent + 1;
    let (mut left, mut zero) = (false, false);
    while let Some(flag) = text.get(at).filter(|flag| b"-0' ".contains(flag)) {
        left |= *flag == b'-';
        zero |= *flag == b'0';
        at += 1;
    }
    let number = |at: &mut usize| {
        let digits = text[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = crate::number::parse_unsigned(&text[*at..*at + digits]).unwrap_or(0) as usize;
        *at += digits;
        number
    };
    let width = number(&mut at);
    let mut precision = None;
    if text.get(at) == Some(&b'.') {
        at += 1;
        precision = Some(number(&mut at));
    }
    if text.get(at) != Some(&b'f') {
        return Err(failure(1, format!("invalid format {}, directive must be %[0]['][-][N][.][N]f", quote(text))));
    }
    let after = text[at + 1..].to_vec();
    if after.contains(&b'%') {
        return Err(bad("has too many % directives"));
    }
    Ok(Format { before: text[..percent].to_vec(), after, width, left, zero, precision })
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let round_words = ["up", "down", "from-zero", "towards-zero", "nearest"];
    let invalid_words = ["abort", "fail", "warn", "ignore"];
    let padding = match parsed.value("padding") {
        Some(text) => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()).filter(|&number| number != 0);
            Some(number.ok_or_else(|| failure(1, format!("invalid padding value {}", quote(text))))?)
        }
        None => None,
    };
    let mut numfmt = Numfmt {
        from: unit(&parsed, "from", true)?,
        to: unit(&parsed, "to", false)?,
        from_unit: unit_size(&parsed, "from-unit")?,
        to_unit: unit_size(&parsed, "to-unit")?,
        round: parsed.value("round").map_or(Ok("from-zero"), |word| choose(word, "--round", &round_words, 1))?,
        padding,
        suffix: parsed.value("suffix").unwrap_or_default().to_vec(),
        delimiter: match parsed.value("d") {
            Some([byte]) => Some(*byte),
            Some(_) => return Err(failure(1, "the delimiter must be a single character")),
            None => None,
        },
        fields: fields(parsed.value("field").unwrap_or(b"1"))?,
        format: parsed.value("format").map(format).transpose()?,
        invalid: parsed.value("invalid").map_or(Ok("abort"), |word| choose(word, "--invalid", &invalid_words, 1))?,
        end: if parsed.has("z") { 0 } else { b'\n' },
        status: 0,
    };
    let mut out = Output::stdout();
    if !parsed.operands.is_empty() {
        for operand in &parsed.operands {
            numfmt.line(operand, &mut out)?;
        }
        return out.finish(numfmt.status);
    }
    let mut header = match (parsed.has("header"), parsed.value("header")) {
        (true, Some(text)) => {
            crate::number::parse_unsigned(text).ok_or_else(|| failure(1, format!("invalid header value {}", quote(text))))?
        }
        (true, None) => 1,
        _ => 0,
    };
    let mut input = Input::from(Fd::STDIN);
    while let Some(line) = input.line(numfmt.end).map_err(|errno| failure(1, format!("error reading input: {errno}")))? {
        let line = trim(line, numfmt.end).to_vec();
        if header > 0 {
            header -= 1;
            out.put(&line)?;
            out.byte(numfmt.end)?;
        } else {
            numfmt.line(&line, &mut out)?;
        }
    }
    out.finish(numfmt.status)
}

impl Numfmt {
    fn line(&mut self, line: &[u8], out: &mut Output) -> Result<(), Failure> {
        let mut result: Vec<u8> = Vec::new();
        for (index, (blanks, field)) in split(line, self.delimiter).into_iter().enumerate() {
            if let (Some(delimiter), true) = (self.delimiter, index > 0) {
                result.push(delimiter);
            }
            let chosen = self.fields.iter().any(|&(first, last)| (first..=last).contains(&(index + 1)));
            // What ended the field before is printed as a blank.
            let first_blank = if index > 0 && !blanks.is_empty() { b" " } else { &blanks[..blanks.len().min(1)] };
            let blanks = &[first_blank, blanks.get(1..).unwrap_or_default()].concat()[..];
            if !chosen {
                result.extend_from_slice(blanks);
                result.extend_from_slice(field);
                continue;
            }
            match self.convert(field) {
                Ok(text) => {
                    // A field keeps the room it had.
                    let room =
                        if self.padding.is_none() && !blanks.is_empty() && index > 0 { blanks.len() + field.len() } else { 0 };
                    let missing = room.saturating_sub(text.len());
                    let missing = if room > 0 { missing.max(1) } else { blanks.len() };
                    result.extend(std::iter::repeat_n(b' ', missing));
                    result.extend_from_slice(&text);
                }
                Err(reason) => {
                    match self.invalid {
                        "abort" => {
                            out.flush()?;
                            return Err(failure(2, reason));
                        }
                        "ignore" => {}
                        mode => {
                            out.flush()?;
                            complain(reason);
                            self.status = if mode == "fail" { 2 } else { self.status };
                        }
                    }
                    result.extend_from_slice(blanks);
                    result.extend_from_slice(field);
                }
            }
        }
        out.put(&result)?;
        out.byte(self.end)
    }

    fn convert(&self, field: &[u8]) -> Result<Vec<u8>, String> {
        let (value, places) = self.read(field)?;
        let value = value * self.from_unit / self.to_unit;
        let places = match self.format.as_ref().and_then(|format| format.precision) {
            Some(precision) => Some(precision),
            None if self.to_unit != 1.0 => Some(0),
            None => places,
        };
        let mut text = match self.to {
            Unit::None => self.plain(value, places),
            unit => self.scaled(value, unit),
        };
        text.push_str(&String::from_utf8_lossy(&self.suffix));
        let mut text = text.into_bytes();
        if let Some(format) = &self.format {
            let missing = format.width.saturating_sub(text.len());
            let fill = vec![if format.zero && !format.left { b'0' } else { b' ' }; missing];
            text = if format.left { [text, fill].concat() } else { [fill, text].concat() };
            text = [&format.before[..], &text, &format.after].concat();
        }
        if let Some(padding) = self.padding {
            let fill = vec![b' '; (padding.unsigned_abs() as usize).saturating_sub(text.len())];
            text = if padding < 0 { [text, fill].concat() } else { [fill, text].concat() };
        }
        Ok(text)
    }

    /// The number, and its decimal places when it has no unit.
    fn read(&self, field: &[u8]) -> Result<(f64, Option<usize>), String> {
        let body = if self.suffix.is_empty() { field } else { field.strip_suffix(self.suffix.as_slice()).unwrap_or(field) };
        let sign = usize::from(body.first() == Some(&b'-'));
        let length = body[sign..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count() + sign;
        let number = std::str::from_utf8(&body[..length]).ok().and_then(|text| text.parse::<f64>().ok());
        let number = number.ok_or_else(|| format!("invalid number: {}", quote(field)))?;
        let rest = &body[length..];
        let places = body[..length].iter().position(|&byte| byte == b'.').map_or(0, |point| length - point - 1);
        let invalid = || format!("invalid suffix in input: {}", quote(field));
        let factor = match (rest, self.from) {
            ([], _) => return Ok((number, Some(places))),
            ([letter, ..], Unit::None) if power(*letter).is_some() => {
                return Err(format!("rejecting suffix in input: {} (consider using --from)", quote(field)));
            }
            ([letter], Unit::Si | Unit::Auto) => 1000f64.powi(power(*letter).ok_or_else(invalid)?),
            ([letter], Unit::Iec) | ([letter, b'i'], Unit::IecI | Unit::Auto) => 1024f64.powi(power(*letter).ok_or_else(invalid)?),
            ([letter], Unit::IecI) if power(*letter).is_some() => {
                return Err(format!("missing 'i' suffix in input: {} (e.g Ki/Mi/Gi)", quote(field)));
            }
            _ => return Err(invalid()),
        };
        Ok((number * factor, None))
    }

    fn rounded(&self, value: f64) -> f64 {
        match self.round {
            "up" => value.ceil(),
            "down" => value.floor(),
            "towards-zero" => value.trunc(),
            "nearest" => value.round(),
            _ => {
                if value < 0.0 {
                    value.floor()
                } else {
                    value.ceil()
                }
            }
        }
    }

    fn plain(&self, value: f64, places: Option<usize>) -> String {
        let places = places.unwrap_or(0);
        let factor = 10f64.powi(places as i32);
        format!("{:.places$}", self.rounded(value * factor) / factor)
    }

    /// One decimal below ten, none from there on; a precision of --format holds always.
    fn scaled(&self, value: f64, unit: Unit) -> String {
        let base: f64 = if unit == Unit::Si { 1000.0 } else { 1024.0 };
        let precision = self.format.as_ref().and_then(|format| format.precision);
        let (mut number, mut power) = (value, 0usize);
        while number.abs() >= base && power < LETTERS.len() {
            number /= base;
            power += 1;
        }
        let places = |number: f64, power: usize| precision.unwrap_or(usize::from(power > 0 && number.abs() < 10.0));
        let round = |number: f64, places: usize| {
            let factor = 10f64.powi(places as i32);
            self.rounded(number * factor) / factor
        };
        let mut shown = round(number, places(number, power));
        if shown.abs() >= base && power < LETTERS.len() {
            shown /= base;
            power += 1;
        }
        let decimals = places(shown, power);
        let letter = if power == 0 { "" } else { &LETTERS[power - 1..power] };
        let i = if power > 0 && unit == Unit::IecI { "i" } else { "" };
        format!("{shown:.decimals$}{letter}{i}")
    }
}

/// Fields with the blanks before them.
fn split(line: &[u8], delimiter: Option<u8>) -> Vec<(&[u8], &[u8])> {
    if let Some(delimiter) = delimiter {
        return line.split(|&byte| byte == delimiter).map(|field| (&b""[..], field)).collect();
    }
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let word = rest[blanks..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
        fields.push((&rest[..blanks], &rest[blanks..blanks + word]));
        rest = &rest[blanks + word..];
    }
    if fields.is_empty() {
        fields.push((&b""[..], &b""[..]));
    }
    fields
}
