//! ls(1), dir(1): names in directories. Names are ordered by their bytes; columns only where a terminal is.

use crate::civil;
use crate::directory::{join, names};
use crate::human::human;
use crate::options::{Parsed, Spec, choose, parse};
use crate::owners::Names;
use crate::report::{Failure, Outcome, complain, escape, quote_bare, quote_name};
use crate::stream::Output;
use crate::width::text_width;
use std::cmp::Ordering;
use tidepool_system::{Errno, Fd, Stat, Timestamp, is_tty, lstat, os_bytes, os_str, stat};

pub const SPEC: Spec = Spec::new(
    "a,all A,almost-all b,escape B,ignore-backups c C color=? d,directory f F g G,no-group group-directories-first full-time \
     h,human-readable si H,dereference-command-line hide= i,inode I,ignore= k,kibibytes l L,dereference m n,numeric-uid-gid \
     N,literal o p q,hide-control-chars Q,quote-name quoting-style= r,reverse R,recursive s,size S sort= t time= time-style= u U v \
     w,width= x X 1 classify=? file-type indicator-style= format= block-size= show-control-chars zero dereference-command-line-symlink-to-dir",
    "Usage: ls [OPTION]... [FILE]...
Lists FILEs, and what is in directories (the working directory without any).

  -a, --all              names that begin with a dot, too
  -A, --almost-all       as -a without . and ..
  -b, --escape           escapes of C for characters that do not show
      --color[=WHEN]     colours: never, always, auto
  -d, --directory        directories themselves, not what is in them
  -F, --classify         a mark behind each name: */=>@|
      --full-time        as -l with full times
  -g, -o                 as -l without owner, without group
  -G, --no-group         no group with -l
      --group-directories-first
  -h, --human-readable   sizes such as 1K 234M with -l and -s
  -H, -L                 follows links on the command line, all links
      --hide=PATTERN, -I, --ignore=PATTERN   not these names
  -i, --inode            inode numbers
  -l                     long format
  -m                     names with commas
  -n, --numeric-uid-gid  as -l with numbers for owners
  -p                     / behind directories
  -q, -Q, -N             ? for what does not show, names in quotes, names as they are
  -r, --reverse          the other way round
  -R, --recursive        directories within directories, too
  -s, --size             blocks of 1024 bytes
  -S, -t, -v, -X, -U     order by size, time, version, extension; no order
      --sort=WORD        none, size, time, version, extension
      --time=WORD, -c, -u    which time: mtime, ctime, atime
      --time-style=STYLE full-iso, long-iso, iso, locale, +FORMAT
  -w, --width=COLS       columns of the terminal
  -x, -C                 columns across, columns down
  -1                     one name a line
",
)
.status(2);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Lines,
    Long,
    Down,
    Across,
    Commas,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Slash,
    FileType,
    Classify,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Literal,
    Shell,
    ShellAlways,
    Escape,
    C,
}

struct View {
    all: bool,
    almost_all: bool,
    backups: bool,
    ignored: Vec<Vec<u8>>,
    hidden: Vec<Vec<u8>>,
    format: Format,
    mark: Mark,
    quoting: Quoting,
    question: bool,
    color: bool,
    directory: bool,
    recursive: bool,
    follow: bool,
    follow_operands: bool,
    owner: bool,
    group: bool,
    numeric: bool,
    inode: bool,
    blocks: bool,
    human: Option<u64>,
    block_size: Option<u64>,
    order: &'static str,
    reverse: bool,
    directories_first: bool,
    time: &'static str,
    time_format: Option<(String, String)>,
    width: usize,
    end: u8,
}

struct Entry {
    name: Vec<u8>,
    /// Unknown for a name that vanished, or that nothing needs to be known of.
    stat: Stat,
    known: bool,
    target: Option<Vec<u8>>,
    target_stat: Option<Stat>,
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    list(&parse(args, &SPEC)?, None)
}

/// dir(1) is `ls -C -b`.
pub fn run_dir(args: Vec<Vec<u8>>) -> Outcome {
    list(&parse(args, &SPEC)?, Some(Format::Down))
}

