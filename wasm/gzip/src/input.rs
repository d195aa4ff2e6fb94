//! Bytes of a descriptor through one buffer.

use tidepool_system::{Fd, Result, read};

const BUFFER: usize = 64 * 1024;

pub struct Input {
    fd: Fd,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// How many bytes have been taken.
    pub taken: u64,
}

impl Input {
    pub fn new(fd: Fd) -> Input {
        Input { fd, buffer: vec![0; BUFFER], at: 0, end: 0, taken: 0 }
    }

    /// What lies in the buffer, filled when it was empty; nothing at the end of input.
    pub fn peek(&mut self) -> Result<&[u8]> {
        if self.at == self.end {
            self.end = read(self.fd, &mut self.buffer)?;
            self.at = 0;
        }
        Ok(&self.buffer[self.at..self.end])
    }

    pub fn take(&mut self, count: usize) {
        self.at += count;
        self.taken += count as u64;
    }

    pub fn byte(&mut self) -> Result<Option<u8>> {
        let first = self.peek()?.first().copied();
        if first.is_some() {
            self.take(1);
        }
        Ok(first)
    }
}
