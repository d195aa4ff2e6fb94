//! The working directory and the search along PATH.

use crate::{Access, Errno, Result, access, stat, sys};
use std::ffi::OsStr;

/// Changes the kernel's working directory of this process and libc's copy of it, which std's file functions use.
pub fn chdir(path: &[u8]) -> Result<()> {
    sys::chdir(path)
}

pub fn getcwd() -> Result<Vec<u8>> {
    sys::getcwd()
}

/// `name` as execvp finds it: itself when it has a slash, else the first executable file along `path` (a value of PATH; an
/// empty piece is the working directory). ENOENT when there is none, EACCES when what there is may not be executed.
pub fn find_program(name: &[u8], path: &[u8]) -> Result<Vec<u8>> {
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.contains(&b'/') {
        return Ok(name.to_vec());
    }
    let mut found = Err(Errno::ENOENT);
    for dir in path.split(|&byte| byte == b':') {
        let dir = if dir.is_empty() { b"." } else { dir };
        let candidate = [dir, b"/", name].concat();
        match stat(&candidate) {
            Ok(stat) if stat.is_dir() => {}
            Ok(_) if access(&candidate, Access::Execute).is_ok() => return Ok(candidate),
            Ok(_) => found = Err(Errno::EACCES),
            Err(_) => {}
        }
    }
    found
}

/// A name of std as the kernel's bytes.
pub fn os_bytes(name: &(impl AsRef<OsStr> + ?Sized)) -> &[u8] {
    name.as_ref().as_encoded_bytes()
}

/// Bytes as a name for std: any bytes are one, on WASI as on Unix.
pub fn os_str(bytes: &[u8]) -> &OsStr {
    sys::os_str(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_along_path() {
        assert_eq!(find_program(b"sh", b"/nonexistent:/bin"), Ok(b"/bin/sh".to_vec()));
        assert_eq!(find_program(b"sh", b"/nonexistent"), Err(Errno::ENOENT));
        assert_eq!(find_program(b"./x", b""), Ok(b"./x".to_vec()));
        assert_eq!(find_program(b"passwd", b"/etc"), Err(Errno::EACCES));
    }
}
