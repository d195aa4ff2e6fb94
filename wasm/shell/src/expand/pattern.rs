//! Shell patterns: `*`, `?`, brackets and the extended forms, over bytes with UTF-8 characters as units.
//! A backslash quotes the next byte.

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Bytes(Vec<u8>),
    One,
    Many,
    Class(Class),
    Extended(Extended, Vec<Vec<Node>>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Extended {
    Optional,
    AnyNumber,
    AtLeastOne,
    ExactlyOne,
    Not,
}

#[derive(Debug, Clone, PartialEq)]
struct Class {
    negated: bool,
    items: Vec<ClassItem>,
}

#[derive(Debug, Clone, PartialEq)]
enum ClassItem {
    Range(u32, u32),
    Named(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    nodes: Vec<Node>,
    ignore_case: bool,
}

/// How a part of a pattern fared. Never: a later `*` has tried every place, so that no longer `*` before it can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Yes,
    No,
    Never,
}

impl From<bool> for Outcome {
    fn from(matched: bool) -> Outcome {
        if matched { Outcome::Yes } else { Outcome::No }
    }
}

/// Whether a byte may mean something in a pattern.
pub fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'-' | b'!' | b'^' | b'(' | b')' | b'|' | b'+' | b'@')
}

/// The text as a pattern that matches only it.
pub fn escape_into(text: &[u8], pattern: &mut Vec<u8>) {
    for byte in text {
        if is_special(*byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
}

impl Pattern {
    pub fn new(text: &[u8], extended: bool, ignore_case: bool) -> Pattern {
        let mut reader = Reader { text, at: 0, extended, depth: 0 };
        Pattern { nodes: reader.sequence(false), ignore_case }
    }

    pub fn matches(&self, text: &[u8]) -> bool {
        self.try_match(&self.nodes, text, 0, &mut |end| end == text.len())
    }

    /// The text when the pattern is nothing but text.
    pub fn literal(&self) -> Option<&[u8]> {
        match self.nodes.as_slice() {
            [] => Some(b""),
            [Node::Bytes(text)] if !self.ignore_case => Some(text),
            _ => None,
        }
    }

    /// Whether a name that begins with a dot is meant by the pattern's own text.
    pub fn begins_with_dot(&self) -> bool {
        fn first(nodes: &[Node]) -> bool {
            match nodes.first() {
                Some(Node::Bytes(text)) => text.first() == Some(&b'.'),
                Some(Node::Extended(kind, choices)) => *kind != Extended::Not && choices.iter().any(|choice| first(choice)),
                _ => false,
            }
        }
        first(&self.nodes)
    }

    /// The end of the match that starts at `start`: the longest, or the shortest.
    pub fn match_at(&self, text: &[u8], start: usize, longest: bool) -> Option<usize> {
        let mut found = None;
        self.try_match(&self.nodes, text, start, &mut |end| {
            found = match found {
                None => Some(end),
                Some(old) if (longest && end > old) || (!longest && end < old) => Some(end),
                old => old,
            };
            // The longest can stop at the end of the text, the shortest at once where it began.
            if longest { end == text.len() } else { end == start }
        });
        found
    }

    fn try_match(&self, nodes: &[Node], text: &[u8], at: usize, accept: &mut dyn FnMut(usize) -> bool) -> bool {
        self.match_here(nodes, text, at, accept) == Outcome::Yes
    }

    fn match_here(&self, nodes: &[Node], text: &[u8], at: usize, accept: &mut dyn FnMut(usize) -> bool) -> Outcome {
        let (mut nodes, mut at) = (nodes, at);
        loop {
            let Some((node, rest)) = nodes.split_first() else {
                return Outcome::from(accept(at));
            };
            let remaining = text.get(at..).unwrap_or_default();
            match node {
                Node::Bytes(bytes) => {
                    let fits = if self.ignore_case {
                        remaining.len() >= bytes.len() && remaining.iter().zip(bytes).all(|(a, b)| a.eq_ignore_ascii_case(b))
                    } else {
                        remaining.starts_with(bytes)
                    };
                    if !fits {
                        return Outcome::No;
                    }
                    at += bytes.len();
                }
                Node::One if remaining.is_empty() => return Outcome::No,
                Node::One => at += character(remaining).1,
                Node::Class(class) => {
                    let (value, length) = character(remaining);
                    if remaining.is_empty() || !class.contains(value, self.ignore_case) {
                        return Outcome::No;
                    }
                    at += length;
                }
                Node::Many => return self.match_many(rest, text, at, accept),
                Node::Extended(kind, choices) => return Outcome::from(self.match_extended(*kind, choices, rest, text, at, accept)),
            }
            nodes = rest;
        }
    }

    fn match_many(&self, rest: &[Node], text: &[u8], at: usize, accept: &mut dyn FnMut(usize) -> bool) -> Outcome {
        if rest.is_empty() {
            // All ends, the far ones first.
            return if (at..=text.len()).rev().any(&mut *accept) { Outcome::Yes } else { Outcome::Never };
        }
        let mut start = at;
        loop {
            // Jump to where the text that must follow can be.
            if let (Some(Node::Bytes(bytes)), false) = (rest.first(), self.ignore_case) {
                match find(text.get(start..).unwrap_or_default(), bytes) {
                    Some(offset) => start += offset,
                    None => return Outcome::Never,
                }
            }
            match self.match_here(rest, text, start, accept) {
                Outcome::No => {}
                outcome => return outcome,
            }
            if start >= text.len() {
                return Outcome::Never;
            }
            start += character(text.get(start..).unwrap_or_default()).1;
        }
    }

    fn match_extended(
        &self,
        kind: Extended,
        choices: &[Vec<Node>],
        rest: &[Node],
        text: &[u8],
        at: usize,
        accept: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        match kind {
            Extended::ExactlyOne => self.match_choice(choices, text, at, &mut |end| self.try_match(rest, text, end, accept)),
            Extended::Optional => {
                self.match_choice(choices, text, at, &mut |end| self.try_match(rest, text, end, accept))
                    || self.try_match(rest, text, at, accept)
            }
            Extended::AnyNumber => self.match_repeated(choices, rest, text, at, accept) || self.try_match(rest, text, at, accept),
            Extended::AtLeastOne => self.match_repeated(choices, rest, text, at, accept),
            Extended::Not => (at..=text.len()).rev().any(|end| {
                let piece = text.get(..end).unwrap_or_default();
                let matched = self.match_choice(choices, piece, at, &mut |to| to == end);
                !matched && self.try_match(rest, text, end, accept)
            }),
        }
    }

    fn match_choice(&self, choices: &[Vec<Node>], text: &[u8], at: usize, accept: &mut dyn FnMut(usize) -> bool) -> bool {
        choices.iter().any(|choice| self.try_match(choice, text, at, accept))
    }

    /// One or more of the choices, then the rest.
    fn match_repeated(
        &self,
        choices: &[Vec<Node>],
        rest: &[Node],
        text: &[u8],
        at: usize,
        accept: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        // Ends reachable by repeating, found breadth first: no end is tried twice.
        let mut seen = vec![false; text.len() + 1];
        let mut waiting = vec![at];
        while let Some(start) = waiting.pop() {
            let mut ends = Vec::new();
            self.match_choice(choices, text, start, &mut |end| {
                ends.push(end);
                false
            });
            for end in ends {
                if let Some(known) = seen.get_mut(end)
                    && !*known
                {
                    *known = true;
                    waiting.push(end);
                }
            }
        }
        (0..seen.len()).rev().any(|end| seen.get(end) == Some(&true) && self.try_match(rest, text, end, accept))
    }
}

impl Class {
    fn contains(&self, value: u32, ignore_case: bool) -> bool {
        let hit = |value: u32| {
            self.items.iter().any(|item| match item {
                ClassItem::Range(low, high) => (*low..=*high).contains(&value),
                ClassItem::Named(name) => in_class(name, value),
            })
        };
        let mut found = hit(value);
        if ignore_case && let Some(letter) = char::from_u32(value).filter(char::is_ascii_alphabetic) {
            found |= hit(u32::from(letter.to_ascii_lowercase())) || hit(u32::from(letter.to_ascii_uppercase()));
        }
        found != self.negated
    }
}

pub fn in_class(name: &[u8], value: u32) -> bool {
    let Some(character) = char::from_u32(value) else {
        return false;
    };
    match name {
        b"alpha" => character.is_alphabetic(),
        b"digit" => character.is_ascii_digit(),
        b"alnum" => character.is_alphanumeric(),
        b"upper" => character.is_uppercase(),
        b"lower" => character.is_lowercase(),
        b"space" => matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c'),
        b"blank" => matches!(character, ' ' | '\t'),
        b"punct" => character.is_ascii_punctuation(),
        b"cntrl" => character.is_control(),
        b"print" => !character.is_control(),
        b"graph" => !character.is_control() && !character.is_whitespace(),
        b"xdigit" => character.is_ascii_hexdigit(),
        b"word" => character.is_alphanumeric() || character == '_',
        b"ascii" => character.is_ascii(),
        _ => false,
    }
}

/// The first character and its length in bytes; a byte that is no UTF-8 stands for itself.
pub fn character(text: &[u8]) -> (u32, usize) {
    let first = text.first().copied().unwrap_or(0);
    let length = match first {
        0..=0x7f => return (u32::from(first), 1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (0xdc00 + u32::from(first), 1),
    };
    match text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next()) {
        Some(character) => (u32::from(character), length),
        None => (0xdc00 + u32::from(first), 1),
    }
}

pub fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [byte] => text.iter().position(|candidate| candidate == byte),
        [first, ..] => {
            let last = text.len().checked_sub(needle.len())?;
            (0..=last).find(|at| text.get(*at) == Some(first) && text.get(*at..).is_some_and(|rest| rest.starts_with(needle)))
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    extended: bool,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self, distance: usize) -> Option<u8> {
        self.text.get(self.at + distance).copied()
    }

    fn sequence(&mut self, nested: bool) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek(0) {
            if nested && matches!(byte, b'|' | b')') {
                break;
            }
            let node = self.special(byte);
            match node {
                Some(node) => {
                    flush(&mut bytes, &mut nodes);
                    if node != Node::Many || nodes.last() != Some(&Node::Many) {
                        nodes.push(node);
                    }
                }
                None => {
                    if byte == b'\\' && self.at + 1 < self.text.len() {
                        self.at += 1;
                    }
                    bytes.extend(self.peek(0));
                    self.at += 1;
                }
            }
        }
        flush(&mut bytes, &mut nodes);
        nodes
    }

    /// A node other than text, consumed.
    fn special(&mut self, byte: u8) -> Option<Node> {
        if self.extended
            && self.depth < 32
            && self.peek(1) == Some(b'(')
            && let Some(kind) = extended_kind(byte)
            && let Some(node) = self.extended_form(kind)
        {
            return Some(node);
        }
        match byte {
            b'*' => {
                self.at += 1;
                Some(Node::Many)
            }
            b'?' => {
                self.at += 1;
                Some(Node::One)
            }
            b'[' => self.class().map(Node::Class),
            _ => None,
        }
    }

    fn extended_form(&mut self, kind: Extended) -> Option<Node> {
        let start = self.at;
        self.at += 2;
        self.depth += 1;
        let mut choices = vec![self.sequence(true)];
        while self.peek(0) == Some(b'|') {
            self.at += 1;
            choices.push(self.sequence(true));
        }
        self.depth -= 1;
        if self.peek(0) != Some(b')') {
            self.at = start;
            return None;
        }
        self.at += 1;
        Some(Node::Extended(kind, choices))
    }

    /// A bracket expression; None when it has no end: then `[` is text.
    fn class(&mut self) -> Option<Class> {
        let start = self.at;
        self.at += 1;
        let negated = matches!(self.peek(0), Some(b'!' | b'^'));
        self.at += usize::from(negated);
        let mut items = Vec::new();
        let mut first = true;
        loop {
            let byte = match self.peek(0) {
                None | Some(b'/') => {
                    self.at = start;
                    return None;
                }
                Some(b']') if !first => {
                    self.at += 1;
                    return Some(Class { negated, items });
                }
                Some(byte) => byte,
            };
            first = false;
            if byte == b'['
                && let Some(kind @ (b':' | b'.' | b'=')) = self.peek(1)
                && let Some(length) = find(self.text.get(self.at + 2..).unwrap_or_default(), &[kind, b']'])
            {
                let name = self.text.get(self.at + 2..self.at + 2 + length).unwrap_or_default();
                if kind == b':' {
                    items.push(ClassItem::Named(name.to_vec()));
                } else {
                    let value = character(name).0;
                    items.push(ClassItem::Range(value, value));
                }
                self.at += length + 4;
                continue;
            }
            let low = self.class_character();
            let is_range = self.peek(0) == Some(b'-') && !matches!(self.peek(1), None | Some(b']'));
            if is_range {
                self.at += 1;
                let high = self.class_character();
                items.push(ClassItem::Range(low, high));
            } else {
                items.push(ClassItem::Range(low, low));
            }
        }
    }

    fn class_character(&mut self) -> u32 {
        if self.peek(0) == Some(b'\\') && self.at + 1 < self.text.len() {
            self.at += 1;
        }
        let (value, length) = character(self.text.get(self.at..).unwrap_or_default());
        self.at += length;
        value
    }
}

