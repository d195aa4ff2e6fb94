//! What grep prints: lines with their heads, matches in colour, names and counts. Everything is gathered in a buffer that
//! is written when it is full and before a read that may wait.

use crate::fail::Failure;
use crate::options::Options;
use tidepool_system::{Errno, Fd, write_all};

const FULL: usize = 64 << 10;

pub struct Output {
    buffer: Vec<u8>,
    line_buffered: bool,
}

impl Output {
    pub fn new(line_buffered: bool) -> Output {
        Output { buffer: Vec::new(), line_buffered }
    }

    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Called at the end of each line.
    pub fn line_done(&mut self) -> Result<(), Failure> {
        if self.line_buffered || self.buffer.len() >= FULL { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = write_all(Fd::STDOUT, &self.buffer);
        self.buffer.clear();
        match written {
            Ok(()) => Ok(()),
            Err(Errno::EPIPE) => Err(Failure("grep: write error: Broken pipe\n".to_owned())),
            Err(errno) => Err(Failure(format!("grep: write error: {errno}\n"))),
        }
    }
}

/// The colours of GREP_COLORS.
pub struct Colors {
    selected_match: String,
    context_match: String,
    selected_line: String,
    context_line: String,
    reverse: bool,
    name: String,
    line: String,
    byte: String,
    separator: String,
    no_erase: bool,
}

impl Colors {
    pub fn from_environment() -> Colors {
        let text = |s: &str| s.to_owned();
        let mut colors = Colors {
            selected_match: text("01;31"),
            context_match: text("01;31"),
            selected_line: String::new(),
            context_line: String::new(),
            reverse: false,
            name: text("35"),
            line: text("32"),
            byte: text("32"),
            separator: text("36"),
            no_erase: false,
        };
        if let Ok(value) = std::env::var("GREP_COLORS") {
            value.split(':').for_each(|part| colors.set(part));
        }
        colors
    }

    fn set(&mut self, part: &str) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.to_owned();
        match name {
            "mt" => {
                self.selected_match.clone_from(&value);
                self.context_match = value;
            }
            "ms" => self.selected_match = value,
            "mc" => self.context_match = value,
            "sl" => self.selected_line = value,
            "cx" => self.context_line = value,
            "fn" => self.name = value,
            "ln" => self.line = value,
            "bn" => self.byte = value,
            "se" => self.separator = value,
            "rv" => self.reverse = true,
            "ne" => self.no_erase = true,
            _ => {}
        }
    }

    fn erase(&self) -> &'static str {
        if self.no_erase { "" } else { "\x1b[K" }
    }

    fn start(&self, out: &mut Output, color: &str) {
        if !color.is_empty() {
            out.put(format!("\x1b[{color}m{}", self.erase()).as_bytes());
        }
    }

    fn stop(&self, out: &mut Output, color: &str) {
        if !color.is_empty() {
            out.put(format!("\x1b[m{}", self.erase()).as_bytes());
        }
    }

    fn paint(&self, out: &mut Output, color: &str, text: &[u8]) {
        self.start(out, color);
        out.put(text);
        self.stop(out, color);
    }
}

/// Whether a line was selected or stands around one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Selected,
    Context,
}

/// How lines are printed; the same for all files.
pub struct Printer {
    pub colors: Option<Colors>,
    pub with_filename: bool,
    pub line_numbers: bool,
    pub byte_offsets: bool,
    pub initial_tab: bool,
    pub null_after_name: bool,
    pub only_matching: bool,
    pub invert: bool,
    pub end: u8,
    pub separator: Option<Vec<u8>>,
}

impl Printer {
    pub fn new(options: &Options, with_filename: bool) -> Printer {
        Printer {
            colors: options.color.then(Colors::from_environment),
            with_filename,
            line_numbers: options.line_numbers,
            byte_offsets: options.byte_offsets,
            initial_tab: options.initial_tab,
            null_after_name: options.null_after_name,
            only_matching: options.only_matching,
            invert: options.invert,
            end: if options.null_data { 0 } else { b'\n' },
            separator: options.separator.clone(),
        }
    }

    /// Lines go out as they are: many may be copied at once.
    pub fn plain(&self) -> bool {
        !self.with_filename && !self.line_numbers && !self.byte_offsets && self.colors.is_none() && !self.only_matching
    }

    /// Whether a line needs its matches looked up.
    pub fn wants_matches(&self, role: Role) -> bool {
        self.only_matching && self.shows_matches(role) || self.paints(role)
    }

