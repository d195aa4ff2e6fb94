//! Numbers of command lines: plain, with GNU's size suffixes, and durations.

use crate::report::{Failure, failure, quote};

/// Digits only; what is beyond u64 is its largest value.
pub fn parse_unsigned(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

/// A number with an optional suffix: `b` 512, `K` or `KiB` 1024, `kB` 1000, and so on to `Y`; beyond u64 its largest value.
/// A suffix without a number is one of it when `bare` allows.
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, suffix) = text.split_at(digits);
    let factor = suffix_factor(suffix)?;
    let number = if number.is_empty() && !suffix.is_empty() { 1 } else { parse_unsigned(number)? };
    Some(number.saturating_mul(factor))
}

fn suffix_factor(suffix: &[u8]) -> Option<u64> {
    let (letter, rest) = match suffix {
        [] => return Some(1),
        b"b" => return Some(512),
        b"c" => return Some(1),
        b"w" => return Some(2),
        [letter, rest @ ..] => (letter.to_ascii_uppercase(), rest),
    };
    let power = b"KMGTPEZYRQ".iter().position(|&known| known == letter)? as u32 + 1;
    let base: u64 = match rest {
        b"" | b"iB" => 1024,
        b"B" | b"D" => 1000,
        _ => return None,
    };
    Some(base.checked_pow(power).unwrap_or(u64::MAX))
}

/// A size or GNU's complaint: `invalid number of lines: ‘x’`.
pub fn size(text: &[u8], what: &str) -> Result<u64, Failure> {
    parse_size(text).ok_or_else(|| failure(1, format!("invalid {what}: {}", quote(text))))
}

/// Seconds with an optional fraction and `s`, `m`, `h` or `d`; also `inf`.
pub fn parse_duration(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let (number, factor) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1.0),
        b'm' => (&text[..text.len() - 1], 60.0),
        b'h' => (&text[..text.len() - 1], 3600.0),
        b'd' => (&text[..text.len() - 1], 86400.0),
        _ => (text, 1.0),
    };
    let number: f64 = number.parse().ok()?;
    (number >= 0.0).then_some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_gnus_suffixes() {
        let sizes = [("10", 10), ("2K", 2048), ("2kB", 2000), ("1MiB", 1 << 20), ("b", 512), ("99999999999999999999", u64::MAX)];
        for (text, size) in sizes {
            assert_eq!(parse_size(text.as_bytes()), Some(size));
        }
        assert_eq!(parse_size(b"x"), None);
        assert_eq!(parse_size(b"1Kx"), None);
        assert_eq!(parse_duration(b"1.5m"), Some(90.0));
        assert_eq!(parse_duration(b"-1"), None);
    }
}
