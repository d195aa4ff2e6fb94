//! `grep -P`: PCRE2 patterns by fancy-regex. What PCRE2 (without UCP, as grep 3.8 uses it) reads otherwise than
//! fancy-regex is rewritten: `\d \w \s \b` are ASCII, `\h` is a blank, `\R` a line end, `\Q…\E` a literal.

use crate::fail::{Failure, fail};
use crate::options::Options;
use fancy_regex::{BytesMode, Error, ParseError, Regex, RegexBuilder};
use std::cell::OnceCell;

pub struct Perl {
    /// For lines in ASCII, where `\b` means the same to both and fancy-regex has it fast.
    ascii: Regex,
    any: OnceCell<Result<Regex, String>>,
    pattern: String,
    ignore_case: bool,
}

impl Perl {
    pub fn new(text: &[u8], options: &Options) -> Result<Perl, Failure> {
        if text.contains(&b'\n') {
            return Err(fail("the -P option only supports a single pattern"));
        }
        let pattern = std::str::from_utf8(text).map_err(|_| fail("-P supports only unibyte and UTF-8 locales"))?;
        check(pattern)?;
        let wrap = |pattern: &str| match (options.lines, options.words) {
            (true, _) => format!("^(?:{pattern})$"),
            (false, true) => format!("(?<![0-9A-Za-z_])(?:{pattern})(?![0-9A-Za-z_])"),
            (false, false) => pattern.to_owned(),
        };
        let ignore_case = options.ignore_case;
        let ascii = build(&wrap(&rewrite(pattern, Edges::Native)), ignore_case).map_err(|text| fail(&text))?;
        Ok(Perl { ascii, any: OnceCell::new(), pattern: wrap(&rewrite(pattern, Edges::Spelled)), ignore_case })
    }

    pub fn find(&self, line: &[u8], at: usize) -> Result<Option<(usize, usize)>, Failure> {
        let regex = if line.is_ascii() {
            &self.ascii
        } else {
            self.any.get_or_init(|| build(&self.pattern, self.ignore_case)).as_ref().map_err(|text| fail(text))?
        };
        match regex.find_from_pos(line, at) {
            Ok(found) => Ok(found.map(|m| (m.start(), m.end()))),
            Err(_) => Err(fail("exceeded PCRE's backtracking limit")),
        }
    }
}

fn build(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(ignore_case).bytes_mode(BytesMode::UnicodeBytes).backtrack_limit(10_000_000);
    builder.build().map_err(|error| explain(&error))
}

/// How `\b` and `\B` are rewritten: as they are, or by what they mean without Unicode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edges {
    Native,
    Spelled,
}

/// The mistakes that PCRE2 names and that are found by reading once.
fn check(pattern: &str) -> Result<(), Failure> {
    let mut depth = 0usize;
    let mut chars = pattern.chars().peekable();
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                None => return Err(fail("\\ at end of pattern")),
                Some('Q') => return Ok(()),
                Some(_) => repeatable = true,
            },
            '[' => {
                if chars.peek() == Some(&'^') {
                    chars.next();
                }
                skip_class(&mut chars)?;
                repeatable = true;
            }
            '(' => {
                depth += 1;
                repeatable = false;
                // The question mark of a group's kind is no repetition.
                if matches!(chars.peek(), Some('?' | '*')) {
                    chars.next();
                }
            }
            ')' if depth == 0 => return Err(fail("unmatched closing parenthesis")),
            ')' => {
                depth -= 1;
                repeatable = true;
            }
            '*' | '+' | '?' if !repeatable => return Err(fail("quantifier does not follow a repeatable item")),
            '|' => repeatable = false,
            '^' => repeatable = false,
            _ => repeatable = true,
        }
    }
    if depth > 0 { Err(fail("missing closing parenthesis")) } else { Ok(()) }
}

fn skip_class(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<(), Failure> {
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            ']' if !first => return Ok(()),
            '\\' => {
                chars.next();
            }
            '[' if chars.peek() == Some(&':') => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == ':' && c == ']' {
                        break;
                    }
                    last = c;
                }
            }
            _ => {}
        }
        first = false;
    }
    Err(fail("missing terminating ] for character class"))
}

