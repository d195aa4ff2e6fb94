//! Numbers as text, as jq 1.6 writes them: the shortest digits that read back as the same double, positional from 1e-4 up
//! to 15 zeros, else with an exponent of at least two digits.

use std::fmt::Write;

pub fn push_number(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("null");
    }
    let number = number.clamp(-f64::MAX, f64::MAX);
    if number.fract() == 0.0 && number.abs() < 1e15 && !(number == 0.0 && number.is_sign_negative()) {
        let _ = write!(out, "{}", number as i64);
        return;
    }
    if number.is_sign_negative() {
        out.push('-');
    }
    let scientific = format!("{:e}", number.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    push_digits(out, &digits, exponent + 1);
}

/// Writes 0.DIGITS times ten to the power of `point`.
fn push_digits(out: &mut String, digits: &str, point: i32) {
    let count = digits.len() as i32;
    if digits == "0" {
        out.push('0');
    } else if point <= -4 || point > count + 15 {
        out.push_str(&digits[..1]);
        if count > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        let exponent = point - 1;
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    } else if point <= 0 {
        out.push_str("0.");
        out.extend((point..0).map(|_| '0'));
        out.push_str(digits);
    } else if point >= count {
        out.push_str(digits);
        out.extend((count..point).map(|_| '0'));
    } else {
        let (whole, part) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(part);
    }
}

/// The double a text stands for, as `strtod` reads it; too large ones are infinite.
pub fn parse_number(text: &str) -> Option<f64> {
    match text {
        "nan" | "-nan" => return Some(f64::NAN),
        _ if text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => return None,
        _ => {}
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: f64) -> String {
        let mut out = String::new();
        push_number(&mut out, number);
        out
    }

    #[test]
    fn numbers_are_written_as_jq_does() {
        let cases = [
            (1.0, "1"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e17, "1e+17"),
            (1e16, "1e+16"),
            (12345678901234567890.0, "12345678901234567000"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NAN, "null"),
            (-1.5e300, "-1.5e+300"),
            (3.14159265358979, "3.14159265358979"),
        ];
        for (number, text) in cases {
            assert_eq!(shown(number), text);
        }
    }
}
