//! grep, egrep and fgrep as GNU grep 3.8 in C.UTF-8: which files are searched, and the exit status (0 a line was
//! selected, 1 none, 2 an error).

mod fail;
mod files;
mod options;
mod output;
mod pattern;
mod perl;
mod search;

use fail::{Failure, complain};
use options::{Directories, ListFiles, Matcher, Options, Request};
use output::{Output, Printer};
use pattern::Pattern;
use search::{Search, file_error};
use std::process::ExitCode;
use tidepool_system::{Errno, Fd, Open, Stat, Whence, close, fstat, lstat, open, os_bytes, os_str, seek, stat};

const HELP: &str = include_str!("help.txt");

fn main() -> ExitCode {
    tidepool_system::start();
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(Failure(text)) => {
            complain(&text);
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<u8, Failure> {
    let program = std::env::args_os().next().unwrap_or_default();
    let implied = match os_bytes(&program).rsplit(|b| *b == b'/').next() {
        Some(b"egrep") => Some(Matcher::Extended),
        Some(b"fgrep") => Some(Matcher::Fixed),
        _ => None,
    };
    let mut out = Output::new(false);
    match options::read(tidepool_getopt::arguments(), implied)? {
        Request::Help => {
            out.put(HELP.as_bytes());
            out.flush()?;
            Ok(0)
        }
        Request::Version => {
            out.put(b"grep (Tidepool), compatible with GNU grep 3.8\n");
            out.flush()?;
            Ok(0)
        }
        Request::Search(options) => Grep::new(&options)?.run(),
    }
}

struct Grep<'a> {
    options: &'a Options,
    pattern: Pattern,
    printer: Printer,
    out: Output,
    /// Where standard output goes when that is a file: it must not be searched.
    output_file: Option<(u64, u64)>,
    selected_any: bool,
    failed: bool,
    separator_due: bool,
}

impl<'a> Grep<'a> {
    fn new(options: &'a Options) -> Result<Grep<'a>, Failure> {
        let several = options.files.len() > 1 || options.directories == Directories::Recurse;
        let alone = options.files.len() == 1 && !stat(&options.files[0]).is_ok_and(|s| s.is_dir());
        let named = several && !(options.directories == Directories::Recurse && alone);
        let with_filename = options.with_filename.unwrap_or(named);
        let output_file = fstat(Fd::STDOUT).ok().filter(|s| s.is_file()).map(|s| (s.dev, s.ino));
        Ok(Grep {
            options,
            pattern: Pattern::new(options)?,
            printer: Printer::new(options, with_filename),
            out: Output::new(options.line_buffered),
            output_file,
            selected_any: false,
            failed: false,
            separator_due: false,
        })
    }

    fn run(mut self) -> Result<u8, Failure> {
        if self.options.max_count == 0 && self.options.list != ListFiles::NotMatching {
            return Ok(1);
        }
        if self.options.files.is_empty() {
            match self.options.directories {
                Directories::Recurse => self.directory(b"", true)?,
                _ => self.file(b"-", true)?,
            }
        }
        for name in &self.options.files {
            if self.done() {
                break;
            }
            self.file(name, true)?;
        }
        self.out.flush()?;
        Ok(match (self.selected_any, self.failed) {
            (true, true) if self.options.quiet => 0,
            (_, true) => 2,
            (true, false) => 0,
            (false, false) => 1,
        })
    }

    /// `-q` needs no more than one match.
    fn done(&self) -> bool {
        self.options.quiet && self.selected_any
    }

    fn error(&mut self, name: &[u8], errno: Errno) -> Result<(), Failure> {
        self.out.flush()?;
        file_error(self.options, name, errno);
        self.failed = true;
        Ok(())
    }

    /// Searches a file or directory that was named on the command line or met on the way.
    fn file(&mut self, name: &[u8], on_command_line: bool) -> Result<(), Failure> {
        if name == b"-" {
            let label = self.options.label.clone().unwrap_or_else(|| b"(standard input)".to_vec());
            return match fstat(Fd::STDIN) {
                Ok(stat) if stat.is_dir() && self.options.directories != Directories::Read => Ok(()),
                Ok(stat) => self.content(Fd::STDIN, &label, &stat),
                Err(errno) => self.error(&label, errno),
            };
        }
        let follow = on_command_line || self.options.dereference;
        let stat = match if follow { stat(name) } else { lstat(name) } {
            Ok(stat) => stat,
            Err(errno) => return self.error(name, errno),
        };
        if stat.is_symlink() {
            return Ok(());
        }
        if stat.is_dir() {
            return self.named_directory(name, on_command_line);
        }
        if self.options.filters.skips_file(if on_command_line { name } else { base_name(name) }, on_command_line) {
            return Ok(());
        }
        let reads_devices = self.options.read_devices.unwrap_or(on_command_line);
        if !reads_devices && !stat.is_file() {
            return Ok(());
        }
        match open(name, Open::read().cloexec()) {
            Ok(fd) => {
                let result = self.content(fd, name, &stat);
                let _ = close(fd);
                result
            }
            Err(errno) => self.error(name, errno),
        }
    }

    fn named_directory(&mut self, name: &[u8], on_command_line: bool) -> Result<(), Failure> {
        let filters = &self.options.filters;
        match self.options.directories {
            Directories::Recurse => {
                let shown = if on_command_line { trim_slashes(name) } else { base_name(name) };
                if filters.skips_directory(shown, on_command_line) { Ok(()) } else { self.directory(name, false) }
            }
            Directories::Skip => Ok(()),
            Directories::Read if filters.skips_file(name, on_command_line) => Ok(()),
            Directories::Read => self.error(name, Errno::EISDIR),
        }
    }

    /// Searches what is in a directory, in the order in which the kernel lists it; `top` is the working directory without a name.
    fn directory(&mut self, name: &[u8], top: bool) -> Result<(), Failure> {
        let listed = std::fs::read_dir(os_str(if top { b"." } else { name }));
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => return self.error(name, Errno::of(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name().into_encoded_bytes()),
                Err(error) => return self.error(name, Errno::of(&error)),
            }
        }
        for child in names {
            if self.done() {
                break;
            }
            let path = match name {
                b"" => child,
                _ if name.ends_with(b"/") => [name, &child].concat(),
                _ => [name, b"/", &child].concat(),
            };
            self.file(&path, false)?;
        }
        Ok(())
    }

    fn content(&mut self, fd: Fd, name: &[u8], stat: &Stat) -> Result<(), Failure> {
        let prints_lines = !self.options.quiet && !self.options.count && self.options.list == ListFiles::No;
        if stat.is_dir() {
            return self.error(name, Errno::EISDIR);
        }
        if prints_lines && self.options.max_count > 1 && fd != Fd::STDIN && self.output_file == Some((stat.dev, stat.ino)) {
            self.out.flush()?;
            if !self.options.no_messages {
                complain(&format!("grep: {}: input file is also the output\n", String::from_utf8_lossy(name)));
            }
            self.failed = true;
            return Ok(());
        }
        let seekable = fd == Fd::STDIN && stat.is_file();
        let start = if seekable { seek(fd, 0, Whence::Current).unwrap_or(0) } else { 0 };
        let search = Search::new(self.options, &self.pattern, &self.printer, &mut self.out, name);
        let found = match search.run(fd, start, &mut self.separator_due)? {
            Ok(found) => found,
            Err(errno) => return self.error(name, errno),
        };
        if seekable && found.stopped_early && !self.options.quiet {
            let _ = seek(fd, found.resume as i64, Whence::Start);
        }
        self.selected_any |= found.selected > 0;
        self.summary(name, found.selected)
    }

    /// What `-c`, `-l` and `-L` print for a file.
    fn summary(&mut self, name: &[u8], selected: u64) -> Result<(), Failure> {
        if self.options.quiet {
            return Ok(());
        }
        if self.options.count {
            if self.printer.with_filename {
                self.printer.name(&mut self.out, name);
                if self.options.null_after_name { self.out.put(b"\0") } else { self.printer.mark(&mut self.out, b':') }
            }
            self.out.put(format!("{selected}\n").as_bytes());
        }
        let listed = match self.options.list {
            ListFiles::No => false,
            ListFiles::Matching => selected > 0,
            ListFiles::NotMatching => selected == 0,
        };
        if listed {
            self.printer.name(&mut self.out, name);
            self.out.put(if self.options.null_after_name { b"\0" } else { b"\n" });
        }
        self.out.line_done()
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

fn trim_slashes(path: &[u8]) -> &[u8] {
    let mut path = path;
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    path
}
