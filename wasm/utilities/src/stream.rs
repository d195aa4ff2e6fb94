//! Buffered standard output and input over raw descriptors: chunks of 64 KiB, lines without copying.

use crate::report::{Failure, write_failure};
use memchr::memchr;
use tidepool_system::{Errno, Fd, Open, Result, close, open, read, write_all};

/// Why copying stopped: the file that was read (the program goes on with the next one), or what ends the program.
pub enum Trouble {
    File(Errno),
    Fatal(Failure),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Trouble {
        Trouble::File(errno)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Fatal(failure)
    }
}

/// The file's error, or the end of the program.
pub fn file_error<T>(result: std::result::Result<T, Trouble>) -> std::result::Result<Result<T>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Trouble::File(errno)) => Ok(Err(errno)),
        Err(Trouble::Fatal(failure)) => Err(failure),
    }
}

pub const CHUNK: usize = 64 * 1024;

/// Buffered output to a descriptor. What is not flushed is lost: a program ends with `finish`.
pub struct Output {
    fd: Fd,
    buffer: Vec<u8>,
}

impl Output {
    pub fn stdout() -> Output {
        Output::to(Fd::STDOUT)
    }

    pub fn to(fd: Fd) -> Output {
        Output { fd, buffer: Vec::new() }
    }

    pub fn put(&mut self, bytes: &[u8]) -> std::result::Result<(), Failure> {
        if self.buffer.len() + bytes.len() > CHUNK {
            self.flush()?;
            if bytes.len() >= CHUNK {
                return write_all(self.fd, bytes).map_err(write_failure);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    pub fn byte(&mut self, byte: u8) -> std::result::Result<(), Failure> {
        self.put(&[byte])
    }

    pub fn text(&mut self, text: impl AsRef<str>) -> std::result::Result<(), Failure> {
        self.put(text.as_ref().as_bytes())
    }

    pub fn flush(&mut self) -> std::result::Result<(), Failure> {
        let written = write_all(self.fd, &self.buffer);
        self.buffer.clear();
        written.map_err(write_failure)
    }

    /// Flushes and gives the exit status.
    pub fn finish(mut self, status: i32) -> crate::report::Outcome {
        self.flush()?;
        Ok(status)
    }
}

/// A file or standard input, read in chunks.
pub struct Input {
    fd: Fd,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl Input {
    /// `-` is standard input.
    pub fn open(name: &[u8]) -> Result<Input> {
        Ok(Input::from(if name == b"-" { Fd::STDIN } else { open(name, Open::read().cloexec())? }))
    }

    pub fn from(fd: Fd) -> Input {
        Input { fd, buffer: Vec::new(), start: 0, end: 0, ended: false }
    }

    /// How much of what was read is not yet taken.
    pub fn buffered(&self) -> usize {
        self.end - self.start
    }

    pub fn fd(&self) -> Fd {
        self.fd
    }

    /// Reads more behind what is buffered; false at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK / 2 {
            let length = if self.buffer.is_empty() { CHUNK } else { self.buffer.len() * 2 };
            self.buffer.resize(length, 0);
        }
        let count = loop {
            match read(self.fd, &mut self.buffer[self.end..]) {
                Err(Errno::EINTR) => {}
                result => break result?,
            }
        };
        self.ended = count == 0;
        self.end += count;
        Ok(count > 0)
    }

    /// What comes next, at most some 64 KiB; empty at the end.
    pub fn chunk(&mut self) -> Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        let chunk = self.start..self.end;
        self.start = self.end;
        Ok(&self.buffer[chunk])
    }

    /// The next line with its delimiter; the last one may lack it.
    pub fn line(&mut self, delimiter: u8) -> Result<Option<&[u8]>> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr(delimiter, &self.buffer[self.start + searched..self.end]) {
                let line = self.start..self.start + searched + at + 1;
                self.start = line.end;
                return Ok(Some(&self.buffer[line]));
            }
            searched = self.end - self.start;
            if !self.fill()? {
                let line = self.start..self.end;
                self.start = self.end;
                return Ok(if line.is_empty() { None } else { Some(&self.buffer[line]) });
            }
        }
    }

    /// The next byte; `None` at the end.
    pub fn byte(&mut self) -> Result<Option<u8>> {
        let next = self.peek()?;
        self.start += usize::from(next.is_some());
        Ok(next)
    }

    pub fn peek(&mut self) -> Result<Option<u8>> {
        if self.start == self.end && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.buffer[self.start]))
    }

    /// Looks again behind an end that was reached.
    pub fn resume(&mut self) {
        self.ended = false;
    }

    /// Everything that is left.
    pub fn all(&mut self) -> Result<Vec<u8>> {
        while self.fill()? {}
        let mut all = std::mem::take(&mut self.buffer);
        all.truncate(self.end);
        all.drain(..self.start);
        (self.start, self.end) = (0, 0);
        Ok(all)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.fd != Fd::STDIN {
            let _ = close(self.fd);
        }
    }
}

/// A line without its delimiter.
pub fn trim(line: &[u8], delimiter: u8) -> &[u8] {
    line.strip_suffix(&[delimiter]).unwrap_or(line)
}
