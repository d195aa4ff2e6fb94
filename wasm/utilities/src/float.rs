//! Floating point numbers at the beginning of a text, as `strtod` reads them.

/// The number and how many bytes it takes; `None` when there is none.
pub fn prefix(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let rest = &text[sign..];
    let negative = text.first() == Some(&b'-');
    let (value, length) = word(rest).or_else(|| hexadecimal(rest)).or_else(|| decimal(rest))?;
    Some((if negative { -value } else { value }, sign + length))
}

fn word(text: &[u8]) -> Option<(f64, usize)> {
    let begins = |word: &[u8]| text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word);
    match () {
        () if begins(b"infinity") => Some((f64::INFINITY, 8)),
        () if begins(b"inf") => Some((f64::INFINITY, 3)),
        () if begins(b"nan") => Some((f64::NAN, 3)),
        () => None,
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn decimal(text: &[u8]) -> Option<(f64, usize)> {
    let integer = digits(text);
    let mut length = integer;
    if text.get(length) == Some(&b'.') {
        let fraction = digits(&text[length + 1..]);
        if integer + fraction == 0 {
            return None;
        }
        length += 1 + fraction;
    }
    if length == 0 {
        return None;
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(text.get(length + 1 + sign..).unwrap_or_default());
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let value = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((value, length))
}

fn hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"))?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if count == 0 {
        return None;
    }
    let digit = |sum: f64, byte: &u8| sum * 16.0 + f64::from(char::from(*byte).to_digit(16).unwrap_or(0));
    Some((digits[..count].iter().fold(0.0, digit), 2 + count))
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn numbers_end_where_strtod_ends_them() {
        assert_eq!(prefix(b"1.5e3x"), Some((1500.0, 5)));
        assert_eq!(prefix(b"-.5e"), Some((-0.5, 3)));
        assert_eq!(prefix(b"0x10"), Some((16.0, 4)));
        assert_eq!(prefix(b"x"), None);
        assert_eq!(prefix(b"."), None);
    }
}
