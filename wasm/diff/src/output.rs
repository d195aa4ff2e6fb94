//! Standard output through one buffer, and messages to stderr that come after what was printed before them.

use tidepool_system::{Fd, Result, write_all};

const FULL: usize = 64 * 1024;

#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    failed: bool,
}

impl Output {
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= FULL {
            self.failed |= self.flush().is_err();
        }
    }

    pub fn line(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.put(part);
        }
        self.put(b"\n");
    }

    pub fn flush(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if self.failed { Ok(()) } else { write_all(Fd::STDOUT, &bytes) }
    }

    /// A message, in its place among what is printed.
    pub fn complain(&mut self, text: &str) {
        self.failed |= self.flush().is_err();
        complain(text);
    }
}

/// Writes to stderr; when that fails there is nowhere to say so.
pub fn complain(text: &str) {
    let _ = write_all(Fd::STDERR, text.as_bytes());
}