fn list(parsed: &Parsed, default: Option<Format>) -> Outcome {
    let view = view(parsed, default)?;
    let mut listing =
        Listing { view, out: Output::stdout(), status: 0, users: Names::users(), groups: Names::groups(), printed: false };
    let operands = if parsed.operands.is_empty() { vec![b".".to_vec()] } else { parsed.operands.clone() };
    listing.operands(operands, parsed.operands.len())?;
    listing.out.finish(listing.status)
}

fn view(parsed: &Parsed, default: Option<Format>) -> Result<View, Failure> {
    let tty = is_tty(Fd::STDOUT);
    let mut view = View {
        all: false,
        almost_all: false,
        backups: !parsed.has("B"),
        ignored: Vec::new(),
        hidden: Vec::new(),
        format: default.unwrap_or(if tty { Format::Down } else { Format::Lines }),
        mark: Mark::None,
        quoting: if default.is_some() {
            Quoting::Escape
        } else if tty {
            Quoting::Shell
        } else {
            Quoting::Literal
        },
        question: tty,
        color: false,
        directory: parsed.has("d"),
        recursive: parsed.has("R"),
        follow: parsed.has("L"),
        follow_operands: parsed.has("H") || parsed.has("dereference-command-line-symlink-to-dir"),
        owner: !parsed.has("g"),
        group: !(parsed.has("o") || parsed.has("G")),
        numeric: parsed.has("n"),
        inode: parsed.has("i"),
        blocks: parsed.has("s"),
        human: None,
        block_size: None,
        order: "name",
        reverse: parsed.has("r"),
        directories_first: parsed.has("group-directories-first"),
        time: "mtime",
        time_format: None,
        width: std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(80),
        end: if parsed.has("zero") { 0 } else { b'\n' },
    };
    let mut sorted = false;
    for (option, value) in &parsed.options {
        let word = value.as_deref();
        match *option {
            "a" => (view.all, view.almost_all) = (true, false),
            "A" => (view.all, view.almost_all) = (false, true),
            "f" => {
                view.all = true;
                (view.order, sorted) = ("none", true);
                view.format = if view.format == Format::Long { Format::Lines } else { view.format };
            }
            "I" => view.ignored.push(word.unwrap_or_default().to_vec()),
            "hide" => view.hidden.push(word.unwrap_or_default().to_vec()),
            "l" | "g" | "n" | "o" | "full-time" => view.format = Format::Long,
            "C" => view.format = Format::Down,
            "x" => view.format = Format::Across,
            "m" => view.format = Format::Commas,
            "1" if view.format != Format::Long => view.format = Format::Lines,
            "zero" => {
                view.format = if view.format == Format::Long { Format::Long } else { Format::Lines };
                (view.quoting, view.question) = (Quoting::Literal, false);
            }
            "F" | "classify" => view.mark = classify(word, tty)?,
            "p" => view.mark = Mark::Slash,
            "file-type" => view.mark = Mark::FileType,
            "indicator-style" => view.mark = indicator(word)?,
            "format" => view.format = format_word(word)?,
            "b" => view.quoting = Quoting::Escape,
            "Q" => view.quoting = Quoting::C,
            "N" => view.quoting = Quoting::Literal,
            "q" => view.question = true,
            "show-control-chars" => view.question = false,
            "quoting-style" => view.quoting = quoting(word)?,
            "h" => view.human = Some(1024),
            "si" => view.human = Some(1000),
            "k" => view.block_size = None,
            "block-size" => block_size(word, &mut view)?,
            "S" => (view.order, sorted) = ("size", true),
            "t" => (view.order, sorted) = ("time", true),
            "v" => (view.order, sorted) = ("version", true),
            "X" => (view.order, sorted) = ("extension", true),
            "U" => (view.order, sorted) = ("none", true),
            "sort" => (view.order, sorted) = (sort_word(word)?, true),
            "c" => view.time = "ctime",
            "u" => view.time = "atime",
            "time" => view.time = time_word(word)?,
            "time-style" => view.time_format = time_style(word.unwrap_or_default())?,
            "w" => view.width = width(word.unwrap_or_default())?,
            "color" => view.color = color(word, tty)?,
            _ => {}
        }
    }
    if parsed.has("full-time") {
        view.time_format = time_style(b"full-iso")?;
    }
    // -c and -u without -l sort by that time.
    if !sorted && view.format != Format::Long && (parsed.has("c") || parsed.has("u") || parsed.has("time")) {
        view.order = "time";
    }
    Ok(view)
}

