//! cp(1), mv(1), install(1): copying and moving trees.

use crate::directory::{join, names};
use crate::mode;
use crate::names::base;
use crate::options::{Parsed, Spec, choose, misplaced, parse, refuse};
use crate::owners::Names;
use crate::remove::{confirmed, same_file};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_name};
use crate::stream::{CHUNK, Output};
use std::collections::HashMap;
use tidepool_system::{
    Access, Errno, Fd, Follow, Open, Result, SetTime, Stat, access, chmod, chown, close, is_tty, lstat, open, os_bytes, os_str,
    read, set_times, stat, symlink, umask, write_all,
};

const CP: Spec = Spec::new(
    "a,archive b backup=? copy-contents d f,force i,interactive H l,link L,dereference n,no-clobber P,no-dereference p preserve=? \
     no-preserve= parents R,recursive r reflink=? remove-destination sparse= strip-trailing-slashes s,symbolic-link S,suffix= \
     t,target-directory= T,no-target-directory u,update v,verbose x,one-file-system attributes-only Z context=?",
    "Usage: cp [OPTION]... [-T] SOURCE DEST
  or:  cp [OPTION]... SOURCE... DIRECTORY
  or:  cp [OPTION]... -t DIRECTORY SOURCE...
Copies SOURCEs.

  -a, --archive                 as -dR --preserve=all
  -b, --backup, -S SUFFIX       keeps what was there, as NAME~
  -d                            as -P --preserve=links
  -f, --force                   removes what cannot be opened
  -i, --interactive             asks before it overwrites
  -H, -L, -P                    follows links on the command line, all, none
  -l, --link                    hard links instead of copies
  -n, --no-clobber              overwrites nothing
  -p, --preserve[=LIST]         mode, ownership, timestamps; also links, all
      --parents                 with the SOURCE's directories
  -R, -r, --recursive           directories and what is in them
      --remove-destination      removes each DEST first
  -s, --symbolic-link           symbolic links instead of copies
  -t, --target-directory=DIR    into DIR
  -T, --no-target-directory     DEST is no directory to copy into
  -u, --update                  only what is newer
  -v, --verbose                 says what is done
",
);

const MV: Spec = Spec::new(
    "b backup=? f,force i,interactive n,no-clobber strip-trailing-slashes S,suffix= t,target-directory= T,no-target-directory \
     u,update v,verbose Z,context",
    "Usage: mv [OPTION]... [-T] SOURCE DEST
  or:  mv [OPTION]... SOURCE... DIRECTORY
  or:  mv [OPTION]... -t DIRECTORY SOURCE...
Renames SOURCEs, or moves them.

  -b, --backup, -S SUFFIX       keeps what was there, as NAME~
  -f, --force                   asks nothing
  -i, --interactive             asks before it overwrites
  -n, --no-clobber              overwrites nothing
  -t, --target-directory=DIR    into DIR
  -T, --no-target-directory     DEST is no directory to move into
  -u, --update                  only what is newer
  -v, --verbose                 says what is done
",
);

