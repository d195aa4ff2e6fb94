//! Editing in place (`-i`): the output goes to a new file beside the edited one, which then takes its name and mode.

use crate::fail::{Failure, panic, shown};
use crate::output::Stream;
use std::fs;
use tidepool_system::{Errno, Open, fchmod, getpid, open, os_str, stat};

pub struct Edit {
    /// The file whose name the result takes: with `--follow-symlinks` what a link points to.
    target: Vec<u8>,
    temporary: Vec<u8>,
}

impl Edit {
    /// Opens the new file.
    pub fn begin(name: &[u8], follow_links: bool) -> Result<(Edit, Stream), Failure> {
        let target = if follow_links { resolved(name) } else { name.to_vec() };
        let mode = stat(&target).map_or(0o644, |s| s.mode & 0o7777);
        let folder = target.iter().rposition(|b| *b == b'/').map_or(&b""[..], |slash| &target[..=slash]);
        for attempt in 0..100u32 {
            let temporary = [
                folder,
                format!("sed{:06}", (getpid().0.unsigned_abs().wrapping_mul(7919).wrapping_add(attempt)) % 1_000_000).as_bytes(),
            ]
            .concat();
            match open(&temporary, Open::write().create().exclusive().mode(0o600).cloexec()) {
                Ok(fd) => {
                    fchmod(fd, mode)
                        .map_err(|errno| panic(&format!("couldn't open temporary file {}: {errno}", shown(&temporary))))?;
                    let stream = Stream::new(fd, &temporary);
                    return Ok((Edit { target, temporary }, stream));
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(panic(&format!("couldn't open temporary file {}: {errno}", shown(&temporary)))),
            }
        }
        Err(panic(&format!("couldn't open temporary file {}sedXXXXXX: File exists", shown(folder))))
    }

    /// Keeps the old file under its backup name, if there is a suffix, and puts the new one in its place.
    pub fn finish(self, suffix: &[u8]) -> Result<(), Failure> {
        if !suffix.is_empty() {
            self.rename(&self.target, &backup_name(&self.target, suffix))?;
        }
        self.rename(&self.temporary, &self.target)
    }

    fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), Failure> {
        fs::rename(os_str(from), os_str(to))
            .map_err(|error| panic(&format!("cannot rename {}: {}", shown(from), Errno::of(&error))))
    }
}

fn resolved(name: &[u8]) -> Vec<u8> {
    fs::canonicalize(os_str(name)).map_or_else(|_| name.to_vec(), |path| path.into_os_string().into_encoded_bytes())
}

/// `suffix` is appended, or, where it has `*`, names the backup with the file's name in their place; with a slash it may be in
/// another folder.
fn backup_name(target: &[u8], suffix: &[u8]) -> Vec<u8> {
    let split = target.iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
    let (folder, base) = target.split_at(split);
    let name =
        if suffix.contains(&b'*') { suffix.split(|b| *b == b'*').collect::<Vec<_>>().join(base) } else { [base, suffix].concat() };
    if name.contains(&b'/') { name } else { [folder, &name].concat() }
}

#[cfg(test)]
mod tests {
    use super::backup_name;

    #[test]
    fn a_star_in_the_suffix_is_the_name_of_the_file() {
        assert_eq!(backup_name(b"d/a.txt", b".bak"), b"d/a.txt.bak");
        assert_eq!(backup_name(b"d/a.txt", b"old_*"), b"d/old_a.txt");
        assert_eq!(backup_name(b"d/a.txt", b"bak/*"), b"bak/a.txt");
    }
}
