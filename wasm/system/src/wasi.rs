//! The backend in a cell: the import module `tidepool` (docs/abi.md) and four functions of WASI Preview 1.

use crate::{Errno, Fd, Follow, Result, SetTime, Stat, Timestamp, Whence};
use std::convert::Infallible;
use std::ffi::OsStr;
use std::time::Duration;

mod tidepool {
    #[link(wasm_import_module = "tidepool")]
    unsafe extern "C" {
        pub fn proc_spawn(
            path: *const u8,
            path_len: usize,
            argv: *const u8,
            argv_len: usize,
            env: *const u8,
            env_len: usize,
            cwd: *const u8,
            cwd_len: usize,
            actions: *const [i32; 3],
            actions_count: usize,
            flags: u32,
            pgid: i32,
            out_pid: *mut i32,
        ) -> i32;
        pub fn proc_exec(path: *const u8, path_len: usize, argv: *const u8, argv_len: usize, env: *const u8, env_len: usize)
        -> i32;
        #[cfg(feature = "clone")]
        pub fn proc_clone(arg: usize, out_pid: *mut i32) -> i32;
        pub fn proc_wait(pid: i32, options: i32, out_pid: *mut i32, out_status: *mut i32) -> i32;
        pub fn proc_kill(pid: i32, signal: u32) -> i32;
        pub safe fn proc_getpid() -> i32;
        pub safe fn proc_getppid() -> i32;
        pub fn proc_getpgid(pid: i32, out_pgid: *mut i32) -> i32;
        pub safe fn proc_setpgid(pid: i32, pgid: i32) -> i32;
        pub fn proc_chdir(path: *const u8, path_len: usize) -> i32;
        pub fn proc_getcwd(buf: *mut u8, cap: usize, out_len: *mut usize) -> i32;
        pub fn proc_times(out: *mut [u64; 4]) -> i32;
        pub fn sig_action(signal: u32, disposition: i32, out_old: *mut i32) -> i32;
        pub fn sig_pending(out_mask: *mut u64) -> i32;
        pub fn fd_pipe(flags: u32, out_fds: *mut [u32; 2]) -> i32;
        pub fn fd_dup(fd: u32, min: u32, flags: u32, out_fd: *mut u32) -> i32;
        pub safe fn fd_dup2(from: u32, to: u32, flags: u32) -> i32;
        pub safe fn fd_setcloexec(fd: u32, on: i32) -> i32;
        pub safe fn fd_close(fd: u32) -> i32;
        pub fn fd_open(path: *const u8, path_len: usize, flags: u32, mode: u32, out_fd: *mut u32) -> i32;
        pub fn fd_stat(fd: u32, out: *mut [u8; 96]) -> i32;
        pub safe fn fd_chmod(fd: u32, mode: u32) -> i32;
        pub fn path_stat(path: *const u8, path_len: usize, flags: u32, out: *mut [u8; 96]) -> i32;
        pub fn path_chmod(path: *const u8, path_len: usize, mode: u32, flags: u32) -> i32;
        pub fn path_chown(path: *const u8, path_len: usize, uid: i32, gid: i32, flags: u32) -> i32;
        pub fn path_access(path: *const u8, path_len: usize, mode: i32) -> i32;
        pub safe fn umask(mask: i32) -> u32;
    }
}

mod preview1 {
    #[repr(C)]
    pub struct Iovec {
        pub buf: *mut u8,
        pub len: usize,
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub fn fd_read(fd: u32, iovs: *const Iovec, iovs_len: usize, out: *mut usize) -> i32;
        pub fn fd_write(fd: u32, iovs: *const Iovec, iovs_len: usize, out: *mut usize) -> i32;
        pub fn fd_seek(fd: u32, offset: i64, whence: u32, out: *mut u64) -> i32;
        pub fn fd_fdstat_get(fd: u32, out: *mut [u64; 3]) -> i32;
        pub fn path_symlink(old: *const u8, old_len: usize, fd: u32, new: *const u8, new_len: usize) -> i32;
        pub fn path_filestat_set_times(
            fd: u32,
            lookup: u32,
            path: *const u8,
            path_len: usize,
            atime: u64,
            mtime: u64,
            flags: u32,
        ) -> i32;
        pub fn poll_oneoff(subscriptions: *const [u64; 6], events: *mut [u64; 4], count: usize, out: *mut usize) -> i32;
        pub safe fn sched_yield() -> i32;
        pub safe fn proc_exit(code: u32) -> !;
    }
}

fn check(errno: i32) -> Result<()> {
    if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) }
}

pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    let iovec = preview1::Iovec { buf: buffer.as_mut_ptr(), len: buffer.len() };
    let mut count = 0;
    // SAFETY: the vector names the caller's exclusive buffer, both out parameters live through the call.
    check(unsafe { preview1::fd_read(fd.wasi(), &iovec, 1, &mut count) })?;
    Ok(count)
}

pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    let iovec = preview1::Iovec { buf: bytes.as_ptr().cast_mut(), len: bytes.len() };
    let mut count = 0;
    // SAFETY: the kernel only reads what the vector of fd_write names.
    check(unsafe { preview1::fd_write(fd.wasi(), &iovec, 1, &mut count) })?;
    Ok(count)
}

pub fn seek(fd: Fd, offset: i64, whence: Whence) -> Result<u64> {
    let whence = match whence {
        Whence::Start => 0,
        Whence::Current => 1,
        Whence::End => 2,
    };
    let mut position = 0;
    // SAFETY: the out parameter lives through the call.
    check(unsafe { preview1::fd_seek(fd.wasi(), offset, whence, &mut position) })?;
    Ok(position)
}

/// As wasi-libc's isatty: a character device that can neither seek nor tell.
/// A subscription is 48 bytes (userdata, tag, then the descriptor, or clock, timeout, precision, flags); an event is 32.
pub fn wait_readable(fd: Fd, most: Duration) -> Result<bool> {
    const MONOTONIC: u64 = 1;
    const TAG_READ: u64 = 1;
    let timeout = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let subscriptions = [[0, TAG_READ, u64::from(fd.wasi()), 0, 0, 0], [1, 0, MONOTONIC, timeout, 0, 0]];
    let mut events = [[0; 4]; 2];
    let mut count = 0;
    // SAFETY: two subscriptions and room for two events, which live through the call.
    check(unsafe { preview1::poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), 2, &mut count) })?;
    Ok(events.iter().take(count).any(|event| event[0] == 0))
}

pub fn is_tty(fd: Fd) -> bool {
    const CHARACTER_DEVICE: u64 = 2;
    const SEEK_OR_TELL: u64 = 1 << 2 | 1 << 5;
    let mut fdstat = [0; 3];
    // SAFETY: a fdstat record is 24 bytes, aligned to 8.
    let known = unsafe { preview1::fd_fdstat_get(fd.wasi(), &mut fdstat) } == 0;
    known && fdstat[0] & 0xff == CHARACTER_DEVICE && fdstat[1] & SEEK_OR_TELL == 0
}

pub fn pipe(cloexec: bool) -> Result<(Fd, Fd)> {
    let mut fds = [0; 2];
    // SAFETY: two 32-bit numbers are written.
    check(unsafe { tidepool::fd_pipe(u32::from(cloexec), &mut fds) })?;
    Ok((Fd(fds[0]), Fd(fds[1])))
}

pub fn dup(fd: Fd, min: u32, cloexec: bool) -> Result<Fd> {
    let mut out = 0;
    // SAFETY: the out parameter lives through the call.
    check(unsafe { tidepool::fd_dup(fd.0, min, u32::from(cloexec), &mut out) })?;
    Ok(Fd(out))
}

pub fn dup2(from: Fd, to: Fd, cloexec: bool) -> Result<()> {
    check(tidepool::fd_dup2(from.0, to.0, u32::from(cloexec)))
}

pub fn set_cloexec(fd: Fd, on: bool) -> Result<()> {
    check(tidepool::fd_setcloexec(fd.0, i32::from(on)))
}

pub fn close(fd: Fd) -> Result<()> {
    check(tidepool::fd_close(fd.0))
}

pub fn open(path: &[u8], flags: u32, mode: u32) -> Result<Fd> {
    let mut out = 0;
    // SAFETY: path and out parameter live through the call.
    check(unsafe { tidepool::fd_open(path.as_ptr(), path.len(), flags, mode, &mut out) })?;
    Ok(Fd(out))
}

/// The stat record of docs/abi.md.
fn stat(record: &[u8; 96]) -> Stat {
    let word = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    let time = |at: usize| Timestamp { seconds: long(at) as i64, nanoseconds: word(at + 8) };
    Stat {
        dev: long(0),
        ino: long(8),
        mode: word(16),
        nlink: word(20),
        uid: word(24),
        gid: word(28),
        size: long(32),
        blocks: long(40),
        atime: time(48),
        mtime: time(64),
        ctime: time(80),
    }
}

