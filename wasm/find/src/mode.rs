//! The modes of `-perm`: octal, or symbolic beginning from no permission at all.

pub fn parse(text: &[u8]) -> Option<u32> {
    if text.first()?.is_ascii_digit() {
        let octal = std::str::from_utf8(text).ok()?;
        return u32::from_str_radix(octal, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    text.split(|b| *b == b',').try_fold(0, clause)
}

/// Applies one `[ugoa]*([+-=][rwxXst]*)+` to `mode`.
fn clause(mode: u32, text: &[u8]) -> Option<u32> {
    let who_length = text.iter().take_while(|b| b"ugoa".contains(b)).count();
    let (who, mut rest) = text.split_at(who_length);
    let mut mask = who.iter().fold(0, |mask, letter| {
        mask | match letter {
            b'u' => 0o4700,
            b'g' => 0o2070,
            b'o' => 0o1007,
            _ => 0o7777,
        }
    });
    if mask == 0 {
        mask = 0o7777;
    }
    let mut mode = mode;
    if rest.is_empty() {
        return None;
    }
    while let [operator @ (b'+' | b'-' | b'='), tail @ ..] = rest {
        let length = tail.iter().take_while(|b| b"rwxXstugo".contains(b)).count();
        let bits = tail[..length].iter().fold(0, |bits, letter| {
            bits | match letter {
                b'r' => 0o444,
                b'w' => 0o222,
                b'x' => 0o111,
                b'X' if mode & 0o111 != 0 => 0o111,
                b's' => 0o6000,
                b't' => 0o1000,
                b'u' => spread(mode >> 6),
                b'g' => spread(mode >> 3),
                b'o' => spread(mode),
                _ => 0,
            }
        }) & mask;
        mode = match operator {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            _ => mode & !mask | bits,
        };
        rest = &tail[length..];
    }
    rest.is_empty().then_some(mode)
}

/// Three permission bits for all three classes.
fn spread(bits: u32) -> u32 {
    let three = bits & 7;
    three << 6 | three << 3 | three
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn modes_are_octal_or_symbolic() {
        assert_eq!(parse(b"644"), Some(0o644));
        assert_eq!(parse(b"u=rwx,g=rx"), Some(0o750));
        assert_eq!(parse(b"u+w,a+x"), Some(0o311));
        assert_eq!(parse(b"g=u"), Some(0));
        assert_eq!(parse(b"+x"), Some(0o111));
        assert_eq!(parse(b"u+s"), Some(0o4000));
        assert_eq!(parse(b"zz"), None);
        assert_eq!(parse(b"888"), None);
    }
}
