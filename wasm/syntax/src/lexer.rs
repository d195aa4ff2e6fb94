//! Reads tokens from a script that arrives line by line. Every byte goes through [`Parser::peek`], which asks the source
//! for the next line only when the text is used up, so that a script on a terminal or pipe is read no further than needed.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ast::HereDocument;
use crate::error::{ErrorKind, SyntaxError};
use crate::name::{is_name, is_name_byte};
use crate::token::{OPERATORS, Operator, Token, is_metacharacter};

/// Where a script comes from.
pub trait Source {
    /// Appends the next line, with its newline, to `text`; false at the end.
    fn read_line(&mut self, text: &mut Vec<u8>) -> bool;
}

/// A script that is already in memory.
pub struct TextSource {
    text: Rc<[u8]>,
    position: usize,
    /// The last line gets a newline when it has none, as in a command string.
    completes: bool,
}

impl TextSource {
    pub fn new(text: &[u8]) -> TextSource {
        TextSource { text: text.into(), position: 0, completes: false }
    }

    pub fn with_newline(text: &[u8]) -> TextSource {
        TextSource { completes: true, ..TextSource::new(text) }
    }
}

impl Source for TextSource {
    fn read_line(&mut self, text: &mut Vec<u8>) -> bool {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        text.extend_from_slice(rest.get(..end).unwrap_or_default());
        self.position += end;
        if self.completes && end > 0 && text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        end > 0
    }
}

/// What the shell's settings change in the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    pub extended_globs: bool,
}

pub struct Parser {
    source: Box<dyn Source>,
    pub(crate) text: Vec<u8>,
    pub(crate) position: usize,
    pub(crate) line: u32,
    pub(crate) lookahead: Option<Token>,
    /// Where the token in `lookahead`, or else the last one, starts and ends.
    pub(crate) token_start: usize,
    pub(crate) token_end: usize,
    pub(crate) token_line: u32,
    /// Here-documents whose bodies start after the next newline.
    pub(crate) pending: Vec<(Rc<HereDocument>, u32)>,
    /// Whether `name=value` is an assignment at this place.
    pub(crate) assignments: bool,
    /// The right side of `=~`, where `(`, `)` and `|` are text.
    pub(crate) regex: bool,
    pub(crate) depth: u32,
    pub options: Options,
    /// What words at a command's place stand for; empty while aliases are off.
    pub aliases: HashMap<Vec<u8>, Vec<u8>>,
    /// Aliases whose text is being read, with the place where it ends: they do not stand for themselves in it.
    pub(crate) open_aliases: Vec<(Vec<u8>, usize)>,
    /// An alias that ends in a blank lets the word after it be one too.
    pub(crate) alias_follows: Option<usize>,
    /// Lines that a message of the shell should get besides, such as a here-document cut short.
    pub warnings: Vec<(u32, Vec<u8>)>,
}

/// Nesting of commands and expansions in one script.
pub const MAXIMUM_DEPTH: u32 = 200;

pub(crate) type Parsed<T> = Result<T, SyntaxError>;

impl Parser {
    pub fn new(source: Box<dyn Source>, line: u32) -> Parser {
        Parser {
            source,
            text: Vec::new(),
            position: 0,
            line,
            lookahead: None,
            token_start: 0,
            token_end: 0,
            token_line: line,
            pending: Vec::new(),
            assignments: false,
            regex: false,
            depth: 0,
            options: Options::default(),
            aliases: HashMap::new(),
            open_aliases: Vec::new(),
            alias_follows: None,
            warnings: Vec::new(),
        }
    }

    pub fn from_text(text: &[u8], line: u32) -> Parser {
        Parser::new(Box::new(TextSource::new(text)), line)
    }

    /// A parser for a piece of this script, in the same settings.
    pub(crate) fn nested(&self, text: &[u8], line: u32) -> Parser {
        let mut parser = Parser::from_text(text, line);
        parser.options = self.options;
        parser.depth = self.depth + 1;
        parser
    }

    /// Drops what the command before used, so that the text stays as short as one command.
    pub(crate) fn forget_read_text(&mut self) {
        if self.lookahead.is_none() && self.position > 0 {
            let line_start = self.text[..self.position].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if line_start > 0 {
                self.text.drain(..line_start);
                self.position -= line_start;
            }
        }
    }

    /// Gives up the rest of the line, after an error.
    pub fn skip_line(&mut self) {
        self.lookahead = None;
        self.pending.clear();
        while let Some(byte) = self.text.get(self.position) {
            self.position += 1;
            if *byte == b'\n' {
                self.line += 1;
                break;
            }
        }
    }