const INSTALL: Spec = Spec::new(
    "b backup=? c C,compare d,directory D g,group= m,mode= o,owner= p,preserve-timestamps s,strip S,suffix= t,target-directory= \
     T,no-target-directory v,verbose",
    "Usage: install [OPTION]... [-T] SOURCE DEST
  or:  install [OPTION]... SOURCE... DIRECTORY
  or:  install [OPTION]... -t DIRECTORY SOURCE...
  or:  install [OPTION]... -d DIRECTORY...
Copies files with a mode (755), or makes directories.

  -C, --compare                 leaves what is the same already
  -d, --directory               makes directories
  -D                            makes the directories of DEST
  -g, -o                        group, owner
  -m, --mode=MODE               as in chmod
  -p, --preserve-timestamps     the times of SOURCE
  -t, --target-directory=DIR    into DIR
  -T, --no-target-directory     DEST is no directory
  -v, --verbose                 says what is done
",
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Never,
    Operands,
    Always,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clobber {
    Yes,
    Ask,
    No,
}

struct Copier {
    recursive: bool,
    links: Links,
    keep_mode: bool,
    keep_owner: bool,
    keep_times: bool,
    keep_links: bool,
    clobber: Clobber,
    force: bool,
    remove_first: bool,
    update: bool,
    verbose: bool,
    hard: bool,
    symbolic: bool,
    attributes_only: bool,
    backup: Option<Vec<u8>>,
    /// For mv: the words of its messages.
    moving: bool,
    copied: HashMap<(u64, u64), Vec<u8>>,
    mask: u32,
    out: Output,
    status: i32,
}

type Step = std::result::Result<bool, Failure>;

fn backup_suffix(parsed: &Parsed) -> std::result::Result<Option<Vec<u8>>, Failure> {
    if let Some(word) = parsed.value("backup") {
        match choose(word, "backup type", &["none", "off", "simple", "never", "existing", "nil", "numbered", "t"], 1)? {
            "none" | "off" => return Ok(None),
            "numbered" | "t" => return Err(failure(1, "numbered backups are not supported")),
            _ => {}
        }
    }
    let wanted = parsed.has("b") || parsed.has("backup") || parsed.has("S");
    Ok(wanted.then(|| parsed.value("S").unwrap_or(b"~").to_vec()))
}

impl Copier {
    fn new(parsed: &Parsed, moving: bool) -> std::result::Result<Copier, Failure> {
        let clobber = match parsed.last_of(if moving { &["i", "n", "f"] } else { &["i", "n"] }) {
            Some("i") => Clobber::Ask,
            Some("n") => Clobber::No,
            _ => Clobber::Yes,
        };
        Ok(Copier {
            recursive: moving,
            links: Links::Never,
            keep_mode: moving,
            keep_owner: moving,
            keep_times: moving,
            keep_links: moving,
            clobber,
            force: parsed.has("f"),
            remove_first: parsed.has("remove-destination"),
            update: parsed.has("u"),
            verbose: parsed.has("v"),
            hard: parsed.has("l"),
            symbolic: parsed.has("s"),
            attributes_only: parsed.has("attributes-only"),
            backup: backup_suffix(parsed)?,
            moving,
            copied: HashMap::new(),
            mask: umask(None),
            out: Output::stdout(),
            status: 0,
        })
    }

    /// False: it was not done.
    fn refuse(&mut self, text: String) -> Step {
        self.out.flush()?;
        complain(text);
        self.status = 1;
        Ok(false)
    }

    fn say(&mut self, source: &[u8], destination: &[u8]) -> std::result::Result<(), Failure> {
        if self.verbose {
            self.out.text(format!("{} -> {}\n", quote_name(source), quote_name(destination)))?;
        }
        Ok(())
    }

    /// Whether what is at the destination may be replaced; makes the backup.
    fn may_replace(&mut self, source: &Stat, destination: &[u8], existing: &Stat) -> Step {
        if self.update && (existing.mtime.seconds, existing.mtime.nanoseconds) >= (source.mtime.seconds, source.mtime.nanoseconds) {
            return Ok(false);
        }
        let protected = !existing.is_symlink() && access(destination, Access::Write).is_err();
        let ask = match self.clobber {
            Clobber::No => return Ok(false),
            Clobber::Ask => true,
            Clobber::Yes => self.moving && protected && !self.force && is_tty(Fd::STDIN),
        };
        if ask {
            self.out.flush()?;
            let question = if protected {
                let mode = format!("{:04o} ({})", existing.mode & 0o7777, &existing.mode_string()[1..]);
                format!("replace {}, overriding mode {mode}?", quote_name(destination))
            } else {
                format!("overwrite {}?", quote_name(destination))
            };
            if !confirmed(&question) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn keep_backup(&mut self, destination: &[u8]) -> Step {
        let Some(suffix) = &self.backup else { return Ok(true) };
        let kept = [destination, suffix].concat();
        match std::fs::rename(os_str(destination), os_str(&kept)).map_err(Errno::from) {
            Ok(()) => Ok(true),
            Err(errno) => self.refuse(format!("cannot backup {}: {errno}", quote_name(destination))),
        }
    }

    /// Copies one name to another; `operand` when it stands on the command line.
    fn copy(&mut self, source: &[u8], destination: &[u8], operand: bool) -> Step {
        let follow = self.links == Links::Always || (self.links == Links::Operands && operand);
        let found = if follow { stat(source) } else { lstat(source) };
        let from = match found {
            Ok(from) => from,
            Err(errno) => return self.refuse(format!("cannot stat {}: {errno}", quote_name(source))),
        };
        if from.is_dir() && !self.recursive {
            return self.refuse(format!("-r not specified; omitting directory {}", quote_name(source)));
        }
        let existing = lstat(destination).ok();
        if let Some(existing) = existing
            && !self.check_existing(source, &from, destination, &existing)?
        {
            return Ok(false);
        }
        if from.is_dir() {
            return self.folder(source, &from, destination, existing.is_some());
        }
        let key = (from.dev, from.ino);
        if self.keep_links && from.nlink > 1 {
            if let Some(first) = self.copied.get(&key).cloned() {
                let _ = std::fs::remove_file(os_str(destination));
                self.say(source, destination)?;
                return self.finish_link(&first, destination, "link");
            }
            self.copied.insert(key, destination.to_vec());
        }
        self.say(source, destination)?;
        if self.hard {
            return self.finish_link(source, destination, "link");
        }
        if self.symbolic {
            return match symlink(source, destination) {
                Ok(()) => Ok(true),
                Err(errno) => {
                    let names = format!("{} to {}", quote_name(destination), quote_name(source));
                    self.refuse(format!("cannot create symbolic link {names}: {errno}"))
                }
            };
        }
        if from.is_symlink() { self.link(source, &from, destination) } else { self.file(source, &from, destination) }
    }

    fn finish_link(&mut self, source: &[u8], destination: &[u8], what: &str) -> Step {
        match std::fs::hard_link(os_str(source), os_str(destination)).map_err(Errno::from) {
            Ok(()) => Ok(true),
            Err(errno) => {
                let names = format!("{} to {}", quote_name(destination), quote_name(source));
                self.refuse(format!("cannot create hard {what} {names}: {errno}"))
            }
        }
    }

    fn check_existing(&mut self, source: &[u8], from: &Stat, destination: &[u8], existing: &Stat) -> Step {
        let through = if existing.is_symlink() { stat(destination).ok() } else { Some(*existing) };
        let same = through.is_some_and(|to| to.ino == from.ino && to.dev == from.dev);
        if from.is_dir() {
            if !through.is_some_and(|to| to.is_dir()) || (existing.is_symlink() && self.links != Links::Always && self.moving) {
                let text =
                    format!("cannot overwrite non-directory {} with directory {}", quote_name(destination), quote_name(source));
                return self.refuse(text);
            }
            return Ok(true);
        }
        if through.is_some_and(|to| to.is_dir()) {
            let text = format!("cannot overwrite directory {} with non-directory", quote_name(destination));
            let text = if self.moving { format!("{text} {}", quote_name(source)) } else { text };
            return self.refuse(text);
        }
        if same && self.backup.is_none() && !(self.hard || self.remove_first) && (!existing.is_symlink() || !from.is_symlink()) {
            return self.refuse(format!("{} and {} are the same file", quote_name(source), quote_name(destination)));
        }
        if same && self.hard {
            return Ok(false);
        }
        if !self.may_replace(from, destination, existing)? || !self.keep_backup(destination)? {
            return Ok(false);
        }
        if existing.is_symlink()
            && through.is_none()
            && !self.remove_first
            && !from.is_symlink()
            && !self.force
            && self.backup.is_none()
        {
            return self.refuse(format!("not writing through dangling symlink {}", quote_name(destination)));
        }
        let replaced = self.remove_first || self.hard || self.symbolic && self.force || from.is_symlink();
        if replaced && self.backup.is_none() {
            let _ = std::fs::remove_file(os_str(destination));
        }
        Ok(true)
    }

    fn link(&mut self, source: &[u8], from: &Stat, destination: &[u8]) -> Step {
        let made =
            std::fs::read_link(os_str(source)).map_err(Errno::from).and_then(|target| symlink(os_bytes(&target), destination));
        if let Err(errno) = made {
            return self.refuse(format!("cannot create symbolic link {}: {errno}", quote_name(destination)));
        }
        if self.keep_owner {
            let _ = chown(destination, Some(from.uid), Some(from.gid), Follow::No);
        }
        if self.keep_times {
            let _ = set_times(destination, SetTime::To(from.atime), SetTime::To(from.mtime), Follow::No);
        }
        Ok(true)
    }

    fn file(&mut self, source: &[u8], from: &Stat, destination: &[u8]) -> Step {
        let input = match open(source, Open::read().cloexec()) {
            Ok(input) => input,
            Err(errno) => return self.refuse(format!("cannot open {} for reading: {errno}", quote_name(source))),
        };
        let truncating = if self.attributes_only { Open::write().create() } else { Open::write().create().truncate() };
        let how = truncating.mode(from.mode & 0o777).cloexec();
        let mut opened = open(destination, how);
        if self.force && opened.is_err() && std::fs::remove_file(os_str(destination)).is_ok() {
            opened = open(destination, how);
        }
        let output = match opened {
            Ok(output) => output,
            Err(errno) => {
                let _ = close(input);
                return self.refuse(format!("cannot create regular file {}: {errno}", quote_name(destination)));
            }
        };
        let done = if self.attributes_only { Ok(()) } else { pump(input, output) };
        let _ = (close(input), close(output));
        match done {
            Ok(()) => self.attributes(from, destination),
            Err((true, errno)) => self.refuse(format!("error reading {}: {errno}", quote_name(source))),
            Err((false, errno)) => self.refuse(format!("error writing {}: {errno}", quote_name(destination))),
        }
    }

    fn attributes(&mut self, from: &Stat, destination: &[u8]) -> Step {
        if self.keep_owner {
            let _ = chown(destination, Some(from.uid), Some(from.gid), Follow::Yes);
        }
        if self.keep_mode {
            let _ = chmod(destination, from.mode & 0o7777, Follow::Yes);
        }
        if self.keep_times
            && let Err(errno) = set_times(destination, SetTime::To(from.atime), SetTime::To(from.mtime), Follow::Yes)
        {
            return self.refuse(format!("preserving times for {}: {errno}", quote_name(destination)));
        }
        Ok(true)
    }

    fn folder(&mut self, source: &[u8], from: &Stat, destination: &[u8], exists: bool) -> Step {
        if is_within(destination, from) {
            let text = format!("cannot copy a directory, {}, into itself, {}", quote_name(source), quote_name(destination));
            return self.refuse(text);
        }
        let inside = match names(source) {
            Ok(inside) => inside,
            Err(errno) => return self.refuse(format!("cannot access {}: {errno}", quote_name(source))),
        };
        if !exists {
            if let Err(errno) = std::fs::create_dir(os_str(destination)).map_err(Errno::from) {
                return self.refuse(format!("cannot create directory {}: {errno}", quote_name(destination)));
            }
            self.say(source, destination)?;
        }
        let mut whole = true;
        for name in inside {
            whole &= self.copy(&join(source, &name), &join(destination, &name), false)?;
        }
        if !exists {
            let mode = if self.keep_mode { from.mode & 0o7777 } else { from.mode & 0o777 & !self.mask };
            let _ = chmod(destination, mode, Follow::Yes);
        }
        self.attributes(from, destination)?;
        Ok(whole)
    }
}

/// Whether `path`, or what it will be in, is below this directory.
fn is_within(path: &[u8], folder: &Stat) -> bool {
    let mut at = crate::names::parent(path).to_vec();
    loop {
        let Ok(stat) = stat(&at) else { return false };
        if stat.ino == folder.ino && stat.dev == folder.dev {
            return true;
        }
        let above = join(&at, b"..");
        match tidepool_system::stat(&above) {
            Ok(up) if up.ino == stat.ino && up.dev == stat.dev => return false,
            Ok(_) => at = above,
            Err(_) => return false,
        }
    }
}

/// Copies what is left; true in the error when reading failed.
fn pump(input: Fd, output: Fd) -> std::result::Result<(), (bool, Errno)> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match read(input, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => write_all(output, &buffer[..count]).map_err(|errno| (false, errno))?,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err((true, errno)),
        }
    }
}

/// Sources, and where each goes.
struct Plan {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

fn without_slashes(name: &[u8]) -> Vec<u8> {
    let end = name.iter().rposition(|&byte| byte != b'/').map_or(1, |last| last + 1);
    name[..end.min(name.len())].to_vec()
}

fn plan(parsed: &Parsed, parents: bool) -> std::result::Result<Plan, Failure> {
    let mut operands = parsed.operands.clone();
    if parsed.has("strip-trailing-slashes") {
        operands.iter_mut().for_each(|operand| *operand = without_slashes(operand));
    }
    if operands.is_empty() {
        return Err(misuse(1, "missing file operand"));
    }
    let is_folder = |path: &[u8]| stat(path).is_ok_and(|stat| stat.is_dir());
    let into = |sources: Vec<Vec<u8>>, folder: &[u8]| {
        let place = |source: Vec<u8>| {
            let name = if parents { source.as_slice() } else { base(&source) };
            let name = if name == b".." { b"" } else { name };
            let destination = join(folder, name.strip_prefix(b"/").filter(|_| parents).unwrap_or(name));
            (source.clone(), destination)
        };
        Plan { pairs: sources.into_iter().map(place).collect() }
    };
    if let Some(folder) = parsed.value("t") {
        if parsed.has("T") {
            return Err(failure(1, "cannot combine --target-directory (-t) and --no-target-directory (-T)"));
        }
        if !is_folder(folder) {
            let errno = stat(folder).err().unwrap_or(Errno::ENOTDIR);
            return Err(failure(1, format!("target directory {}: {errno}", quote_name(folder))));
        }
        return Ok(into(operands, folder));
    }
    if operands.len() == 1 {
        return Err(misuse(1, format!("missing destination file operand after {}", quote_name(&operands[0]))));
    }
    if parsed.has("T") {
        return match operands.as_slice() {
            [source, destination] => Ok(Plan { pairs: vec![(source.clone(), destination.clone())] }),
            [_, _, extra, ..] => Err(misplaced(extra)),
            _ => Err(misuse(1, "missing file operand")),
        };
    }
    let last = operands.pop().unwrap_or_default();
    if is_folder(&last) {
        return Ok(into(operands, &last));
    }
    match operands.as_slice() {
        [source] => Ok(Plan { pairs: vec![(source.clone(), last)] }),
        _ => {
            let errno = stat(&last).err().unwrap_or(Errno::ENOTDIR);
            let text = if errno == Errno::ENOENT { Errno::ENOENT } else { Errno::ENOTDIR };
            Err(failure(1, format!("target {}: {text}", quote_name(&last))))
        }
    }
}

pub fn run_cp(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &CP)?;
    let mut copier = Copier::new(&parsed, false)?;
    copier.recursive = parsed.has("R") || parsed.has("r") || parsed.has("a");
    for (option, value) in &parsed.options {
        match *option {
            "L" => copier.links = Links::Always,
            "P" => copier.links = Links::Never,
            "H" => copier.links = Links::Operands,
            "a" => {
                copier.links = Links::Never;
                copier.preserve(b"all", true)?;
            }
            "d" => {
                copier.links = Links::Never;
                copier.keep_links = true;
            }
            "p" => copier.preserve(b"mode,ownership,timestamps", true)?,
            "preserve" => copier.preserve(value.as_deref().unwrap_or(b"mode,ownership,timestamps"), true)?,
            "no-preserve" => copier.preserve(value.as_deref().unwrap_or_default(), false)?,
            _ => {}
        }
    }
    let chosen = parsed.last_of(&["L", "P", "H", "a", "d"]).is_some();
    if !chosen && !copier.recursive && !copier.hard {
        copier.links = Links::Always;
    }
    let parents = parsed.has("parents");
    if parents && !parsed.has("t") && !parsed.operands.last().is_some_and(|last| stat(last).is_ok_and(|stat| stat.is_dir())) {
        if let Some(Err(errno)) = parsed.operands.get(1..).and_then(|rest| rest.last()).map(|last| stat(last)) {
            let last = parsed.operands.last().map_or(&b""[..], Vec::as_slice);
            return Err(failure(1, format!("target {}: {errno}", quote_name(last))));
        }
        return Err(misuse(1, "with --parents, the destination must be a directory"));
    }
    for (source, destination) in plan(&parsed, parents)?.pairs {
        if parents {
            let _ = std::fs::create_dir_all(os_str(crate::names::parent(&destination)));
        }
        copier.copy(&source, &destination, true)?;
    }
    copier.out.finish(copier.status)
}

impl Copier {
    fn preserve(&mut self, list: &[u8], on: bool) -> std::result::Result<(), Failure> {
        let words = ["mode", "timestamps", "ownership", "links", "context", "xattr", "all"];
        for word in list.split(|&byte| byte == b',') {
            match choose(word, if on { "--preserve" } else { "--no-preserve" }, &words, 1)? {
                "mode" => self.keep_mode = on,
                "timestamps" => self.keep_times = on,
                "ownership" => self.keep_owner = on,
                "links" => self.keep_links = on,
                "all" => (self.keep_mode, self.keep_times, self.keep_owner, self.keep_links) = (on, on, on, on),
                _ => {}
            }
        }
        Ok(())
    }
}

pub fn run_mv(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &MV)?;
    let mut mover = Copier::new(&parsed, true)?;
    for (source, destination) in plan(&parsed, false)?.pairs {
        mover.rename(&source, &destination)?;
    }
    mover.out.finish(mover.status)
}

