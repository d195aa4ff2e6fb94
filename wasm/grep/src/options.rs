//! The command line of grep(1), read into `Options`. Texts of errors are those of GNU grep 3.8.

use crate::fail::{Failure, fail, usage_failure};
use crate::files::Filters;
use tidepool_getopt::{Given, Long, Takes, parse};
use tidepool_system::{Fd, is_tty};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matcher {
    Basic,
    Extended,
    Fixed,
    Perl,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    /// Say that it matches instead of printing lines.
    Report,
    Text,
    /// As if it did not match.
    Skip,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Directories {
    Read,
    Recurse,
    Skip,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListFiles {
    No,
    Matching,
    NotMatching,
}

pub struct Options {
    pub matcher: Matcher,
    /// One pattern a line; None when `-f` gave an empty file and so no pattern at all.
    pub patterns: Option<Vec<u8>>,
    pub ignore_case: bool,
    pub words: bool,
    pub lines: bool,
    pub invert: bool,
    pub null_data: bool,
    pub count: bool,
    pub list: ListFiles,
    pub quiet: bool,
    pub no_messages: bool,
    pub only_matching: bool,
    pub max_count: u64,
    pub before: Option<u64>,
    pub after: Option<u64>,
    pub separator: Option<Vec<u8>>,
    pub line_numbers: bool,
    pub byte_offsets: bool,
    pub with_filename: Option<bool>,
    pub null_after_name: bool,
    pub initial_tab: bool,
    pub label: Option<Vec<u8>>,
    pub line_buffered: bool,
    pub color: bool,
    pub binary: Binary,
    pub directories: Directories,
    /// `-R`: symbolic links met on the way are followed.
    pub dereference: bool,
    /// `-D`: None reads devices only when they are named on the command line.
    pub read_devices: Option<bool>,
    pub filters: Filters,
    pub files: Vec<Vec<u8>>,
}

/// What the command line asks for.
pub enum Request {
    Search(Box<Options>),
    Help,
    Version,
}

const SHORT: &str = "0123456789A:B:C:D:EFGHILPTUVX:abcd:e:f:hiLlm:noqRrsuvwxyZz";

const LONG: &[Long] = &[
    ("basic-regexp", Takes::Nothing, 'G'),
    ("extended-regexp", Takes::Nothing, 'E'),
    ("fixed-regexp", Takes::Nothing, 'F'),
    ("fixed-strings", Takes::Nothing, 'F'),
    ("perl-regexp", Takes::Nothing, 'P'),
    ("after-context", Takes::Value, 'A'),
    ("before-context", Takes::Value, 'B'),
    ("context", Takes::Value, 'C'),
    ("group-separator", Takes::Value, '\u{1}'),
    ("no-group-separator", Takes::Nothing, '\u{2}'),
    ("binary-files", Takes::Value, '\u{3}'),
    ("binary", Takes::Nothing, 'U'),
    ("byte-offset", Takes::Nothing, 'b'),
    ("count", Takes::Nothing, 'c'),
    ("color", Takes::MayValue, '\u{4}'),
    ("colour", Takes::MayValue, '\u{4}'),
    ("directories", Takes::Value, 'd'),
    ("devices", Takes::Value, 'D'),
    ("exclude", Takes::Value, '\u{5}'),
    ("exclude-from", Takes::Value, '\u{6}'),
    ("exclude-dir", Takes::Value, '\u{7}'),
    ("file", Takes::Value, 'f'),
    ("files-with-matches", Takes::Nothing, 'l'),
    ("files-without-match", Takes::Nothing, 'L'),
    ("help", Takes::Nothing, '\u{8}'),
    ("include", Takes::Value, '\u{9}'),
    ("ignore-case", Takes::Nothing, 'i'),
    ("no-ignore-case", Takes::Nothing, '\u{a}'),
    ("initial-tab", Takes::Nothing, 'T'),
    ("label", Takes::Value, '\u{b}'),
    ("line-buffered", Takes::Nothing, '\u{c}'),
    ("line-number", Takes::Nothing, 'n'),
    ("line-regexp", Takes::Nothing, 'x'),
    ("max-count", Takes::Value, 'm'),
    ("no-filename", Takes::Nothing, 'h'),
    ("no-messages", Takes::Nothing, 's'),
    ("null", Takes::Nothing, 'Z'),
    ("null-data", Takes::Nothing, 'z'),
    ("only-matching", Takes::Nothing, 'o'),
    ("quiet", Takes::Nothing, 'q'),
    ("recursive", Takes::Nothing, 'r'),
    ("dereference-recursive", Takes::Nothing, 'R'),
    ("regexp", Takes::Value, 'e'),
    ("invert-match", Takes::Nothing, 'v'),
    ("silent", Takes::Nothing, 'q'),
    ("text", Takes::Nothing, 'a'),
    ("version", Takes::Nothing, 'V'),
    ("with-filename", Takes::Nothing, 'H'),
    ("word-regexp", Takes::Nothing, 'w'),
];

/// What is gathered while options are read, before the operands are known.
struct Reading {
    options: Options,
    context: Option<u64>,
    matcher: Option<Matcher>,
    patterns: Option<Vec<u8>>,
    pattern_given: bool,
    digits_word: usize,
}

/// Reads the arguments; `matcher` is what the program's name implies (egrep, fgrep).
pub fn read(words: Vec<Vec<u8>>, matcher: Option<Matcher>) -> Result<Request, Failure> {
    let parsed = parse(words, SHORT, LONG).map_err(|text| usage_failure(&text))?;
    let mut reading =
        Reading { options: defaults(), context: None, matcher, patterns: None, pattern_given: false, digits_word: usize::MAX };
    for given in parsed.options {
        match given.key {
            '\u{8}' => return Ok(Request::Help),
            'V' => return Ok(Request::Version),
            _ => reading.option(given)?,
        }
    }
    reading.finish(parsed.operands)
}

fn defaults() -> Options {
    Options {
        matcher: Matcher::Basic,
        patterns: None,
        ignore_case: false,
        words: false,
        lines: false,
        invert: false,
        null_data: false,
        count: false,
        list: ListFiles::No,
        quiet: false,
        no_messages: false,
        only_matching: false,
        max_count: u64::MAX,
        before: None,
        after: None,
        separator: Some(b"--".to_vec()),
        line_numbers: false,
        byte_offsets: false,
        with_filename: None,
        null_after_name: false,
        initial_tab: false,
        label: None,
        line_buffered: false,
        color: false,
        binary: Binary::Report,
        directories: Directories::Read,
        dereference: false,
        read_devices: None,
        filters: Filters::default(),
        files: Vec::new(),
    }
}

impl Reading {
    fn option(&mut self, given: Given) -> Result<(), Failure> {
        let value = given.value.unwrap_or_default();
        let options = &mut self.options;
        match given.key {
            digit @ '0'..='9' => {
                let before = if self.digits_word == given.word { self.context.unwrap_or(0) } else { 0 };
                self.digits_word = given.word;
                self.context = Some(before.saturating_mul(10).saturating_add(u64::from(digit as u32 - '0' as u32)));
            }
            'A' => options.after = Some(context_length(&value)?),
            'B' => options.before = Some(context_length(&value)?),
            'C' => self.context = Some(context_length(&value)?),
            'E' => return self.set_matcher(Matcher::Extended),
            'F' => return self.set_matcher(Matcher::Fixed),
            'G' => return self.set_matcher(Matcher::Basic),
            'P' => return self.set_matcher(Matcher::Perl),
            'H' => options.with_filename = Some(true),
            'h' => options.with_filename = Some(false),
            'I' => options.binary = Binary::Skip,
            'a' => options.binary = Binary::Text,
            'T' => options.initial_tab = true,
            'U' | 'u' => {}
            'b' => options.byte_offsets = true,
            'c' => options.count = true,
            'd' => options.directories = directories(&value)?,
            'D' => options.read_devices = Some(devices(&value)?),
            'e' => self.add_patterns(&value),
            'f' => self.pattern_file(&value)?,
            'i' | 'y' => options.ignore_case = true,
            '\u{a}' => options.ignore_case = false,
            'L' => options.list = ListFiles::NotMatching,
            'l' => options.list = ListFiles::Matching,
            'm' => options.max_count = max_count(&value)?,
            'n' => options.line_numbers = true,
            'o' => options.only_matching = true,
            'q' => options.quiet = true,
            'R' | 'r' => {
                options.directories = Directories::Recurse;
                options.dereference = given.key == 'R';
            }
            's' => options.no_messages = true,
            'v' => options.invert = true,
            'w' => options.words = true,
            'x' => options.lines = true,
            'Z' => options.null_after_name = true,
            'z' => options.null_data = true,
            '\u{1}' => options.separator = Some(value),
            '\u{2}' => options.separator = None,
            '\u{3}' => options.binary = binary_files(&value)?,
            '\u{4}' => options.color = color(&value)?,
            '\u{5}' => options.filters.exclude(&value),
            '\u{6}' => options.filters.exclude_from(&value)?,
            '\u{7}' => options.filters.exclude_dir(&value),
            '\u{9}' => options.filters.include(&value),
            '\u{b}' => options.label = Some(value),
            '\u{c}' => options.line_buffered = true,
            other => return Err(usage_failure(&format!("invalid option -- '{other}'"))),
        }
        Ok(())
    }

    fn set_matcher(&mut self, matcher: Matcher) -> Result<(), Failure> {
        match self.matcher {
            Some(Matcher::Perl) if matcher != Matcher::Perl => return Err(fail("conflicting matchers specified")),
            Some(other) if matcher == Matcher::Perl && other != Matcher::Perl => {
                return Err(fail("conflicting matchers specified"));
            }
            Some(other) if other != matcher && other != Matcher::Basic && matcher != Matcher::Basic => {
                return Err(fail("conflicting matchers specified"));
            }
            _ => self.matcher = Some(matcher),
        }
        Ok(())
    }

    fn add_patterns(&mut self, text: &[u8]) {
        self.pattern_given = true;
        match &mut self.patterns {
            Some(all) => {
                all.push(b'\n');
                all.extend_from_slice(text);
            }
            none => *none = Some(text.to_vec()),
        }
    }

    fn pattern_file(&mut self, name: &[u8]) -> Result<(), Failure> {
        let mut text = crate::files::read_whole(name)?;
        self.pattern_given = true;
        if text.is_empty() {
            return Ok(());
        }
        if text.ends_with(b"\n") {
            text.pop();
        }
        self.add_patterns(&text);
        Ok(())
    }

    fn finish(mut self, mut operands: Vec<Vec<u8>>) -> Result<Request, Failure> {
        if !self.pattern_given {
            if operands.is_empty() {
                return Err(usage_failure(""));
            }
            let pattern = operands.remove(0);
            self.add_patterns(&pattern);
        }
        let mut options = self.options;
        options.patterns = self.patterns;
        options.matcher = self.matcher.unwrap_or(Matcher::Basic);
        options.before = options.before.or(self.context);
        options.after = options.after.or(self.context);
        options.files = operands;
        Ok(Request::Search(Box::new(options)))
    }
}

/// A number that may be larger than can be counted; None when it is none.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
}

fn context_length(text: &[u8]) -> Result<u64, Failure> {
    number(text).ok_or_else(|| fail(&format!("{}: invalid context length argument", String::from_utf8_lossy(text))))
}

fn max_count(text: &[u8]) -> Result<u64, Failure> {
    match text.strip_prefix(b"-") {
        // A negative count is no limit.
        Some(digits) if number(digits).is_some() => Ok(u64::MAX),
        _ => number(text).ok_or_else(|| fail("invalid max count")),
    }
}

fn directories(text: &[u8]) -> Result<Directories, Failure> {
    match text {
        b"read" => Ok(Directories::Read),
        b"recurse" => Ok(Directories::Recurse),
        b"skip" => Ok(Directories::Skip),
        other => Err(fail(&format!(
            "invalid argument ‘{}’ for ‘--directories’\nValid arguments are:\n  - ‘read’\n  - ‘recurse’\n  - ‘skip’",
            String::from_utf8_lossy(other)
        ))),
    }
}

fn devices(text: &[u8]) -> Result<bool, Failure> {
    match text {
        b"read" => Ok(true),
        b"skip" => Ok(false),
        _ => Err(fail("unknown devices method")),
    }
}

fn binary_files(text: &[u8]) -> Result<Binary, Failure> {
    match text {
        b"binary" => Ok(Binary::Report),
        b"text" => Ok(Binary::Text),
        b"without-match" => Ok(Binary::Skip),
        _ => Err(fail("unknown binary-files type")),
    }
}

fn color(text: &[u8]) -> Result<bool, Failure> {
    match text {
        b"always" | b"yes" | b"force" => Ok(true),
        b"never" | b"no" | b"none" => Ok(false),
        b"" | b"auto" | b"tty" | b"if-tty" => {
            let terminal = std::env::var_os("TERM").is_some_and(|t| t != "dumb");
            Ok(terminal && is_tty(Fd::STDOUT))
        }
        _ => Err(usage_failure("")),
    }
}
