//! `Errno`: why a call failed, as the number of the platform (WASI's in a cell, Linux's in native tests), with glibc's text.

use std::fmt;

pub type Result<T> = std::result::Result<T, Errno>;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($name:ident $wasi:literal $linux:literal $text:literal)*) => {
        impl Errno {
            $(
                #[cfg(target_os = "wasi")]
                pub const $name: Errno = Errno($wasi);
                #[cfg(not(target_os = "wasi"))]
                pub const $name: Errno = Errno($linux);
            )*

            /// The symbolic name, `None` for a number that is not in the table.
            pub fn name(self) -> Option<&'static str> {
                $(if self == Errno::$name { return Some(stringify!($name)) })*
                None
            }

            fn text(self) -> Option<&'static str> {
                $(if self == Errno::$name { return Some($text) })*
                None
            }
        }
    };
}

errnos! {
    E2BIG 1 7 "Argument list too long"
    EACCES 2 13 "Permission denied"
    EADDRINUSE 3 98 "Address already in use"
    EAGAIN 6 11 "Resource temporarily unavailable"
    EBADF 8 9 "Bad file descriptor"
    EBUSY 10 16 "Device or resource busy"
    ECANCELED 11 125 "Operation canceled"
    ECHILD 12 10 "No child processes"
    EDEADLK 16 35 "Resource deadlock avoided"
    EDOM 18 33 "Numerical argument out of domain"
    EDQUOT 19 122 "Disk quota exceeded"
    EEXIST 20 17 "File exists"
    EFAULT 21 14 "Bad address"
    EFBIG 22 27 "File too large"
    EILSEQ 25 84 "Invalid or incomplete multibyte or wide character"
    EINTR 27 4 "Interrupted system call"
    EINVAL 28 22 "Invalid argument"
    EIO 29 5 "Input/output error"
    EISDIR 31 21 "Is a directory"
    ELOOP 32 40 "Too many levels of symbolic links"
    EMFILE 33 24 "Too many open files"
    EMLINK 34 31 "Too many links"
    ENAMETOOLONG 37 36 "File name too long"
    ENFILE 41 23 "Too many open files in system"
    ENODEV 43 19 "No such device"
    ENOENT 44 2 "No such file or directory"
    ENOEXEC 45 8 "Exec format error"
    ENOLCK 46 37 "No locks available"
    ENOMEM 48 12 "Cannot allocate memory"
    ENOSPC 51 28 "No space left on device"
    ENOSYS 52 38 "Function not implemented"
    ENOTCONN 53 107 "Transport endpoint is not connected"
    ENOTDIR 54 20 "Not a directory"
    ENOTEMPTY 55 39 "Directory not empty"
    ENOTSUP 58 95 "Operation not supported"
    ENOTTY 59 25 "Inappropriate ioctl for device"
    ENXIO 60 6 "No such device or address"
    EOVERFLOW 61 75 "Value too large for defined data type"
    EPERM 63 1 "Operation not permitted"
    EPIPE 64 32 "Broken pipe"
    ERANGE 68 34 "Numerical result out of range"
    EROFS 69 30 "Read-only file system"
    ESPIPE 70 29 "Illegal seek"
    ESRCH 71 3 "No such process"
    ETIMEDOUT 73 110 "Connection timed out"
    ETXTBSY 74 26 "Text file busy"
    EXDEV 75 18 "Invalid cross-device link"
    ENOTCAPABLE 76 1 "Operation not permitted"
}

impl Errno {
    pub fn from_raw(number: i32) -> Errno {
        Errno(number)
    }

    pub fn raw(self) -> i32 {
        self.0
    }

    /// glibc's `strerror`.
    pub fn message(self) -> String {
        match self.text() {
            Some(text) => text.to_owned(),
            None => format!("Unknown error {}", self.0),
        }
    }

    /// The errno behind an error of std; EIO where std has none.
    pub fn of(error: &std::io::Error) -> Errno {
        use std::io::ErrorKind;
        match error.raw_os_error() {
            Some(number) => Errno(number),
            None => match error.kind() {
                ErrorKind::NotFound => Errno::ENOENT,
                ErrorKind::PermissionDenied => Errno::EACCES,
                ErrorKind::AlreadyExists => Errno::EEXIST,
                ErrorKind::InvalidInput => Errno::EINVAL,
                ErrorKind::BrokenPipe => Errno::EPIPE,
                ErrorKind::Unsupported => Errno::ENOTSUP,
                _ => Errno::EIO,
            },
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl std::error::Error for Errno {}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        Errno::of(&error)
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> std::io::Error {
        std::io::Error::from_raw_os_error(errno.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_has_glibcs_text() {
        assert_eq!(Errno::ENOENT.message(), "No such file or directory");
        assert_eq!(Errno::from_raw(9999).message(), "Unknown error 9999");
    }

    #[test]
    fn an_error_of_std_keeps_its_number() {
        let error = std::fs::File::open("/nonexistent").err().map(Errno::from);
        assert_eq!(error, Some(Errno::ENOENT));
    }
}
