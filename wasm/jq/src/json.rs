//! JSON in, as jq reads it: a stream of values that need no separators, fed in pieces; each byte moves a small state
//! machine, so that errors name the line and column that jq names.

use crate::number::parse_number;
use crate::value::{Map, Val};
use std::rc::Rc;

const MOST_DEPTH: usize = 10_000;

enum Frame {
    Array(Vec<Val>),
    Object(Map),
    /// A key that waits for its value; the object is below it.
    Key(Rc<String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Normal,
    String,
    Escape,
}

pub struct Parser {
    stack: Vec<Frame>,
    next: Option<Val>,
    token: Vec<u8>,
    state: State,
    line: usize,
    column: usize,
    chunk: Vec<u8>,
    at: usize,
}

type Step = Result<(), &'static str>;

impl Parser {
    pub fn new() -> Parser {
        Parser {
            stack: Vec::new(),
            next: None,
            token: Vec::new(),
            state: State::Normal,
            line: 1,
            column: 0,
            chunk: Vec::new(),
            at: 0,
        }
    }

    /// Gives the parser its next piece; the one before must be used up.
    pub fn feed(&mut self, chunk: Vec<u8>) {
        self.chunk = chunk;
        self.at = 0;
    }

    /// The next value of the piece; none when more input is needed.
    pub fn next(&mut self) -> Option<Result<Val, String>> {
        while self.at < self.chunk.len() {
            if self.state == State::String && self.skip_text() {
                continue;
            }
            let byte = self.chunk[self.at];
            self.at += 1;
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 0;
            }
            match self.scan(byte) {
                Err(text) => return Some(Err(format!("{text} at line {}, column {}", self.line, self.column))),
                Ok(true) => return self.next.take().map(Ok),
                Ok(false) => {}
            }
        }
        None
    }

    /// The value that ends with the input, or what is wrong with the end.
    pub fn finish(&mut self) -> Option<Result<Val, String>> {
        let place = format!("at EOF at line {}, column {}", self.line, self.column);
        if self.state != State::Normal {
            return Some(Err(format!("Unfinished string {place}")));
        }
        if let Err(text) = self.check_literal() {
            return Some(Err(format!("{text} {place}")));
        }
        if !self.stack.is_empty() {
            return Some(Err(format!("Unfinished JSON term {place}")));
        }
        self.next.take().map(Ok)
    }

    /// Takes all up to the next quote, escape or line end of a string at once.
    fn skip_text(&mut self) -> bool {
        let rest = &self.chunk[self.at..];
        let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\' | b'\n')).unwrap_or(rest.len());
        self.token.extend_from_slice(&rest[..plain]);
        self.at += plain;
        self.column += plain;
        plain > 0
    }

