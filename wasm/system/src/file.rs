//! Files by path and by descriptor with Unix modes and owners, which WASI Preview 1 does not know. Relative paths mean the
//! kernel's working directory of the process.

use crate::{Fd, Result, sys};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// `struct stat`, with Linux's mode bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stat {
    pub dev: u64,
    pub ino: u64,
    pub mode: u32,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// Of 512 bytes.
    pub blocks: u64,
    pub atime: Timestamp,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
}

impl Stat {
    pub const TYPE: u32 = 0o170000;
    pub const FILE: u32 = 0o100000;
    pub const DIR: u32 = 0o040000;
    pub const SYMLINK: u32 = 0o120000;
    pub const FIFO: u32 = 0o010000;
    pub const CHAR: u32 = 0o020000;
    pub const BLOCK: u32 = 0o060000;
    pub const SOCKET: u32 = 0o140000;

    pub fn kind(&self) -> u32 {
        self.mode & Stat::TYPE
    }
    pub fn is_file(&self) -> bool {
        self.kind() == Stat::FILE
    }
    pub fn is_dir(&self) -> bool {
        self.kind() == Stat::DIR
    }
    pub fn is_symlink(&self) -> bool {
        self.kind() == Stat::SYMLINK
    }
    pub fn is_fifo(&self) -> bool {
        self.kind() == Stat::FIFO
    }
    pub fn is_char(&self) -> bool {
        self.kind() == Stat::CHAR
    }
    /// `-rwxr-xr-x` as `ls -l` shows it.
    pub fn mode_string(&self) -> String {
        mode_string(self.mode)
    }
}

/// The ten characters of `ls -l`.
pub fn mode_string(mode: u32) -> String {
    let kind = match mode & Stat::TYPE {
        Stat::DIR => 'd',
        Stat::SYMLINK => 'l',
        Stat::FIFO => 'p',
        Stat::CHAR => 'c',
        Stat::BLOCK => 'b',
        Stat::SOCKET => 's',
        Stat::FILE => '-',
        _ => '?',
    };
    let mut text = String::with_capacity(10);
    text.push(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follow {
    Yes,
    /// The link itself.
    No,
}

/// How to open a file: `open(2)`'s flags, by name. `Open::read()`, `Open::write()` and `Open::both()` begin one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Open {
    pub(crate) flags: u32,
    pub(crate) mode: u32,
}

impl Open {
    pub(crate) const CREATE: u32 = 0x40;
    pub(crate) const EXCLUSIVE: u32 = 0x80;
    pub(crate) const TRUNCATE: u32 = 0x200;
    pub(crate) const APPEND: u32 = 0x400;
    pub(crate) const DIRECTORY: u32 = 0x10000;
    pub(crate) const NOFOLLOW: u32 = 0x20000;
    pub(crate) const CLOEXEC: u32 = 0x80000;

    pub fn read() -> Open {
        Open { flags: 0, mode: 0o666 }
    }
    pub fn write() -> Open {
        Open { flags: 1, mode: 0o666 }
    }
    pub fn both() -> Open {
        Open { flags: 2, mode: 0o666 }
    }
    fn with(self, flag: u32) -> Open {
        Open { flags: self.flags | flag, ..self }
    }
    pub fn create(self) -> Open {
        self.with(Open::CREATE)
    }
    /// With `create`: EEXIST when the name exists.
    pub fn exclusive(self) -> Open {
        self.with(Open::EXCLUSIVE)
    }
    pub fn truncate(self) -> Open {
        self.with(Open::TRUNCATE)
    }
    pub fn append(self) -> Open {
        self.with(Open::APPEND)
    }
    pub fn directory(self) -> Open {
        self.with(Open::DIRECTORY)
    }
    pub fn no_follow(self) -> Open {
        self.with(Open::NOFOLLOW)
    }
    pub fn cloexec(self) -> Open {
        self.with(Open::CLOEXEC)
    }
    /// The mode of a file that is created, before the umask; 0666 unless said.
    pub fn mode(self, mode: u32) -> Open {
        Open { mode, ..self }
    }
}

/// `access(2)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Exists,
    Read,
    Write,
    Execute,
}

impl Access {
    pub(crate) fn bits(self) -> i32 {
        match self {
            Access::Exists => 0,
            Access::Read => 4,
            Access::Write => 2,
            Access::Execute => 1,
        }
    }
}

/// The lowest free descriptor.
pub fn open(path: &[u8], how: Open) -> Result<Fd> {
    sys::open(path, how.flags, how.mode)
}

pub fn stat(path: &[u8]) -> Result<Stat> {
    sys::path_stat(path, Follow::Yes)
}

pub fn lstat(path: &[u8]) -> Result<Stat> {
    sys::path_stat(path, Follow::No)
}

pub fn fstat(fd: Fd) -> Result<Stat> {
    sys::fd_stat(fd)
}

pub fn chmod(path: &[u8], mode: u32, follow: Follow) -> Result<()> {
    sys::path_chmod(path, mode, follow)
}

pub fn fchmod(fd: Fd, mode: u32) -> Result<()> {
    sys::fd_chmod(fd, mode)
}

/// `None` keeps. Owners are recorded; nothing else follows from them.
pub fn chown(path: &[u8], uid: Option<u32>, gid: Option<u32>, follow: Follow) -> Result<()> {
    let number = |id: Option<u32>| id.map_or(-1, |id| id as i32);
    sys::path_chown(path, number(uid), number(gid), follow)
}

pub fn access(path: &[u8], access: Access) -> Result<()> {
    sys::path_access(path, access.bits())
}

/// `symlink(2)`: `path` becomes a link that says `target`.
pub fn symlink(target: &[u8], path: &[u8]) -> Result<()> {
    sys::symlink(target, path)
}

/// What a file time becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    Keep,
    Now,
    To(Timestamp),
}

/// `utimensat(2)`: access and modification time.
pub fn set_times(path: &[u8], atime: SetTime, mtime: SetTime, follow: Follow) -> Result<()> {
    sys::set_times(path, atime, mtime, follow)
}

/// Sets the mask and gives the old one; `None` only asks.
pub fn umask(mask: Option<u32>) -> u32 {
    sys::umask(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Errno, close};

    #[test]
    fn a_mode_reads_as_in_ls() {
        assert_eq!(mode_string(0o100644), "-rw-r--r--");
        assert_eq!(mode_string(0o041777), "drwxrwxrwt");
        assert_eq!(mode_string(0o104655), "-rwSr-xr-x");
    }

    #[test]
    fn what_is_created_has_the_mode_less_the_umask() {
        let path = std::env::temp_dir().join(format!("tidepool-system-{}", std::process::id()));
        let path = path.as_os_str().as_encoded_bytes();
        let mask = umask(None);
        let fd = open(path, Open::write().create().exclusive().mode(0o644)).expect("open");
        assert_eq!(fstat(fd).expect("fstat").mode, 0o100644 & !mask);
        assert_eq!(open(path, Open::write().create().exclusive()), Err(Errno::EEXIST));
        chmod(path, 0o600, Follow::Yes).expect("chmod");
        assert_eq!(stat(path).expect("stat").mode, 0o100600);
        assert_eq!(access(path, Access::Read), Ok(()));
        let then = Timestamp { seconds: 1_000_000_000, nanoseconds: 5 };
        set_times(path, SetTime::Keep, SetTime::To(then), Follow::Yes).expect("set_times");
        assert_eq!(stat(path).expect("stat").mtime, then);
        close(fd).expect("close");
        std::fs::remove_file(crate::os_str(path)).expect("remove");
        assert_eq!(lstat(path), Err(Errno::ENOENT));
    }
}
