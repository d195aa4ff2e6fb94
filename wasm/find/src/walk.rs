//! The walk through the trees: entries in the order in which the kernel lists a directory, without recursion.

use crate::evaluate::Evaluator;
use crate::expression::Settings;
use crate::fail::{complain, quoted};
use crate::format::{read_link, type_letter};
use std::cell::OnceCell;
use tidepool_system::{Errno, Stat, lstat, os_str, stat};

/// Which symbolic links are followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Links {
    /// `-P`
    Never,
    /// `-H`: those named on the command line.
    CommandLine,
    /// `-L`
    Always,
}

/// A file met on the walk.
pub struct Entry<'a> {
    pub path: Vec<u8>,
    /// Where the name begins in the path; the roots have no folder.
    base: usize,
    pub depth: usize,
    pub root: &'a [u8],
    follow: bool,
    stat: OnceCell<Result<Stat, Errno>>,
}

impl<'a> Entry<'a> {
    fn new(path: Vec<u8>, base: usize, depth: usize, root: &'a [u8], follow: bool) -> Entry<'a> {
        Entry { path, base, depth, root, follow, stat: OnceCell::new() }
    }

    /// The stat, or why there is none.
    pub fn try_stat(&self) -> Result<&Stat, Errno> {
        let read = || match self.follow {
            // A link to nothing is shown as itself.
            true => stat(&self.path).or_else(|errno| match errno {
                Errno::ENOENT | Errno::ELOOP => lstat(&self.path),
                other => Err(other),
            }),
            false => lstat(&self.path),
        };
        self.stat.get_or_init(read).as_ref().map_err(|errno| *errno)
    }

    /// The stat of an entry that was found to have one.
    pub fn stat(&self) -> &Stat {
        const NONE: Stat =
            Stat { dev: 0, ino: 0, mode: 0, nlink: 0, uid: 0, gid: 0, size: 0, blocks: 0, atime: ZERO, mtime: ZERO, ctime: ZERO };
        const ZERO: tidepool_system::Timestamp = tidepool_system::Timestamp { seconds: 0, nanoseconds: 0 };
        self.try_stat().unwrap_or(&NONE)
    }

    /// The name that `-name` looks at: without the slashes behind it.
    pub fn base(&self) -> &[u8] {
        if self.depth > 0 {
            return &self.path[self.base..];
        }
        let trimmed = trim_slashes(&self.path);
        match trimmed.iter().rposition(|b| *b == b'/') {
            Some(slash) if trimmed.len() > 1 => &trimmed[slash + 1..],
            _ => trimmed,
        }
    }

    /// `%f`: the slashes behind a root stay.
    pub fn shown_base(&self) -> &[u8] {
        let end = trim_slashes(&self.path).len();
        match self.path[..end].iter().rposition(|b| *b == b'/') {
            Some(slash) if end > 1 => &self.path[slash + 1..],
            _ => &self.path,
        }
    }

    /// `%h`
    pub fn shown_folder(&self) -> &[u8] {
        let trimmed = trim_slashes(&self.path);
        match trimmed.iter().rposition(|b| *b == b'/') {
            Some(slash) => &self.path[..slash],
            None => b".",
        }
    }

    /// The folder in which `-execdir` runs.
    pub fn folder(&self) -> &[u8] {
        let trimmed = trim_slashes(&self.path);
        match trimmed.iter().rposition(|b| *b == b'/') {
            Some(0) => b"/",
            Some(slash) => &self.path[..slash],
            None => b".",
        }
    }

    pub fn below_root(&self) -> &[u8] {
        if self.depth == 0 {
            return b"";
        }
        let rest = &self.path[self.root.len()..];
        rest.strip_prefix(b"/").unwrap_or(rest)
    }

    /// Where the entry points, if it is a symbolic link.
    pub fn link_target(&self) -> Option<Vec<u8>> {
        if self.stat().is_symlink() { read_link(&self.path) } else { None }
    }

    /// The stat with links followed where they are not, and the other way round (`-xtype`).
    pub fn other_side(&self) -> Result<Stat, Errno> {
        if self.follow { lstat(&self.path) } else { stat(&self.path).or_else(|_| lstat(&self.path)) }
    }

    /// `%Y`: the type behind a link; N nothing there, L a loop.
    pub fn other_side_letter(&self) -> char {
        if !self.stat().is_symlink() {
            return char::from(type_letter(self.stat()));
        }
        match stat(&self.path) {
            Ok(stat) => char::from(type_letter(&stat)),
            Err(Errno::ELOOP) => 'L',
            Err(Errno::ENOENT | Errno::ENOTDIR) => 'N',
            Err(_) => '?',
        }
    }
}

fn trim_slashes(path: &[u8]) -> &[u8] {
    let mut path = path;
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    path
}

/// What the expression asks of the walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Go {
    On,
    /// Not into this directory.
    Prune,
    Quit,
}

