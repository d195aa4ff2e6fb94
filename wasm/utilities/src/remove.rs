//! rm(1), rmdir(1), unlink(1): removing names.

use crate::directory::{join, names};
use crate::options::{Parsed, Spec, choose, extra_operand, missing_operand, parse};
use crate::report::{Outcome, complain, failure, quote_name};
use crate::stream::Output;
use std::io::BufRead;
use tidepool_system::{Access, Errno, Fd, Result, Stat, access, is_tty, lstat, os_str, stat, write_all};

const RM: Spec = Spec::new(
    "f,force i I interactive=? r,recursive R d,dir v,verbose one-file-system no-preserve-root preserve-root=?",
    "Usage: rm [OPTION]... [FILE]...
Removes FILEs; directories only with -r or, when they are empty, with -d.

  -f, --force           no word about what does not exist, no questions
  -i                    asks before each
  -I                    asks once before removing more than three, or recursively
      --interactive[=WHEN]   never, once (-I), always (-i)
  -r, -R, --recursive   directories and what is in them
  -d, --dir             empty directories, too
  -v, --verbose         says what was removed
",
);

const RMDIR: Spec = Spec::new(
    "p,parents v,verbose ignore-fail-on-non-empty",
    "Usage: rmdir [OPTION]... DIRECTORY...
Removes empty directories.

  -p, --parents     their parents, too
  -v, --verbose     says what is removed
      --ignore-fail-on-non-empty
",
);

const UNLINK: Spec = Spec::new("", "Usage: unlink FILE\nRemoves the name FILE.\n");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Never,
    /// Before what may not be written, when a person is there.
    Protected,
    Once,
    Always,
}

struct Removal {
    force: bool,
    ask: Ask,
    recursive: bool,
    empty: bool,
    verbose: bool,
    out: Output,
    status: i32,
}

pub fn run_rm(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &RM)?;
    let (force, ask) = asking(&parsed)?;
    if parsed.operands.is_empty() {
        return if force { Ok(0) } else { Err(missing_operand(1)) };
    }
    let recursive = parsed.has("r") || parsed.has("R");
    let mut removal =
        Removal { force, ask, recursive, empty: parsed.has("d"), verbose: parsed.has("v"), out: Output::stdout(), status: 0 };
    if ask == Ask::Once && (recursive || parsed.operands.len() > 3) {
        let count = parsed.operands.len();
        let (plural, how) = (if count == 1 { "" } else { "s" }, if recursive { " recursively" } else { "" });
        if !confirmed(&format!("remove {count} argument{plural}{how}?")) {
            return Ok(0);
        }
    }
    for operand in &parsed.operands {
        removal.operand(operand)?;
    }
    removal.out.finish(removal.status)
}

fn asking(parsed: &Parsed) -> std::result::Result<(bool, Ask), crate::report::Failure> {
    let (mut force, mut ask) = (false, Ask::Protected);
    for (option, value) in &parsed.options {
        match *option {
            "f" => (force, ask) = (true, Ask::Never),
            "i" => (force, ask) = (false, Ask::Always),
            "I" => (force, ask) = (false, Ask::Once),
            "interactive" => {
                let word = value.as_deref().unwrap_or(b"always");
                ask = match choose(word, "--interactive", &["never", "no", "none", "once", "always", "yes"], 1)? {
                    "never" | "no" | "none" => Ask::Never,
                    "once" => Ask::Once,
                    _ => Ask::Always,
                };
                force = false;
            }
            _ => {}
        }
    }
    Ok((force, ask))
}

/// Asks on stderr; yes is a line that begins with y.
pub fn confirmed(question: &str) -> bool {
    let _ = write_all(Fd::STDERR, format!("{}: {question} ", crate::report::name()).as_bytes());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.starts_with(['y', 'Y'])
}

/// What kind of file, in the words of rm's questions.
fn description(stat: &Stat) -> &'static str {
    match stat.kind() {
        Stat::DIR => "directory",
        Stat::SYMLINK => "symbolic link",
        Stat::FIFO => "fifo",
        Stat::CHAR => "character special file",
        _ if stat.size == 0 => "regular empty file",
        _ => "regular file",
    }
}

type Step = std::result::Result<bool, crate::report::Failure>;

impl Removal {
    /// True when the name is gone.
    fn refuse(&mut self, text: String) -> Step {
        self.out.flush()?;
        complain(text);
        self.status = 1;
        Ok(false)
    }

    fn operand(&mut self, path: &[u8]) -> Step {
        let base = crate::names::base(path);
        if self.recursive && (base == b"." || base == b"..") {
            let text = format!("refusing to remove '.' or '..' directory: skipping {}", quote_name(path));
            return self.refuse(text);
        }
        if self.recursive && base == b"/" {
            self.out.flush()?;
            complain("it is dangerous to operate recursively on '/'");
            complain("use --no-preserve-root to override this failsafe");
            self.status = 1;
            return Ok(false);
        }
        self.remove(path)
    }

