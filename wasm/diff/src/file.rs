//! A file to be compared: its bytes, its lines and the keys by which lines count as equal.

use crate::options::Options;
use tidepool_system::{Errno, Fd, Open, Result, Stat, close, fstat, open, read, stat};

pub struct File {
    pub shown: Vec<u8>,
    pub bytes: Vec<u8>,
    /// As `stat` gives it; none for a file that is missing and taken as empty.
    pub stat: Option<Stat>,
}

impl File {
    pub fn read(path: &[u8]) -> Result<File> {
        let fd = if path == b"-" { Fd::STDIN } else { open(path, Open::read())? };
        let is = fstat(fd)?;
        let bytes = read_all(fd);
        if path != b"-" {
            close(fd)?;
        }
        Ok(File { shown: path.to_vec(), bytes: bytes?, stat: Some(is) })
    }

    pub fn missing(path: &[u8]) -> File {
        File { shown: path.to_vec(), bytes: Vec::new(), stat: None }
    }

    /// A NUL among the first bytes makes a file binary.
    pub fn is_binary(&self) -> bool {
        self.bytes.iter().take(4096).any(|&byte| byte == 0)
    }

    /// Lines with their newline; the last may lack it.
    pub fn lines(&self) -> Vec<&[u8]> {
        self.bytes.split_inclusive(|&byte| byte == b'\n').collect()
    }
}

pub fn is_folder(path: &[u8]) -> Result<bool> {
    if path == b"-" { Ok(false) } else { Ok(stat(path)?.is_dir()) }
}

pub fn exists(path: &[u8]) -> bool {
    path == b"-" || stat(path) != Err(Errno::ENOENT)
}

pub fn read_all(fd: Fd) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match read(fd, &mut buffer)? {
            0 => return Ok(bytes),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What of a line counts. Without options it is the line itself, so that a missing newline at the end is a difference.
pub fn key(line: &[u8], options: &Options) -> Vec<u8> {
    let Options { ignore_case, ignore_all_space, ignore_space_change, ignore_trailing_space, strip_cr, .. } = *options;
    let blind = ignore_all_space || ignore_space_change || ignore_trailing_space;
    let mut key = if blind { line.strip_suffix(b"\n").unwrap_or(line).to_vec() } else { line.to_vec() };
    if strip_cr && key.ends_with(b"\r\n") {
        key.remove(key.len() - 2);
    }
    if blind {
        let end = key.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        key.truncate(end);
    }
    if ignore_all_space {
        key.retain(|byte| !byte.is_ascii_whitespace());
    } else if ignore_space_change {
        squeeze(&mut key);
    }
    if ignore_case {
        key.make_ascii_lowercase();
    }
    key
}

/// Runs of white space become one blank.
fn squeeze(key: &mut Vec<u8>) {
    for byte in key.iter_mut() {
        if byte.is_ascii_whitespace() {
            *byte = b' ';
        }
    }
    key.dedup_by(|next, before| *next == b' ' && *before == b' ');
}
