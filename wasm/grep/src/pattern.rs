//! The patterns of a search, compiled: POSIX and fixed ones by `posix-regex`, Perl ones by fancy-regex.

use crate::fail::{Failure, complain, fail};
use crate::options::{Matcher, Options};
use crate::perl::Perl;
use posix_regex::{Options as RegexOptions, Regex, Syntax, Whole};

pub enum Pattern {
    /// No pattern at all: nothing matches.
    Nothing,
    /// `blocks` is set where many lines may be searched at once.
    Posix {
        regex: Box<Regex>,
        blocks: bool,
    },
    Perl(Box<Perl>),
}

impl Pattern {
    pub fn new(options: &Options) -> Result<Pattern, Failure> {
        let Some(text) = &options.patterns else { return Ok(Pattern::Nothing) };
        if options.matcher == Matcher::Perl {
            return Ok(Pattern::Perl(Box::new(Perl::new(text, options)?)));
        }
        let mut patterns: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        // The same pattern twice only costs; the first of each is kept in its place.
        let mut seen = std::collections::HashSet::new();
        patterns.retain(|p| seen.insert(*p));
        let syntax = if options.matcher == Matcher::Extended { Syntax::Extended } else { Syntax::Basic };
        let settings = RegexOptions {
            ignore_case: options.ignore_case,
            whole: match (options.lines, options.words) {
                (true, _) => Whole::Line,
                (false, true) => Whole::Word,
                (false, false) => Whole::Any,
            },
            many_lines: !options.null_data,
            lenient: true,
            ..RegexOptions::new(syntax)
        };
        let regex = match options.matcher {
            Matcher::Fixed => Regex::literals(&patterns, settings),
            _ => Regex::new(&patterns, settings),
        }
        .map_err(|error| fail(&error.to_string()))?;
        for warning in regex.warnings() {
            complain(&format!("grep: warning: {warning}\n"));
        }
        Ok(Pattern::Posix { regex: Box::new(regex), blocks: !options.null_data })
    }

    /// Whether the line, given without its end, matches.
    pub fn is_match(&self, line: &[u8]) -> Result<bool, Failure> {
        match self {
            Pattern::Nothing => Ok(false),
            Pattern::Posix { regex, .. } => regex.is_match(line).map_err(|e| fail(&e.to_string())),
            Pattern::Perl(perl) => Ok(perl.find(line, 0)?.is_some()),
        }
    }

    /// The first match in the line at or after `at`.
    pub fn find(&self, line: &[u8], at: usize) -> Result<Option<(usize, usize)>, Failure> {
        match self {
            Pattern::Nothing => Ok(None),
            Pattern::Posix { regex, .. } => regex.find_at(line, at).map_err(|e| fail(&e.to_string())),
            Pattern::Perl(perl) => perl.find(line, at),
        }
    }

    /// The first matching line in `block` (whole lines, ended by `end`) from `at` on, as its begin and its end behind
    /// the line's end.
    pub fn next_line(&self, block: &[u8], at: usize, end: u8) -> Result<Option<(usize, usize)>, Failure> {
        let mut at = at;
        match self {
            Pattern::Nothing => Ok(None),
            Pattern::Posix { regex, blocks: true } => {
                // Without the last line's end: behind it there is no line in which something could match.
                let text = &block[..block.len() - 1];
                while at < block.len() {
                    let Some(place) = regex.candidate(text, at) else { return Ok(None) };
                    let line = line_around(block, at, place, end);
                    if !regex.candidates_need_proof() || self.is_match(&block[line.0..line.1 - 1])? {
                        return Ok(Some(line));
                    }
                    at = line.1;
                }
                Ok(None)
            }
            _ => {
                while at < block.len() {
                    let line = line_around(block, at, at, end);
                    if self.is_match(&block[line.0..line.1 - 1])? {
                        return Ok(Some(line));
                    }
                    at = line.1;
                }
                Ok(None)
            }
        }
    }
}

/// The line around `place`, not beginning before `from`.
fn line_around(block: &[u8], from: usize, place: usize, end: u8) -> (usize, usize) {
    let begin = memchr::memrchr(end, &block[from..place]).map_or(from, |i| from + i + 1);
    let stop = memchr::memchr(end, &block[place..]).map_or(block.len(), |i| place + i + 1);
    (begin, stop)
}
