//! Where expanded text goes: into fields, split at IFS, or into one text or pattern. It remembers which characters were
//! quoted, because only unquoted ones split and match file names.

use super::pattern::escape_into;
use crate::variables::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Fields, for arguments.
    Fields,
    /// One text, quotes removed.
    Text,
    /// One pattern: quoted characters stand for themselves.
    Pattern,
    /// One regular expression: quoted characters stand for themselves.
    Regex,
    /// The replacement of `${x/a/b}`: quoted characters stand for themselves, an unquoted `&` for what was matched.
    Replacement,
}

#[derive(Debug, Default)]
pub struct Field {
    pub text: Bytes,
    /// The text as a pattern, once an unquoted pattern character came.
    pub pattern: Option<Bytes>,
    pub magic: bool,
}

pub struct Fields {
    mode: Mode,
    ifs: Bytes,
    /// Unquoted text goes to fields that are matched against file names.
    pub globs: bool,
    pub done: Vec<Field>,
    current: Field,
    started: bool,
    /// The last field was ended by IFS white space: a delimiter right after it belongs to it.
    after_blank: bool,
}

impl Fields {
    pub fn new(mode: Mode, ifs: Bytes, globs: bool) -> Fields {
        Fields { mode, ifs, globs, done: Vec::new(), current: Field::default(), started: false, after_blank: false }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Text of the script outside quotes.
    pub fn literal(&mut self, text: &[u8]) {
        match self.mode {
            Mode::Fields => {
                self.started = true;
                self.after_blank = false;
                self.append_unquoted(text);
            }
            _ => self.current.text.extend_from_slice(text),
        }
    }

    pub fn quoted(&mut self, text: &[u8]) {
        match self.mode {
            Mode::Fields => {
                self.started = true;
                self.after_blank = false;
                self.current.text.extend_from_slice(text);
                if let Some(pattern) = &mut self.current.pattern {
                    escape_into(text, pattern);
                }
            }
            Mode::Text => self.current.text.extend_from_slice(text),
            Mode::Pattern => escape_into(text, &mut self.current.text),
            Mode::Regex => escape_regex(text, &mut self.current.text),
            Mode::Replacement => escape_replacement(text, &mut self.current.text),
        }
    }

    /// The result of an unquoted expansion.
    pub fn expanded(&mut self, text: &[u8]) {
        if self.mode != Mode::Fields {
            self.current.text.extend_from_slice(text);
            return;
        }
        let mut start = 0;
        for (at, byte) in text.iter().enumerate() {
            if !self.ifs.contains(byte) {
                continue;
            }
            let piece = text.get(start..at).unwrap_or_default();
            if !piece.is_empty() {
                self.literal(piece);
            }
            start = at + 1;
            if matches!(byte, b' ' | b'\t' | b'\n') {
                if self.started {
                    self.end_field();
                    self.after_blank = true;
                }
            } else if self.after_blank && !self.started {
                self.after_blank = false;
            } else {
                self.end_field();
            }
        }
        let rest = text.get(start..).unwrap_or_default();
        if !rest.is_empty() {
            self.literal(rest);
        }
    }

    fn append_unquoted(&mut self, text: &[u8]) {
        if self.globs
            && (self.current.pattern.is_some() || text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\' | b'(')))
        {
            let before = &self.current.text;
            let pattern = self.current.pattern.get_or_insert_with(|| {
                let mut pattern = Vec::new();
                escape_into(before, &mut pattern);
                pattern
            });
            pattern.extend_from_slice(text);
            self.current.magic |= text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'('));
        }
        self.current.text.extend_from_slice(text);
    }

    /// `""` makes a field even when nothing is in it.
    pub fn start(&mut self) {
        self.started = true;
    }

    /// The border between two elements of `$@`.
    pub fn boundary(&mut self) {
        match self.mode {
            Mode::Fields => {
                if self.started {
                    self.end_field();
                }
            }
            _ => self.current.text.push(b' '),
        }
    }

    /// The border between two elements of `"$@"`: empty ones count.
    pub fn quoted_boundary(&mut self) {
        match self.mode {
            Mode::Fields => {
                self.end_field();
                self.started = true;
            }
            _ => self.quoted(b" "),
        }
    }

    fn end_field(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
        self.started = false;
        self.after_blank = false;
    }

    pub fn finish(mut self) -> Vec<Field> {
        if self.started {
            self.end_field();
        }
        self.done
    }

    pub fn finish_text(self) -> Bytes {
        self.current.text
    }
}

fn escape_replacement(text: &[u8], replacement: &mut Vec<u8>) {
    for byte in text {
        if matches!(byte, b'\\' | b'&') {
            replacement.push(b'\\');
        }
        replacement.push(*byte);
    }
}

/// Escapes what means something in a regular expression.
fn escape_regex(text: &[u8], regex: &mut Vec<u8>) {
    for byte in text {
        if matches!(byte, b'\\' | b'.' | b'*' | b'+' | b'?' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'^' | b'$') {
            regex.push(b'\\');
        }
        regex.push(*byte);
    }
}
