//! Standard output of the built-ins: one buffer, written out before anything else could see that it is not.

use tidepool_system::{Errno, Fd, write_all};

#[derive(Default)]
pub struct Output {
    buffer: Vec<u8>,
    /// Command substitutions that run in place collect here instead.
    captures: Vec<Vec<u8>>,
    failed: Option<Errno>,
}

const LIMIT: usize = 32 * 1024;

impl Output {
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(capture) = self.captures.last_mut() {
            capture.extend_from_slice(bytes);
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= LIMIT {
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        if !self.buffer.is_empty() {
            if let Err(errno) = write_all(Fd::STDOUT, &self.buffer) {
                self.failed = Some(errno);
            }
            self.buffer.clear();
        }
    }

    /// The error of a write since the last call.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.failed.take()
    }

    pub fn begin_capture(&mut self) {
        self.captures.push(Vec::new());
    }

    pub fn end_capture(&mut self) -> Vec<u8> {
        self.captures.pop().unwrap_or_default()
    }

    /// While standard output is redirected, what is printed goes there and not into the captures.
    pub fn suspend_capture(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.captures)
    }

    pub fn resume_capture(&mut self, captures: Vec<Vec<u8>>) {
        self.captures = captures;
    }

    /// In a clone: what its parent has collected is not the child's to print.
    pub fn forget(&mut self) {
        self.buffer.clear();
        self.captures.clear();
    }
}
