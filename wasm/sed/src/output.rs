//! Where a script writes: standard output or the copy of a file edited in place, and the files of `w`. A line that had no
//! end gets one only when something follows.

use crate::command::Sink;
use crate::fail::{Failure, panic, shown};
use tidepool_system::{Errno, Fd, Open, close, open, write_all};

const FULL: usize = 64 << 10;

pub struct Stream {
    fd: Fd,
    name: Vec<u8>,
    buffer: Vec<u8>,
    missing_end: bool,
}

impl Stream {
    pub fn new(fd: Fd, name: &[u8]) -> Stream {
        Stream { fd, name: name.to_vec(), buffer: Vec::new(), missing_end: false }
    }

    /// Writes text as it is, after the end that the line before may lack.
    pub fn text(&mut self, text: &[u8], end: u8) -> Result<(), Failure> {
        if self.missing_end {
            self.buffer.push(end);
            self.missing_end = false;
        }
        self.buffer.extend_from_slice(text);
        if self.buffer.len() >= FULL { self.flush() } else { Ok(()) }
    }

    /// Writes a line and, unless it had none in the input, its end.
    pub fn line(&mut self, line: &[u8], ended: bool, end: u8) -> Result<(), Failure> {
        self.text(line, end)?;
        if ended {
            self.buffer.push(end);
        } else {
            self.missing_end = true;
        }
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = write_all(self.fd, &self.buffer);
        let count = self.buffer.len();
        self.buffer.clear();
        written.map_err(|errno: Errno| panic(&format!("couldn't write {count} items to {}: {errno}", shown(&self.name))))
    }

    pub fn close(mut self) -> Result<(), Failure> {
        self.flush()?;
        close(self.fd).map_err(|errno| panic(&format!("couldn't close {}: {errno}", shown(&self.name))))
    }
}

pub struct Output {
    pub end: u8,
    pub main: Stream,
    /// Standard output while `main` is a file edited in place.
    aside: Option<Stream>,
    stderr: Stream,
    files: Vec<Stream>,
}

impl Output {
    pub fn new(names: &[Vec<u8>], end: u8) -> Result<Output, Failure> {
        let mut files = Vec::new();
        for name in names {
            let fd = open(name, Open::write().create().truncate().cloexec())
                .map_err(|errno| panic(&format!("couldn't open file {}: {errno}", shown(name))))?;
            files.push(Stream::new(fd, name));
        }
        let main = Stream::new(Fd::STDOUT, b"stdout");
        Ok(Output { end, main, aside: None, stderr: Stream::new(Fd::STDERR, b"stderr"), files })
    }

    fn sink(&mut self, sink: Sink) -> &mut Stream {
        match sink {
            Sink::Stdout => self.aside.as_mut().unwrap_or(&mut self.main),
            Sink::Stderr => &mut self.stderr,
            Sink::File(index) => &mut self.files[index],
        }
    }

    pub fn line_to(&mut self, sink: Sink, line: &[u8], ended: bool) -> Result<(), Failure> {
        let end = self.end;
        let stream = self.sink(sink);
        stream.line(line, ended, end)?;
        if sink == Sink::Stderr { stream.flush() } else { Ok(()) }
    }

    /// Turns the main output to a file.
    pub fn redirect(&mut self, stream: Stream) {
        let stdout = std::mem::replace(&mut self.main, stream);
        self.aside = Some(stdout);
    }

    /// Turns the main output back to standard output; the file is written completely.
    pub fn restore(&mut self) -> Result<(), Failure> {
        match self.aside.take() {
            Some(stdout) => std::mem::replace(&mut self.main, stdout).close(),
            None => Ok(()),
        }
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        self.main.flush()?;
        self.files.iter_mut().chain(&mut self.aside).try_for_each(Stream::flush)
    }
}
