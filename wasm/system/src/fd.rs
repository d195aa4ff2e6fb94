//! File descriptors without std's buffers: read, write, dup, pipe. Numbers are Unix numbers (docs/abi.md, "Conventions").

use crate::{Errno, Result, sys};
use std::time::Instant;

/// A Unix descriptor number. It owns nothing: closing is `close`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fd(pub u32);

impl Fd {
    pub const STDIN: Fd = Fd(0);
    pub const STDOUT: Fd = Fd(1);
    pub const STDERR: Fd = Fd(2);

    /// The number under which WASI functions know it: our programs have one preopen, `/`, which is WASI's 3.
    pub fn wasi(self) -> u32 {
        if self.0 < 3 { self.0 } else { self.0 + 1 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whence {
    Start,
    Current,
    End,
}

/// `read(2)`: 0 is the end. EINTR when a caught signal arrived while it waited.
pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    sys::read(fd, buffer)
}

/// `write(2)`: may write less than asked.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    sys::write(fd, bytes)
}

/// Writes everything; EINTR goes on.
pub fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// `lseek(2)`. ESPIPE on a pipe.
pub fn seek(fd: Fd, offset: i64, whence: Whence) -> Result<u64> {
    sys::seek(fd, offset, whence)
}

/// `poll(2)`: waits until a read would not wait; false when `deadline` came first.
pub fn wait_readable(fd: Fd, deadline: Instant) -> Result<bool> {
    sys::wait_readable(fd, deadline.saturating_duration_since(Instant::now()))
}

/// `isatty(3)`.
pub fn is_tty(fd: Fd) -> bool {
    sys::is_tty(fd)
}

/// `pipe2(2)`: reader, writer.
pub fn pipe(cloexec: bool) -> Result<(Fd, Fd)> {
    sys::pipe(cloexec)
}

/// The lowest free number.
pub fn dup(fd: Fd) -> Result<Fd> {
    sys::dup(fd, 0, false)
}

/// `fcntl(F_DUPFD)`: the lowest free number from `min` on.
pub fn dup_from(fd: Fd, min: u32, cloexec: bool) -> Result<Fd> {
    sys::dup(fd, min, cloexec)
}

/// `dup3(2)`: `to` becomes `from`; success without change when they are equal.
pub fn dup2(from: Fd, to: Fd, cloexec: bool) -> Result<()> {
    sys::dup2(from, to, cloexec)
}

pub fn set_cloexec(fd: Fd, on: bool) -> Result<()> {
    sys::set_cloexec(fd, on)
}

pub fn close(fd: Fd) -> Result<()> {
    sys::close(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasi_numbers_leave_room_for_the_preopen() {
        assert_eq!(Fd(2).wasi(), 2);
        assert_eq!(Fd(3).wasi(), 4);
    }

    #[test]
    fn what_goes_into_a_pipe_comes_out_and_then_ends() {
        let (reader, writer) = pipe(true).expect("pipe");
        write_all(writer, b"abc").expect("write");
        close(writer).expect("close");
        let mut buffer = [0; 8];
        assert_eq!(read(reader, &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"abc");
        assert_eq!(read(reader, &mut buffer), Ok(0));
        assert_eq!(seek(reader, 0, Whence::Current), Err(Errno::ESPIPE));
        close(reader).expect("close");
        assert_eq!(close(reader), Err(Errno::EBADF));
    }

    #[test]
    fn a_duplicate_is_at_least_the_number_asked_for() {
        let (reader, writer) = pipe(true).expect("pipe");
        let high = dup_from(reader, 100, true).expect("dup");
        assert!(high.0 >= 100);
        dup2(writer, high, true).expect("dup2");
        assert_eq!(write(high, b"x"), Ok(1));
        for fd in [reader, writer, high] {
            close(fd).expect("close");
        }
    }
}