fn classify(word: Option<&[u8]>, tty: bool) -> Result<Mark, Failure> {
    let on = when(word, "--classify", tty)?;
    Ok(if on { Mark::Classify } else { Mark::None })
}

fn color(word: Option<&[u8]>, tty: bool) -> Result<bool, Failure> {
    let terminal = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    let colored = terminal || std::env::var_os("LS_COLORS").is_some() || std::env::var_os("COLORTERM").is_some();
    Ok(when(word, "--color", tty)? && colored)
}

fn when(word: Option<&[u8]>, option: &str, tty: bool) -> Result<bool, Failure> {
    let words = ["always", "yes", "force", "never", "no", "none", "auto", "tty", "if-tty"];
    let word = word.map_or(Ok("always"), |word| choose(word, option, &words, 1))?;
    Ok(match word {
        "always" | "yes" | "force" => true,
        "auto" | "tty" | "if-tty" => tty,
        _ => false,
    })
}

fn indicator(word: Option<&[u8]>) -> Result<Mark, Failure> {
    let words = ["none", "slash", "file-type", "classify"];
    Ok(match choose(word.unwrap_or_default(), "--indicator-style", &words, 1)? {
        "slash" => Mark::Slash,
        "file-type" => Mark::FileType,
        "classify" => Mark::Classify,
        _ => Mark::None,
    })
}

fn format_word(word: Option<&[u8]>) -> Result<Format, Failure> {
    let words = ["verbose", "long", "commas", "horizontal", "across", "vertical", "single-column"];
    Ok(match choose(word.unwrap_or_default(), "--format", &words, 1)? {
        "verbose" | "long" => Format::Long,
        "commas" => Format::Commas,
        "horizontal" | "across" => Format::Across,
        "vertical" => Format::Down,
        _ => Format::Lines,
    })
}

fn quoting(word: Option<&[u8]>) -> Result<Quoting, Failure> {
    let words = ["literal", "shell", "shell-always", "shell-escape", "shell-escape-always", "c", "escape"];
    Ok(match choose(word.unwrap_or_default(), "--quoting-style", &words, 1)? {
        "shell" | "shell-escape" => Quoting::Shell,
        "shell-always" | "shell-escape-always" => Quoting::ShellAlways,
        "c" => Quoting::C,
        "escape" => Quoting::Escape,
        _ => Quoting::Literal,
    })
}

fn sort_word(word: Option<&[u8]>) -> Result<&'static str, Failure> {
    choose(word.unwrap_or_default(), "--sort", &["none", "time", "size", "extension", "version", "width"], 1)
}

fn time_word(word: Option<&[u8]>) -> Result<&'static str, Failure> {
    let words = ["atime", "access", "use", "ctime", "status", "mtime", "modification"];
    Ok(match choose(word.unwrap_or_default(), "--time", &words, 1)? {
        "atime" | "access" | "use" => "atime",
        "ctime" | "status" => "ctime",
        _ => "mtime",
    })
}

/// Formats for times long ago and for recent ones.
fn time_style(word: &[u8]) -> Result<Option<(String, String)>, Failure> {
    let both = |format: &str| Some((format.to_owned(), format.to_owned()));
    let word = word.strip_prefix(b"posix-").unwrap_or(word);
    if let Some(format) = word.strip_prefix(b"+") {
        let format = String::from_utf8_lossy(format);
        return Ok(match format.split_once('\n') {
            Some((old, recent)) => Some((old.to_owned(), recent.to_owned())),
            None => both(&format),
        });
    }
    Ok(match choose(word, "time style", &["full-iso", "long-iso", "iso", "locale"], 1)? {
        "full-iso" => both("%Y-%m-%d %H:%M:%S.%N %z"),
        "long-iso" => both("%Y-%m-%d %H:%M"),
        "iso" => Some(("%Y-%m-%d ".to_owned(), "%m-%d %H:%M".to_owned())),
        _ => None,
    })
}

fn width(text: &[u8]) -> Result<usize, Failure> {
    let bad = || crate::report::failure(2, format!("invalid line width: {}", crate::report::quote(text)));
    crate::number::parse_unsigned(text).and_then(|width| usize::try_from(width).ok()).ok_or_else(bad)
}

