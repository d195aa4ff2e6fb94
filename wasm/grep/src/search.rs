//! The search of one file: it is read in blocks, whole lines of a block are searched at once, and of the lines already
//! seen only those are kept that may become context before a match. Corresponds to `grep()` of GNU grep's grep.c.

use crate::fail::{Failure, complain};
use crate::options::{Binary, ListFiles, Options};
use crate::output::{Line, Output, Printer, Role};
use crate::pattern::Pattern;
use tidepool_system::{Errno, Fd, read};

const BLOCK: usize = 96 << 10;

/// What a file amounted to.
pub struct Found {
    pub selected: u64,
    /// The offset behind the last selected line, where `-m` leaves standard input.
    pub resume: u64,
    pub stopped_early: bool,
}

pub struct Search<'a> {
    options: &'a Options,
    pattern: &'a Pattern,
    printer: &'a Printer,
    out: &'a mut Output,
    name: &'a [u8],
    /// Nothing of the lines is printed.
    silent: bool,
    /// One selected line is enough.
    stop_at_first: bool,
    binary: bool,
    bad_encoding: bool,
    selected: u64,
    left: u64,
    /// Lines of trailing context still to be printed.
    pending: u64,
    /// Something of this file was printed, so a gap needs a separator.
    used: bool,
    resume: u64,
    buffer: Vec<u8>,
    /// Offset in the file of the first byte of the buffer.
    base: u64,
    /// End of what was printed, as an offset in the buffer; lines before are no context.
    printed: usize,
    /// Lines between what was printed and the buffer are gone.
    gap: bool,
    /// Line number of the line at `counted`.
    line: u64,
    counted: usize,
}

