//! printf(1): C's formats over words, again and again while there are words left. The formats of seq -f are the same.

use crate::float;
use crate::options::missing_operand;
use crate::report::{Failure, Outcome, complain, failure, quote, quote_bare};
use crate::stream::Output;

#[derive(Clone, Default)]
struct Directive {
    minus: bool,
    plus: bool,
    space: bool,
    hash: bool,
    zero: bool,
    width: Option<i64>,
    precision: Option<i64>,
    conversion: u8,
}

enum Number {
    Absent,
    Given(i64),
    /// `*`: the next word.
    Word,
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let args = match args.first().map(Vec::as_slice) {
        Some(b"--") => args[1..].to_vec(),
        Some(b"--help") if args.len() == 1 => {
            let mut out = Output::stdout();
            out.text("Usage: printf FORMAT [ARGUMENT]...\nPrints ARGUMENTs by FORMAT, as C's printf; also %b (text with escapes) and %q (quoted for a shell).\n")?;
            return out.finish(0);
        }
        _ => args,
    };
    let Some((format, words)) = args.split_first() else { return Err(missing_operand(1)) };
    let mut printer = Printer { out: Output::stdout(), words, used: 0, status: 0 };
    loop {
        let before = printer.used;
        if printer.once(format)? || printer.used >= words.len() {
            break;
        }
        if printer.used == before {
            complain(format!("warning: ignoring excess arguments, starting with {}", quote(&words[before])));
            break;
        }
    }
    printer.out.finish(printer.status)
}

struct Printer<'a> {
    out: Output,
    words: &'a [Vec<u8>],
    used: usize,
    status: i32,
}

impl Printer<'_> {
    /// The format once over; true when `\c` ended the output.
    fn once(&mut self, format: &[u8]) -> Result<bool, Failure> {
        let mut at = 0;
        while at < format.len() {
            match format[at] {
                b'\\' => {
                    let mut bytes = Vec::new();
                    if unescape(format, &mut at, false, &mut bytes) {
                        return Ok(true);
                    }
                    self.out.put(&bytes)?;
                }
                b'%' if format.get(at + 1) == Some(&b'%') => {
                    self.out.byte(b'%')?;
                    at += 2;
                }
                b'%' => {
                    let begin = at;
                    let directive = self.directive(format, &mut at)?;
                    if self.convert(&directive, &format[begin..at])? {
                        return Ok(true);
                    }
                }
                byte => {
                    self.out.byte(byte)?;
                    at += 1;
                }
            }
        }
        Ok(false)
    }

    fn directive(&mut self, format: &[u8], at: &mut usize) -> Result<Directive, Failure> {
        let begin = *at;
        let (mut directive, width, precision) = parse_directive(format, at);
        let invalid = |at: usize| {
            failure(
                1,
                format!("{}: invalid conversion specification", String::from_utf8_lossy(&format[begin..at.min(format.len())])),
            )
        };
        let textual = b"csbq".contains(&directive.conversion);
        if !b"diouxXfFeEgGaAcsbq".contains(&directive.conversion) || (textual && (directive.zero || directive.hash)) {
            return Err(invalid(*at));
        }
        directive.width = self.number(width)?;
        if directive.width.is_some_and(|width| width < 0) {
            directive.minus = true;
        }
        directive.precision = self.number(precision)?.filter(|&precision| precision >= 0);
        Ok(directive)
    }

    fn number(&mut self, number: Number) -> Result<Option<i64>, Failure> {
        Ok(match number {
            Number::Absent => None,
            Number::Given(number) => Some(number),
            Number::Word => Some(self.word().map_or(0, |word| self.integer(&word) as i64)),
        })
    }

    fn word(&mut self) -> Option<Vec<u8>> {
        let word = self.words.get(self.used).cloned();
        self.used += 1;
        word
    }

    fn convert(&mut self, directive: &Directive, text: &[u8]) -> Result<bool, Failure> {
        let word = self.word();
        let given = word.clone().unwrap_or_default();
        match directive.conversion {
            b's' => self.out.put(&padded(&cut(&given, directive.precision), directive, false))?,
            b'c' => self.out.put(&padded(&given[..given.len().min(1)], directive, false))?,
            b'q' => self.out.put(&padded(quote_bare(&given).as_bytes(), directive, false))?,
            b'b' => {
                let (bytes, stop) = escapes(&given);
                self.out.put(&padded(&cut(&bytes, directive.precision), directive, false))?;
                return Ok(stop);
            }
            b'd' | b'i' => {
                let value = word.map_or(0, |word| self.integer(&word));
                self.out.put(&integer(directive, value))?;
            }
            b'o' | b'u' | b'x' | b'X' => {
                let value = word.map_or(0, |word| self.integer(&word));
                self.out.put(&unsigned(directive, value as u64))?;
            }
            b'a' | b'A' => return Err(failure(1, format!("{}: invalid conversion specification", String::from_utf8_lossy(text)))),
            _ => {
                let value = word.map_or(0.0, |word| self.floating(&word));
                self.out.put(&floating(directive, value))?;
            }
        }
        Ok(false)
    }

    fn complain_of(&mut self, word: &[u8], used: usize) {
        let what = if used == 0 { "expected a numeric value" } else { "value not completely converted" };
        complain(format!("{}: {what}", quote(word)));
        self.status = 1;
    }

    /// `'A` is the character's number; otherwise as strtol with base 0.
    fn integer(&mut self, word: &[u8]) -> i128 {
        if let Some(value) = character(word) {
            return i128::from(value);
        }
        let (value, used) = integer_prefix(word);
        if used < word.len() || used == 0 {
            self.complain_of(word, used);
        }
        let (least, most) = (i128::from(i64::MIN), i128::from(u64::MAX));
        if value < least || value > most {
            complain(format!("{}: Numerical result out of range", quote(word)));
            self.status = 1;
        }
        value.clamp(least, most)
    }

    fn floating(&mut self, word: &[u8]) -> f64 {
        if let Some(value) = character(word) {
            return f64::from(value);
        }
        let (value, used) = float::prefix(word.trim_ascii_start()).unwrap_or((0.0, 0));
        let used = if used == 0 { 0 } else { used + word.len() - word.trim_ascii_start().len() };
        if used < word.len() || used == 0 {
            self.complain_of(word, used);
        }
        value
    }
}