    pub fn line(&self) -> u32 {
        self.line
    }

    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&mut self, distance: usize) -> Option<u8> {
        loop {
            if let Some(byte) = self.text.get(self.position + distance) {
                return Some(*byte);
            }
            if !self.source.read_line(&mut self.text) {
                return None;
            }
        }
    }

    pub(crate) fn advance(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    pub(crate) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.advance();
        }
    }

    pub(crate) fn starts_with(&mut self, text: &[u8]) -> bool {
        text.iter().enumerate().all(|(at, byte)| self.peek_at(at) == Some(*byte))
    }

    /// Skips a backslash-newline pair; says whether there was one.
    pub(crate) fn skip_continuation(&mut self) -> bool {
        let found = self.peek() == Some(b'\\') && self.peek_at(1) == Some(b'\n');
        if found {
            self.skip(2);
        }
        found
    }

    pub(crate) fn error(&self, kind: ErrorKind, line: u32) -> SyntaxError {
        let at = self.token_start.min(self.text.len());
        let start = self.text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
        let end = self.text[at..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |found| at + found);
        SyntaxError { kind, line, text: self.text[start..end].to_vec() }
    }

    /// The text is used up inside a quotation or bracket that began on `line`.
    pub(crate) fn unterminated(&self, closing: u8, line: u32) -> SyntaxError {
        self.error(ErrorKind::Unterminated(closing), line)
    }

    pub(crate) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAXIMUM_DEPTH {
            return Err(self.error(ErrorKind::Other(b"commands and expansions are nested too deeply".to_vec()), self.line));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn peek_token(&mut self) -> Parsed<&Token> {
        if self.lookahead.is_none() {
            let token = self.read_token()?;
            self.token_end = self.position;
            self.lookahead = Some(token);
        }
        Ok(self.lookahead.as_ref().unwrap_or(&Token::End))
    }

    pub(crate) fn next_token(&mut self) -> Parsed<Token> {
        self.peek_token()?;
        Ok(self.lookahead.take().unwrap_or(Token::End))
    }

    /// The token in `lookahead`, or else the last one, as it is written.
    pub(crate) fn token_text(&self) -> Vec<u8> {
        self.text.get(self.token_start..self.token_end).unwrap_or_default().to_vec()
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.skip(1),
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

    fn read_token(&mut self) -> Parsed<Token> {
        self.skip_blanks();
        self.token_start = self.position;
        self.token_line = self.line;
        let Some(byte) = self.peek() else {
            self.read_here_documents()?;
            return Ok(Token::End);
        };
        if byte == b'\n' {
            self.advance();
            self.read_here_documents()?;
            return Ok(Token::Newline);
        }
        if self.regex {
            return self.read_word().map(Token::Word);
        }
        if let Some(token) = self.read_descriptor() {
            return Ok(token);
        }
        let process = matches!(byte, b'<' | b'>') && self.peek_at(1) == Some(b'(');
        if !process && let Some(operator) = self.read_operator() {
            return Ok(Token::Operator(operator));
        }
        if self.assignments
            && let Some(assignment) = self.read_assignment()?
        {
            return Ok(Token::Assignment(assignment));
        }
        self.read_word().map(Token::Word)
    }

    fn read_operator(&mut self) -> Option<Operator> {
        if !is_metacharacter(self.peek()?) {
            return None;
        }
        let (text, operator) = OPERATORS.iter().find(|(text, _)| self.starts_with(text))?;
        self.skip(text.len());
        Some(*operator)
    }

    /// A number or `{name}` directly before `<` or `>`.
    fn read_descriptor(&mut self) -> Option<Token> {
        let mut length = 0;
        let braced = self.peek() == Some(b'{');
        if braced {
            length += 1;
            while self.peek_at(length).is_some_and(is_name_byte) {
                length += 1;
            }
            if self.peek_at(length) != Some(b'}') {
                return None;
            }
            length += 1;
        } else {
            while self.peek_at(length).is_some_and(|byte| byte.is_ascii_digit()) {
                length += 1;
            }
        }
        if length == 0 || !matches!(self.peek_at(length), Some(b'<' | b'>')) {
            return None;
        }
        let text = self.text.get(self.position..self.position + length)?.to_vec();
        let token = if braced {
            let name = text.get(1..length - 1)?;
            if !is_name(name) {
                return None;
            }
            Token::IoName(name.to_vec())
        } else {
            Token::IoNumber(std::str::from_utf8(&text).ok()?.parse().ok()?)
        };
        self.skip(length);
        Some(token)
    }
}