impl<'a> Search<'a> {
    pub fn new(
        options: &'a Options,
        pattern: &'a Pattern,
        printer: &'a Printer,
        out: &'a mut Output,
        name: &'a [u8],
    ) -> Search<'a> {
        let stop_at_first = options.quiet || options.list != ListFiles::No;
        Search {
            options,
            pattern,
            printer,
            out,
            name,
            silent: stop_at_first || options.count,
            stop_at_first,
            binary: false,
            bad_encoding: false,
            selected: 0,
            left: if stop_at_first { options.max_count.min(1) } else { options.max_count },
            pending: 0,
            used: false,
            resume: 0,
            buffer: Vec::new(),
            base: 0,
            printed: 0,
            gap: false,
            line: 1,
            counted: 0,
        }
    }

    /// Searches from the place where `fd` stands, which is offset `start` of the file.
    pub fn run(mut self, fd: Fd, start: u64, separator_due: &mut bool) -> Result<Result<Found, Errno>, Failure> {
        self.base = start;
        self.used = *separator_due;
        let silent = self.silent;
        let mut at = 0;
        let mut error = None;
        while self.left > 0 || self.pending > 0 {
            let filled = self.buffer.len();
            let ended = match self.fill(fd) {
                Ok(n) => n == 0,
                Err(errno) => {
                    error = Some(errno);
                    true
                }
            };
            if self.detect_binary(filled) == Binary::Skip {
                break;
            }
            let end = self.printer.end;
            let whole = match memchr::memrchr(end, &self.buffer[at..]) {
                _ if ended && self.buffer.len() > at && self.buffer.last() != Some(&end) => {
                    self.buffer.push(end);
                    self.buffer.len()
                }
                Some(last) => at + last + 1,
                None => at,
            };
            if whole > at {
                self.lines(at, whole)?;
                at = whole;
            }
            if ended {
                break;
            }
            if !self.options.line_buffered {
                self.out.flush()?;
            }
            at = self.shrink(at);
        }
        *separator_due = self.used;
        let says_binary = self.options.binary == Binary::Report && (self.bad_encoding || self.binary && self.selected > 0);
        if !silent && says_binary {
            self.out.flush()?;
            complain(&format!("grep: {}: binary file matches\n", String::from_utf8_lossy(self.name)));
        }
        match error {
            Some(errno) => Ok(Err(errno)),
            None => Ok(Ok(Found { selected: self.selected, resume: self.resume, stopped_early: self.left == 0 })),
        }
    }

    fn fill(&mut self, fd: Fd) -> Result<usize, Errno> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + BLOCK, 0);
        loop {
            match read(fd, &mut self.buffer[filled..]) {
                Ok(n) => {
                    self.buffer.truncate(filled + n);
                    return Ok(n);
                }
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    self.buffer.truncate(filled);
                    return Err(errno);
                }
            }
        }
    }

    /// Looks for NUL in what was read last. In a binary file NUL ends lines, and lines are no longer printed.
    fn detect_binary(&mut self, from: usize) -> Binary {
        if self.options.binary == Binary::Text || self.options.null_data {
            return Binary::Text;
        }
        let fresh = &mut self.buffer[from..];
        if !self.binary {
            if memchr::memchr(0, fresh).is_none() {
                return Binary::Text;
            }
            if self.options.binary == Binary::Skip {
                return Binary::Skip;
            }
            self.binary = true;
            if !self.options.count {
                self.stop_at_first = true;
                self.silent = true;
                self.left = self.left.min(1);
            }
        }
        fresh.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b'\n');
        Binary::Report
    }

    /// Forgets what is no longer needed before `at`; gives the new place of `at`.
    fn shrink(&mut self, at: usize) -> usize {
        let mut keep = at;
        if !self.silent {
            let floor = self.printed;
            for _ in 0..self.options.before.unwrap_or(0) {
                if keep <= floor {
                    break;
                }
                keep = self.line_before(keep, floor);
            }
        }
        if self.printer.line_numbers {
            self.count_to(keep);
        }
        self.buffer.copy_within(keep.., 0);
        self.buffer.truncate(self.buffer.len() - keep);
        self.base += keep as u64;
        self.counted = self.counted.saturating_sub(keep);
        // A gap between what was printed and what is kept must stay a gap.
        self.gap |= self.printed < keep;
        self.printed = self.printed.saturating_sub(keep);
        at - keep
    }

    /// The begin of the line that ends at `at`, not before `floor`.
    fn line_before(&self, at: usize, floor: usize) -> usize {
        memchr::memrchr(self.printer.end, &self.buffer[floor..at - 1]).map_or(floor, |i| floor + i + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(self.printer.end, &self.buffer[at..]).map_or(self.buffer.len(), |i| at + i + 1)
    }

    fn count_to(&mut self, at: usize) {
        if at > self.counted {
            self.line += memchr::memchr_iter(self.printer.end, &self.buffer[self.counted..at]).count() as u64;
            self.counted = at;
        }
    }

    /// Handles the whole lines from `from` to `to`.
    fn lines(&mut self, from: usize, to: usize) -> Result<(), Failure> {
        let mut at = from;
        while at < to && self.left > 0 {
            let buffer = std::mem::take(&mut self.buffer);
            let next = self.pattern.next_line(&buffer[..to], at, self.printer.end);
            self.buffer = buffer;
            let next = next?;
            let (begin, end) = next.unwrap_or((to, to));
            if self.options.invert {
                if begin > at {
                    self.select(at, begin)?;
                }
            } else if next.is_some() {
                self.trailing(begin)?;
                self.select(begin, end)?;
            }
            at = end;
        }
        self.trailing(to)
    }

    /// Selects all the lines from `begin` to `end`, as many as are still wanted.
    fn select(&mut self, begin: usize, end: usize) -> Result<(), Failure> {
        if self.silent {
            let lines = match (self.options.invert, self.stop_at_first) {
                (true, false) => memchr::memchr_iter(self.printer.end, &self.buffer[begin..end]).count() as u64,
                _ => 1,
            };
            let taken = lines.min(self.left);
            self.selected += taken;
            self.left -= taken;
            let behind = if taken < lines || self.stop_at_first { self.line_end(begin) } else { end };
            self.resume = self.base + behind as u64;
            return Ok(());
        }
        self.trailing(begin)?;
        self.leading(begin)?;
        let mut at = begin;
        if self.printer.plain() && self.left == u64::MAX && self.clean(begin, end) {
            self.out.put(&self.buffer[begin..end]);
            self.selected += 1;
            self.out.line_done()?;
            at = end;
        }
        while at < end && self.left > 0 {
            let next = self.line_end(at);
            self.print(at, next, Role::Selected)?;
            self.selected += 1;
            if self.left != u64::MAX {
                self.left -= 1;
            }
            if self.bad_encoding {
                return Ok(());
            }
            at = next;
        }
        self.printed = at;
        self.gap = false;
        self.used = true;
        self.resume = self.base + at as u64;
        self.pending = self.options.after.unwrap_or(0);
        Ok(())
    }

    /// Prints the context that is still due after the last selected line, up to `to`.
    fn trailing(&mut self, to: usize) -> Result<(), Failure> {
        while self.pending > 0 && self.printed < to {
            let next = self.line_end(self.printed);
            self.print(self.printed, next, Role::Context)?;
            if self.bad_encoding {
                return Ok(());
            }
            self.printed = next;
            self.pending -= 1;
        }
        Ok(())
    }

    /// Prints the context before the line at `begin`, and the separator where lines are left out.
    fn leading(&mut self, begin: usize) -> Result<(), Failure> {
        let mut from = begin;
        for _ in 0..self.options.before.unwrap_or(0) {
            if from <= self.printed {
                break;
            }
            from = self.line_before(from, self.printed);
        }
        let has_context = self.options.before.is_some() || self.options.after.is_some();
        if has_context && self.used && (from != self.printed || self.gap || !self.any_printed()) {
            self.printer.group_separator(self.out)?;
        }
        while from < begin {
            let next = self.line_end(from);
            self.print(from, next, Role::Context)?;
            from = next;
        }
        Ok(())
    }

    /// Whether lines of this file were printed (and not only of one before it).
    fn any_printed(&self) -> bool {
        self.selected > 0
    }

    /// Whether the lines may be printed as text.
    fn clean(&self, from: usize, to: usize) -> bool {
        self.options.binary == Binary::Text || std::str::from_utf8(&self.buffer[from..to]).is_ok()
    }

    fn print(&mut self, from: usize, to: usize, role: Role) -> Result<(), Failure> {
        let mut matches = Vec::new();
        let text = &self.buffer[from..to - 1];
        if self.printer.wants_matches(role) {
            let mut at = 0;
            while at <= text.len() {
                let Some((begin, end)) = self.pattern.find(text, at)? else { break };
                if end == begin {
                    at = end + posix_regex::decode(&text[end..]).1.max(1);
                } else {
                    matches.push((begin, end));
                    at = end;
                }
            }
        }
        let printed_is_clean = if self.printer.only_matching {
            matches.iter().all(|&(a, b)| self.clean(from + a, from + b))
        } else {
            self.clean(from, to - 1)
        };
        if !printed_is_clean {
            self.bad_encoding = true;
            self.left = 0;
            self.pending = 0;
            return Ok(());
        }
        if self.printer.line_numbers {
            self.count_to(from);
        }
        let line = Line { text: &self.buffer[from..to - 1], number: self.line, offset: self.base + from as u64, role };
        self.printer.line(self.out, self.name, &line, &matches)
    }
}

/// Says on stderr what is wrong with a file, unless `-s`.
pub fn file_error(options: &Options, name: &[u8], errno: Errno) {
    if !options.no_messages {
        complain(&format!("grep: {}: {errno}\n", String::from_utf8_lossy(name)));
    }
}
