//! Shell patterns against names, as `fnmatch(3)` of glibc in C.UTF-8 without flags: `*` and `?` match a slash and a
//! leading dot too. Names are bytes; where they are not UTF-8 a byte counts as a character.

/// Whether `name` matches `pattern`; with `fold` the case of letters does not count.
pub fn matches(pattern: &[u8], name: &[u8], fold: bool) -> bool {
    let mut at = 0;
    let mut pos = 0;
    // The last star: what follows it, and up to where it has taken characters.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, pos));
                at += 1;
                continue;
            }
            Some(_) if pos < name.len() => one(&pattern[at..], &name[pos..], fold),
            None if pos == name.len() => return true,
            _ => None,
        };
        if let Some((used, taken)) = step {
            at += used;
            pos += taken;
            continue;
        }
        match star {
            Some((after, from)) if from < name.len() => {
                let next = from + char_at(&name[from..]).1;
                star = Some((after, next));
                at = after;
                pos = next;
            }
            _ => return false,
        }
    }
}

/// Whether the text has a character that is special in patterns.
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\'))
}

/// Matches one element of the pattern against one character; gives the lengths of both.
fn one(pattern: &[u8], name: &[u8], fold: bool) -> Option<(usize, usize)> {
    let (found, taken) = char_at(name);
    match pattern[0] {
        b'?' => Some((1, taken)),
        b'[' => match bracket(pattern, found, fold) {
            Some((true, used)) => Some((used, taken)),
            Some((false, _)) => None,
            None => (found == u32::from(b'[')).then_some((1, taken)),
        },
        b'\\' if pattern.len() > 1 => {
            let (wanted, used) = char_at(&pattern[1..]);
            same(wanted, found, fold).then_some((1 + used, taken))
        }
        b'\\' => None,
        _ => {
            let (wanted, used) = char_at(pattern);
            same(wanted, found, fold).then_some((used, taken))
        }
    }
}

/// A bracket expression: whether `found` is in it, and its length; None when it is not closed.
fn bracket(pattern: &[u8], found: u32, fold: bool) -> Option<(bool, usize)> {
    let mut at = 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    if negated {
        at += 1;
    }
    let mut inside = false;
    let mut first = true;
    loop {
        let byte = *pattern.get(at)?;
        if byte == b']' && !first {
            return Some((inside != negated, at + 1));
        }
        first = false;
        if let Some(rest) = pattern[at..].strip_prefix(b"[:")
            && let Some(end) = rest.windows(2).position(|w| w == b":]")
        {
            inside |= in_class(&rest[..end], found, fold);
            at += end + 4;
            continue;
        }
        let (low, used) = element(pattern, at)?;
        at += used;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|b| *b != b']') {
            let (end, used) = element(pattern, at + 1)?;
            high = end;
            at += 1 + used;
        }
        inside |= (low..=high).contains(&found) || fold && [lower(found), upper(found)].iter().any(|c| (low..=high).contains(c));
    }
}

fn element(pattern: &[u8], at: usize) -> Option<(u32, usize)> {
    if pattern.get(at) == Some(&b'\\') && pattern.len() > at + 1 {
        let (c, used) = char_at(&pattern[at + 1..]);
        return Some((c, used + 1));
    }
    pattern.get(at)?;
    Some(char_at(&pattern[at..]))
}

fn in_class(name: &[u8], found: u32, fold: bool) -> bool {
    let Some(c) = char::from_u32(found) else { return false };
    match name {
        b"alpha" => c.is_alphabetic(),
        b"digit" => c.is_ascii_digit(),
        b"alnum" => c.is_alphanumeric(),
        b"upper" => c.is_uppercase() || fold && c.is_lowercase(),
        b"lower" => c.is_lowercase() || fold && c.is_uppercase(),
        b"space" => c.is_whitespace(),
        b"blank" => c == ' ' || c == '\t',
        b"punct" => c.is_ascii_punctuation() || !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control(),
        b"cntrl" => c.is_control(),
        b"print" => !c.is_control(),
        b"graph" => !c.is_control() && !c.is_whitespace(),
        b"xdigit" => c.is_ascii_hexdigit(),
        _ => false,
    }
}

fn same(a: u32, b: u32, fold: bool) -> bool {
    a == b || fold && lower(a) == lower(b)
}

fn lower(c: u32) -> u32 {
    char::from_u32(c).map_or(c, |c| c.to_lowercase().next().map_or(0, u32::from))
}

fn upper(c: u32) -> u32 {
    char::from_u32(c).map_or(c, |c| c.to_uppercase().next().map_or(0, u32::from))
}

/// The first character and its length. A byte that is not UTF-8 is a number beyond all characters.
fn char_at(bytes: &[u8]) -> (u32, usize) {
    let first = bytes[0];
    let len = match first {
        0..0x80 => return (u32::from(first), 1),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => 1,
    };
    match bytes.get(..len).map(std::str::from_utf8) {
        Some(Ok(text)) if len > 1 => (text.chars().next().map_or(0, u32::from), len),
        _ => (0x11_0000 + u32::from(first), 1),
    }
}

#[cfg(test)]
mod tests {
    fn matches(pattern: &str, name: &str) -> bool {
        super::matches(pattern.as_bytes(), name.as_bytes(), false)
    }

    #[test]
    fn stars_and_question_marks_take_anything() {
        assert!(matches("*.tx?", "a/.b.txt"));
        assert!(matches("a*b*c", "aXbYbZc"));
        assert!(!matches("a*b*c", "aXbYbZ"));
        assert!(matches("?", "é"));
        assert!(!matches("", "a"));
    }

    #[test]
    fn brackets_are_sets_ranges_and_classes() {
        assert!(matches("[a-c]x[!d-f]", "bxg"));
        assert!(!matches("[^a]", "a"));
        assert!(matches("[]]", "]"));
        assert!(matches("[[:digit:]_]*", "7x"));
        assert!(matches("[a", "[a"));
        assert!(matches("[\\]a]", "]"));
    }

    #[test]
    fn a_backslash_takes_the_special_meaning_away() {
        assert!(matches("\\*", "*"));
        assert!(!matches("\\*", "a"));
    }

    #[test]
    fn folding_ignores_case() {
        assert!(super::matches(b"RE[A-C]D*", b"rebdme", true));
        assert!(!super::matches(b"README", b"readme", false));
    }
}
