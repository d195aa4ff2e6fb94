//! Reads words: quoting, and where a word ends.

use crate::ast::{Part, Word};
use crate::lexer::{Parsed, Parser};
use crate::name::{is_name, is_name_byte};
use crate::token::is_metacharacter;

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

    pub(crate) fn read_word_into(&mut self, word: &mut Parts, assigned: &mut bool) -> Parsed<()> {
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
}
