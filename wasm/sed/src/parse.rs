//! From the text of a script to commands. Reads it as `compile.c` of GNU sed does, character by character, so that the
//! position named in an error is the same.

use crate::command::{Action, Address, Command, Pattern, RangeEnd, RangeState, Script, Sink, Substitution, Translation};
use crate::fail::{Failure, shown};
use crate::replacement;
use posix_regex::{Options, Regex, Syntax};
use std::collections::HashMap;
use std::rc::Rc;

/// A piece of the script, as it was given.
pub enum Chunk {
    Expression(Vec<u8>),
    File(Vec<u8>, Vec<u8>),
}

#[derive(Clone, Copy)]
pub struct Settings {
    pub extended: bool,
    pub sandbox: bool,
    pub posix: bool,
}

pub fn parse(chunks: Vec<Chunk>, settings: Settings) -> Result<Script, Failure> {
    let mut parser = Parser {
        settings,
        text: Vec::new(),
        at: 0,
        origin: Origin::Expression(0),
        script: Script { commands: Vec::new(), outputs: Vec::new(), inputs: Vec::new(), quiet: false },
        blocks: Vec::new(),
        labels: HashMap::new(),
        jumps: Vec::new(),
        pending: None,
        first: true,
    };
    let mut expressions = 0;
    for chunk in chunks {
        let (text, origin) = match chunk {
            Chunk::Expression(text) => {
                expressions += 1;
                (text, Origin::Expression(expressions))
            }
            Chunk::File(name, text) => (text, Origin::File(name)),
        };
        parser.text = text;
        parser.at = 0;
        parser.origin = origin;
        parser.chunk()?;
        parser.first = false;
    }
    parser.finish()
}

#[derive(Clone)]
enum Origin {
    Expression(usize),
    File(Vec<u8>),
}

/// Where a text goes that a later chunk continues.
struct Pending {
    command: usize,
    text: Vec<u8>,
}

struct Parser {
    settings: Settings,
    text: Vec<u8>,
    at: usize,
    origin: Origin,
    script: Script,
    /// Open blocks: the index of their command and where they began.
    blocks: Vec<(usize, Origin, usize)>,
    labels: HashMap<Vec<u8>, usize>,
    jumps: Vec<(usize, Vec<u8>)>,
    pending: Option<Pending>,
    first: bool,
}

type Parsed<T> = Result<T, Failure>;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 11 | 12 | b'\r')
}

impl Parser {
    fn error<T>(&self, text: &str) -> Parsed<T> {
        self.error_at(self.at, text)
    }

