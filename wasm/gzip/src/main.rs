//! gzip, gunzip and zcat as GNU gzip 1.12: which files are read and what becomes of them. Exit status: 0, 2 after a warning,
//! 1 after an error.

mod input;
mod list;
mod member;
mod options;

use input::Input;
use list::Listing;
use member::{Problem, Totals};
use options::{Action, Options, Request};
use std::process::ExitCode;
use tidepool_system::{
    Errno, Fd, Follow, Open, SetTime, Stat, Timestamp, chmod, close, fstat, lstat, open, os_bytes, os_str, set_times, write_all,
};

const HELP: &str = include_str!("help.txt");
/// Suffixes that gunzip takes off, and what it puts there instead.
const SUFFIXES: [(&[u8], &[u8]); 6] =
    [(b".gz", b""), (b"-gz", b""), (b".tgz", b".tar"), (b".taz", b".tar"), (b".z", b""), (b"-z", b"")];

fn main() -> ExitCode {
    tidepool_system::start();
    let called = std::env::args_os().next().unwrap_or_default();
    let program = os_bytes(&called).rsplit(|&byte| byte == b'/').next().unwrap_or_default().to_vec();
    match options::read(&program, tidepool_getopt::arguments()) {
        Ok(Request::Help) => print(HELP),
        Ok(Request::Version) => print("gzip (Tidepool), compatible with GNU gzip 1.12\n"),
        Ok(Request::Run(options)) => Gzip { options: &options, status: 0, listing: Listing::default() }.run(),
        Err(text) => {
            say(&format!("gzip: {text}\nTry `gzip --help' for more information.\n"));
            ExitCode::from(1)
        }
    }
}

fn print(text: &str) -> ExitCode {
    ExitCode::from(u8::from(write_all(Fd::STDOUT, text.as_bytes()).is_err()))
}

/// Writes to stderr; when that fails there is nowhere to say so.
fn say(text: &str) {
    let _ = write_all(Fd::STDERR, text.as_bytes());
}

struct Gzip<'a> {
    options: &'a Options,
    status: u8,
    listing: Listing,
}

/// A file to be read: what it was called, its descriptor and what it is.
struct Source {
    name: Vec<u8>,
    fd: Fd,
    stat: Stat,
}