fn character(word: &[u8]) -> Option<u32> {
    let rest = word.strip_prefix(b"'").or_else(|| word.strip_prefix(b"\""))?;
    let text = rest.utf8_chunks().next();
    let first = text.and_then(|chunk| chunk.valid().chars().next()).map(|character| character as u32);
    first.or_else(|| rest.first().map(|&byte| u32::from(byte)))
}

fn integer_prefix(word: &[u8]) -> (i128, usize) {
    let blanks = word.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let sign = usize::from(matches!(word.get(blanks), Some(b'+' | b'-')));
    let negative = word.get(blanks) == Some(&b'-');
    let digits = &word[blanks + sign..];
    let (radix, skipped) = match digits {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => (16, 2),
        [b'0', ..] => (8, 0),
        _ => (10, 0),
    };
    let count = digits[skipped..].iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    if count == 0 {
        return (0, 0);
    }
    let step =
        |sum: i128, byte: &u8| (sum * i128::from(radix) + i128::from(char::from(*byte).to_digit(radix).unwrap_or(0))).min(1 << 100);
    let magnitude = digits[skipped..skipped + count].iter().fold(0, step);
    (if negative { -magnitude } else { magnitude }, blanks + sign + skipped + count)
}

/// Reads `%…conversion`; `at` is behind it afterwards. Length modifiers are skipped.
fn parse_directive(format: &[u8], at: &mut usize) -> (Directive, Number, Number) {
    let mut directive = Directive::default();
    *at += 1;
    while let Some(flag) = format.get(*at) {
        match flag {
            b'-' => directive.minus = true,
            b'+' => directive.plus = true,
            b' ' => directive.space = true,
            b'#' => directive.hash = true,
            b'0' => directive.zero = true,
            b'\'' => {}
            _ => break,
        }
        *at += 1;
    }
    let width = parse_number(format, at);
    let mut precision = Number::Absent;
    if format.get(*at) == Some(&b'.') {
        *at += 1;
        precision = match parse_number(format, at) {
            Number::Absent => Number::Given(0),
            number => number,
        };
    }
    while matches!(format.get(*at), Some(b'l' | b'L' | b'h' | b'j' | b'z' | b't')) {
        *at += 1;
    }
    directive.conversion = format.get(*at).copied().unwrap_or(0);
    *at += 1;
    *at = (*at).min(format.len());
    (directive, width, precision)
}

