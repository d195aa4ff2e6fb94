//! The order of versions (`sort -V`, `ls -v`): runs of digits compare as numbers, `~` before everything, file suffixes last.

use std::cmp::Ordering;

pub fn compare(one: &[u8], other: &[u8]) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    special(one).cmp(&special(other)).then_with(|| {
        let (head1, head2) = (without_suffix(one), without_suffix(other));
        let by_head = if head1 == head2 { verrevcmp(one, other) } else { verrevcmp(head1, head2) };
        by_head.then_with(|| verrevcmp(one, other)).then_with(|| one.cmp(other))
    })
}

/// The empty text, `.`, `..` and hidden names come first, in this order.
fn special(text: &[u8]) -> u8 {
    match text {
        b"" => 0,
        b"." => 1,
        b".." => 2,
        [b'.', ..] => 3,
        _ => 4,
    }
}

/// Without `(\.[A-Za-z~][A-Za-z0-9~]*)*$`.
fn without_suffix(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    while let Some(dot) = text[..end].iter().rposition(|&byte| byte == b'.') {
        let suffix = &text[dot + 1..end];
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'~';
        let begins = suffix.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'~');
        if dot == 0 || !begins || !suffix.iter().all(fits) {
            break;
        }
        end = dot;
    }
    &text[..end]
}

/// Letters before other characters, `~` before the end.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

fn verrevcmp(one: &[u8], other: &[u8]) -> Ordering {
    let (mut a, mut b) = (one, other);
    while !a.is_empty() || !b.is_empty() {
        let text = |text: &[u8]| text.first().is_some_and(|byte| !byte.is_ascii_digit());
        while text(a) || text(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order != Ordering::Equal {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (number1, rest1) = number(a);
        let (number2, rest2) = number(b);
        let order = number1.len().cmp(&number2.len()).then_with(|| number1.cmp(number2));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest1, rest2);
    }
    Ordering::Equal
}

/// Digits without leading zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zeros = text[..digits].iter().take_while(|&&byte| byte == b'0').count();
    (&text[zeros..digits], &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let sorted: [&[u8]; 8] = [b"", b".a", b"a-1", b"a-1.tar.gz", b"a-2", b"a-2.tar.gz", b"a-10", b"b~"];
        assert!(sorted.is_sorted_by(|one, other| compare(one, other) != Ordering::Greater));
    }
}
