//! Backslash escapes: those of `$'…'`, and the digits that all kinds share.

/// The escapes of `$'…'`.
pub fn unescape_ansi(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let Some(&letter) = raw.get(at) else {
            text.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'a' => text.push(7),
            b'b' => text.push(8),
            b'e' | b'E' => text.push(27),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'v' => text.push(11),
            b'\\' | b'\'' | b'"' | b'?' => text.push(letter),
            b'0'..=b'7' => {
                let (value, used) = digits(raw, at - 1, 8, 3);
                at += used - 1;
                text.push(value as u8);
            }
            b'x' | b'u' | b'U' => {
                let most = match letter {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                let (value, used) = digits(raw, at, 16, most);
                at += used;
                match (used, letter) {
                    (0, _) => text.extend_from_slice(&[b'\\', letter]),
                    (_, b'x') => text.push(value as u8),
                    _ => push_character(&mut text, value),
                }
            }
            b'c' => {
                if let Some(control) = raw.get(at) {
                    at += 1;
                    text.push(control & 0x1f);
                }
            }
            _ => text.extend_from_slice(&[b'\\', letter]),
        }
    }
    // A NUL ends the text, as in C.
    if let Some(end) = text.iter().position(|byte| *byte == 0) {
        text.truncate(end);
    }
    text
}

/// Up to `most` digits of `base` from `at`: their value and count.
pub fn digits(text: &[u8], at: usize, base: u32, most: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut used = 0;
    while used < most {
        let Some(digit) = text.get(at + used).and_then(|byte| char::from(*byte).to_digit(base)) else {
            break;
        };
        value = value.wrapping_mul(base).wrapping_add(digit);
        used += 1;
    }
    (value, used)
}

/// A code point as UTF-8.
pub fn push_character(text: &mut Vec<u8>, value: u32) {
    if let Some(character) = char::from_u32(value) {
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