impl Copier {
    fn rename(&mut self, source: &[u8], destination: &[u8]) -> Step {
        let from = match lstat(source) {
            Ok(from) => from,
            Err(errno) => return self.refuse(format!("cannot stat {}: {errno}", quote_name(source))),
        };
        if let Ok(existing) = lstat(destination) {
            if existing.ino == from.ino && existing.dev == from.dev && self.backup.is_none() {
                let text = format!("{} and {} are the same file", quote_name(source), quote_name(destination));
                return if from.nlink > 1 && !from.is_dir() && base(source) != base(destination) {
                    self.moved(source, destination, std::fs::remove_file(os_str(source)).map_err(Errno::from))
                } else {
                    self.refuse(text)
                };
            }
            if from.is_dir() && !existing.is_dir() {
                let text =
                    format!("cannot overwrite non-directory {} with directory {}", quote_name(destination), quote_name(source));
                return self.refuse(text);
            }
            if !from.is_dir() && existing.is_dir() {
                return self.refuse(format!("cannot overwrite directory {} with non-directory", quote_name(destination)));
            }
            if !self.may_replace(&from, destination, &existing)? || !self.keep_backup(destination)? {
                return Ok(false);
            }
        }
        if from.is_dir() && is_within(destination, &from) {
            let text = format!("cannot move {} to a subdirectory of itself, {}", quote_name(source), quote_name(destination));
            return self.refuse(text);
        }
        let renamed = if destination.is_empty() {
            Err(Errno::ENOENT)
        } else {
            std::fs::rename(os_str(source), os_str(destination)).map_err(Errno::from)
        };
        match renamed {
            Err(Errno::EXDEV) => self.across(source, destination, &from),
            result => self.moved(source, destination, result),
        }
    }