fn block_size(word: Option<&[u8]>, view: &mut View) -> Result<(), Failure> {
    let word = word.unwrap_or_default();
    match word {
        b"human-readable" => view.human = Some(1024),
        b"si" => view.human = Some(1000),
        _ => match crate::number::parse_size(word).filter(|&size| size > 0) {
            Some(size) => view.block_size = Some(size),
            None => {
                let text = format!("invalid --block-size argument {}", crate::report::quote(word));
                return Err(crate::report::failure(2, text));
            }
        },
    }
    Ok(())
}

struct Listing {
    view: View,
    out: Output,
    status: i32,
    users: Names,
    groups: Names,
    printed: bool,
}

impl Listing {
    fn complain(&mut self, status: i32, text: String) -> Result<(), Failure> {
        self.out.flush()?;
        complain(text);
        self.status = self.status.max(status);
        Ok(())
    }

    fn operands(&mut self, operands: Vec<Vec<u8>>, given: usize) -> Result<(), Failure> {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for name in operands {
            let follow = self.view.follow || self.view.follow_operands;
            // Without -l, -d and -F a link to a directory is that directory.
            let soft = !self.view.directory && self.view.format != Format::Long && self.view.mark != Mark::Classify;
            let found = entry(&name, &name, follow, true);
            match found {
                Err(errno) => self.complain(2, format!("cannot access {}: {errno}", quote_name(&name)))?,
                Ok(entry) => {
                    let target_folder = soft && entry.target_stat.is_some_and(|stat| stat.is_dir());
                    let folder = !self.view.directory && (entry.stat.is_dir() || target_folder);
                    if folder { folders.push(entry) } else { files.push(entry) }
                }
            }
        }
        self.sort(&mut files);
        self.sort(&mut folders);
        if !files.is_empty() {
            self.entries(&files)?;
            self.printed = true;
        }
        let headers = self.view.recursive || given > 1;
        for folder in folders {
            self.folder(&folder.name, headers, 2)?;
        }
        Ok(())
    }

    fn folder(&mut self, path: &[u8], header: bool, status: i32) -> Result<(), Failure> {
        let found = match names(path) {
            Ok(found) => found,
            Err(errno) => return self.complain(status, format!("cannot open directory {}: {errno}", quote_name(path))),
        };
        if header {
            if self.printed {
                self.out.byte(b'\n')?;
            }
            let shown = self.shown(path);
            self.out.put(&shown)?;
            self.out.put(b":\n")?;
        }
        self.printed = true;
        let mut entries = Vec::new();
        let dots = if self.view.all { vec![b".".to_vec(), b"..".to_vec()] } else { Vec::new() };
        let shown: Vec<_> = dots.into_iter().chain(found.into_iter().filter(|name| self.view.shows(name))).collect();
        for name in shown {
            match entry(&name, &join(path, &name), self.view.follow, self.view.needs_stat()) {
                Ok(entry) => entries.push(entry),
                Err(errno) => {
                    self.complain(1, format!("cannot access {}: {errno}", quote_name(&join(path, &name))))?;
                    entries.extend(entry(&name, b"", false, false));
                }
            }
        }
        self.sort(&mut entries);
        if self.view.format == Format::Long || self.view.blocks {
            let total: u64 = entries.iter().map(|entry| entry.stat.blocks).sum();
            let total = self.blocks(total);
            self.out.text(format!("total {total}\n"))?;
        }
        self.entries(&entries)?;
        if self.view.recursive {
            let is_dot = |name: &[u8]| name == b"." || name == b"..";
            for entry in entries.iter().filter(|entry| entry.stat.is_dir() && !is_dot(&entry.name)) {
                self.folder(&join(path, &entry.name), true, 1)?;
            }
        }
        Ok(())
    }

    fn sort(&self, entries: &mut [Entry]) {
        let view = &self.view;
        if view.order == "none" {
            return;
        }
        let directory = |entry: &Entry| entry.stat.is_dir() || entry.target_stat.is_some_and(|stat| stat.is_dir());
        entries.sort_by(|one, other| {
            let order = match view.order {
                "size" => other.stat.size.cmp(&one.stat.size),
                "time" => moment(other, view.time).cmp(&moment(one, view.time)),
                "version" => crate::version::compare(&one.name, &other.name),
                "extension" => extension(&one.name).cmp(extension(&other.name)),
                "width" => text_width(&one.name).cmp(&text_width(&other.name)),
                _ => Ordering::Equal,
            };
            let order = order.then_with(|| one.name.cmp(&other.name));
            let order = if view.reverse { order.reverse() } else { order };
            if view.directories_first { directory(other).cmp(&directory(one)).then(order) } else { order }
        });
    }

