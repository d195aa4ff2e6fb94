//! The inputs of a run: the files one after another (standard input without any), as JSON values, lines or slurped whole.
//! They are read line by line as they are asked for, so that `input_line_number` and errors name what jq names.

use crate::json::Parser;
use crate::report::complain;
use crate::value::Val;
use std::collections::VecDeque;
use tidepool_system::{Errno, Fd, Open, close, open, read};

#[derive(Clone, Copy)]
pub struct Reading {
    pub raw: bool,
    pub slurp: bool,
}

pub struct Inputs {
    reading: Reading,
    files: VecDeque<Vec<u8>>,
    open: Option<Fd>,
    pub name: Option<String>,
    pub line: usize,
    /// Reading was tried: errors can name a place.
    begun: bool,
    /// Nothing was given to the parser: a byte order mark may come.
    first: bool,
    buffer: Vec<u8>,
    at: usize,
    parser: Parser,
    text: Vec<u8>,
    ended: bool,
    slurped: bool,
    pub failed: bool,
}

impl Inputs {
    pub fn new(reading: Reading, files: Vec<Vec<u8>>) -> Inputs {
        let open = files.is_empty().then_some(Fd::STDIN);
        Inputs {
            reading,
            files: files.into(),
            open,
            name: None,
            line: 0,
            begun: false,
            first: true,
            buffer: Vec::new(),
            at: 0,
            parser: Parser::new(),
            text: Vec::new(),
            ended: false,
            slurped: false,
            failed: false,
        }
    }

    /// The next input; an error is the parser's text.
    pub fn next(&mut self) -> Option<Result<Val, String>> {
        match (self.reading.slurp, self.reading.raw) {
            (true, _) if self.slurped => None,
            (true, raw) => {
                self.slurped = true;
                Some(if raw { Ok(self.all_text()) } else { std::iter::from_fn(|| self.next_value()).collect() })
            }
            (false, true) => self.next_line().map(Ok),
            (false, false) => self.next_value(),
        }
    }

    fn all_text(&mut self) -> Val {
        let mut text = Vec::new();
        while let Some(piece) = self.piece() {
            text.extend(piece);
        }
        Val::from(String::from_utf8_lossy(&text).into_owned())
    }

    fn next_line(&mut self) -> Option<Val> {
        while let Some(piece) = self.piece() {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.text.extend_from_slice(end);
                    let line = std::mem::take(&mut self.text);
                    return Some(Val::from(String::from_utf8_lossy(&line).into_owned()));
                }
                None => self.text.extend(piece),
            }
        }
        let rest = std::mem::take(&mut self.text);
        (!rest.is_empty()).then(|| Val::from(String::from_utf8_lossy(&rest).into_owned()))
    }

    fn next_value(&mut self) -> Option<Result<Val, String>> {
        loop {
            if let Some(value) = self.parser.next() {
                return Some(value);
            }
            if self.ended {
                return None;
            }
            match self.piece() {
                Some(piece) => {
                    let first = std::mem::take(&mut self.first);
                    let mark = if first && piece.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
                    self.parser.feed(piece[mark..].to_vec());
                }
                None => {
                    self.ended = true;
                    return self.parser.finish();
                }
            }
        }
    }

    /// The rest of a line with its line end, or what is left of a buffer.
    fn piece(&mut self) -> Option<Vec<u8>> {
        while self.at == self.buffer.len() {
            if !self.fill() {
                return None;
            }
        }
        let rest = &self.buffer[self.at..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        self.line += usize::from(rest[length - 1] == b'\n');
        self.at += length;
        Some(rest[..length].to_vec())
    }

    /// Reads on, in the next file where one has ended; false after the last.
    fn fill(&mut self) -> bool {
        self.buffer.resize(1 << 16, 0);
        self.at = 0;
        loop {
            let Some(fd) = self.open.or_else(|| self.open_next()) else {
                self.buffer.clear();
                return false;
            };
            self.open = Some(fd);
            self.begun = true;
            match read(fd, &mut self.buffer) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) if self.files.is_empty() => {
                    self.buffer.clear();
                    return false;
                }
                Ok(0) => self.end_file(fd),
                Err(errno) => {
                    complain(&format!("error: input error: {errno}"));
                    self.failed = true;
                    self.end_file(fd);
                }
                Ok(count) => {
                    self.buffer.truncate(count);
                    return true;
                }
            }
        }
    }

    fn end_file(&mut self, fd: Fd) {
        let _ = close(fd);
        self.open = None;
    }

    fn open_next(&mut self) -> Option<Fd> {
        while let Some(file) = self.files.pop_front() {
            let name = String::from_utf8_lossy(&file).into_owned();
            match open(&file, Open::read().cloexec()) {
                Ok(fd) => {
                    self.name = Some(name);
                    self.line = 0;
                    return Some(fd);
                }
                Err(errno) => {
                    complain(&format!("error: Could not open file {name}: {errno}"));
                    self.failed = true;
                }
            }
        }
        None
    }

    /// Where the last input came from: `p.json:1`, `<stdin>:0`, `<unknown>`.
    pub fn place(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}:{}", self.line),
            None if self.begun => format!("<stdin>:{}", self.line),
            None => "<unknown>".to_owned(),
        }
    }
}

/// The whole of a file.
pub fn read_file(path: &[u8]) -> Result<Vec<u8>, Errno> {
    let fd = open(path, Open::read().cloexec())?;
    let mut content = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match read(fd, &mut piece) {
            Ok(0) => break,
            Ok(count) => content.extend_from_slice(&piece[..count]),
            Err(Errno::EINTR) => {}
            Err(errno) => {
                let _ = close(fd);
                return Err(errno);
            }
        }
    }
    let _ = close(fd);
    Ok(content)
}