    fn moved(&mut self, source: &[u8], destination: &[u8], result: Result<()>) -> Step {
        match result {
            Ok(()) => {
                if self.verbose {
                    self.out.text(format!("renamed {} -> {}\n", quote_name(source), quote_name(destination)))?;
                }
                Ok(true)
            }
            Err(errno) => self.refuse(format!("cannot move {} to {}: {errno}", quote_name(source), quote_name(destination))),
        }
    }

    /// To another mount: copies, then removes.
    fn across(&mut self, source: &[u8], destination: &[u8], from: &Stat) -> Step {
        let verbose = std::mem::replace(&mut self.verbose, false);
        let copied = self.copy(source, destination, true);
        self.verbose = verbose;
        if !copied? {
            return Ok(false);
        }
        let removed = if from.is_dir() { std::fs::remove_dir_all(os_str(source)) } else { std::fs::remove_file(os_str(source)) };
        self.moved(source, destination, removed.map_err(Errno::from))
    }
}

pub fn run_install(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &INSTALL)?;
    refuse(&parsed, &["s"], 1)?;
    let text = parsed.value("m").unwrap_or(b"755");
    if !mode::is_valid(text) {
        return Err(failure(1, format!("invalid mode {}", quote(text))));
    }
    let id = |option: &str, names: Names| match parsed.value(option) {
        Some(text) => {
            let what = if option == "o" { "user" } else { "group" };
            let id = names.id(&String::from_utf8_lossy(text));
            id.map(Some).ok_or_else(|| failure(1, format!("invalid {what} {}", quote(text))))
        }
        None => Ok(None),
    };
    let installer = Installer { mode: text, uid: id("o", Names::users())?, gid: id("g", Names::groups())? };
    let mut copier = Copier::new(&parsed, false)?;
    copier.links = Links::Always;
    copier.keep_times = parsed.has("p");
    copier.remove_first = true;
    if parsed.has("d") {
        if parsed.operands.is_empty() {
            return Err(misuse(1, "missing file operand"));
        }
        for folder in &parsed.operands {
            installer.folder(&mut copier, folder)?;
        }
        return copier.out.finish(copier.status);
    }
    if parsed.has("D") {
        let destination = parsed.value("t").or_else(|| parsed.operands.last().map(|last| crate::names::parent(last)));
        if let Some(folder) = destination {
            let _ = std::fs::create_dir_all(os_str(folder));
        }
    }
    for (source, destination) in plan(&parsed, false)?.pairs {
        if parsed.has("C") && installer.is_current(&source, &destination) {
            continue;
        }
        if stat(&source).is_ok_and(|stat| stat.is_dir()) {
            copier.refuse(format!("omitting directory {}", quote_name(&source)))?;
        } else if same_file(&source, &destination) {
            copier.refuse(format!("{} and {} are the same file", quote_name(&source), quote_name(&destination)))?;
        } else if copier.copy(&source, &destination, true)? {
            installer.finish(&mut copier, &destination, false)?;
        }
    }
    copier.out.finish(copier.status)
}

