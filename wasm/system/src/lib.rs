//! What the kernel of a cell offers beyond WASI Preview 1, as safe Rust: the import module `tidepool` of docs/abi.md.
//!
//! Descriptors are Unix numbers everywhere (`Fd`); paths, arguments and environments are bytes. On Linux the same functions
//! stand on libc, so that programs can be developed and tested natively. This crate is the only one with `unsafe`.
//! A program calls `start()` first.

mod errno;
mod fd;
mod file;
mod path;
mod process;
mod signal;
mod spawn;

#[cfg(target_os = "wasi")]
#[path = "wasi.rs"]
mod sys;
#[cfg(unix)]
#[path = "unix.rs"]
mod sys;

pub use errno::{Errno, Result};
pub use fd::{Fd, Whence, close, dup, dup_from, dup2, is_tty, pipe, read, seek, set_cloexec, wait_readable, write, write_all};
pub use file::{
    Access, Follow, Open, SetTime, Stat, Timestamp, access, chmod, chown, fchmod, fstat, lstat, mode_string, open, set_times, stat,
    symlink, umask,
};
pub use path::{chdir, find_program, getcwd, os_bytes, os_str};
pub use process::{
    Pid, Status, Times, Wait, clone, exec, exit, getpgid, getpid, getppid, kill, setpgid, start, times, wait, yield_now,
};
pub use signal::{Disposition, Pending, Signal, pending, set_signal};
pub use spawn::Spawn;
