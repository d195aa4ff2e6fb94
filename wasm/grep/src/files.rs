//! Which files are searched: the filters of `--include` and `--exclude`, and reading a whole file.

use crate::fail::{Failure, fail};
use tidepool_system::{Errno, Fd, Open, close, open, read};

/// Patterns of one kind in the order they were given; the last that matches decides.
#[derive(Default)]
struct Rules {
    rules: Vec<(bool, Vec<u8>)>,
}

impl Rules {
    /// Whether a file with this name is left out. Named on the command line a trailing part of it may match too.
    fn leave_out(&self, name: &[u8], on_command_line: bool) -> bool {
        let matching = self.rules.iter().rev().find(|(_, pattern)| {
            fnmatch::matches(pattern, name, false)
                || on_command_line
                    && name.iter().enumerate().any(|(i, b)| *b == b'/' && fnmatch::matches(pattern, &name[i + 1..], false))
        });
        match matching {
            Some((include, _)) => !include,
            None => self.rules.first().is_some_and(|(include, _)| *include),
        }
    }
}

#[derive(Default)]
pub struct Filters {
    files: Rules,
    directories: Rules,
}

impl Filters {
    pub fn include(&mut self, pattern: &[u8]) {
        self.files.rules.push((true, pattern.to_vec()));
    }

    pub fn exclude(&mut self, pattern: &[u8]) {
        self.files.rules.push((false, pattern.to_vec()));
    }

    pub fn exclude_dir(&mut self, pattern: &[u8]) {
        let mut pattern = pattern;
        while pattern.len() > 1 && pattern.ends_with(b"/") {
            pattern = &pattern[..pattern.len() - 1];
        }
        self.directories.rules.push((false, pattern.to_vec()));
    }

    pub fn exclude_from(&mut self, file: &[u8]) -> Result<(), Failure> {
        let text = read_whole(file)?;
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            self.exclude(line);
        }
        Ok(())
    }

    pub fn skips_file(&self, name: &[u8], on_command_line: bool) -> bool {
        self.files.leave_out(name, on_command_line)
    }

    pub fn skips_directory(&self, name: &[u8], on_command_line: bool) -> bool {
        self.directories.leave_out(name, on_command_line)
    }
}

/// The content of a file that the command line needs; `-` is standard input.
pub fn read_whole(name: &[u8]) -> Result<Vec<u8>, Failure> {
    let error = |errno: Errno| fail(&format!("{}: {errno}", String::from_utf8_lossy(name)));
    let fd = if name == b"-" { Fd::STDIN } else { open(name, Open::read().cloexec()).map_err(error)? };
    let mut text = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match read(fd, &mut chunk) {
            Ok(0) => break,
            Ok(n) => text.extend_from_slice(&chunk[..n]),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(error(errno)),
        }
    }
    if fd != Fd::STDIN {
        let _ = close(fd);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_matching_filter_decides() {
        let mut filters = Filters::default();
        filters.include(b"*.c");
        filters.exclude(b"a*");
        assert!(!filters.skips_file(b"b.c", false));
        assert!(filters.skips_file(b"a.c", false));
        assert!(filters.skips_file(b"b.h", false));
        assert!(!filters.skips_file(b"src/b.c", true));
    }

    #[test]
    fn a_directory_pattern_loses_its_slash() {
        let mut filters = Filters::default();
        filters.exclude_dir(b"node_modules/");
        assert!(filters.skips_directory(b"node_modules", false));
        assert!(!filters.skips_directory(b"src", false));
    }
}
