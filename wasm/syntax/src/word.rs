//! Reads words: quoting, and where a word ends.

use crate::ast::{Assignment, AssignedValue, Element, Part, Subscript, Word};
use crate::error::ErrorKind;
use crate::lexer::{Parsed, Parser};
use crate::name::{Name, is_name, is_name_byte};
use crate::token::{Token, is_metacharacter};

/// Collects the parts of a word; adjoining literal bytes become one part.
#[derive(Default)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    literal: Vec<u8>,
    braces: bool,
}

impl Parts {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.braces |= byte == b'{';
        self.literal.push(byte);
    }

    pub(crate) fn part(&mut self, part: Part) {
        self.flush();
        self.parts.push(part);
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(Part::Literal(std::mem::take(&mut self.literal).into()));
        }
    }


    pub(crate) fn finish(mut self) -> Word {
        self.flush();
        Word { parts: self.parts, braces: self.braces }
    }

    pub(crate) fn into_parts(self) -> Vec<Part> {
        self.finish().parts
    }
}

impl Parser {
    /// A word up to the next unquoted metacharacter.
    pub(crate) fn read_word(&mut self) -> Parsed<Word> {
        let mut word = Parts::default();
        // After `name=` a tilde may follow, and after each colon from there.
        let mut assigned = false;
        self.read_word_into(&mut word, &mut assigned)?;
        Ok(word.finish())
    }

    fn read_word_into(&mut self, word: &mut Parts, assigned: &mut bool) -> Parsed<()> {
        let mut parentheses = 0usize;
        let mut tilde = true;
        while let Some(byte) = self.peek() {
            if std::mem::take(&mut tilde) && byte == b'~' && self.read_tilde(word, *assigned) {
                continue;
            }
            match byte {
                b'\\' => self.read_escape(word),
                b'\'' => {
                    let text = self.read_single_quoted()?;
                    word.part(Part::Quoted(text.into()));
                }
                b'"' => {
                    let part = self.read_double_quoted()?;
                    word.part(part);
                }
                b'`' => {
                    let part = self.read_backquoted(false)?;
                    word.part(part);
                }
                b'$' => self.read_dollar_into(word, false)?,
                b'<' | b'>' if parentheses == 0 && !self.regex && self.peek_at(1) == Some(b'(') => {
                    let part = self.read_process_substitution(byte == b'>')?;
                    word.part(part);
                }
                b'(' if self.regex || parentheses > 0 || self.opens_extended_glob(word) => {
                    parentheses += 1;
                    self.skip(1);
                    word.byte(byte);
                }
                b')' if parentheses > 0 => {
                    parentheses -= 1;
                    self.skip(1);
                    word.byte(byte);
                }
                b'|' | b'<' | b'>' | b';' | b'&' if self.regex && parentheses == 0 && !self.ends_regex() => {
                    self.skip(1);
                    word.byte(byte);
                }
                _ if parentheses == 0 && is_metacharacter(byte) => break,
                b'\n' if parentheses > 0 => break,
                _ => {
                    self.skip(1);
                    tilde = self.allows_tilde_after(byte, word, assigned);
                    word.byte(byte);
                }
            }
        }
        Ok(())
    }

    /// Whether a tilde may follow `byte`, which is about to be added to `word`.
    fn allows_tilde_after(&self, byte: u8, word: &Parts, assigned: &mut bool) -> bool {
        if byte == b'=' && !*assigned && word.parts.is_empty() {
            *assigned = is_name(word.literal.strip_suffix(b"+").unwrap_or(&word.literal));
            return *assigned;
        }
        byte == b':' && *assigned
    }

    fn opens_extended_glob(&self, word: &Parts) -> bool {
        self.options.extended_globs && matches!(word.literal.last(), Some(b'?' | b'*' | b'+' | b'@' | b'!'))
    }

    fn ends_regex(&mut self) -> bool {
        self.starts_with(b"&&") || self.starts_with(b"||")
    }

    pub(crate) fn read_escape(&mut self, word: &mut Parts) {
        if self.skip_continuation() {
            return;
        }
        self.skip(1);
        match self.advance() {
            Some(byte) => word.part(Part::Quoted([byte][..].into())),
            None => word.part(Part::Quoted(b"\\"[..].into())),
        }
    }