fn flush(bytes: &mut Vec<u8>, nodes: &mut Vec<Node>) {
    if !bytes.is_empty() {
        nodes.push(Node::Bytes(std::mem::take(bytes)));
    }
}

fn extended_kind(byte: u8) -> Option<Extended> {
    Some(match byte {
        b'?' => Extended::Optional,
        b'*' => Extended::AnyNumber,
        b'+' => Extended::AtLeastOne,
        b'@' => Extended::ExactlyOne,
        b'!' => Extended::Not,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern.as_bytes(), true, false).matches(text.as_bytes())
    }

    #[test]
    fn stars_brackets_and_question_marks_match_characters_not_bytes() {
        assert!(matches("h?llo", "héllo"));
        assert!(matches("[[:upper:]]*[!0-9]", "Ab1c"));
        assert!(!matches("*.[ch]", "a.cc"));
        assert!(matches("[a", "[a"));
        assert!(matches(r"\*", "*") && !matches(r"\*", "a"));
    }

    #[test]
    fn extended_forms_match_repeat_and_exclude() {
        assert!(matches("+(ab|c)d", "abcabd"));
        assert!(matches("!(*.txt)", "a.md") && !matches("!(*.txt)", "a.txt"));
        assert!(matches("?(a)b", "b") && matches("@(x|y)", "y"));
    }

    #[test]
    fn many_stars_on_a_long_text_end_soon() {
        assert!(!matches("*a*a*a*a*a*a*b", &"a".repeat(20_000)));
    }

    #[test]
    fn the_longest_and_the_shortest_prefix_are_found() {
        let pattern = Pattern::new(b"*b", false, false);
        assert_eq!(pattern.match_at(b"abcab", 0, true), Some(5));
        assert_eq!(pattern.match_at(b"abcab", 0, false), Some(2));
    }
}