    /// Whether what matches is what was asked for: with `-v` these are the lines around.
    fn shows_matches(&self, role: Role) -> bool {
        (role == Role::Selected) != self.invert
    }

    fn paints(&self, role: Role) -> bool {
        let Some(colors) = &self.colors else { return false };
        self.shows_matches(role) && !self.match_color(colors, role).is_empty() || !self.line_color(colors, role).is_empty()
    }

    fn match_color<'a>(&self, colors: &'a Colors, role: Role) -> &'a str {
        if role == Role::Selected { &colors.selected_match } else { &colors.context_match }
    }

    fn line_color<'a>(&self, colors: &'a Colors, role: Role) -> &'a str {
        let selected = (role == Role::Selected) != (self.invert && colors.reverse);
        if selected { &colors.selected_line } else { &colors.context_line }
    }

    pub fn group_separator(&self, out: &mut Output) -> Result<(), Failure> {
        let Some(text) = &self.separator else { return Ok(()) };
        match &self.colors {
            Some(colors) => colors.paint(out, &colors.separator, text),
            None => out.put(text),
        }
        out.put(b"\n");
        out.line_done()
    }

    pub fn name(&self, out: &mut Output, name: &[u8]) {
        match &self.colors {
            Some(colors) => colors.paint(out, &colors.name, name),
            None => out.put(name),
        }
    }

    pub fn mark(&self, out: &mut Output, mark: u8) {
        match &self.colors {
            Some(colors) => colors.paint(out, &colors.separator, &[mark]),
            None => out.put(&[mark]),
        }
    }

    fn number(&self, out: &mut Output, color: impl Fn(&Colors) -> &str, number: u64) {
        let text = if self.initial_tab { format!("{number:2}") } else { number.to_string() };
        match &self.colors {
            Some(colors) => colors.paint(out, color(colors), text.as_bytes()),
            None => out.put(text.as_bytes()),
        }
    }

    /// The name, line number and offset before a line or a match.
    fn head(&self, out: &mut Output, file: &[u8], line: u64, offset: u64, role: Role) {
        let mark = if role == Role::Selected { b':' } else { b'-' };
        if self.with_filename {
            self.name(out, file);
            if self.null_after_name { out.put(b"\0") } else { self.mark(out, mark) }
        }
        if self.line_numbers {
            self.number(out, |c| &c.line, line);
            self.mark(out, mark);
        }
        if self.byte_offsets {
            self.number(out, |c| &c.byte, offset);
            self.mark(out, mark);
        }
        if self.initial_tab && (self.with_filename || self.line_numbers || self.byte_offsets) {
            out.put(b"\t");
        }
    }

    /// Prints a line (without its end) or, with `-o`, its matches. `matches` is empty where none are wanted.
    pub fn line(&self, out: &mut Output, file: &[u8], line: &Line, matches: &[(usize, usize)]) -> Result<(), Failure> {
        if self.only_matching {
            if self.shows_matches(line.role) {
                for &(from, to) in matches {
                    self.head(out, file, line.number, line.offset + from as u64, line.role);
                    self.painted_match(out, line, from, to);
                    out.put(&[self.end]);
                    out.line_done()?;
                }
            }
            return Ok(());
        }
        self.head(out, file, line.number, line.offset, line.role);
        match &self.colors {
            Some(colors) if self.paints(line.role) => self.painted_line(out, colors, line, matches),
            _ => out.put(line.text),
        }
        out.put(&[self.end]);
        out.line_done()
    }

    fn painted_match(&self, out: &mut Output, line: &Line, from: usize, to: usize) {
        match &self.colors {
            Some(colors) => colors.paint(out, self.match_color(colors, line.role), &line.text[from..to]),
            None => out.put(&line.text[from..to]),
        }
    }

    fn painted_line(&self, out: &mut Output, colors: &Colors, line: &Line, matches: &[(usize, usize)]) {
        let line_color = self.line_color(colors, line.role);
        let mut at = 0;
        if self.shows_matches(line.role) {
            for &(from, to) in matches {
                if from > at || line_color.is_empty() {
                    let between = &line.text[at..from];
                    if !between.is_empty() {
                        colors.paint(out, line_color, between);
                    }
                }
                colors.paint(out, self.match_color(colors, line.role), &line.text[from..to]);
                at = to;
            }
        }
        if at < line.text.len() {
            colors.paint(out, line_color, &line.text[at..]);
        }
    }
}

/// A line about to be printed.
pub struct Line<'a> {
    pub text: &'a [u8],
    pub number: u64,
    pub offset: u64,
    pub role: Role,
}