    /// `~` or `~name` before `/`, `:` in an assignment, or the word's end.
    pub(crate) fn read_tilde(&mut self, word: &mut Parts, colon: bool) -> bool {
        let mut length = 1;
        while self.peek_at(length).is_some_and(|byte| is_name_byte(byte) || matches!(byte, b'.' | b'-' | b'+')) {
            length += 1;
        }
        let ends = match self.peek_at(length) {
            None | Some(b'/' | b'}') => true,
            Some(b':') => colon,
            Some(byte) => is_metacharacter(byte),
        };
        if ends {
            let user = self.text.get(self.position + 1..self.position + length).unwrap_or_default().to_vec();
            self.skip(length);
            word.part(Part::Tilde(user.into()));
        }
        ends
    }

    pub(crate) fn read_single_quoted(&mut self) -> Parsed<Vec<u8>> {
        let line = self.line;
        self.skip(1);
        let mut text = Vec::new();
        loop {
            match self.advance() {
                None => return Err(self.unterminated(b'\'', line)),
                Some(b'\'') => return Ok(text),
                Some(byte) => text.push(byte),
            }
        }
    }

    pub(crate) fn read_double_quoted(&mut self) -> Parsed<Part> {
        let line = self.line;
        self.skip(1);
        let mut inner = Parts::default();
        loop {
            match self.peek() {
                None => return Err(self.unterminated(b'"', line)),
                Some(b'"') => {
                    self.skip(1);
                    return Ok(Part::DoubleQuoted(inner.into_parts()));
                }
                Some(byte) => self.read_quoted_byte(byte, &mut inner)?,
            }
        }
    }

    /// One step inside double quotes (or a here-document, where `"` is text).
    pub(crate) fn read_quoted_byte(&mut self, byte: u8, inner: &mut Parts) -> Parsed<()> {
        match byte {
            b'\\' if self.skip_continuation() => {}
            b'\\' if matches!(self.peek_at(1), Some(b'$' | b'`' | b'"' | b'\\')) => {
                self.skip(1);
                if let Some(escaped) = self.advance() {
                    inner.byte(escaped);
                }
            }
            b'`' => {
                let part = self.read_backquoted(true)?;
                inner.part(part);
            }
            b'$' => self.read_dollar_into(inner, true)?,
            _ => {
                self.skip(1);
                inner.byte(byte);
            }
        }
        Ok(())
    }

    /// The text of a here-document: expansions, but no quotes.
    pub(crate) fn read_document_text(&mut self) -> Parsed<Word> {
        let mut inner = Parts::default();
        while let Some(byte) = self.peek() {
            if byte == b'\\' && self.peek_at(1) == Some(b'"') {
                self.skip(2);
                inner.byte(b'\\');
                inner.byte(b'"');
                continue;
            }
            self.read_quoted_byte(byte, &mut inner)?;
        }
        Ok(Word { parts: vec![Part::DoubleQuoted(inner.into_parts())], braces: false })
    }

