//! `-exec` and its like: the command, its arguments, and for `+` the files gathered so far.

use crate::fail::{complain, quoted};
use tidepool_system::{Errno, Fd, Spawn, Status, Wait, is_tty, read, wait, write_all};

/// Bytes of arguments gathered before a command runs.
const ENOUGH: usize = 128 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunKind {
    /// In find's working directory, with whole paths.
    Here,
    /// In the folder of the file, with `./name`.
    InDirectory,
}

pub struct Run {
    words: Vec<Vec<u8>>,
    pub kind: RunKind,
    pub many: bool,
    pub asks: bool,
    gathered: Vec<Vec<u8>>,
    size: usize,
    folder: Vec<u8>,
}

impl Run {
    pub fn new(words: Vec<Vec<u8>>, kind: RunKind, many: bool, asks: bool) -> Run {
        Run { words, kind, many, asks, gathered: Vec::new(), size: 0, folder: Vec::new() }
    }

    /// Runs for one file; whether the command succeeded.
    pub fn once(&self, path: &[u8], folder: &[u8], base: &[u8]) -> bool {
        let file = self.file(path, base);
        let words: Vec<Vec<u8>> = self.words.iter().map(|word| replaced(word, &file)).collect();
        if self.asks && !self.asked(path) {
            return false;
        }
        start(&words, self.directory(folder)) == Some(true)
    }

    /// Keeps a file for later; runs what is gathered when it is enough. False when a command failed.
    pub fn gather(&mut self, path: &[u8], folder: &[u8], base: &[u8]) -> bool {
        let mut succeeded = true;
        if self.kind == RunKind::InDirectory && self.folder != folder {
            succeeded = self.finish();
            self.folder = folder.to_vec();
        }
        let file = self.file(path, base);
        self.size += file.len() + 1;
        self.gathered.push(file);
        if self.size >= ENOUGH {
            succeeded &= self.finish();
        }
        succeeded
    }

    /// Runs what is gathered. False when the command failed.
    pub fn finish(&mut self) -> bool {
        if self.gathered.is_empty() {
            return true;
        }
        let words: Vec<Vec<u8>> = self.words.iter().cloned().chain(self.gathered.drain(..)).collect();
        self.size = 0;
        let folder = std::mem::take(&mut self.folder);
        let result = start(&words, self.directory(&folder));
        self.folder = folder;
        result == Some(true)
    }

    fn file(&self, path: &[u8], base: &[u8]) -> Vec<u8> {
        match self.kind {
            RunKind::Here => path.to_vec(),
            RunKind::InDirectory if base.starts_with(b"/") => base.to_vec(),
            RunKind::InDirectory => [b"./", base].concat(),
        }
    }

    fn directory<'a>(&self, folder: &'a [u8]) -> Option<&'a [u8]> {
        (self.kind == RunKind::InDirectory).then_some(folder)
    }

    /// Asks on stderr and reads a line of standard input.
    fn asked(&self, path: &[u8]) -> bool {
        let question = [&b"< "[..], self.words.first().map_or(&b""[..], Vec::as_slice), b" ... ", path, b" > ? "].concat();
        let _ = write_all(Fd::STDERR, &question);
        let mut first = None;
        let mut byte = [0];
        while let Ok(1) = read(Fd::STDIN, &mut byte) {
            if byte[0] == b'\n' {
                break;
            }
            first.get_or_insert(byte[0]);
        }
        if !is_tty(Fd::STDIN) && first.is_none() {
            return false;
        }
        matches!(first, Some(b'y' | b'Y'))
    }
}

/// `{}` in a word stands for the file.
fn replaced(word: &[u8], file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(place) = rest.windows(2).position(|w| w == b"{}") {
        out.extend_from_slice(&rest[..place]);
        out.extend_from_slice(file);
        rest = &rest[place + 2..];
    }
    out.extend_from_slice(rest);
    out
}

/// Runs a command to its end; None when it could not be started.
fn start(words: &[Vec<u8>], folder: Option<&[u8]>) -> Option<bool> {
    let name = words.first().map_or(&b""[..], Vec::as_slice);
    let explain = |errno: Errno| {
        complain(&format!("{}: {errno}", quoted(name)));
        None
    };
    let spawn = match Spawn::search(words) {
        Ok(spawn) => spawn,
        Err(errno) => return explain(errno),
    };
    let spawn = match folder {
        Some(folder) => spawn.cwd(folder),
        None => spawn,
    };
    let pid = match spawn.start() {
        Ok(pid) => pid,
        // A text with the execute bit that names no interpreter is a script of the shell, as execvp(3) has it.
        Err(Errno::ENOEXEC) => {
            let script: Vec<Vec<u8>> = std::iter::once(b"sh".to_vec()).chain(words.iter().cloned()).collect();
            match Spawn::search(&script).and_then(|s| folder.map_or(s.clone(), |f| s.cwd(f)).start()) {
                Ok(pid) => pid,
                Err(errno) => return explain(errno),
            }
        }
        Err(errno) => return explain(errno),
    };
    loop {
        match wait(Wait::Pid(pid), false) {
            Ok(Some((_, status))) => return Some(status == Status::Exited(0)),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(errno) => return explain(errno),
        }
    }
}
