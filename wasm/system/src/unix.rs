//! The backend of native tests: the same functions over Linux's libc. Clone is fork; a spawn is fork and exec.

use crate::{Errno, Fd, Follow, Open, Result, SetTime, Stat, Timestamp, Whence};
use std::convert::Infallible;
use std::ffi::{CString, OsStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn errno() -> Errno {
    Errno::from(std::io::Error::last_os_error())
}

fn check(result: c_int) -> Result<c_int> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Errno::EINVAL)
}

fn number(fd: Fd) -> c_int {
    fd.0 as c_int
}

pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the buffer is the caller's and exclusive.
    let count = unsafe { libc::read(number(fd), buffer.as_mut_ptr().cast(), buffer.len()) };
    if count < 0 { Err(errno()) } else { Ok(count as usize) }
}

pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the bytes live through the call.
    let count = unsafe { libc::write(number(fd), bytes.as_ptr().cast(), bytes.len()) };
    if count < 0 { Err(errno()) } else { Ok(count as usize) }
}

pub fn seek(fd: Fd, offset: i64, whence: Whence) -> Result<u64> {
    let whence = match whence {
        Whence::Start => libc::SEEK_SET,
        Whence::Current => libc::SEEK_CUR,
        Whence::End => libc::SEEK_END,
    };
    // SAFETY: takes numbers only.
    let position = unsafe { libc::lseek(number(fd), offset, whence) };
    if position < 0 { Err(errno()) } else { Ok(position as u64) }
}

pub fn wait_readable(fd: Fd, most: Duration) -> Result<bool> {
    let mut poll = libc::pollfd { fd: number(fd), events: libc::POLLIN, revents: 0 };
    let milliseconds = c_int::try_from(most.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: one entry, which lives through the call.
    Ok(check(unsafe { libc::poll(&mut poll, 1, milliseconds) })? > 0)
}

pub fn is_tty(fd: Fd) -> bool {
    // SAFETY: takes a number only.
    unsafe { libc::isatty(number(fd)) == 1 }
}

pub fn pipe(cloexec: bool) -> Result<(Fd, Fd)> {
    let mut fds = [0; 2];
    // SAFETY: two numbers are written.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), if cloexec { libc::O_CLOEXEC } else { 0 }) })?;
    Ok((Fd(fds[0] as u32), Fd(fds[1] as u32)))
}

pub fn dup(fd: Fd, min: u32, cloexec: bool) -> Result<Fd> {
    let command = if cloexec { libc::F_DUPFD_CLOEXEC } else { libc::F_DUPFD };
    // SAFETY: takes numbers only.
    check(unsafe { libc::fcntl(number(fd), command, min as c_int) }).map(|fd| Fd(fd as u32))
}

pub fn dup2(from: Fd, to: Fd, cloexec: bool) -> Result<()> {
    if from == to {
        // SAFETY: takes numbers only.
        return check(unsafe { libc::fcntl(number(from), libc::F_GETFD) }).map(drop);
    }
    let flags = if cloexec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: takes numbers only.
    check(unsafe { libc::dup3(number(from), number(to), flags) }).map(drop)
}

pub fn set_cloexec(fd: Fd, on: bool) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::fcntl(number(fd), libc::F_SETFD, if on { libc::FD_CLOEXEC } else { 0 }) }).map(drop)
}

pub fn close(fd: Fd) -> Result<()> {
    // SAFETY: takes a number only; what the number stood for is the caller's.
    check(unsafe { libc::close(number(fd)) }).map(drop)
}

pub fn open(path: &[u8], flags: u32, mode: u32) -> Result<Fd> {
    let path = c_string(path)?;
    let mut native = (flags & 3) as c_int;
    for (bit, flag) in [
        (Open::CREATE, libc::O_CREAT),
        (Open::EXCLUSIVE, libc::O_EXCL),
        (Open::TRUNCATE, libc::O_TRUNC),
        (Open::APPEND, libc::O_APPEND),
        (Open::DIRECTORY, libc::O_DIRECTORY),
        (Open::NOFOLLOW, libc::O_NOFOLLOW),
        (Open::CLOEXEC, libc::O_CLOEXEC),
    ] {
        native |= if flags & bit != 0 { flag } else { 0 };
    }
    // SAFETY: the path is NUL-terminated and lives through the call.
    check(unsafe { libc::open(path.as_ptr(), native, mode) }).map(|fd| Fd(fd as u32))
}