fn explain(error: &Error) -> String {
    match error {
        Error::ParseError(_, ParseError::UnclosedOpenParen) => "missing closing parenthesis".to_owned(),
        Error::ParseError(_, ParseError::TargetNotRepeatable | ParseError::InvalidRepeat) => {
            "quantifier does not follow a repeatable item".to_owned()
        }
        Error::ParseError(_, ParseError::InvalidBackref) => "reference to non-existent subpattern".to_owned(),
        other => other.to_string(),
    }
}

/// From PCRE2's syntax to fancy-regex's.
fn rewrite(pattern: &str, edges: Edges) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let Some(letter) = rest.next() else { break };
                if letter == 'Q' {
                    quote(&mut rest, &mut out);
                } else {
                    out.push_str(&escape(letter, in_class, edges));
                }
            }
            '[' if in_class && rest.peek() == Some(&':') => {
                out.push('[');
                while let Some(c) = rest.next() {
                    out.push(c);
                    if c == ':' && rest.peek() == Some(&']') {
                        out.extend(rest.next());
                        break;
                    }
                }
            }
            // Inside a set these are ordinary to PCRE2 and operators to fancy-regex.
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '[' => {
                in_class = true;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    out.extend(rest.next());
                }
                if rest.peek() == Some(&']') {
                    rest.next();
                    out.push_str("\\]");
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

fn quote(rest: &mut std::iter::Peekable<std::str::Chars>, out: &mut String) {
    let mut literal = String::new();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            break;
        }
        literal.push(c);
    }
    out.push_str(&fancy_regex::escape(&literal));
}

fn escape(letter: char, in_class: bool, edges: Edges) -> String {
    let text = match (letter, in_class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t-\\r ]",
        ('s', true) => "\\t-\\r ",
        ('S', _) => "[^\\t-\\r ]",
        ('h', false) => "[\\t \\u{A0}\\u{1680}\\u{2000}-\\u{200A}\\u{202F}\\u{205F}\\u{3000}]",
        ('h', true) => "\\t \\u{A0}\\u{1680}\\u{2000}-\\u{200A}\\u{202F}\\u{205F}\\u{3000}",
        ('H', _) => "[^\\t \\u{A0}\\u{1680}\\u{2000}-\\u{200A}\\u{202F}\\u{205F}\\u{3000}]",
        ('v', false) => "[\\n-\\r\\u{85}\\u{2028}\\u{2029}]",
        ('v', true) => "\\n-\\r\\u{85}\\u{2028}\\u{2029}",
        ('R', false) => "(?>\\r\\n|[\\n-\\r\\u{85}\\u{2028}\\u{2029}])",
        ('N', false) => "[^\\n]",
        ('b', false) if edges == Edges::Spelled => "(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))",
        ('B', false) if edges == Edges::Spelled => "(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))",
        ('<' | '>' | '\'' | '`' | '"' | '%' | '@' | '!' | ',' | ':' | ';' | '=' | '_' | ' ', _) => return letter.to_string(),
        ('E', _) => "",
        (other, _) => return format!("\\{other}"),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ascii_and_quotes_are_literal() {
        assert_eq!(rewrite("\\d+[\\w.]\\Qa.b\\E", Edges::Native), "[0-9]+[0-9A-Za-z_.]a\\.b");
        assert_eq!(rewrite("[[:alpha:][x]", Edges::Native), "[[:alpha:]\\[x]");
    }

    #[test]
    fn mistakes_are_named_as_pcre_does() {
        let text = |p: &str| check(p).err().map(|f| f.0);
        assert_eq!(text("a("), Some("grep: missing closing parenthesis\n".into()));
        assert_eq!(text("*a"), Some("grep: quantifier does not follow a repeatable item\n".into()));
        assert_eq!(text("[a"), Some("grep: missing terminating ] for character class\n".into()));
        assert_eq!(text("(?<=a)b(?:c)*+[]x]"), None);
    }
}
