//! Sets of characters: the named classes of C.UTF-8, `\w` and `\s`, and case folding.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The members of `[:name:]`, or None for a name that does not exist.
pub fn named(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    Some(match name {
        "alpha" => perl(r"[\p{Alphabetic}\p{Nd}--0-9]"),
        "digit" => ranges(&[('0', '9')]),
        "alnum" => perl(r"[\p{Alphabetic}\p{Nd}]"),
        "upper" | "lower" if ignore_case => perl(r"[\p{Uppercase}\p{Lowercase}]"),
        "upper" => perl(r"\p{Uppercase}"),
        "lower" => perl(r"\p{Lowercase}"),
        "space" => perl(r"[\p{White_Space}--[\u{85}\u{A0}\u{2007}\u{202F}]]"),
        "blank" => perl(r"[[\p{Zs}\t]--[\u{A0}\u{2007}\u{202F}]]"),
        "punct" => perl(r"[[^\p{Alphabetic}\p{Nd}\p{Z}\p{C}][\p{Cf}\u{A0}\u{2007}\u{202F}]]"),
        "print" => perl(r"[^\p{Cc}\p{Cn}\u{2028}\u{2029}]"),
        "graph" => perl(r"[[^\p{Cc}\p{Cn}\p{Z}][\u{A0}\u{2007}\u{202F}]]"),
        "cntrl" => perl(r"[\p{Cc}\u{2028}\u{2029}]"),
        "xdigit" => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

/// `\w`: letters, digits and the underscore.
pub fn word() -> ClassUnicode {
    perl(r"[\p{Alphabetic}\p{Nd}_]")
}

/// `\s`
pub fn space() -> ClassUnicode {
    perl(r"[\p{White_Space}--[\u{85}\u{A0}\u{2007}\u{202F}]]")
}

pub fn ranges(pairs: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(pairs.iter().map(|&(a, b)| ClassUnicodeRange::new(a, b)))
}

pub fn negate(class: &mut ClassUnicode) {
    class.negate();
}

/// Adds the other case of every member.
pub fn fold(class: &mut ClassUnicode) {
    class.case_fold_simple();
}

pub fn contains(class: &ClassUnicode, c: char) -> bool {
    class
        .ranges()
        .binary_search_by(|r| {
            if c < r.start() {
                std::cmp::Ordering::Greater
            } else if c > r.end() {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// A set written in the syntax of the regex crate. The expressions are the constants above.
fn perl(expression: &str) -> ClassUnicode {
    match regex_syntax::parse(expression).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        _ => unreachable!("a constant expression is a class"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_class_parses() {
        for name in ["alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl", "xdigit"] {
            assert!(named(name, false).is_some_and(|c| !c.ranges().is_empty()), "{name}");
        }
        assert!(named("foo", false).is_none());
    }

    #[test]
    fn punctuation_is_what_is_neither_letter_nor_blank() {
        let punct = named("punct", false).expect("exists");
        assert!("!\"#$+<=>^`|~_-€".chars().all(|c| contains(&punct, c)));
        assert!("aé5 \t\n".chars().all(|c| !contains(&punct, c)));
    }
}
