//! The right side of `s`: literals, groups, and the case conversions `\U \L \u \l \E`.

use posix_regex::Groups;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    Upper,
    Lower,
    /// `\E`
    Keep,
    UpperOnce,
    LowerOnce,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

/// Reads the text between the delimiters. The error is a group number above 9 that cannot be.
pub fn parse(text: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut at = 0;
    let flush = |literal: &mut Vec<u8>, parts: &mut Vec<Part>| {
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(literal)));
        }
    };
    while at < text.len() {
        let byte = text[at];
        at += 1;
        let special = match (byte, text.get(at)) {
            (b'&', _) => Some(Part::Group(0)),
            (b'\\', Some(&next)) => {
                at += 1;
                match next {
                    b'0'..=b'9' => Some(Part::Group(usize::from(next - b'0'))),
                    b'U' => Some(Part::Case(Case::Upper)),
                    b'L' => Some(Part::Case(Case::Lower)),
                    b'E' => Some(Part::Case(Case::Keep)),
                    b'u' => Some(Part::Case(Case::UpperOnce)),
                    b'l' => Some(Part::Case(Case::LowerOnce)),
                    other => {
                        match posix_regex::escape(char::from(other), &text[at..]) {
                            Some((value, used)) => {
                                literal.push(value);
                                at += used;
                            }
                            None => literal.push(other),
                        }
                        None
                    }
                }
            }
            _ => {
                literal.push(byte);
                None
            }
        };
        if let Some(part) = special {
            flush(&mut literal, &mut parts);
            parts.push(part);
        }
    }
    flush(&mut literal, &mut parts);
    parts
}

/// The highest group that the parts name.
pub fn highest_group(parts: &[Part]) -> usize {
    parts.iter().map(|part| if let Part::Group(n) = part { *n } else { 0 }).max().unwrap_or(0)
}

/// Appends the replacement of one match in `line` to `out`.
pub fn expand(parts: &[Part], line: &[u8], groups: &Groups, out: &mut Vec<u8>) {
    let mut mode = Case::Keep;
    let mut once = None;
    for part in parts {
        let text = match part {
            Part::Case(case @ (Case::UpperOnce | Case::LowerOnce)) => {
                once = Some(*case);
                continue;
            }
            Part::Case(case) => {
                mode = *case;
                once = None;
                continue;
            }
            Part::Text(text) => text,
            Part::Group(number) => match groups.get(*number) {
                Some((from, to)) => &line[from..to],
                None => continue,
            },
        };
        if mode == Case::Keep && once.is_none() {
            out.extend_from_slice(text);
        } else {
            convert(text, mode, &mut once, out);
        }
    }
}

fn convert(text: &[u8], mode: Case, once: &mut Option<Case>, out: &mut Vec<u8>) {
    let mut at = 0;
    while at < text.len() {
        let (found, len) = posix_regex::decode(&text[at..]);
        match (found, once.take().unwrap_or(mode)) {
            (Some(c), Case::Upper | Case::UpperOnce) => push_single(c, c.to_uppercase(), out),
            (Some(c), Case::Lower | Case::LowerOnce) => push_single(c, c.to_lowercase(), out),
            _ => out.extend_from_slice(&text[at..at + len]),
        }
        at += len;
    }
}

/// The other case, if that is one character, as `towupper(3)` gives it.
fn push_single(c: char, mut other: impl Iterator<Item = char>, out: &mut Vec<u8>) {
    let first = other.next().unwrap_or(c);
    let one = if other.next().is_some() { c } else { first };
    out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use posix_regex::{Options, Regex, Syntax};

    fn replaced(pattern: &str, replacement: &str, line: &str) -> String {
        let regex = Regex::new(&[pattern.as_bytes()], Options::new(Syntax::Extended)).expect("valid");
        let mut groups = Groups::default();
        assert_eq!(regex.groups_at(line.as_bytes(), 0, &mut groups), Ok(true));
        let mut out = Vec::new();
        expand(&parse(replacement.as_bytes()), line.as_bytes(), &groups, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn case_conversions_last_until_their_end() {
        assert_eq!(replaced("(\\w+) (\\w+)", "\\U\\1\\E \\u\\2", "foo bar"), "FOO Bar");
        assert_eq!(replaced(".*", "\\L\\u&", "FOO"), "Foo");
        assert_eq!(replaced(".*", "\\u&\\U!x", "été"), "Été!X");
    }

    #[test]
    fn escapes_are_literal_characters() {
        assert_eq!(replaced("b", "[&]\\n\\t\\x26\\&", "b"), "[b]\n\t&&");
    }
}