    fn error_at<T>(&self, at: usize, text: &str) -> Parsed<T> {
        let place = match &self.origin {
            Origin::Expression(number) => format!("-e expression #{number}, char {at}"),
            Origin::File(name) => {
                let line = 1 + memchr::memchr_iter(b'\n', &self.text[..at.min(self.text.len())]).count();
                format!("file {} line {line}", shown(name))
            }
        };
        Err(Failure { text: format!("sed: {place}: {text}\n"), status: 1 })
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn put_back(&mut self, byte: Option<u8>) {
        self.at -= usize::from(byte.is_some());
    }

    fn take_nonblank(&mut self) -> Option<u8> {
        loop {
            let byte = self.take();
            if !matches!(byte, Some(b' ' | b'\t')) {
                return byte;
            }
        }
    }

    fn number(&mut self, first: u8) -> u64 {
        let mut value = u64::from(first - b'0');
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        value
    }

    fn end_of_command(&mut self) -> Parsed<()> {
        match self.take_nonblank() {
            byte @ Some(b'}' | b'#') => self.put_back(byte),
            None | Some(b'\n' | b';') => {}
            Some(b'\r') if matches!(self.text.get(self.at), None | Some(b'\n')) => {
                self.take();
            }
            Some(_) => return self.error("extra characters after command"),
        }
        Ok(())
    }

    /// Reads one chunk to its end.
    fn chunk(&mut self) -> Parsed<()> {
        if let Some(pending) = self.pending.take() {
            self.text_argument(pending.command, pending.text)?;
        }
        loop {
            let Some(first) = self.take() else { return Ok(()) };
            if first != b';' && !is_space(first) {
                self.command(first)?;
            }
        }
    }

    fn command(&mut self, first: u8) -> Parsed<()> {
        let mut byte = Some(first);
        let from = self.first_address(&mut byte)?;
        let mut to = None;
        if from.is_some() && byte == Some(b',') {
            let next = self.take_nonblank();
            to = Some(self.range_end(next)?);
            byte = self.take_nonblank();
        }
        if matches!(from, Some(Address::Zero)) && (!matches!(to, Some(RangeEnd::Match(_))) || self.settings.posix) {
            return self.error("invalid usage of line address 0");
        }
        let mut negated = false;
        if byte == Some(b'!') {
            negated = true;
            byte = self.take_nonblank();
            if byte == Some(b'!') {
                return self.error("multiple `!'s");
            }
        }
        let Some(name) = byte else { return self.error("missing command") };
        let state = if matches!(from, Some(Address::Zero)) { RangeState::Inside(None) } else { RangeState::Outside };
        let (no_address, one_address) = (from.is_none(), to.is_none());
        match name {
            b'#' if !no_address => return self.error("comments don't accept any addresses"),
            b'#' => {
                self.comment();
                return Ok(());
            }
            b':' if !no_address => return self.error(": doesn't want any addresses"),
            b'}' if self.blocks.is_empty() => return self.error("unexpected `}'"),
            b'}' if !no_address => return self.error("} doesn't want any addresses"),
            b'q' | b'Q' if !one_address => return self.error("command only uses one address"),
            b'v' => {
                self.label();
                return Ok(());
            }
            _ => {}
        }
        let index = self.script.commands.len();
        self.script.commands.push(Command { from, to, negated, state, action: Action::Label });
        if matches!(name, b'a' | b'i' | b'c') {
            return self.text_command(name, index);
        }
        let action = self.action(name, index)?;
        self.script.commands[index].action = action;
        Ok(())
    }

    fn comment(&mut self) {
        // The first two characters count, whatever follows them.
        if self.first && self.at == 1 && self.text.get(1) == Some(&b'n') {
            self.script.quiet = true;
        }
        while !matches!(self.take(), None | Some(b'\n')) {}
    }

    fn first_address(&mut self, byte: &mut Option<u8>) -> Parsed<Option<Address>> {
        let address = match *byte {
            Some(b'$') => Address::Last,
            Some(digit @ b'0'..=b'9') => {
                let first = self.number(digit);
                let next = self.take_nonblank();
                if next == Some(b'~') {
                    let step = match self.take_nonblank() {
                        Some(digit @ b'0'..=b'9') => self.number(digit),
                        other => {
                            self.put_back(other);
                            0
                        }
                    };
                    Address::Step(first, step)
                } else {
                    self.put_back(next);
                    if first == 0 { Address::Zero } else { Address::Line(first) }
                }
            }
            Some(b'+' | b'~') => {
                if let Some(digit) = self.take_nonblank().filter(u8::is_ascii_digit) {
                    self.number(digit);
                }
                return self.error("invalid usage of +N or ~N as first address");
            }
            Some(delimiter @ (b'/' | b'\\')) => Address::Match(self.address_pattern(delimiter)?),
            _ => return Ok(None),
        };
        *byte = self.take_nonblank();
        Ok(Some(address))
    }

    fn range_end(&mut self, byte: Option<u8>) -> Parsed<RangeEnd> {
        match byte {
            Some(b'$') => Ok(RangeEnd::Last),
            Some(digit @ b'0'..=b'9') => {
                let line = self.number(digit);
                match self.take_nonblank() {
                    Some(b'~') => {
                        // addr1,first~step is the line `first`.
                        if let Some(digit) = self.take_nonblank().filter(u8::is_ascii_digit) {
                            self.number(digit);
                        }
                    }
                    other => self.put_back(other),
                }
                Ok(RangeEnd::Line(line))
            }
            Some(sign @ (b'+' | b'~')) => match self.take_nonblank() {
                Some(digit @ b'0'..=b'9') => {
                    let number = self.number(digit);
                    Ok(if sign == b'+' { RangeEnd::After(number) } else { RangeEnd::Multiple(number) })
                }
                _ => self.error("expected number"),
            },
            Some(delimiter @ (b'/' | b'\\')) => Ok(RangeEnd::Match(self.address_pattern(delimiter)?)),
            _ => self.error("unexpected `,'"),
        }
    }

    fn address_pattern(&mut self, first: u8) -> Parsed<Pattern> {
        let delimiter = if first == b'\\' { self.take() } else { Some(first) };
        let text = match delimiter {
            Some(delimiter) => self.delimited(delimiter, true),
            None => None,
        };
        let Some(text) = text else { return self.error("unterminated address regex") };
        let (mut ignore_case, mut lines) = (false, false);
        loop {
            match self.take_nonblank() {
                Some(b'I') => ignore_case = true,
                Some(b'M') => lines = true,
                other => {
                    self.put_back(other);
                    return self.pattern(&text, ignore_case, lines, 0);
                }
            }
        }
    }

    /// The text up to the delimiter. In a regular expression `\n` is a newline, and a delimiter in brackets ends nothing.
    fn delimited(&mut self, delimiter: u8, regex: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        while let Some(byte) = self.take() {
            if byte == delimiter {
                return Some(out);
            }
            match byte {
                b'\n' if regex => {
                    self.at -= 1;
                    return None;
                }
                b'\\' => {
                    let next = self.take()?;
                    if next == delimiter && (next != b'&' || regex) {
                        // s&x&\&& keeps its backslash: a bare & would be the match.
                        out.push(next);
                    } else if next == b'n' && regex {
                        out.push(b'\n');
                    } else if next == b'\n' && regex {
                        out.push(next);
                    } else {
                        out.extend([b'\\', next]);
                    }
                }
                b'[' if regex => {
                    out.push(byte);
                    if !self.bracket(&mut out) {
                        return None;
                    }
                }
                _ => out.push(byte),
            }
        }
        None
    }

    /// The rest of a bracket expression; false when it is not closed on this line.
    fn bracket(&mut self, out: &mut Vec<u8>) -> bool {
        let rest = &self.text[self.at..];
        let mut end = usize::from(rest.first() == Some(&b'^'));
        end += usize::from(rest.get(end) == Some(&b']'));
        loop {
            match rest.get(end) {
                None | Some(b'\n') => {
                    self.at += end;
                    return false;
                }
                Some(b']') => break,
                Some(b'[') if matches!(rest.get(end + 1), Some(b':' | b'.' | b'=')) => {
                    let mark = rest[end + 1];
                    match rest[end + 2..].windows(2).position(|w| w == [mark, b']']) {
                        Some(length) => end += length + 4,
                        None => end += 1,
                    }
                }
                Some(_) => end += 1,
            }
        }
        out.extend_from_slice(&rest[..=end]);
        self.at += end + 1;
        true
    }

    fn pattern(&self, text: &[u8], ignore_case: bool, lines: bool, groups: usize) -> Parsed<Pattern> {
        if text.is_empty() {
            return Ok(Pattern::Last);
        }
        let syntax = if self.settings.extended { Syntax::Extended } else { Syntax::Basic };
        let options = Options { ignore_case, line_anchors: lines, escapes: true, ..Options::new(syntax) };
        match Regex::new(&[text], options) {
            Ok(regex) if regex.groups() < groups => self.error(&format!("invalid reference \\{groups} on `s' command's RHS")),
            Ok(regex) => Ok(Pattern::Regex(Rc::new(regex))),
            Err(error) => self.error(&error.to_string()),
        }
    }

    fn action(&mut self, name: u8, index: usize) -> Parsed<Action> {
        let simple = match name {
            b'{' => {
                self.blocks.push((index, self.origin.clone(), self.at));
                return Ok(Action::Block(0));
            }
            b'}' => {
                if let Some((open, ..)) = self.blocks.pop() {
                    self.script.commands[open].action = Action::Block(index);
                }
                Action::BlockEnd
            }
            b'=' => Action::LineNumber,
            b'd' => Action::Delete,
            b'D' => Action::DeleteFirst,
            b'F' => Action::FileName,
            b'g' => Action::Get,
            b'G' => Action::GetAppend,
            b'h' => Action::Hold,
            b'H' => Action::HoldAppend,
            b'n' => Action::Next,
            b'N' => Action::NextAppend,
            b'p' => Action::Print,
            b'P' => Action::PrintFirst,
            b'z' => Action::Zap,
            b'x' => Action::Exchange,
            _ => return self.action_with_argument(name, index),
        };
        self.end_of_command()?;
        Ok(simple)
    }

    fn action_with_argument(&mut self, name: u8, index: usize) -> Parsed<Action> {
        Ok(match name {
            b':' => {
                let label = self.label();
                if label.is_empty() {
                    return self.error("\":\" lacks a label");
                }
                self.labels.insert(label, index);
                Action::Label
            }
            b'b' | b't' | b'T' => {
                let label = self.label();
                self.jumps.push((index, label));
                match name {
                    b'b' => Action::Branch(0),
                    b't' => Action::BranchIfReplaced(0),
                    _ => Action::BranchIfNotReplaced(0),
                }
            }
            b'e' => {
                self.refuse_in_sandbox()?;
                let text = self.rest_of_line();
                Action::Execute((!text.is_empty()).then_some(text))
            }
            b'q' => Action::Quit(self.small_number()? as u8),
            b'Q' => Action::QuitSilently(self.small_number()? as u8),
            b'l' | b'L' => {
                let width = self.optional_number()?;
                Action::List(width.map(|w| w as usize))
            }
            b'r' => Action::Read(Rc::new(self.file_name()?)),
            b'R' => {
                let name = self.file_name()?;
                Action::ReadLine(index_of(&mut self.script.inputs, name))
            }
            b'w' => Action::Write(self.sink()?),
            b'W' => Action::WriteFirst(self.sink()?),
            b's' => Action::Substitute(Box::new(self.substitution()?)),
            b'y' => Action::Translate(Box::new(self.translation()?)),
            other => {
                let name = if other < 0x80 { char::from(other) } else { char::REPLACEMENT_CHARACTER };
                return self.error(&format!("unknown command: `{name}'"));
            }
        })
    }

    fn optional_number(&mut self) -> Parsed<Option<u64>> {
        let number = match self.take_nonblank() {
            Some(digit @ b'0'..=b'9') => Some(self.number(digit)),
            other => {
                self.put_back(other);
                None
            }
        };
        self.end_of_command()?;
        Ok(number)
    }

    fn small_number(&mut self) -> Parsed<u64> {
        Ok(self.optional_number()?.unwrap_or(0))
    }

    /// A label ends at white space, `;` or, after a jump, `}`.
    fn label(&mut self) -> Vec<u8> {
        let mut label = Vec::new();
        let mut byte = self.take_nonblank();
        while let Some(b) = byte.filter(|b| !is_space(*b) && !matches!(b, b';' | b'}')) {
            label.push(b);
            byte = self.take();
        }
        if byte == Some(b'}') {
            self.put_back(byte);
        }
        label
    }

    fn rest_of_line(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut byte = self.take_nonblank();
        while let Some(b) = byte.filter(|b| *b != b'\n') {
            text.push(b);
            byte = self.take();
        }
        text
    }

    fn refuse_in_sandbox(&self) -> Parsed<()> {
        if self.settings.sandbox { self.error("e/r/w commands disabled in sandbox mode") } else { Ok(()) }
    }

    fn file_name(&mut self) -> Parsed<Vec<u8>> {
        self.refuse_in_sandbox()?;
        let name = self.rest_of_line();
        if name.is_empty() { self.error("missing filename in r/R/w/W commands") } else { Ok(name) }
    }

    fn sink(&mut self) -> Parsed<Sink> {
        let name = self.file_name()?;
        Ok(match name.as_slice() {
            b"/dev/stdout" => Sink::Stdout,
            b"/dev/stderr" => Sink::Stderr,
            _ => Sink::File(index_of(&mut self.script.outputs, name)),
        })
    }

    fn text_command(&mut self, name: u8, index: usize) -> Parsed<()> {
        let empty = match name {
            b'a' => Action::Append(Rc::new(Vec::new())),
            b'i' => Action::Insert(Vec::new()),
            _ => Action::Change(Vec::new()),
        };
        self.script.commands[index].action = empty;
        match self.take_nonblank() {
            None => return self.error("expected \\ after `a', `c' or `i'"),
            Some(b'\\') => match self.take() {
                None => {
                    self.pending = Some(Pending { command: index, text: Vec::new() });
                    return Ok(());
                }
                // White space after the backslash and before the newline does not count.
                Some(b' ' | b'\t') => {
                    let at = self.at;
                    if self.take_nonblank() != Some(b'\n') {
                        self.at = at - 1;
                    }
                }
                Some(b'\n') => {}
                Some(b'\\') => self.at -= 1,
                Some(first) => {
                    return self.text_argument(index, vec![first]);
                }
            },
            other => self.put_back(other),
        }
        self.text_argument(index, Vec::new())
    }

    /// The text of a, i or c up to a newline without a backslash before it.
    fn text_argument(&mut self, index: usize, begun: Vec<u8>) -> Parsed<()> {
        let mut text = begun;
        loop {
            match self.take() {
                None | Some(b'\n') => break,
                Some(b'\\') => match self.take() {
                    None => {
                        text.push(b'\n');
                        self.pending = Some(Pending { command: index, text: text.clone() });
                        self.set_text(index, text);
                        return Ok(());
                    }
                    Some(next) => match posix_regex::escape(char::from(next), &self.text[self.at..]) {
                        Some((value, used)) => {
                            text.push(value);
                            self.at += used;
                        }
                        None => text.push(next),
                    },
                },
                Some(byte) => text.push(byte),
            }
        }
        text.push(b'\n');
        self.set_text(index, text);
        Ok(())
    }

    fn set_text(&mut self, index: usize, text: Vec<u8>) {
        match &mut self.script.commands[index].action {
            Action::Append(old) => *old = Rc::new(text),
            Action::Insert(old) | Action::Change(old) => *old = text,
            _ => {}
        }
    }

    fn substitution(&mut self) -> Parsed<Substitution> {
        let unterminated = "unterminated `s' command";
        let Some(delimiter) = self.take().filter(|b| !matches!(b, b'\n' | b'\\')) else { return self.error(unterminated) };
        let Some(pattern) = self.delimited(delimiter, true) else { return self.error(unterminated) };
        let Some(replacement) = self.delimited(delimiter, false) else { return self.error(unterminated) };
        let parts = replacement::parse(&replacement);
        let mut flags = Flags::default();
        let write = self.flags(&mut flags)?;
        let groups = replacement::highest_group(&parts);
        let pattern = self.pattern(&pattern, flags.ignore_case, flags.lines, groups)?;
        Ok(Substitution {
            pattern,
            replacement: parts,
            global: flags.global,
            number: flags.number.unwrap_or(1),
            print: flags.print,
            evaluate: flags.evaluate,
            write,
        })
    }

    fn flags(&mut self, flags: &mut Flags) -> Parsed<Option<Sink>> {
        loop {
            match self.take() {
                Some(b'i' | b'I') => flags.ignore_case = true,
                Some(b'm' | b'M') => flags.lines = true,
                Some(b'e') => {
                    self.refuse_in_sandbox()?;
                    flags.evaluate = true;
                }
                Some(b'p') if flags.print > 0 => return self.error("multiple `p' options to `s' command"),
                Some(b'p') => flags.print = 1 + u8::from(flags.evaluate),
                Some(b'g') if flags.global => return self.error("multiple `g' options to `s' command"),
                Some(b'g') => flags.global = true,
                Some(b'w') => return Ok(Some(self.sink()?)),
                Some(b'0'..=b'9') if flags.number.is_some() => return self.error("multiple number options to `s' command"),
                Some(digit @ b'0'..=b'9') => match self.number(digit) {
                    0 => return self.error("number option to `s' command may not be zero"),
                    number => flags.number = Some(number),
                },
                byte @ Some(b'}' | b'#') => {
                    self.put_back(byte);
                    return Ok(None);
                }
                None | Some(b'\n' | b';') => return Ok(None),
                Some(b' ' | b'\t') => {}
                Some(b'\r') if matches!(self.text.get(self.at), None | Some(b'\n')) => {}
                Some(_) => return self.error("unknown option to `s'"),
            }
        }
    }

    fn translation(&mut self) -> Parsed<Translation> {
        let unterminated = "unterminated `y' command";
        let Some(delimiter) = self.take().filter(|b| !matches!(b, b'\n' | b'\\')) else { return self.error(unterminated) };
        let Some(from) = self.delimited(delimiter, false) else { return self.error(unterminated) };
        let Some(to) = self.delimited(delimiter, false) else { return self.error(unterminated) };
        let (from, to) = (translated(&from), translated(&to));
        let mut table = Translation { bytes: std::array::from_fn(|i| i as u8), chars: Vec::new() };
        let (from, to) = (characters(&from), characters(&to));
        if from.len() != to.len() {
            return self.error("strings for `y' command are different lengths");
        }
        for (a, b) in from.into_iter().zip(to) {
            match (a, b) {
                (Ok(a), Ok(b)) if a.is_ascii() && b.is_ascii() => table.bytes[a as usize] = b as u8,
                (Ok(a), Ok(b)) => table.chars.push((a, b)),
                (Err(a), Err(b)) => table.bytes[usize::from(a)] = b,
                _ => return self.error("strings for `y' command are different lengths"),
            }
        }
        self.end_of_command()?;
        Ok(table)
    }

    fn finish(mut self) -> Parsed<Script> {
        if let Some((_, origin, _)) = self.blocks.pop() {
            self.origin = origin;
            return match &self.origin {
                Origin::Expression(_) => self.error_at(0, "unmatched `{'"),
                Origin::File(_) => self.error_at(0, "unmatched `{'"),
            };
        }
        let end = self.script.commands.len();
        for (index, label) in std::mem::take(&mut self.jumps) {
            let target = match self.labels.get(&label) {
                _ if label.is_empty() => end,
                Some(target) => *target,
                None => {
                    return Err(Failure { text: format!("sed: can't find label for jump to `{}'\n", shown(&label)), status: 4 });
                }
            };
            match &mut self.script.commands[index].action {
                Action::Branch(to) | Action::BranchIfReplaced(to) | Action::BranchIfNotReplaced(to) => *to = target,
                _ => {}
            }
        }
        Ok(self.script)
    }
}

#[derive(Default)]
struct Flags {
    ignore_case: bool,
    lines: bool,
    global: bool,
    evaluate: bool,
    print: u8,
    number: Option<u64>,
}

/// The place of a file name in a list, added when it is new.
fn index_of(names: &mut Vec<Vec<u8>>, name: Vec<u8>) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// The escapes in the strings of `y`.
fn translated(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        at += 1;
        if byte != b'\\' || at == text.len() {
            out.push(byte);
            continue;
        }
        let next = text[at];
        at += 1;
        match posix_regex::escape(char::from(next), &text[at..]) {
            Some((value, used)) => {
                out.push(value);
                at += used;
            }
            None if next == b'\\' || next == b'\n' => out.push(next),
            None => out.extend([b'\\', next]),
        }
    }
    out
}