pub fn fd_stat(fd: Fd) -> Result<Stat> {
    let mut record = [0; 96];
    // SAFETY: a stat record is 96 bytes.
    check(unsafe { tidepool::fd_stat(fd.0, &mut record) })?;
    Ok(stat(&record))
}

fn no_follow(follow: Follow) -> u32 {
    u32::from(follow == Follow::No)
}

pub fn path_stat(path: &[u8], follow: Follow) -> Result<Stat> {
    let mut record = [0; 96];
    // SAFETY: a stat record is 96 bytes; the path lives through the call.
    check(unsafe { tidepool::path_stat(path.as_ptr(), path.len(), no_follow(follow), &mut record) })?;
    Ok(stat(&record))
}

pub fn fd_chmod(fd: Fd, mode: u32) -> Result<()> {
    check(tidepool::fd_chmod(fd.0, mode))
}

pub fn path_chmod(path: &[u8], mode: u32, follow: Follow) -> Result<()> {
    // SAFETY: the path lives through the call.
    check(unsafe { tidepool::path_chmod(path.as_ptr(), path.len(), mode, no_follow(follow)) })
}

pub fn path_chown(path: &[u8], uid: i32, gid: i32, follow: Follow) -> Result<()> {
    // SAFETY: the path lives through the call.
    check(unsafe { tidepool::path_chown(path.as_ptr(), path.len(), uid, gid, no_follow(follow)) })
}

pub fn path_access(path: &[u8], mode: i32) -> Result<()> {
    // SAFETY: the path lives through the call.
    check(unsafe { tidepool::path_access(path.as_ptr(), path.len(), mode) })
}

/// The one preopen, `/`.
const ROOT: u32 = 3;

/// A path as WASI's functions take it: relative to `/`.
fn from_root(path: &[u8]) -> Result<Vec<u8>> {
    let absolute = if path.starts_with(b"/") { path.to_vec() } else { [&getcwd()?, &b"/"[..], path].concat() };
    let slashes = absolute.iter().take_while(|&&byte| byte == b'/').count();
    Ok(if slashes == absolute.len() { b".".to_vec() } else { absolute[slashes..].to_vec() })
}

pub fn symlink(target: &[u8], path: &[u8]) -> Result<()> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let path = from_root(path)?;
    // SAFETY: both texts live through the call.
    check(unsafe { preview1::path_symlink(target.as_ptr(), target.len(), ROOT, path.as_ptr(), path.len()) })
}

pub fn set_times(path: &[u8], atime: SetTime, mtime: SetTime, follow: Follow) -> Result<()> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let path = from_root(path)?;
    // Bits of fstflags: 1 set atime, 2 atime now, 4 and 8 the same for mtime.
    let value = |time| match time {
        SetTime::Keep => (0, 0),
        SetTime::Now => (0, 2),
        SetTime::To(time) => ((time.seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(u64::from(time.nanoseconds)), 1),
    };
    let ((atime, aflags), (mtime, mflags)) = (value(atime), value(mtime));
    let lookup = u32::from(follow == Follow::Yes);
    // SAFETY: the path lives through the call.
    check(unsafe { preview1::path_filestat_set_times(ROOT, lookup, path.as_ptr(), path.len(), atime, mtime, aflags | mflags << 2) })
}

pub fn umask(mask: Option<u32>) -> u32 {
    tidepool::umask(mask.map_or(-1, |mask| mask as i32))
}

pub fn spawn(path: &[u8], argv: &[u8], env: &[u8], cwd: &[u8], actions: &[[i32; 3]], flags: u32, pgid: i32) -> Result<i32> {
    let mut pid = 0;
    // SAFETY: every pointer goes with its length and lives through the call.
    check(unsafe {
        tidepool::proc_spawn(
            path.as_ptr(),
            path.len(),
            argv.as_ptr(),
            argv.len(),
            env.as_ptr(),
            env.len(),
            cwd.as_ptr(),
            cwd.len(),
            actions.as_ptr(),
            actions.len(),
            flags,
            pgid,
            &mut pid,
        )
    })?;
    Ok(pid)
}

pub fn exec(path: &[u8], argv: &[u8], env: &[u8]) -> Errno {
    // SAFETY: every pointer goes with its length and lives through the call.
    let errno = unsafe { tidepool::proc_exec(path.as_ptr(), path.len(), argv.as_ptr(), argv.len(), env.as_ptr(), env.len()) };
    Errno::from_raw(errno)
}

#[cfg(feature = "clone")]
type Child<'a> = Box<dyn FnOnce() -> Infallible + 'a>;