    fn entries(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        match self.view.format {
            Format::Long => self.long(entries),
            Format::Lines => self.lines(entries),
            Format::Commas => self.commas(entries),
            Format::Down | Format::Across => self.columns(entries),
        }
    }

    fn lines(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let widths = self.prefix_widths(entries);
        for entry in entries {
            let cell = self.cell(entry, widths);
            self.out.put(&cell)?;
            self.out.byte(self.view.end)?;
        }
        Ok(())
    }

    fn commas(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let mut column = 0;
        for (index, entry) in entries.iter().enumerate() {
            let cell = self.cell(entry, (0, 0));
            let last = index + 1 == entries.len();
            let length = text_width(&cell) + if last { 0 } else { 2 };
            if index > 0 {
                if self.view.width > 0 && column + length > self.view.width {
                    self.out.byte(b'\n')?;
                    column = 0;
                } else {
                    self.out.byte(b' ')?;
                }
            }
            self.out.put(&cell)?;
            if !last {
                self.out.byte(b',')?;
            }
            column += length;
        }
        if entries.is_empty() { Ok(()) } else { self.out.byte(b'\n') }
    }

    /// As many columns as fit, each as wide as its widest name and two blanks.
    fn columns(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let widths = self.prefix_widths(entries);
        let cells: Vec<Vec<u8>> = entries.iter().map(|entry| self.cell(entry, widths)).collect();
        let plain: Vec<usize> = entries.iter().map(|entry| self.plain_width(entry, widths)).collect();
        let down = self.view.format == Format::Down;
        let line = if self.view.width == 0 { usize::MAX } else { self.view.width };
        let layout = |columns: usize| {
            let rows = plain.len().div_ceil(columns);
            let mut widths = vec![0; columns];
            for (index, width) in plain.iter().enumerate() {
                let column = if down { index / rows } else { index % columns };
                widths[column] = widths[column].max(width + 2);
            }
            while widths.last() == Some(&0) {
                widths.pop();
            }
            (rows, widths)
        };
        let fits = |widths: &[usize]| widths.iter().sum::<usize>().saturating_sub(2) < line;
        let most = plain.len().min(line / 3).max(1);
        let Some((rows, widths)) = (1..=most).rev().map(layout).find(|(_, widths)| widths.len() == 1 || fits(widths)) else {
            return Ok(());
        };
        if entries.is_empty() {
            return Ok(());
        }
        for row in 0..rows {
            let mut at = 0;
            for column in 0..widths.len() {
                let index = if down { column * rows + row } else { row * widths.len() + column };
                let Some(cell) = cells.get(index).filter(|_| !down || index / rows == column) else { break };
                self.out.put(cell)?;
                let next = if down { index + rows } else { index + 1 };
                if column + 1 < widths.len() && next < cells.len() {
                    self.indent(at + plain[index], at + widths[column])?;
                }
                at += widths[column];
            }
            self.out.byte(b'\n')?;
        }
        Ok(())
    }

    /// From one column to another with tabs where they reach, as ls does.
    fn indent(&mut self, mut from: usize, to: usize) -> Result<(), Failure> {
        while from < to {
            if to / 8 > (from + 1) / 8 {
                self.out.byte(b'\t')?;
                from += 8 - from % 8;
            } else {
                self.out.byte(b' ')?;
                from += 1;
            }
        }
        Ok(())
    }

    /// Widths of inode numbers and blocks.
    fn prefix_widths(&self, entries: &[Entry]) -> (usize, usize) {
        let inode = entries.iter().map(|entry| self.inode(entry).len()).max().unwrap_or(0);
        let blocks = entries.iter().map(|entry| self.blocks(entry.stat.blocks).len()).max().unwrap_or(0);
        (inode, blocks)
    }

    fn inode(&self, entry: &Entry) -> String {
        if entry.known { entry.stat.ino.to_string() } else { "?".to_owned() }
    }

