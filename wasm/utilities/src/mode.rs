//! File modes as chmod, mkdir -m and install -m read them: octal, or symbolic clauses such as `u+rwX,go-w`.

/// `None` when the text is no mode. `mask` is the umask, `folder` whether it is for a directory.
pub fn apply(text: &[u8], mode: u32, folder: bool, mask: u32) -> Option<u32> {
    if text.first()?.is_ascii_digit() {
        return octal(text, mode, folder);
    }
    let mut mode = mode & 0o7777;
    for clause in text.split(|&byte| byte == b',') {
        mode = apply_clause(clause, mode, folder, mask)?;
    }
    Some(mode)
}

/// Whether the text is a mode at all.
pub fn is_valid(text: &[u8]) -> bool {
    apply(text, 0, false, 0).is_some()
}

fn octal(text: &[u8], mode: u32, folder: bool) -> Option<u32> {
    if !text.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    let value = u32::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok().filter(|&value| value <= 0o7777)?;
    // A directory keeps setuid and setgid unless they are written out.
    let kept = if folder && text.len() < 5 { mode & 0o6000 } else { 0 };
    Some(value | kept)
}

fn apply_clause(clause: &[u8], mut mode: u32, folder: bool, mask: u32) -> Option<u32> {
    let letters = clause.iter().take_while(|byte| b"ugoa".contains(byte)).count();
    let (who, mut rest) = clause.split_at(letters);
    let mut reach = who.iter().fold(0, |reach, letter| {
        reach
            | match letter {
                b'u' => 0o4700,
                b'g' => 0o2070,
                b'o' => 0o1007,
                _ => 0o7777,
            }
    });
    let masked = who.is_empty();
    if masked {
        reach = 0o7777;
    }
    if rest.is_empty() {
        return None;
    }
    while let Some((&operator, after)) = rest.split_first() {
        if !b"+-=".contains(&operator) {
            return None;
        }
        let length = after.iter().take_while(|byte| !b"+-=".contains(byte)).count();
        let (permissions, next) = after.split_at(length);
        let bits = bits(permissions, mode, folder)? & reach;
        let bits = if masked { bits & !(mask & 0o777) } else { bits };
        mode = match operator {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            _ => {
                let kept = if folder && !permissions.contains(&b's') { 0o6000 } else { 0 };
                let cleared = reach & !kept;
                (mode & !cleared) | bits
            }
        };
        rest = next;
    }
    Some(mode)
}

fn bits(permissions: &[u8], mode: u32, folder: bool) -> Option<u32> {
    if let [b'0'..=b'7', ..] = permissions {
        return octal(permissions, mode, false);
    }
    if let [copy @ (b'u' | b'g' | b'o')] = permissions {
        let triple = match copy {
            b'u' => mode >> 6,
            b'g' => mode >> 3,
            _ => mode,
        } & 7;
        return Some(triple * 0o111);
    }
    let mut bits = 0;
    for letter in permissions {
        bits |= match letter {
            b'r' => 0o444,
            b'w' => 0o222,
            b'x' => 0o111,
            b'X' if folder || mode & 0o111 != 0 => 0o111,
            b'X' => 0,
            b's' => 0o6000,
            b't' => 0o1000,
            _ => return None,
        };
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_symbolic() {
        let cases =
            [("755", 0o644, 0o755), ("u+x", 0o644, 0o744), ("go-r", 0o644, 0o600), ("a=rx", 0o644, 0o555), ("+x", 0o644, 0o755)];
        for (text, before, after) in cases {
            assert_eq!(apply(text.as_bytes(), before, false, 0o022), Some(after), "{text}");
        }
        assert_eq!(apply(b"u=rwX,g=u,o=", 0o744, false, 0), Some(0o770));
        assert_eq!(apply(b"+w", 0o444, false, 0o022), Some(0o644));
        assert_eq!(apply(b"8", 0, false, 0), None);
        assert_eq!(apply(b"u~x", 0, false, 0), None);
    }
}