/// The kernel copies memory and stack pointer at the call, so the closure, and whatever it borrows from the frames below, is
/// in the child at the same addresses.
#[cfg(feature = "clone")]
pub fn clone<F: FnOnce() -> Infallible>(child: F) -> Result<i32> {
    let child: Child<'_> = Box::new(child);
    let arg = Box::into_raw(Box::new(child));
    let mut pid = 0;
    // SAFETY: the pointer stays valid in both processes; the child takes its copy in proc_clone_entry.
    let errno = unsafe { tidepool::proc_clone(arg as usize, &mut pid) };
    // SAFETY: this is the parent (the child never returns here) and the box is its own copy.
    drop(unsafe { Box::from_raw(arg) });
    check(errno)?;
    Ok(pid)
}

#[cfg(not(feature = "clone"))]
pub fn clone<F: FnOnce() -> Infallible>(_child: F) -> Result<i32> {
    Err(Errno::ENOSYS)
}

/// Where a clone begins.
#[cfg(feature = "clone")]
#[unsafe(no_mangle)]
#[expect(unreachable_code, reason = "the closure cannot return, its type says so")]
pub extern "C" fn proc_clone_entry(arg: usize) {
    // SAFETY: the kernel calls this once, in the child, with the argument that `clone` gave to proc_clone.
    let child = unsafe { Box::from_raw(arg as *mut Child<'static>) };
    child();
}

pub fn wait(pid: i32, options: i32) -> Result<(i32, i32)> {
    let (mut child, mut status) = (0, 0);
    // SAFETY: the out parameters live through the call.
    check(unsafe { tidepool::proc_wait(pid, options, &mut child, &mut status) })?;
    Ok((child, status))
}

pub fn kill(pid: i32, signal: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { tidepool::proc_kill(pid, signal) })
}

pub fn getpid() -> i32 {
    tidepool::proc_getpid()
}

pub fn getppid() -> i32 {
    tidepool::proc_getppid()
}

pub fn getpgid(pid: i32) -> Result<i32> {
    let mut pgid = 0;
    // SAFETY: the out parameter lives through the call.
    check(unsafe { tidepool::proc_getpgid(pid, &mut pgid) })?;
    Ok(pgid)
}

pub fn setpgid(pid: i32, pgid: i32) -> Result<()> {
    check(tidepool::proc_setpgid(pid, pgid))
}

pub fn getcwd() -> Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        let mut length = 0;
        // SAFETY: buffer and out parameter live through the call.
        let errno = unsafe { tidepool::proc_getcwd(buffer.as_mut_ptr(), buffer.len(), &mut length) };
        match check(errno) {
            Err(Errno::ERANGE) if length > buffer.len() => buffer.resize(length, 0),
            Err(errno) => return Err(errno),
            Ok(()) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
        }
    }
}

/// libc keeps its own copy of the working directory. One that was removed has no path any more, but a link that leads to it: without
/// it libc would stay at the root, and relative names would mean what lies there.
fn chdir_libc() -> Result<()> {
    let cwd = match getcwd() {
        Err(Errno::ENOENT) => b"/proc/self/cwd".to_vec(),
        other => other?,
    };
    std::env::set_current_dir(os_str(&cwd)).map_err(Errno::from)
}

pub fn chdir(path: &[u8]) -> Result<()> {
    // SAFETY: the path lives through the call.
    check(unsafe { tidepool::proc_chdir(path.as_ptr(), path.len()) })?;
    chdir_libc()
}

pub fn start() {
    // Where it fails, relative names fail by themselves.
    let _ = chdir_libc();
}

pub fn times() -> [u64; 4] {
    let mut times = [0; 4];
    // SAFETY: four 64-bit numbers are written.
    unsafe { tidepool::proc_times(&mut times) };
    times
}

pub fn sig_action(signal: u32, disposition: i32) -> Result<i32> {
    let mut old = 0;
    // SAFETY: the out parameter lives through the call.
    check(unsafe { tidepool::sig_action(signal, disposition, &mut old) })?;
    Ok(old)
}

pub fn sig_pending() -> u64 {
    let mut mask = 0;
    // SAFETY: the out parameter lives through the call.
    unsafe { tidepool::sig_pending(&mut mask) };
    mask
}

pub fn yield_now() {
    preview1::sched_yield();
}

pub fn exit(code: i32) -> ! {
    preview1::proc_exit(code as u32)
}

pub fn os_str(bytes: &[u8]) -> &OsStr {
    std::os::wasi::ffi::OsStrExt::from_bytes(bytes)
}