/// A directory that is being walked through.
struct Level<'a> {
    entry: Entry<'a>,
    names: std::vec::IntoIter<Vec<u8>>,
}

pub struct Walk<'a> {
    pub settings: &'a Settings,
    pub links: Links,
    pub failed: bool,
}

impl Walk<'_> {
    /// Walks through one tree. False when the whole run is to end.
    pub fn tree(&mut self, root: &[u8], evaluator: &mut Evaluator) -> bool {
        let top = Entry::new(root.to_vec(), 0, 0, root, self.links != Links::Never);
        let device = match top.try_stat() {
            Ok(stat) => stat.dev,
            Err(errno) => {
                self.error(evaluator, &top.path, errno);
                return true;
            }
        };
        let mut levels: Vec<Level> = Vec::new();
        if !self.visit(top, &mut levels, device, evaluator) {
            return false;
        }
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.names.next() else {
                if let Some(done) = levels.pop()
                    && self.settings.depth_first
                    && done.entry.depth >= self.settings.min_depth
                    && evaluator.evaluate(&done.entry) == Go::Quit
                {
                    return false;
                }
                continue;
            };
            let parent = &level.entry;
            let mut path = Vec::with_capacity(parent.path.len() + 1 + name.len());
            path.extend_from_slice(&parent.path);
            if !path.ends_with(b"/") {
                path.push(b'/');
            }
            let base = path.len();
            path.extend_from_slice(&name);
            let entry = Entry::new(path, base, parent.depth + 1, root, self.links == Links::Always);
            if !self.visit(entry, &mut levels, device, evaluator) {
                return false;
            }
        }
        true
    }

    /// Evaluates an entry and opens it when it is a directory to go into. False when the run is to end.
    fn visit<'a>(&mut self, entry: Entry<'a>, levels: &mut Vec<Level<'a>>, device: u64, evaluator: &mut Evaluator) -> bool {
        let stat = match entry.try_stat() {
            Ok(stat) => *stat,
            Err(errno) => {
                self.error(evaluator, &entry.path, errno);
                return true;
            }
        };
        let in_loop = stat.is_dir() && self.links == Links::Always && self.is_loop(&entry, &stat, levels, evaluator);
        if in_loop {
            return true;
        }
        let goes_in =
            stat.is_dir() && entry.depth < self.settings.max_depth && !(self.settings.one_file_system && stat.dev != device);
        let evaluates = entry.depth >= self.settings.min_depth;
        if evaluates && !(self.settings.depth_first && goes_in) {
            match evaluator.evaluate(&entry) {
                Go::Quit => return false,
                Go::Prune if !self.settings.depth_first => return true,
                Go::Prune | Go::On => {}
            }
        }
        if !goes_in {
            return true;
        }
        match names(&entry.path) {
            Ok(names) => levels.push(Level { entry, names: names.into_iter() }),
            Err(errno) => {
                self.error(evaluator, &entry.path, errno);
                if evaluates && self.settings.depth_first && evaluator.evaluate(&entry) == Go::Quit {
                    return false;
                }
            }
        }
        true
    }

    fn is_loop(&mut self, entry: &Entry, stat: &Stat, levels: &[Level], evaluator: &mut Evaluator) -> bool {
        let same = levels.iter().find(|level| level.entry.try_stat().is_ok_and(|s| (s.dev, s.ino) == (stat.dev, stat.ino)));
        if let Some(level) = same {
            evaluator.flush();
            complain(&format!(
                "File system loop detected; {} is part of the same file system loop as {}.",
                quoted(&entry.path),
                quoted(&level.entry.path)
            ));
            self.failed = true;
        }
        same.is_some()
    }

    fn error(&mut self, evaluator: &mut Evaluator, path: &[u8], errno: Errno) {
        evaluator.flush();
        complain(&format!("{}: {errno}", quoted(path)));
        self.failed = true;
    }
}

/// The names in a directory, as it lists them.
pub fn names(path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(os_str(path)).map_err(|error| Errno::of(&error))? {
        names.push(entry.map_err(|error| Errno::of(&error))?.file_name().into_encoded_bytes());
    }
    Ok(names)
}
