//! Processes: identity, clone, exec, wait, kill, exit. Corresponds to fork(2), execve(2), waitpid(2), kill(2).

use crate::spawn::{environment, push};
use crate::{Errno, Result, Signal, sys};
use std::convert::Infallible;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(pub i32);

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Exited(u8),
    Signaled(Signal),
}

impl Status {
    pub(crate) fn from_raw(status: i32) -> Status {
        match status & 0x7f {
            0 => Status::Exited((status >> 8) as u8),
            signal => Status::Signaled(Signal(signal as u32)),
        }
    }

    /// `$?` of a shell: the exit status, or 128 and the signal.
    pub fn code(self) -> i32 {
        match self {
            Status::Exited(code) => i32::from(code),
            Status::Signaled(signal) => 128 + signal.0 as i32,
        }
    }
}

/// Which children `wait` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    Any,
    Pid(Pid),
    /// Those of this process group.
    Group(Pid),
}

/// Processor time used by this process and by its children that were waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    pub user: Duration,
    pub system: Duration,
    pub children_user: Duration,
    pub children_system: Duration,
}

/// What a program does first: libc learns the working directory, so that relative paths work in std. A working directory that
/// is gone leaves libc at `/`, and relative paths then fail in the kernel's own functions only.
pub fn start() {
    sys::start();
}

pub fn exit(code: i32) -> ! {
    sys::exit(code)
}

pub fn getpid() -> Pid {
    Pid(sys::getpid())
}

pub fn getppid() -> Pid {
    Pid(sys::getppid())
}

/// The process group of `pid`; `Pid(0)` is this process.
pub fn getpgid(pid: Pid) -> Result<Pid> {
    sys::getpgid(pid.0).map(Pid)
}

/// `Pid(0)` means this process, and as the group: its own number.
pub fn setpgid(pid: Pid, pgid: Pid) -> Result<()> {
    sys::setpgid(pid.0, pgid.0)
}

/// `kill(2)`: a negative pid is a process group, 0 the caller's; signal 0 only checks.
pub fn kill(pid: Pid, signal: Signal) -> Result<()> {
    sys::kill(pid.0, signal.0)
}

/// `waitpid(2)`; `None` only with `no_hang`, when no child has ended yet. EINTR when a caught signal arrived.
pub fn wait(which: Wait, no_hang: bool) -> Result<Option<(Pid, Status)>> {
    let pid = match which {
        Wait::Any => -1,
        Wait::Pid(pid) => pid.0,
        Wait::Group(Pid(0)) => 0,
        Wait::Group(group) => -group.0,
    };
    let (pid, status) = sys::wait(pid, i32::from(no_hang))?;
    Ok((pid != 0).then(|| (Pid(pid), Status::from_raw(status))))
}

/// `fork(2)` with the child's work as a closure: the child is a copy of this process that runs `child`, which ends in `exit`, and never comes back;
/// the parent gets its pid. What std has buffered is copied too: flush before. Needs the feature `clone`.
pub fn clone<F: FnOnce() -> Infallible>(child: F) -> Result<Pid> {
    sys::clone(child).map(Pid)
}

/// Replaces this process by the program in `path`; returns only the reason why it could not. `env` of `None` is this process's.
pub fn exec<A: AsRef<[u8]>, E: AsRef<[u8]>>(path: &[u8], argv: &[A], env: Option<&[E]>) -> Errno {
    let mut arguments = Vec::new();
    argv.iter().for_each(|arg| push(&mut arguments, arg.as_ref()));
    let environment = match env {
        None => environment(),
        Some(env) => {
            let mut list = Vec::new();
            env.iter().for_each(|entry| push(&mut list, entry.as_ref()));
            list
        }
    };
    sys::exec(path, &arguments, &environment)
}

pub fn times() -> Times {
    let [user, system, children_user, children_system] = sys::times().map(Duration::from_nanos);
    Times { user, system, children_user, children_system }
}

/// Lets other processes run when this one's time slice is over; cheap enough for every round of a loop.
pub fn yield_now() {
    sys::yield_now();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::{close, pipe, read, write_all};

    #[test]
    fn a_clone_sees_the_parents_memory_and_ends_with_its_own_status() {
        let (reader, writer) = pipe(true).expect("pipe");
        let text = String::from("from the parent");
        let pid = clone(|| {
            let sent = write_all(writer, text.as_bytes());
            exit(if sent.is_ok() { 7 } else { 1 })
        })
        .expect("clone");
        close(writer).expect("close");
        let mut buffer = [0; 32];
        assert_eq!(read(reader, &mut buffer), Ok(15));
        assert_eq!(&buffer[..15], text.as_bytes());
        assert_eq!(wait(Wait::Pid(pid), false), Ok(Some((pid, Status::Exited(7)))));
        assert_eq!(wait(Wait::Pid(pid), false), Err(Errno::ECHILD));
        close(reader).expect("close");
    }

    #[test]
    fn a_killed_child_ended_by_the_signal() {
        let pid = clone(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        })
        .expect("clone");
        assert_eq!(wait(Wait::Pid(pid), true), Ok(None));
        kill(pid, Signal::TERM).expect("kill");
        let (_, status) = wait(Wait::Pid(pid), false).expect("wait").expect("a child");
        assert_eq!(status, Status::Signaled(Signal::TERM));
        assert_eq!(status.code(), 143);
    }

    #[test]
    fn exec_of_a_missing_program_returns_why() {
        assert_eq!(exec(b"/nonexistent", &["x"], None::<&[&str]>), Errno::ENOENT);
    }
}