fn parse_number(format: &[u8], at: &mut usize) -> Number {
    if format.get(*at) == Some(&b'*') {
        *at += 1;
        return Number::Word;
    }
    let digits = format[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return Number::Absent;
    }
    let number = format[*at..*at + digits].iter().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1 << 30));
    *at += digits;
    Number::Given(number)
}

/// One escape at `at`; true for `\c`. In %b octal digits follow a 0.
pub fn unescape(text: &[u8], at: &mut usize, leading_zero: bool, bytes: &mut Vec<u8>) -> bool {
    let Some(&letter) = text.get(*at + 1) else {
        bytes.push(b'\\');
        *at += 1;
        return false;
    };
    *at += 2;
    match letter {
        b'a' => bytes.push(7),
        b'b' => bytes.push(8),
        b'c' => return true,
        b'e' => bytes.push(27),
        b'f' => bytes.push(12),
        b'n' => bytes.push(b'\n'),
        b'r' => bytes.push(b'\r'),
        b't' => bytes.push(b'\t'),
        b'v' => bytes.push(11),
        b'\\' => bytes.push(b'\\'),
        b'"' if !leading_zero => bytes.push(b'"'),
        b'x' => match digits(text, at, 16, 2) {
            Some(value) => bytes.push(value as u8),
            None => bytes.extend_from_slice(b"\\x"),
        },
        b'u' | b'U' => {
            let value = digits(text, at, 16, if letter == b'u' { 4 } else { 8 }).and_then(char::from_u32);
            match value {
                Some(character) => bytes.extend_from_slice(character.to_string().as_bytes()),
                None => bytes.extend_from_slice(&[b'\\', letter]),
            }
        }
        b'0'..=b'7' => {
            *at -= usize::from(!(leading_zero && letter == b'0'));
            bytes.push(digits(text, at, 8, 3).unwrap_or(0) as u8);
        }
        other => bytes.extend_from_slice(&[b'\\', other]),
    }
    false
}

fn digits(text: &[u8], at: &mut usize, radix: u32, most: usize) -> Option<u32> {
    let count = text[*at..].iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let digits = &text[*at..*at + count];
    *at += count;
    (count > 0)
        .then(|| digits.iter().fold(0, |sum: u32, byte| sum.wrapping_mul(radix) + char::from(*byte).to_digit(radix).unwrap_or(0)))
}

/// A word with its escapes read, and whether `\c` ended it.
pub fn escapes(word: &[u8]) -> (Vec<u8>, bool) {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < word.len() {
        if word[at] != b'\\' {
            bytes.push(word[at]);
            at += 1;
        } else if unescape(word, &mut at, true, &mut bytes) {
            return (bytes, true);
        }
    }
    (bytes, false)
}

fn cut(text: &[u8], precision: Option<i64>) -> Vec<u8> {
    let most = precision.map_or(usize::MAX, |precision| precision as usize);
    text[..text.len().min(most)].to_vec()
}

fn padded(text: &[u8], directive: &Directive, numeric: bool) -> Vec<u8> {
    let width = directive.width.unwrap_or(0).unsigned_abs() as usize;
    let missing = width.saturating_sub(text.len());
    let mut result = Vec::with_capacity(text.len() + missing);
    if directive.minus {
        result.extend_from_slice(text);
        result.extend(std::iter::repeat_n(b' ', missing));
    } else if numeric && directive.zero {
        let sign = usize::from(matches!(text.first(), Some(b'-' | b'+' | b' ')));
        let prefix = if text[sign..].starts_with(b"0x") || text[sign..].starts_with(b"0X") { sign + 2 } else { sign };
        result.extend_from_slice(&text[..prefix]);
        result.extend(std::iter::repeat_n(b'0', missing));
        result.extend_from_slice(&text[prefix..]);
    } else {
        result.extend(std::iter::repeat_n(b' ', missing));
        result.extend_from_slice(text);
    }
    result
}