struct Installer<'a> {
    mode: &'a [u8],
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Installer<'_> {
    fn finish(&self, copier: &mut Copier, path: &[u8], folder: bool) -> Step {
        let mode = mode::apply(self.mode, 0, folder, 0).unwrap_or(0o755);
        let changed = chmod(path, mode, Follow::Yes);
        let owned = if self.uid.is_some() || self.gid.is_some() { chown(path, self.uid, self.gid, Follow::Yes) } else { Ok(()) };
        match changed.and(owned) {
            Ok(()) => Ok(true),
            Err(errno) => copier.refuse(format!("cannot change permissions of {}: {errno}", quote_name(path))),
        }
    }

    fn folder(&self, copier: &mut Copier, path: &[u8]) -> Step {
        if let Err(error) = std::fs::create_dir_all(os_str(path)) {
            return copier.refuse(format!("cannot create directory {}: {}", quote_name(path), Errno::from(error)));
        }
        if copier.verbose {
            copier.out.text(format!("install: creating directory {}\n", quote_name(path)))?;
        }
        self.finish(copier, path, true)
    }

    fn is_current(&self, source: &[u8], destination: &[u8]) -> bool {
        let (Ok(one), Ok(other)) = (std::fs::read(os_str(source)), std::fs::read(os_str(destination))) else { return false };
        let mode = mode::apply(self.mode, 0, false, 0).unwrap_or(0o755);
        one == other && stat(destination).is_ok_and(|stat| stat.mode & 0o7777 == mode)
    }
}