    fn scan(&mut self, byte: u8) -> Result<bool, &'static str> {
        match (self.state, byte) {
            (State::Normal, b' ' | b'\t' | b'\r' | b'\n') => {
                self.check_literal()?;
                Ok(self.done())
            }
            (State::Normal, b'[' | b']' | b'{' | b'}' | b',' | b':') => {
                self.check_literal()?;
                self.structure(byte)?;
                Ok(self.done())
            }
            (State::Normal, b'"') => {
                self.check_literal()?;
                self.state = State::String;
                Ok(self.done())
            }
            (State::Normal, other) => {
                self.token.push(other);
                Ok(false)
            }
            (State::String, b'"') => {
                let text = unescape(&std::mem::take(&mut self.token))?;
                self.value(Val::from(text))?;
                self.state = State::Normal;
                Ok(self.done())
            }
            (state, other) => {
                self.token.push(other);
                self.state = if state == State::String && other == b'\\' { State::Escape } else { State::String };
                Ok(false)
            }
        }
    }

    fn done(&self) -> bool {
        self.stack.is_empty() && self.next.is_some()
    }

    fn value(&mut self, value: Val) -> Step {
        if self.next.is_some() {
            return Err("Expected separator between values");
        }
        self.next = Some(value);
        Ok(())
    }

    fn check_literal(&mut self) -> Step {
        if self.token.is_empty() {
            return Ok(());
        }
        let token = std::mem::take(&mut self.token);
        let value = match (token[0], token.as_slice()) {
            (_, b"true") => Val::Bool(true),
            (_, b"false") => Val::Bool(false),
            (_, b"null") => Val::Null,
            (b't' | b'f', _) => return Err("Invalid literal"),
            (b'n', other) if other.len() != 3 => return Err("Invalid literal"),
            (_, other) => {
                let number = std::str::from_utf8(other).ok().and_then(parse_number);
                Val::Num(number.ok_or("Invalid numeric literal")?)
            }
        };
        self.value(value)
    }

    fn structure(&mut self, byte: u8) -> Step {
        match byte {
            b'[' | b'{' => {
                if self.stack.len() >= MOST_DEPTH {
                    return Err("Exceeds depth limit for parsing");
                }
                if self.next.is_some() {
                    return Err("Expected separator between values");
                }
                self.stack.push(if byte == b'[' { Frame::Array(Vec::new()) } else { Frame::Object(Map::default()) });
                Ok(())
            }
            b':' => self.colon(),
            b',' => self.comma(),
            b']' => self.close_array(),
            _ => self.close_object(),
        }
    }

    fn colon(&mut self) -> Step {
        match (self.stack.last(), self.next.take()) {
            (None | Some(Frame::Array(_)), _) => Err("':' not as part of an object"),
            (_, None) => Err("Expected string key before ':'"),
            (Some(Frame::Object(_)), Some(Val::Str(key))) => {
                self.stack.push(Frame::Key(key));
                Ok(())
            }
            (Some(Frame::Object(_)), _) => Err("Object keys must be strings"),
            (Some(Frame::Key(_)), _) => Err("':' should follow a key"),
        }
    }

    fn comma(&mut self) -> Step {
        let Some(value) = self.next.take() else {
            return Err("Expected value before ','");
        };
        match self.stack.last_mut() {
            None => Err("',' not as part of an object or array"),
            Some(Frame::Array(items)) => {
                items.push(value);
                Ok(())
            }
            Some(Frame::Key(_)) => self.end_entry(value),
            Some(Frame::Object(_)) => Err("Objects must consist of key:value pairs"),
        }
    }

    fn end_entry(&mut self, value: Val) -> Step {
        if let (Some(Frame::Key(key)), Some(Frame::Object(map))) = (self.stack.pop(), self.stack.last_mut()) {
            map.insert(key, value);
        }
        Ok(())
    }

    fn close_array(&mut self) -> Step {
        match (self.stack.last_mut(), self.next.take()) {
            (Some(Frame::Array(items)), Some(value)) => items.push(value),
            (Some(Frame::Array(items)), None) if items.is_empty() => {}
            (Some(Frame::Array(_)), None) => return Err("Expected another array element"),
            _ => return Err("Unmatched ']'"),
        }
        if let Some(Frame::Array(items)) = self.stack.pop() {
            self.next = Some(Val::arr(items));
        }
        Ok(())
    }

    fn close_object(&mut self) -> Step {
        match (self.stack.last(), self.next.take()) {
            (None | Some(Frame::Array(_)), _) => return Err("Unmatched '}'"),
            (Some(Frame::Key(_)), Some(value)) => self.end_entry(value)?,
            (Some(Frame::Object(_)), Some(_)) => return Err("Objects must consist of key:value pairs"),
            (Some(Frame::Object(map)), None) if map.is_empty() => {}
            (Some(Frame::Object(_)), None) => return Err("Expected another key-value pair"),
            (Some(Frame::Key(_)), None) => return Err("Unmatched '}'"),
        }
        if let Some(Frame::Object(map)) = self.stack.pop() {
            self.next = Some(Val::Obj(Rc::new(map)));
        }
        Ok(())
    }
}

fn unescape(raw: &[u8]) -> Result<String, &'static str> {
    if !raw.contains(&b'\\') {
        return Ok(String::from_utf8_lossy(raw).into_owned());
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let letter = *rest.get(at + 1).ok_or("Expected escape character at end of string")?;
        rest = &rest[at + 2..];
        out.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (c, after) = code_point(rest)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
            _ => return Err("Invalid escape"),
        });
    }
    out.extend_from_slice(rest);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn hexadecimal(text: &[u8]) -> Result<u32, &'static str> {
    let digits = text.get(..4).ok_or("Invalid \\uXXXX escape")?;
    digits.iter().try_fold(0, |n, d| Ok(n * 16 + char::from(*d).to_digit(16).ok_or("Invalid escape")?))
}

/// The character of the digits after `\u`, with the second half of a surrogate pair; a lone half is U+FFFD.
fn code_point(text: &[u8]) -> Result<(char, &[u8]), &'static str> {
    let (first, rest) = (hexadecimal(text)?, &text[4..]);
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = rest.strip_prefix(b"\\u")
        && let Ok(low @ 0xdc00..0xe000) = hexadecimal(second)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        return Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &second[4..]));
    }
    Ok((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

/// All values of a text.
pub fn parse_all(text: &[u8]) -> Result<Vec<Val>, String> {
    let mut parser = Parser::new();
    parser.feed(text.to_vec());
    let mut values = Vec::new();
    while let Some(value) = parser.next() {
        values.push(value?);
    }
    if let Some(value) = parser.finish() {
        values.push(value?);
    }
    Ok(values)
}

/// The one value of a text, as `fromjson` and `--argjson` want it.
pub fn parse_one(text: &[u8]) -> Result<Val, String> {
    let mut values = parse_all(text)?;
    match values.len() {
        1 => Ok(values.remove(0)),
        0 => Err("Expected JSON value".to_owned()),
        _ => Err("Unexpected extra JSON values".to_owned()),
    }
}