/// Characters, or bytes where the text is not UTF-8.
fn characters(text: &[u8]) -> Vec<Result<char, u8>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (found, len) = posix_regex::decode(&text[at..]);
        out.push(found.ok_or(text[at]));
        at += len;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(script: &str) -> Option<String> {
        let settings = Settings { extended: false, sandbox: false, posix: false };
        parse(vec![Chunk::Expression(script.as_bytes().to_vec())], settings).err().map(|f| f.text)
    }

    #[test]
    fn errors_name_the_place_as_gnu_sed_does() {
        assert_eq!(error("s/1/a/k").as_deref(), Some("sed: -e expression #1, char 7: unknown option to `s'\n"));
        assert_eq!(error("s/[/x/").as_deref(), Some("sed: -e expression #1, char 6: unterminated `s' command\n"));
        assert_eq!(error("2,k").as_deref(), Some("sed: -e expression #1, char 3: unexpected `,'\n"));
        assert_eq!(error("p}").as_deref(), Some("sed: -e expression #1, char 2: unexpected `}'\n"));
        assert_eq!(error("{p").as_deref(), Some("sed: -e expression #1, char 0: unmatched `{'\n"));
        assert_eq!(error("b x").as_deref(), Some("sed: can't find label for jump to `x'\n"));
    }

    #[test]
    fn blocks_need_no_semicolon_before_their_end() {
        assert_eq!(error("{N;s/a/b/}"), None);
        assert_eq!(error("/x/{p;bend};:end"), None);
        assert_eq!(error("$!{$!N}"), None);
    }
}