impl Gzip<'_> {
    fn run(mut self) -> ExitCode {
        if self.options.files.is_empty() {
            self.standard_input();
        }
        for name in &self.options.files {
            if name == b"-" { self.standard_input() } else { self.path(name) }
        }
        if self.options.action == Action::List {
            self.listing.totals(self.options.verbose);
        }
        ExitCode::from(self.status)
    }

    fn error(&mut self, text: &str) {
        say(&format!("gzip: {text}\n"));
        self.status = 1;
    }

    fn warn(&mut self, text: &str) {
        if !self.options.quiet {
            say(&format!("gzip: {text}\n"));
        }
        if self.status == 0 {
            self.status = 2;
        }
    }

    fn standard_input(&mut self) {
        let time = fstat(Fd::STDIN).ok().filter(Stat::is_file).map_or(0, |stat| stat.mtime.seconds);
        match self.stream(Fd::STDIN, Some(Fd::STDOUT), b"", time) {
            Ok(totals) if self.options.action == Action::List => self.listing.row(&totals, "stdout", self.options.verbose),
            Ok(totals) => self.report("", &totals, ""),
            Err(problem) => self.problem("stdin", &problem),
        }
    }

    fn path(&mut self, name: &[u8]) {
        let shown = String::from_utf8_lossy(name).into_owned();
        let source = match self.find(name) {
            Ok(source) => source,
            Err((tried, errno)) => return self.error(&format!("{}: {}", String::from_utf8_lossy(&tried), errno.message())),
        };
        if source.stat.is_dir() {
            let _ = close(source.fd);
            return if self.options.recursive {
                self.folder(name)
            } else {
                self.warn(&format!("{shown} is a directory -- ignored"))
            };
        }
        if !source.stat.is_file() && !self.options.stdout {
            let _ = close(source.fd);
            return self.warn(&format!("{shown} is not a directory or a regular file - ignored"));
        }
        self.file(&source);
        let _ = close(source.fd);
    }

    /// Opens the file; gunzip tries its suffix as well. A symlink is followed only where the original stays.
    fn find(&self, name: &[u8]) -> Result<Source, (Vec<u8>, Errno)> {
        let how =
            if self.options.stdout || self.options.force || !self.writes_file() { Open::read() } else { Open::read().no_follow() };
        let mut name = name.to_vec();
        if self.options.action != Action::Compress
            && lstat(&name) == Err(Errno::ENOENT)
            && !ends_with_suffix(&name, &self.options.suffix)
        {
            name.extend_from_slice(&self.options.suffix);
        }
        let opened = open(&name, how).and_then(|fd| Ok((fd, fstat(fd)?)));
        opened.map(|(fd, stat)| Source { name: name.clone(), fd, stat }).map_err(|errno| (name, errno))
    }

    fn writes_file(&self) -> bool {
        !self.options.stdout && matches!(self.options.action, Action::Compress | Action::Decompress)
    }

    fn folder(&mut self, name: &[u8]) {
        let entries = match std::fs::read_dir(os_str(name)) {
            Ok(entries) => entries,
            Err(error) => return self.error(&format!("{}: {}", String::from_utf8_lossy(name), Errno::of(&error).message())),
        };
        let mut names: Vec<Vec<u8>> = entries.flatten().map(|entry| os_bytes(&entry.file_name()).to_vec()).collect();
        names.sort();
        for entry in names {
            self.path(&[name, b"/", &entry].concat());
        }
    }

    fn file(&mut self, source: &Source) {
        let shown = String::from_utf8_lossy(&source.name).into_owned();
        match self.options.action {
            Action::Test => match self.stream(source.fd, None, b"", 0) {
                Ok(_) if self.options.verbose => say(&format!("{shown}:\t OK\n")),
                Ok(_) => {}
                Err(problem) => self.problem(&shown, &problem),
            },
            Action::List => match self.stream(source.fd, None, b"", 0) {
                Ok(totals) => self.listing.row(&totals, &plain_name(&source.name, &self.options.suffix), self.options.verbose),
                Err(problem) => self.problem(&shown, &problem),
            },
            Action::Compress | Action::Decompress if self.options.stdout => {
                match self.stream(source.fd, Some(Fd::STDOUT), base(&source.name), source.stat.mtime.seconds) {
                    Ok(totals) => self.report(&shown, &totals, ""),
                    Err(problem) => self.problem(&shown, &problem),
                }
            }
            Action::Compress | Action::Decompress => self.replace(source, &shown),
        }
    }

    /// Puts a new file beside the old one, with its mode and times, and removes the old one.
    fn replace(&mut self, source: &Source, shown: &str) {
        let Some(target) = self.target(source, shown) else { return };
        let target_shown = String::from_utf8_lossy(&target).into_owned();
        if self.options.force {
            let _ = std::fs::remove_file(os_str(&target));
        }
        let fd = match open(&target, Open::write().create().exclusive().mode(0o600)) {
            Ok(fd) => fd,
            Err(Errno::EEXIST) => {
                say(&format!("gzip: {target_shown} already exists;\tnot overwritten\n"));
                self.status = self.status.max(2);
                return;
            }
            Err(errno) => return self.error(&format!("{target_shown}: {}", errno.message())),
        };
        let result = self.stream(source.fd, Some(fd), base(&source.name), source.stat.mtime.seconds);
        let closed = close(fd);
        let result = result.and_then(|totals| closed.map(|()| totals).map_err(Problem::Write));
        let is_whole = matches!(result, Ok(_) | Err(Problem::Trailing));
        if !is_whole {
            let _ = std::fs::remove_file(os_str(&target));
        } else {
            self.keep_attributes(source, &target, result.as_ref().ok());
        }
        match result {
            Ok(totals) => self.report(
                shown,
                &totals,
                &format!(" -- {} {target_shown}", if self.options.keep { "created" } else { "replaced with" }),
            ),
            Err(problem) => self.problem(shown, &problem),
        }
        if is_whole
            && !self.options.keep
            && let Err(error) = std::fs::remove_file(os_str(&source.name))
        {
            self.error(&format!("{shown}: {}", Errno::of(&error).message()));
        }
    }

    fn keep_attributes(&mut self, source: &Source, target: &[u8], totals: Option<&Totals>) {
        let stored = totals.map_or(0, |totals| totals.header.time);
        let mtime = match (self.options.action, self.options.names) {
            (Action::Decompress, Some(true)) if stored != 0 => Timestamp { seconds: i64::from(stored), nanoseconds: 0 },
            _ => source.stat.mtime,
        };
        let kept = chmod(target, source.stat.mode & 0o7777, Follow::Yes)
            .and_then(|()| set_times(target, SetTime::To(source.stat.atime), SetTime::To(mtime), Follow::Yes));
        if let Err(errno) = kept {
            self.warn(&format!("{}: {}", String::from_utf8_lossy(target), errno.message()));
        }
    }

    /// The name of the new file; a file that cannot have one is warned of.
    fn target(&mut self, source: &Source, shown: &str) -> Option<Vec<u8>> {
        let suffix = &self.options.suffix;
        if self.options.action == Action::Compress {
            if ends_with_suffix(&source.name, suffix) {
                // GNU gzip says so and counts it as no warning.
                if !self.options.quiet && !self.options.recursive {
                    say(&format!("gzip: {shown} already has {} suffix -- unchanged\n", String::from_utf8_lossy(suffix)));
                }
                return None;
            }
            return Some([&source.name[..], suffix].concat());
        }
        let Some(plain) = without_suffix(&source.name, suffix) else {
            self.warn(&format!("{shown}: unknown suffix -- ignored"));
            return None;
        };
        if self.options.names == Some(true) {
            let mut peeked = Input::new(source.fd);
            let stored = member::header(&mut peeked).map(|header| header.name).unwrap_or_default();
            let _ = tidepool_system::seek(source.fd, 0, tidepool_system::Whence::Start);
            if !stored.is_empty() {
                let folder = &source.name[..source.name.len() - base(&source.name).len()];
                return Some([folder, base(&stored)].concat());
            }
        }
        Some(plain)
    }

    /// Reads all of `from` and does to it what was asked for.
    fn stream(&self, from: Fd, to: Option<Fd>, name: &[u8], time: i64) -> Result<Totals, Problem> {
        let mut input = Input::new(from);
        match self.options.action {
            Action::Compress => {
                let stores = self.options.names != Some(false);
                let time = if stores { u32::try_from(time).unwrap_or(0) } else { 0 };
                member::compress(&mut input, to.unwrap_or(Fd::STDOUT), self.options.level, if stores { name } else { b"" }, time)
            }
            Action::Decompress if self.options.force && self.options.stdout => {
                member::decompress_or_copy(&mut input, to.unwrap_or(Fd::STDOUT))
            }
            Action::Decompress => member::decompress(&mut input, to),
            Action::Test | Action::List => member::decompress(&mut input, None),
        }
    }

    fn problem(&mut self, shown: &str, problem: &Problem) {
        match problem {
            Problem::Write(errno) => self.error(&format!("stdout: {}", errno.message())),
            Problem::Read(errno) => self.error(&format!("{shown}: {}", errno.message())),
            Problem::Trailing => {
                if !self.options.quiet {
                    say(&format!("\ngzip: {shown}: {}\n", problem.text()));
                }
                self.status = self.status.max(2);
            }
            Problem::Method(_) => self.error(&format!("{shown}: {}", problem.text())),
            _ => {
                say(&format!("\ngzip: {shown}: {}\n", problem.text()));
                self.status = 1;
            }
        }
    }

    fn report(&self, shown: &str, totals: &Totals, what: &str) {
        if !self.options.verbose || matches!(self.options.action, Action::Test | Action::List) {
            return;
        }
        let label = if shown.is_empty() { String::new() } else { format!("{shown}:\t") };
        say(&format!("{label}{}{what}\n", list::ratio(totals.plain, totals.compressed, totals.header.bytes)));
    }
}

fn base(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

fn ends_with_suffix(name: &[u8], own: &[u8]) -> bool {
    without_suffix(name, own).is_some()
}

/// The name that decompressing gives; none without a known suffix.
fn without_suffix(name: &[u8], own: &[u8]) -> Option<Vec<u8>> {
    let known = std::iter::once((own, &b""[..])).chain(SUFFIXES);
    for (suffix, instead) in known {
        if base(name).len() > suffix.len() && name.to_ascii_lowercase().ends_with(&suffix.to_ascii_lowercase()) {
            return Some([&name[..name.len() - suffix.len()], instead].concat());
        }
    }
    None
}

fn plain_name(name: &[u8], own: &[u8]) -> String {
    String::from_utf8_lossy(&without_suffix(name, own).unwrap_or_else(|| name.to_vec())).into_owned()
}
