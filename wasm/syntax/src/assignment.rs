//! Reads assignments, where a command may begin and after the names of declarations.

use crate::ast::{AssignedValue, Assignment, Element, Subscript, Word};
use crate::error::ErrorKind;
use crate::lexer::{Parsed, Parser};
use crate::name::{Name, is_name, is_name_byte};
use crate::token::is_metacharacter;
use crate::word::Parts;

impl Parser {
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
        let value = if self.peek() == Some(b'(') {
            AssignedValue::Array(self.read_array()?)
        } else {
            AssignedValue::Word(self.read_assigned_word()?)
        };
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
                    self.next_token()?;
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
