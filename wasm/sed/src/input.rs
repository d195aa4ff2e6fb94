//! The input of a script: lines from several files one after another, with a look ahead for `$`.

use crate::fail::{Failure, complain, panic, shown};
use tidepool_system::{Errno, Fd, Open, Whence, close, fstat, open, read, seek};

const BLOCK: usize = 64 << 10;

/// A file that is being read.
struct Source {
    fd: Fd,
    buffer: Vec<u8>,
    from: usize,
    ended: bool,
}

impl Source {
    fn new(fd: Fd) -> Source {
        Source { fd, buffer: Vec::new(), from: 0, ended: false }
    }

    /// Reads more behind what is there.
    fn fill(&mut self, block: usize) -> Result<(), Errno> {
        if self.from > 0 {
            self.buffer.copy_within(self.from.., 0);
            self.buffer.truncate(self.buffer.len() - self.from);
            self.from = 0;
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + block, 0);
        let result = loop {
            match read(self.fd, &mut self.buffer[filled..]) {
                Err(Errno::EINTR) => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + *result.as_ref().unwrap_or(&0));
        self.ended = result? == 0;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.from == self.buffer.len()
    }
}

/// What the script sees when the next line is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    Line,
    /// The line has no end: it is the last of its file.
    Unended,
    /// No more lines in this file; with separate files more may follow.
    FileEnd,
}

pub struct Input {
    files: std::vec::IntoIter<Vec<u8>>,
    source: Option<Source>,
    pub name: Vec<u8>,
    end: u8,
    /// Bytes read at once: 1 with `-u`.
    block: usize,
    pub missing: bool,
}

impl Input {
    pub fn new(files: Vec<Vec<u8>>, end: u8, unbuffered: bool) -> Input {
        let files = if files.is_empty() { vec![b"-".to_vec()] } else { files };
        Input {
            files: files.into_iter(),
            source: None,
            name: b"-".to_vec(),
            end,
            block: if unbuffered { 1 } else { BLOCK },
            missing: false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Whether the next read may have to wait, so that output should go out before.
    pub fn would_read(&self) -> bool {
        self.source.as_ref().is_none_or(|s| memchr::memchr(self.end, &s.buffer[s.from..]).is_none())
    }

    /// The name of the next file, taken from the list.
    pub fn next_name(&mut self) -> Option<Vec<u8>> {
        self.files.next()
    }

    pub fn open_stdin(&mut self) {
        self.source = Some(Source::new(Fd::STDIN));
        self.name = b"-".to_vec();
    }

    /// Opens a file; one that cannot be read is reported and left out.
    pub fn open(&mut self, name: Vec<u8>) -> bool {
        match open(&name, Open::read().cloexec()) {
            Ok(fd) => {
                self.source = Some(Source::new(fd));
                self.name = name;
                true
            }
            Err(errno) => {
                complain(&format!("sed: can't read {}: {errno}\n", shown(&name)));
                self.missing = true;
                false
            }
        }
    }

    pub fn stat_is_file(&self) -> bool {
        self.source.as_ref().is_some_and(|s| fstat(s.fd).is_ok_and(|stat| stat.is_file()))
    }

    pub fn close(&mut self) {
        if let Some(source) = self.source.take()
            && source.fd != Fd::STDIN
        {
            let _ = close(source.fd);
        }
    }

    /// Leaves a seekable standard input behind the last line that was taken.
    pub fn give_back(&mut self) {
        if let Some(source) = self.source.as_ref().filter(|s| s.fd == Fd::STDIN && !s.is_empty()) {
            let unread = (source.buffer.len() - source.from) as i64;
            let _ = seek(Fd::STDIN, -unread, Whence::Current);
        }
    }

    /// Whether the current file has another byte. Reads ahead when nothing is buffered.
    pub fn has_more(&mut self) -> Result<bool, Failure> {
        let block = self.block;
        let Some(source) = &mut self.source else { return Ok(false) };
        while source.is_empty() && !source.ended {
            source.fill(block).map_err(|errno| read_error(&self.name, errno))?;
        }
        Ok(!source.is_empty())
    }

    /// Appends the next line of the current file, without its end, to `line`.
    pub fn line(&mut self, line: &mut Vec<u8>) -> Result<Next, Failure> {
        let block = self.block;
        let Some(source) = &mut self.source else { return Ok(Next::FileEnd) };
        let mut searched = 0;
        loop {
            let rest = &source.buffer[source.from..];
            if let Some(length) = memchr::memchr(self.end, &rest[searched..]) {
                line.extend_from_slice(&rest[..searched + length]);
                source.from += searched + length + 1;
                return Ok(Next::Line);
            }
            searched = rest.len();
            if source.ended {
                if rest.is_empty() {
                    return Ok(Next::FileEnd);
                }
                line.extend_from_slice(rest);
                source.from = source.buffer.len();
                return Ok(Next::Unended);
            }
            source.fill(block).map_err(|errno| read_error(&self.name, errno))?;
        }
    }
}

fn read_error(name: &[u8], errno: Errno) -> Failure {
    panic(&format!("read error on {}: {errno}", shown(name)))
}

/// A file of `R`, read line by line.
pub struct LineFile {
    source: Option<Source>,
    end: u8,
}

impl LineFile {
    pub fn new(name: &[u8], end: u8) -> LineFile {
        let fd = if name == b"/dev/stdin" || name == b"-" { Ok(Fd::STDIN) } else { open(name, Open::read().cloexec()) };
        LineFile { source: fd.ok().map(Source::new), end }
    }

    /// The next line without its end; None at the end, and where the file cannot be read.
    pub fn line(&mut self) -> Option<Vec<u8>> {
        let source = self.source.as_mut()?;
        loop {
            let rest = &source.buffer[source.from..];
            if let Some(length) = memchr::memchr(self.end, rest) {
                let line = rest[..length].to_vec();
                source.from += length + 1;
                return Some(line);
            }
            if source.ended || source.fill(BLOCK).is_err() {
                let line = source.buffer.split_off(source.from);
                source.ended = true;
                return (!line.is_empty()).then_some(line);
            }
        }
    }
}

/// The content of a file for `r`; one that cannot be read is empty.
pub fn content(name: &[u8]) -> Vec<u8> {
    let fd = if name == b"/dev/stdin" { Ok(Fd::STDIN) } else { open(name, Open::read().cloexec()) };
    let Ok(fd) = fd else { return Vec::new() };
    let mut source = Source::new(fd);
    while !source.ended && source.fill(BLOCK).is_ok() {}
    if fd != Fd::STDIN {
        let _ = close(fd);
    }
    source.buffer
}