    fn blocks(&self, blocks: u64) -> String {
        match (self.view.human, self.view.block_size) {
            (Some(base), _) => human(blocks * 512, base),
            (None, Some(size)) => (blocks * 512).div_ceil(size).to_string(),
            (None, None) => blocks.div_ceil(2).to_string(),
        }
    }

    /// Inode, blocks, name and mark.
    fn cell(&self, entry: &Entry, (inode, blocks): (usize, usize)) -> Vec<u8> {
        let mut cell = String::new();
        if self.view.inode {
            cell += &format!("{:>inode$} ", self.inode(entry));
        }
        if self.view.blocks {
            cell += &format!("{:>blocks$} ", self.blocks(entry.stat.blocks));
        }
        let mut cell = cell.into_bytes();
        cell.extend(self.colored(&entry.name, &entry.stat, entry.target_stat.is_none()));
        cell.extend(self.mark(&entry.stat, entry.target.is_some() && self.view.format == Format::Long));
        cell
    }

    fn plain_width(&self, entry: &Entry, (inode, blocks): (usize, usize)) -> usize {
        let prefix = if self.view.inode { inode + 1 } else { 0 } + if self.view.blocks { blocks + 1 } else { 0 };
        prefix + text_width(&self.shown(&entry.name)) + self.mark(&entry.stat, false).len()
    }

    fn colored(&self, name: &[u8], stat: &Stat, broken: bool) -> Vec<u8> {
        let shown = self.shown(name);
        let color = match stat.kind() {
            _ if !self.view.color => return shown,
            Stat::DIR if stat.mode & 0o1002 == 0o1002 => "30;42",
            Stat::DIR => "01;34",
            Stat::SYMLINK if broken => "01;31",
            Stat::SYMLINK => "01;36",
            Stat::FIFO => "33",
            Stat::CHAR | Stat::BLOCK => "01;33",
            Stat::FILE if stat.mode & 0o111 != 0 => "01;32",
            _ => return shown,
        };
        [format!("\x1b[0m\x1b[{color}m").as_bytes(), &shown, b"\x1b[0m"].concat()
    }

    fn shown(&self, name: &[u8]) -> Vec<u8> {
        match self.view.quoting {
            Quoting::Shell => quote_bare(name).into_bytes(),
            Quoting::ShellAlways => quote_name(name).into_bytes(),
            Quoting::Escape => escape(name).replace(' ', "\\ ").into_bytes(),
            Quoting::C => format!("\"{}\"", escape(name).replace('"', "\\\"")).into_bytes(),
            Quoting::Literal if self.view.question => {
                let text = String::from_utf8_lossy(name);
                text.chars()
                    .map(|shown| if shown.is_control() || shown == '\u{fffd}' { '?' } else { shown })
                    .collect::<String>()
                    .into()
            }
            Quoting::Literal => name.to_vec(),
        }
    }