fn stat(record: &libc::stat) -> Stat {
    let time = |seconds: i64, nanoseconds: i64| Timestamp { seconds, nanoseconds: nanoseconds as u32 };
    Stat {
        dev: record.st_dev,
        ino: record.st_ino,
        mode: record.st_mode,
        nlink: record.st_nlink as u32,
        uid: record.st_uid,
        gid: record.st_gid,
        size: record.st_size as u64,
        blocks: record.st_blocks as u64,
        atime: time(record.st_atime, record.st_atime_nsec),
        mtime: time(record.st_mtime, record.st_mtime_nsec),
        ctime: time(record.st_ctime, record.st_ctime_nsec),
    }
}

pub fn fd_stat(fd: Fd) -> Result<Stat> {
    let mut record = MaybeUninit::uninit();
    // SAFETY: fstat fills the record when it succeeds.
    check(unsafe { libc::fstat(number(fd), record.as_mut_ptr()) })?;
    // SAFETY: it succeeded.
    Ok(stat(unsafe { record.assume_init_ref() }))
}

fn at_flags(follow: Follow) -> c_int {
    if follow == Follow::No { libc::AT_SYMLINK_NOFOLLOW } else { 0 }
}

pub fn path_stat(path: &[u8], follow: Follow) -> Result<Stat> {
    let path = c_string(path)?;
    let mut record = MaybeUninit::uninit();
    // SAFETY: the path is NUL-terminated; fstatat fills the record when it succeeds.
    check(unsafe { libc::fstatat(libc::AT_FDCWD, path.as_ptr(), record.as_mut_ptr(), at_flags(follow)) })?;
    // SAFETY: it succeeded.
    Ok(stat(unsafe { record.assume_init_ref() }))
}

pub fn fd_chmod(fd: Fd, mode: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::fchmod(number(fd), mode) }).map(drop)
}

pub fn path_chmod(path: &[u8], mode: u32, follow: Follow) -> Result<()> {
    let path = c_string(path)?;
    // SAFETY: the path is NUL-terminated and lives through the call.
    check(unsafe { libc::fchmodat(libc::AT_FDCWD, path.as_ptr(), mode, at_flags(follow)) }).map(drop)
}

pub fn path_chown(path: &[u8], uid: i32, gid: i32, follow: Follow) -> Result<()> {
    let path = c_string(path)?;
    // SAFETY: the path is NUL-terminated and lives through the call.
    check(unsafe { libc::fchownat(libc::AT_FDCWD, path.as_ptr(), uid as u32, gid as u32, at_flags(follow)) }).map(drop)
}

pub fn path_access(path: &[u8], mode: i32) -> Result<()> {
    let path = c_string(path)?;
    // SAFETY: the path is NUL-terminated and lives through the call.
    check(unsafe { libc::access(path.as_ptr(), mode) }).map(drop)
}

pub fn symlink(target: &[u8], path: &[u8]) -> Result<()> {
    let (target, path) = (c_string(target)?, c_string(path)?);
    // SAFETY: both texts are NUL-terminated and live through the call.
    check(unsafe { libc::symlink(target.as_ptr(), path.as_ptr()) }).map(drop)
}

pub fn set_times(path: &[u8], atime: SetTime, mtime: SetTime, follow: Follow) -> Result<()> {
    let path = c_string(path)?;
    let value = |time| match time {
        SetTime::Keep => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT },
        SetTime::Now => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW },
        SetTime::To(time) => libc::timespec { tv_sec: time.seconds, tv_nsec: i64::from(time.nanoseconds) },
    };
    let times = [value(atime), value(mtime)];
    // SAFETY: the path is NUL-terminated; two records are read.
    check(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), at_flags(follow)) }).map(drop)
}

pub fn umask(mask: Option<u32>) -> u32 {
    // SAFETY: umask takes a number and cannot fail.
    unsafe {
        let old = libc::umask(mask.unwrap_or(0));
        if mask.is_none() {
            libc::umask(old);
        }
        old
    }
}

/// A list of the ABI as the array that execve takes; the pointers are into the list.
fn pointers(list: &[u8]) -> Vec<*const c_char> {
    let entries = list.split_inclusive(|&byte| byte == 0).map(|entry| entry.as_ptr().cast());
    entries.chain([ptr::null()]).collect()
}