    /// Text inside `${…}` up to one of `stops`, which is not consumed. `quoted`: the expansion stands in double quotes;
    /// `pattern`: single quotes quote even there.
    pub(crate) fn read_braced_word(&mut self, stops: &[u8], quoted: bool, pattern: bool) -> Parsed<Word> {
        let line = self.line;
        let mut word = Parts::default();
        if !quoted && self.peek() == Some(b'~') {
            self.read_tilde(&mut word, false);
        }
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.unterminated(b'}', line));
            };
            match byte {
                _ if stops.contains(&byte) => break,
                b'\\' if quoted && !pattern => self.read_quoted_escape(&mut word),
                b'\\' => self.read_escape(&mut word),
                b'\'' if !quoted || pattern => {
                    let text = self.read_single_quoted()?;
                    word.part(Part::Quoted(text.into()));
                }
                b'"' => {
                    let part = self.read_double_quoted()?;
                    word.part(part);
                }
                b'`' => {
                    let part = self.read_backquoted(quoted)?;
                    word.part(part);
                }
                b'$' => self.read_dollar_into(&mut word, quoted && !pattern)?,
                _ => {
                    self.skip(1);
                    word.literal.push(byte);
                }
            }
        }
        Ok(word.finish())
    }

    fn read_quoted_escape(&mut self, word: &mut Parts) {
        match self.peek_at(1) {
            Some(b'$' | b'`' | b'"' | b'\\' | b'}' | b'\n') => self.read_escape(word),
            _ => {
                self.skip(1);
                word.part(Part::Quoted(b"\\"[..].into()));
            }
        }
    }

    /// `name=value`, `name+=value`, `name[i]=value`, `name=(…)`; None leaves the position as it was.
    pub(crate) fn read_assignment(&mut self) -> Parsed<Option<Assignment>> {
        let mut length = 0;
        while self.peek_at(length).is_some_and(is_name_byte) {
            length += 1;
        }
        let name = self.text.get(self.position..self.position + length).unwrap_or_default().to_vec();
        if !is_name(&name) {
            return Ok(None);
        }
        let (start, line) = (self.position, self.line);
        self.skip(length);
        let subscript = if self.peek() == Some(b'[') { self.read_subscript_head()? } else { None };
        let append = self.starts_with(b"+=");
        if !append && self.peek() != Some(b'=') {
            self.position = start;
            self.line = line;
            return Ok(None);
        }
        self.skip(if append { 2 } else { 1 });
        let value = if self.peek() == Some(b'(') { AssignedValue::Array(self.read_array()?) } else { AssignedValue::Word(self.read_assigned_word()?) };
        Ok(Some(Assignment { name: Name::new(&name), subscript, append, value }))
    }

    /// A subscript if it ends in `]` followed by `=` or `+=`; else nothing is consumed that matters, for the caller rewinds.
    fn read_subscript_head(&mut self) -> Parsed<Option<Subscript>> {
        let (start, line) = (self.position, self.line);
        let subscript = match self.read_subscript() {
            Ok(subscript) => subscript,
            Err(_) => {
                self.position = start;
                self.line = line;
                return Ok(None);
            }
        };
        if self.peek() == Some(b'=') || self.starts_with(b"+=") {
            return Ok(Some(subscript));
        }
        self.position = start;
        self.line = line;
        Ok(None)
    }

    fn read_assigned_word(&mut self) -> Parsed<Word> {
        let mut word = Parts::default();
        let mut assigned = true;
        self.read_word_into(&mut word, &mut assigned)?;
        let mut word = word.finish();
        word.braces = false;
        Ok(word)
    }

    /// `(a b [3]=c)`
    fn read_array(&mut self) -> Parsed<Vec<Element>> {
        let line = self.line;
        self.skip(1);
        let saved = std::mem::replace(&mut self.assignments, false);
        let mut elements = Vec::new();
        loop {
            self.skip_array_blanks();
            match self.peek() {
                None => return Err(self.unterminated(b')', line)),
                Some(b')') => {
                    self.skip(1);
                    break;
                }
                Some(byte) if is_metacharacter(byte) && !(matches!(byte, b'<' | b'>') && self.peek_at(1) == Some(b'(')) => {
                    let token = self.next_token()?;
                    debug_assert!(matches!(token, Token::Operator(_) | Token::Newline));
                    return Err(self.error(ErrorKind::UnexpectedToken(self.token_text()), self.line));
                }
                Some(b'[') => elements.push(self.read_element()?),
                Some(_) => elements.push(Element { subscript: None, append: false, value: self.read_word()? }),
            }
        }
        self.assignments = saved;
        Ok(elements)
    }

    fn read_element(&mut self) -> Parsed<Element> {
        let Some(subscript) = self.read_subscript_head()? else {
            return Ok(Element { subscript: None, append: false, value: self.read_word()? });
        };
        let append = self.starts_with(b"+=");
        self.skip(if append { 2 } else { 1 });
        Ok(Element { subscript: Some(subscript), append, value: self.read_assigned_word()? })
    }

    fn skip_array_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n') => self.skip(1),
                Some(b'#') => {
                    while !matches!(self.peek(), None | Some(b'\n')) {
                        self.skip(1);
                    }
                }
                _ if self.skip_continuation() => {}
                _ => return,
            }
        }
    }
}

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