fn sign(directive: &Directive, negative: bool) -> &'static str {
    match (negative, directive.plus, directive.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

fn with_precision(digits: String, directive: &Directive) -> String {
    match directive.precision {
        Some(0) if digits == "0" => String::new(),
        Some(precision) => format!("{digits:0>least$}", least = precision as usize),
        None => digits,
    }
}

fn integer(directive: &Directive, value: i128) -> Vec<u8> {
    // A number beyond i64 wraps, as the cast of C does.
    let value = if value > i128::from(i64::MAX) { i64::MAX } else { value as i64 };
    let digits = with_precision(value.unsigned_abs().to_string(), directive);
    let text = format!("{}{digits}", sign(directive, value < 0));
    padded(text.as_bytes(), directive, directive.precision.is_none())
}

fn unsigned(directive: &Directive, value: u64) -> Vec<u8> {
    let digits = match directive.conversion {
        b'o' => format!("{value:o}"),
        b'x' => format!("{value:x}"),
        b'X' => format!("{value:X}"),
        _ => value.to_string(),
    };
    let digits = with_precision(digits, directive);
    let prefix = match directive.conversion {
        b'o' if directive.hash && !digits.starts_with('0') => "0",
        b'x' if directive.hash && value != 0 => "0x",
        b'X' if directive.hash && value != 0 => "0X",
        _ => "",
    };
    padded(format!("{prefix}{digits}").as_bytes(), directive, directive.precision.is_none())
}

fn floating(directive: &Directive, value: f64) -> Vec<u8> {
    let upper = directive.conversion.is_ascii_uppercase();
    let magnitude = value.abs();
    let text = if !magnitude.is_finite() {
        if magnitude.is_nan() { "nan".to_owned() } else { "inf".to_owned() }
    } else {
        let precision = directive.precision.map_or(6, |precision| precision as usize);
        match directive.conversion.to_ascii_lowercase() {
            b'f' => fixed(magnitude, precision, directive.hash),
            b'e' => exponential(magnitude, precision, directive.hash),
            _ => shortest(magnitude, precision, directive.hash),
        }
    };
    let text = if upper { text.to_ascii_uppercase() } else { text };
    let text = format!("{}{text}", sign(directive, value.is_sign_negative() && !value.is_nan()));
    padded(text.as_bytes(), directive, magnitude.is_finite())
}

fn fixed(value: f64, precision: usize, hash: bool) -> String {
    let point = if hash && precision == 0 { "." } else { "" };
    format!("{value:.precision$}{point}")
}

/// Rust's `1.5e3` as C's `1.5e+03`.
fn exponential(value: f64, precision: usize, hash: bool) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    let point = if hash && precision == 0 { "." } else { "" };
    format!("{mantissa}{point}e{sign}{digits:0>2}")
}

/// `%g`.
fn shortest(value: f64, precision: usize, hash: bool) -> String {
    let precision = precision.max(1);
    let rounded = format!("{value:.least$e}", least = precision - 1);
    let exponent: i64 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let text = if exponent < -4 || exponent >= precision as i64 {
        exponential(value, precision - 1, hash)
    } else {
        fixed(value, (precision as i64 - 1 - exponent).max(0) as usize, hash)
    };
    if hash { text } else { without_zeros(&text) }
}

fn without_zeros(text: &str) -> String {
    let (mantissa, exponent) = match text.find('e') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    if !mantissa.contains('.') {
        return text.to_owned();
    }
    format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

/// `%g` of a number.
pub fn general(value: f64) -> String {
    let directive = Directive { conversion: b'g', ..Directive::default() };
    String::from_utf8_lossy(&floating(&directive, value)).into_owned()
}

/// One number by a format with exactly one floating point directive (seq -f).
pub fn float(format: &[u8], value: f64) -> Result<Vec<u8>, Failure> {
    let (mut result, mut at, mut seen) = (Vec::new(), 0, 0);
    while at < format.len() {
        if format[at] != b'%' {
            result.push(format[at]);
            at += 1;
        } else if format.get(at + 1) == Some(&b'%') {
            result.push(b'%');
            at += 2;
        } else {
            let (mut directive, width, precision) = parse_directive(format, &mut at);
            seen += 1;
            if !b"eEfFgG".contains(&directive.conversion) {
                let shown = char::from(directive.conversion);
                return Err(failure(1, format!("format {} has unknown %{shown} directive", quote(format))));
            }
            if let Number::Given(width) = width {
                directive.width = Some(width);
            }
            if let Number::Given(precision) = precision {
                directive.precision = Some(precision);
            }
            result.extend(floating(&directive, value));
        }
    }
    match seen {
        1 => Ok(result),
        0 => Err(failure(1, format!("format {} has no % directive", quote(format)))),
        _ => Err(failure(1, format!("format {} has too many % directives", quote(format)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_numbers_are_those_of_c() {
        for (value, text) in [(0.1, "0.1"), (1e6, "1e+06"), (100000.0, "100000"), (1.0e-5, "1e-05"), (2.5, "2.5"), (0.0, "0")] {
            assert_eq!(general(value), text);
        }
    }
}
