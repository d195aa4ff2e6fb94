//! `fnmatch(3)` for names: `*`, `?`, `[…]` and `\`.

pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        b'?' => first_char(name) > 0 && matches(rest, &name[first_char(name)..]),
        b'[' => match (bracket(rest, name), name.is_empty()) {
            (Some((true, used)), false) => matches(&rest[used..], &name[1..]),
            (Some(_), _) => false,
            (None, _) => name.first() == Some(&b'[') && matches(rest, &name[1..]),
        },
        b'\\' if !rest.is_empty() => name.first() == rest.first() && matches(&rest[1..], &name[1..]),
        byte => name.first() == Some(&byte) && matches(rest, &name[1..]),
    }
}

/// The bytes of the first character.
fn first_char(name: &[u8]) -> usize {
    let chunk = name.utf8_chunks().next();
    let character = chunk.and_then(|chunk| chunk.valid().chars().next());
    character.map_or(usize::from(!name.is_empty()), char::len_utf8)
}

/// Whether the set behind `[` has the first byte of `name`, and where it ends; `None` when it does not end.
fn bracket(set: &[u8], name: &[u8]) -> Option<(bool, usize)> {
    let byte = name.first().copied().unwrap_or(0);
    let negated = matches!(set.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let (mut found, begin) = (false, at);
    loop {
        let mut low = *set.get(at)?;
        if low == b']' && at > begin {
            return Some((found != negated, at + 1));
        }
        if low == b'\\' {
            at += 1;
            low = *set.get(at)?;
        }
        let high = match (set.get(at + 1), set.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        found |= (low..=high).contains(&byte);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, name, fits) in
            [("*.c", "a.c", true), ("?", "é", true), ("[!a-c]x", "dx", true), ("[a", "[a", true), ("a\\*", "ab", false)]
        {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }
}