    fn mark(&self, stat: &Stat, followed: bool) -> &'static [u8] {
        if self.view.mark == Mark::None || followed {
            return b"";
        }
        match (stat.kind(), self.view.mark) {
            (Stat::DIR, _) => b"/",
            (_, Mark::Slash) => b"",
            (Stat::SYMLINK, _) => b"@",
            (Stat::FIFO, _) => b"|",
            (Stat::SOCKET, _) => b"=",
            (Stat::FILE, Mark::Classify) if stat.mode & 0o111 != 0 => b"*",
            _ => b"",
        }
    }

    fn long(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let rows: Vec<[String; 5]> = entries.iter().map(|entry| self.row(entry)).collect();
        let width = |column: usize| rows.iter().map(|row| text_width(row[column].as_bytes())).max().unwrap_or(0);
        let [links, users, groups, sizes, times] = [width(0), width(1), width(2), width(3), width(4)];
        let (inode, blocks) = self.prefix_widths(entries);
        for (entry, [link, user, group, size, time]) in entries.iter().zip(&rows) {
            let mut line = String::new();
            if self.view.inode {
                line += &format!("{:>inode$} ", self.inode(entry));
            }
            if self.view.blocks {
                line += &format!("{:>blocks$} ", self.blocks(entry.stat.blocks));
            }
            line += &format!("{} {link:>links$} ", mode(entry));
            if self.view.owner {
                line += &padded(user, users, self.view.numeric);
            }
            if self.view.group {
                line += &padded(group, groups, self.view.numeric);
            }
            line += &format!("{size:>sizes$} {time:>times$} ");
            self.out.text(line)?;
            let name = self.colored(&entry.name, &entry.stat, entry.target_stat.is_none());
            self.out.put(&name)?;
            match &entry.target {
                Some(target) => {
                    self.out.put(b" -> ")?;
                    let stat = entry.target_stat.unwrap_or_default();
                    let shown = self.colored(target, &stat, false);
                    self.out.put(&shown)?;
                    self.out.put(self.mark(&stat, false))?;
                }
                None => self.out.put(self.mark(&entry.stat, false))?,
            }
            self.out.byte(self.view.end)?;
        }
        Ok(())
    }

    /// Links, user, group, size, time.
    fn row(&self, entry: &Entry) -> [String; 5] {
        let stat = &entry.stat;
        if !entry.known {
            return ["?", "?", "?", "?", "?"].map(str::to_owned);
        }
        let owner = |names: &Names, id: u32| if self.view.numeric { id.to_string() } else { names.shown(id) };
        let size = match (self.view.human, self.view.block_size) {
            (Some(base), _) => human(stat.size, base),
            (None, Some(size)) => stat.size.div_ceil(size).to_string(),
            _ => stat.size.to_string(),
        };
        let (users, groups) = (owner(&self.users, stat.uid), owner(&self.groups, stat.gid));
        [stat.nlink.to_string(), users, groups, size, self.time(moment(entry, self.view.time))]
    }

    fn time(&self, (seconds, nanoseconds): (i64, u32)) -> String {
        let (now, _) = civil::now();
        let recent = seconds <= now && seconds > now - 31_556_952 / 2;
        let format = match &self.view.time_format {
            Some((old, new)) => {
                if recent {
                    new.as_str()
                } else {
                    old.as_str()
                }
            }
            None if recent => "%b %e %H:%M",
            None => "%b %e  %Y",
        };
        civil::format(format, seconds, nanoseconds)
    }
}

impl View {
    fn shows(&self, name: &[u8]) -> bool {
        let matches = |pattern: &Vec<u8>| crate::glob::matches(pattern, name);
        let dotted = name.starts_with(b".");
        let open = self.all || self.almost_all;
        let left_out = (dotted && !open)
            || (name.ends_with(b"~") && !self.backups)
            || self.ignored.iter().any(matches)
            || (!open && self.hidden.iter().any(matches));
        !left_out
    }

    fn needs_stat(&self) -> bool {
        self.format == Format::Long
            || self.mark != Mark::None
            || self.color
            || self.recursive
            || self.inode
            || self.blocks
            || self.directories_first
            || matches!(self.order, "size" | "time")
    }
}

fn entry(name: &[u8], path: &[u8], follow: bool, needed: bool) -> Result<Entry, Errno> {
    if !needed {
        return Ok(Entry { name: name.to_vec(), stat: Stat::default(), known: false, target: None, target_stat: None });
    }
    let stat_of = if follow { stat(path)? } else { lstat(path)? };
    let (mut target, mut target_stat) = (None, None);
    if stat_of.is_symlink() {
        target = std::fs::read_link(os_str(path)).ok().map(|target| os_bytes(&target).to_vec());
        target_stat = stat(path).ok();
    }
    Ok(Entry { name: name.to_vec(), stat: stat_of, known: true, target, target_stat })
}

fn mode(entry: &Entry) -> String {
    if entry.known { entry.stat.mode_string() } else { "??????????".to_owned() }
}

fn padded(text: &str, width: usize, right: bool) -> String {
    let missing = " ".repeat(width.saturating_sub(text_width(text.as_bytes())));
    if right { format!("{missing}{text} ") } else { format!("{text}{missing} ") }
}

fn moment(entry: &Entry, time: &str) -> (i64, u32) {
    let Timestamp { seconds, nanoseconds } = match time {
        "atime" => entry.stat.atime,
        "ctime" => entry.stat.ctime,
        _ => entry.stat.mtime,
    };
    (seconds, nanoseconds)
}

fn extension(name: &[u8]) -> &[u8] {
    name.iter().rposition(|&byte| byte == b'.').map_or(b"", |dot| &name[dot..])
}
