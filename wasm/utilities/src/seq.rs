//! seq(1): numbers from FIRST to LAST. Decimal operands are computed exactly, as scaled integers.

use crate::float;
use crate::options::{Spec, extra_operand, missing_operand, parse};
use crate::report::{Failure, Outcome, misuse, quote};
use crate::stream::Output;

const SPEC: Spec = Spec::new(
    "f,format= s,separator= w,equal-width",
    "Usage: seq [OPTION]... LAST
  or:  seq [OPTION]... FIRST LAST
  or:  seq [OPTION]... FIRST INCREMENT LAST
Prints the numbers from FIRST (1) to LAST in steps of INCREMENT (1).

  -f, --format=FORMAT      printf's %e, %f or %g for each number
  -s, --separator=STRING   between numbers, instead of a line feed
  -w, --equal-width        leading zeros, so that all have one width
",
)
.stop_at_operand();

/// `-5` is a number, not an option: options end before the first number.
fn separate(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let number = |arg: &Vec<u8>| arg.len() > 1 && arg[0] == b'-' && (arg[1].is_ascii_digit() || arg[1] == b'.');
    let mut separated = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if number(&arg) {
            separated.push(b"--".to_vec());
            separated.push(arg);
            separated.extend(args);
            return separated;
        }
        if arg == b"--" || !arg.starts_with(b"-") {
            separated.push(arg);
            separated.extend(args);
            return separated;
        }
        let takes_value = arg == b"-f" || arg == b"-s" || arg == b"--format" || arg == b"--separator";
        separated.push(arg);
        if takes_value {
            separated.extend(args.next());
        }
    }
    separated
}

/// A decimal number: `digits` without its point, and how many of them stand behind it.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    scale: u32,
    /// Characters before the point, with the sign.
    width: usize,
}

fn decimal(text: &[u8]) -> Option<Decimal> {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (integer, fraction) = match unsigned.iter().position(|&byte| byte == b'.') {
        Some(point) => (&unsigned[..point], &unsigned[point + 1..]),
        None => (unsigned, &b""[..]),
    };
    let all = [integer, fraction].concat();
    if all.is_empty() || all.len() > 30 || !all.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude: i128 = std::str::from_utf8(&all).ok()?.parse().ok()?;
    let negative = text.first() == Some(&b'-');
    let width = integer.len().max(1) + usize::from(negative);
    Some(Decimal { digits: if negative { -magnitude } else { magnitude }, scale: fraction.len() as u32, width })
}

fn rescale(decimal: Decimal, scale: u32) -> Option<i128> {
    decimal.digits.checked_mul(10i128.checked_pow(scale - decimal.scale)?)
}

fn show(value: i128, scale: u32, width: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0least$}", value.unsigned_abs(), least = scale as usize + 1);
    let (integer, fraction) = digits.split_at(digits.len() - scale as usize);
    let point = if scale > 0 { format!(".{fraction}") } else { String::new() };
    let integer_width = width.saturating_sub(sign.len() + point.len());
    format!("{sign}{integer:0>integer_width$}{point}")
}

fn invalid(text: &[u8]) -> Failure {
    misuse(1, format!("invalid floating point argument: {}", quote(text)))
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(separate(args), &SPEC)?;
    let (first, step, last) = match parsed.operands.as_slice() {
        [] => return Err(missing_operand(1)),
        [last] => (&b"1"[..], &b"1"[..], last.as_slice()),
        [first, last] => (first.as_slice(), &b"1"[..], last.as_slice()),
        [first, step, last] => (first.as_slice(), step.as_slice(), last.as_slice()),
        [_, _, _, extra, ..] => return Err(extra_operand(1, extra)),
    };
    for text in [first, step, last] {
        let read = float::prefix(text).filter(|(_, length)| *length == text.len());
        let (value, _) = read.ok_or_else(|| invalid(text))?;
        if value.is_nan() {
            return Err(misuse(1, format!("invalid {} argument: {}", quote(b"not-a-number"), quote(text))));
        }
        if value == 0.0 && std::ptr::eq(text, step) {
            return Err(misuse(1, format!("invalid Zero increment value: {}", quote(step))));
        }
    }
    if parsed.has("f") && parsed.has("w") {
        return Err(misuse(1, "format string may not be specified when printing equal width strings"));
    }
    let separator = parsed.value("s").unwrap_or(b"\n");
    if let Some(format) = parsed.value("f") {
        return floats(first, step, last, separator, |value| crate::printf::float(format, value));
    }
    match (decimal(first), decimal(step), decimal(last)) {
        (Some(from), Some(by), Some(to)) => decimals(from, by, to, separator, parsed.has("w")),
        _ => floats(first, step, last, separator, |value| Ok(crate::printf::general(value).into_bytes())),
    }
}

fn decimals(from: Decimal, by: Decimal, to: Decimal, separator: &[u8], equal_width: bool) -> Outcome {
    let scale = from.scale.max(by.scale);
    let common = scale.max(to.scale);
    let too_large = || misuse(1, "numbers too large");
    let start = rescale(from, common).ok_or_else(too_large)?;
    let step = rescale(by, common).ok_or_else(too_large)?;
    let end = rescale(to, common).ok_or_else(too_large)?;
    let divisor = 10i128.pow(common - scale);
    let fraction = if scale > 0 { scale as usize + 1 } else { 0 };
    let width = if equal_width { from.width.max(to.width) + fraction } else { 0 };
    let mut out = Output::stdout();
    let (mut value, mut any) = (start, false);
    while if step > 0 { value <= end } else { value >= end } {
        if any {
            out.put(separator)?;
        }
        any = true;
        if scale == 0 && width == 0 {
            out.text((value / divisor).to_string())?
        } else {
            out.text(show(value / divisor, scale, width))?
        }
        value += step;
    }
    if any {
        out.byte(b'\n')?;
    }
    out.finish(0)
}

fn floats(first: &[u8], step: &[u8], last: &[u8], separator: &[u8], show: impl Fn(f64) -> Result<Vec<u8>, Failure>) -> Outcome {
    let value = |text: &[u8]| float::prefix(text).map_or(0.0, |(value, _)| value);
    let (first, step, last) = (value(first), value(step), value(last));
    let mut out = Output::stdout();
    let mut index = 0.0;
    loop {
        let value = first + index * step;
        // A step that misses the end by rounding only counts as reaching it.
        let slack = step.abs() * 1e-9;
        if (step > 0.0 && value > last + slack) || (step < 0.0 && value < last - slack) {
            break;
        }
        if index > 0.0 {
            out.put(separator)?;
        }
        out.put(&show(value)?)?;
        index += 1.0;
    }
    if index > 0.0 {
        out.byte(b'\n')?;
    }
    out.finish(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_places() {
        assert_eq!(show(-5, 1, 0), "-0.5");
        assert_eq!(show(105, 1, 6), "0010.5");
        assert_eq!(show(7, 0, 3), "007");
    }
}