    fn remove(&mut self, path: &[u8]) -> Step {
        let stat = match lstat(path) {
            Ok(stat) => stat,
            Err(Errno::ENOENT | Errno::ENOTDIR) if self.force => return Ok(true),
            Err(errno) => return self.refuse(format!("cannot remove {}: {errno}", quote_name(path))),
        };
        if stat.is_dir() { self.folder(path, &stat) } else { self.file(path, &stat) }
    }

    fn allowed(&self, path: &[u8], stat: &Stat, entering: bool) -> bool {
        let protected = !stat.is_symlink() && access(path, Access::Write).is_err();
        let ask = match self.ask {
            Ask::Always => true,
            Ask::Protected => protected && is_tty(Fd::STDIN),
            Ask::Never | Ask::Once => false,
        };
        if !ask {
            return true;
        }
        let protected = if protected { "write-protected " } else { "" };
        let what = description(stat);
        let verb = if entering { "descend into" } else { "remove" };
        confirmed(&format!("{verb} {protected}{what} {}?", quote_name(path)))
    }

    fn file(&mut self, path: &[u8], stat: &Stat) -> Step {
        if !self.allowed(path, stat, false) {
            return Ok(false);
        }
        match std::fs::remove_file(os_str(path)).map_err(Errno::from) {
            Ok(()) => self.removed(path, ""),
            Err(Errno::ENOENT) if self.force => Ok(true),
            Err(errno) => self.refuse(format!("cannot remove {}: {errno}", quote_name(path))),
        }
    }

    fn removed(&mut self, path: &[u8], what: &str) -> Step {
        if self.verbose {
            self.out.text(format!("removed {what}{}\n", quote_name(path)))?;
        }
        Ok(true)
    }

    fn folder(&mut self, path: &[u8], stat: &Stat) -> Step {
        if !self.recursive && !self.empty {
            return self.refuse(format!("cannot remove {}: {}", quote_name(path), Errno::EISDIR));
        }
        if self.recursive && !self.contents(path, stat)? {
            return Ok(false);
        }
        if !self.allowed(path, stat, false) {
            return Ok(false);
        }
        match std::fs::remove_dir(os_str(path)).map_err(Errno::from) {
            Ok(()) => self.removed(path, "directory "),
            Err(errno) => self.refuse(format!("cannot remove {}: {errno}", quote_name(path))),
        }
    }

    /// True when nothing is left inside.
    fn contents(&mut self, path: &[u8], stat: &Stat) -> Step {
        let inside = match names(path) {
            Ok(inside) => inside,
            Err(errno) => return self.refuse(format!("cannot remove {}: {errno}", quote_name(path))),
        };
        if inside.is_empty() {
            return Ok(true);
        }
        if !self.allowed(path, stat, true) {
            return Ok(false);
        }
        let mut empty = true;
        for name in inside {
            empty &= self.remove(&join(path, &name))?;
        }
        Ok(empty)
    }
}

pub fn run_rmdir(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &RMDIR)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let mut out = Output::stdout();
    let mut status = 0;
    for operand in &parsed.operands {
        let mut path = operand.as_slice();
        loop {
            if parsed.has("v") {
                out.text(format!("{}: removing directory, {}\n", crate::report::name(), quote_name(path)))?;
            }
            // libc takes an empty name for the working directory.
            let removed = if path.is_empty() { Err(Errno::ENOENT) } else { std::fs::remove_dir(os_str(path)).map_err(Errno::from) };
            match removed {
                Ok(()) => {}
                Err(Errno::ENOTEMPTY) if parsed.has("ignore-fail-on-non-empty") => break,
                Err(errno) => {
                    out.flush()?;
                    let what = if path == operand.as_slice() { "" } else { "directory " };
                    complain(format!("failed to remove {what}{}: {errno}", quote_name(path)));
                    status = 1;
                    break;
                }
            }
            let parent = crate::names::parent(path);
            if !parsed.has("p") || parent == b"." || parent == b"/" {
                break;
            }
            path = parent;
        }
    }
    out.finish(status)
}

pub fn run_unlink(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &UNLINK)?;
    match parsed.operands.as_slice() {
        [] => Err(missing_operand(1)),
        [path] => unlink(path).map(|()| 0).map_err(|errno| failure(1, format!("cannot unlink {}: {errno}", quote_name(path)))),
        [_, extra, ..] => Err(extra_operand(1, extra)),
    }
}

fn unlink(path: &[u8]) -> Result<()> {
    if lstat(path)?.is_dir() {
        return Err(Errno::EISDIR);
    }
    std::fs::remove_file(os_str(path)).map_err(Errno::from)
}

/// Whether both names are the same file.
pub fn same_file(one: &[u8], other: &[u8]) -> bool {
    matches!((stat(one), stat(other)), (Ok(one), Ok(other)) if one.ino == other.ino && one.dev == other.dev)
}