pub fn spawn(path: &[u8], argv: &[u8], env: &[u8], cwd: &[u8], actions: &[[i32; 3]], flags: u32, pgid: i32) -> Result<i32> {
    let (path, cwd) = (c_string(path)?, c_string(cwd)?);
    let (arguments, environment) = (pointers(argv), pointers(env));
    let (reader, writer) = pipe(true)?;
    // SAFETY: between fork and exec the child calls only async-signal-safe functions.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let setup = || -> Result<()> {
            // SAFETY: numbers and NUL-terminated strings made before the fork; arrays end with a null pointer.
            unsafe {
                if flags & 1 != 0 {
                    check(libc::setpgid(0, pgid))?;
                }
                if flags & 2 != 0 {
                    libc::signal(libc::SIGINT, libc::SIG_IGN);
                    libc::signal(libc::SIGQUIT, libc::SIG_IGN);
                }
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
                if !cwd.is_empty() {
                    check(libc::chdir(cwd.as_ptr()))?;
                }
                for &[kind, fd, from] in actions {
                    match (kind, fd == from) {
                        (1, _) => drop(libc::close(fd)),
                        (_, true) => drop(check(libc::fcntl(fd, libc::F_SETFD, 0))?),
                        _ => drop(check(libc::dup2(from, fd))?),
                    }
                }
                libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr());
            }
            Err(errno())
        };
        let error = setup().err().map_or(0, Errno::raw);
        let _ = write(writer, &error.to_le_bytes());
        exit(127);
    }
    let _ = close(writer);
    let mut error = [0; 4];
    let failed = pid < 0 || read(reader, &mut error) == Ok(4);
    let _ = close(reader);
    match (pid, failed) {
        (..0, _) => Err(Errno::EAGAIN),
        (_, false) => Ok(pid),
        (_, true) => {
            let _ = wait(pid, 0);
            Err(Errno::from_raw(i32::from_le_bytes(error)))
        }
    }
}

pub fn exec(path: &[u8], argv: &[u8], env: &[u8]) -> Errno {
    let path = match c_string(path) {
        Ok(path) => path,
        Err(errno) => return errno,
    };
    // SAFETY: NUL-terminated strings, arrays that end with a null pointer.
    unsafe { libc::execve(path.as_ptr(), pointers(argv).as_ptr(), pointers(env).as_ptr()) };
    errno()
}

pub fn clone<F: FnOnce() -> Infallible>(child: F) -> Result<i32> {
    // SAFETY: the programs are single-threaded; in tests the child only does what its closure says and ends.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        child();
    }
    check(pid)
}

pub fn wait(pid: i32, options: i32) -> Result<(i32, i32)> {
    let mut status = 0;
    // SAFETY: the out parameter lives through the call.
    let child = check(unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok((child, status))
}

pub fn kill(pid: i32, signal: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(pid, signal as c_int) }).map(drop)
}

pub fn getpid() -> i32 {
    std::process::id() as i32
}

pub fn getppid() -> i32 {
    std::os::unix::process::parent_id() as i32
}

pub fn getpgid(pid: i32) -> Result<i32> {
    // SAFETY: takes a number only.
    check(unsafe { libc::getpgid(pid) })
}

pub fn setpgid(pid: i32, pgid: i32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::setpgid(pid, pgid) }).map(drop)
}

pub fn getcwd() -> Result<Vec<u8>> {
    let cwd = std::env::current_dir().map_err(Errno::from)?;
    Ok(cwd.into_os_string().into_encoded_bytes())
}

pub fn chdir(path: &[u8]) -> Result<()> {
    std::env::set_current_dir(os_str(path)).map_err(Errno::from)
}

/// SIGPIPE as a cell has it: std's start code ignores it.
pub fn start() {
    // SAFETY: takes numbers only.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

pub fn times() -> [u64; 4] {
    let used = |who| {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: getrusage fills the record; zeroes are a valid one should it fail.
        let usage = unsafe {
            libc::getrusage(who, usage.as_mut_ptr());
            usage.assume_init()
        };
        [usage.ru_utime, usage.ru_stime].map(|time| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000)
    };
    let ([user, system], [children_user, children_system]) = (used(libc::RUSAGE_SELF), used(libc::RUSAGE_CHILDREN));
    [user, system, children_user, children_system]
}

static PENDING: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: c_int) {
    PENDING.fetch_or(1 << signal, Ordering::SeqCst);
}

pub fn sig_action(signal: u32, disposition: i32) -> Result<i32> {
    let handler = match disposition {
        1 => libc::SIG_IGN,
        2 => note as *const () as libc::sighandler_t,
        _ => libc::SIG_DFL,
    };
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid action (no flags: waiting calls answer EINTR); the handler is async-signal-safe.
    let old = unsafe {
        (*action.as_mut_ptr()).sa_sigaction = handler;
        check(libc::sigaction(signal as c_int, action.as_ptr(), old.as_mut_ptr()))?;
        old.assume_init().sa_sigaction
    };
    Ok(match old {
        libc::SIG_DFL => 0,
        libc::SIG_IGN => 1,
        _ => 2,
    })
}

pub fn sig_pending() -> u64 {
    PENDING.swap(0, Ordering::SeqCst)
}

pub fn yield_now() {
    std::thread::yield_now();
}

pub fn exit(code: i32) -> ! {
    // SAFETY: ends the process without atexit work, as proc_exit does in a cell; a clone must not run the parent's.
    unsafe { libc::_exit(code) }
}

pub fn os_str(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}
