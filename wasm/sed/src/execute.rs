//! Runs a script over its input: the pattern space, the hold space and the queue of what is appended at the end of a cycle.
//! Corresponds to `execute.c` of GNU sed.

use crate::command::{Action, Address, Command, Pattern, RangeEnd, RangeState, Script, Substitution, Translation};
use crate::fail::{Failure, complain, panic, shown};
use crate::in_place::Edit;
use crate::input::{Input, LineFile, Next, content};
use crate::output::Output;
use crate::replacement::expand;
use posix_regex::{Groups, Regex};
use std::rc::Rc;
use tidepool_system::{Fd, Spawn, Wait, close, pipe, read, wait};

pub struct Mode {
    pub quiet: bool,
    pub separate: bool,
    /// Suffix of the backup; None when files are not edited in place.
    pub in_place: Option<Vec<u8>>,
    pub follow_links: bool,
    pub unbuffered: bool,
    pub posix: bool,
    pub line_length: usize,
    pub end: u8,
}

/// A line in work, and whether it had an end in the input.
struct Space {
    text: Vec<u8>,
    ended: bool,
}

enum Appended {
    Text(Rc<Vec<u8>>),
    Line(Vec<u8>),
    File(Rc<Vec<u8>>),
}

/// How the commands of a cycle came to their end.
enum Outcome {
    /// To the end of the script: the pattern space is printed.
    Done,
    /// Deleted: nothing is printed.
    Deleted,
    /// `D`: the next cycle begins with what is left.
    Restart,
    Quit(u8),
    QuitSilently(u8),
}

pub struct Machine<'a> {
    mode: &'a Mode,
    inputs: Vec<LineFile>,
    input: Input,
    out: Output,
    edit: Option<Edit>,
    pattern: Space,
    hold: Space,
    /// Where `s` builds its result.
    scratch: Vec<u8>,
    groups: Groups,
    appended: Vec<Appended>,
    line: u64,
    replaced: bool,
    last_regex: Option<Rc<Regex>>,
    failed_files: bool,
}

impl<'a> Machine<'a> {
    pub fn new(mode: &'a Mode, script: &Script, input: Input) -> Result<Machine<'a>, Failure> {
        Ok(Machine {
            mode,
            inputs: script.inputs.iter().map(|name| LineFile::new(name, mode.end)).collect(),
            input,
            out: Output::new(&script.outputs, mode.end)?,
            edit: None,
            pattern: Space { text: Vec::new(), ended: true },
            hold: Space { text: Vec::new(), ended: true },
            scratch: Vec::new(),
            groups: Groups::default(),
            appended: Vec::new(),
            line: 0,
            replaced: false,
            last_regex: None,
            failed_files: false,
        })
    }

    /// Runs to the end of the input; gives the exit status.
    pub fn run(mut self, commands: &mut [Command]) -> Result<u8, Failure> {
        let result = self.cycles(commands);
        // What was written before a failure is written, as stdio does at exit.
        let flushed = self.out.flush();
        let status = result?;
        flushed?;
        Ok(match status {
            0 if self.failed_files => 4,
            0 if self.input.missing => 2,
            status => status,
        })
    }

    fn cycles(&mut self, commands: &mut [Command]) -> Result<u8, Failure> {
        let mut keep = false;
        loop {
            if !keep && !self.read_line(commands, false)? {
                return Ok(0);
            }
            keep = false;
            match self.cycle(commands)? {
                Outcome::Done => self.autoprint()?,
                Outcome::Deleted => {}
                Outcome::Restart => keep = true,
                Outcome::Quit(status) => {
                    self.autoprint()?;
                    self.append_all()?;
                    self.leave()?;
                    return Ok(status);
                }
                Outcome::QuitSilently(status) => {
                    self.leave()?;
                    return Ok(status);
                }
            }
            self.append_all()?;
        }
    }

    /// Ends before the input does.
    fn leave(&mut self) -> Result<(), Failure> {
        self.input.give_back();
        self.close_file()
    }

    fn autoprint(&mut self) -> Result<(), Failure> {
        if self.mode.quiet {
            return Ok(());
        }
        self.print()
    }

    fn print(&mut self) -> Result<(), Failure> {
        self.out.main.line(&self.pattern.text, self.pattern.ended, self.mode.end)?;
        if self.mode.unbuffered { self.out.flush() } else { Ok(()) }
    }

    fn append_all(&mut self) -> Result<(), Failure> {
        for item in std::mem::take(&mut self.appended) {
            match item {
                Appended::Text(text) => self.out.main.text(&text, self.mode.end)?,
                Appended::Line(line) => self.out.main.line(&line, true, self.mode.end)?,
                Appended::File(name) => {
                    self.out.flush()?;
                    let text = content(&name);
                    if !text.is_empty() {
                        self.out.main.text(&text, self.mode.end)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the next line into the pattern space, behind what is there when `append`. False at the end of the input.
    fn read_line(&mut self, commands: &mut [Command], append: bool) -> Result<bool, Failure> {
        if !append {
            self.replaced = false;
            self.pattern.text.clear();
        }
        loop {
            if !self.input.is_open() && !self.open_next(commands)? {
                return Ok(false);
            }
            if self.input.would_read() {
                self.out.flush()?;
            }
            match self.input.line(&mut self.pattern.text)? {
                Next::FileEnd => self.close_file()?,
                next => {
                    self.pattern.ended = next == Next::Line;
                    self.line += 1;
                    return Ok(true);
                }
            }
        }
    }

    /// Opens the next file that can be read. False when there is none.
    fn open_next(&mut self, commands: &mut [Command]) -> Result<bool, Failure> {
        while let Some(name) = self.input.next_name() {
            if name == b"-" && self.mode.in_place.is_none() {
                self.reset(commands);
                self.input.open_stdin();
                return Ok(true);
            }
            if self.mode.in_place.is_some() && tidepool_system::stat(&name).is_ok_and(|s| !s.is_file()) {
                self.out.flush()?;
                complain(&format!("sed: couldn't edit {}: not a regular file\n", shown(&name)));
                self.failed_files = true;
                continue;
            }
            self.out.flush()?;
            if !self.input.open(name.clone()) {
                continue;
            }
            self.reset(commands);
            if self.mode.in_place.is_some() && self.input.stat_is_file() {
                let (edit, stream) = Edit::begin(&name, self.mode.follow_links)?;
                self.edit = Some(edit);
                self.out.redirect(stream);
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// With separate files line numbers and ranges begin anew.
    fn reset(&mut self, commands: &mut [Command]) {
        if !self.mode.separate {
            return;
        }
        self.line = 0;
        for command in commands {
            let zero = matches!(command.from, Some(Address::Zero));
            command.state = if zero { RangeState::Inside(None) } else { RangeState::Outside };
        }
    }

    fn close_file(&mut self) -> Result<(), Failure> {
        self.input.close();
        if let Some(edit) = self.edit.take() {
            self.out.restore()?;
            edit.finish(self.mode.in_place.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Whether the current line is the last: of its file with separate files, else of all.
    fn at_last_line(&mut self, commands: &mut [Command]) -> Result<bool, Failure> {
        loop {
            if self.input.would_read() {
                self.out.flush()?;
            }
            if self.input.has_more()? {
                return Ok(false);
            }
            if self.mode.separate {
                return Ok(true);
            }
            self.input.close();
            if !self.open_next(commands)? {
                return Ok(true);
            }
        }
    }

    fn cycle(&mut self, commands: &mut [Command]) -> Result<Outcome, Failure> {
        let mut at = 0;
        while at < commands.len() {
            let selected = self.selects(commands, at)?;
            if !selected {
                at = if let Action::Block(end) = commands[at].action { end } else { at + 1 };
                continue;
            }
            match self.act(commands, at)? {
                Flow::Next => at += 1,
                Flow::Jump(to) => at = to,
                Flow::End(outcome) => return Ok(outcome),
            }
        }
        Ok(Outcome::Done)
    }

    fn act(&mut self, commands: &mut [Command], at: usize) -> Result<Flow, Failure> {
        let end = self.mode.end;
        match &commands[at].action {
            Action::Block(_) | Action::BlockEnd | Action::Label => {}
            Action::Branch(to) => return Ok(Flow::Jump(*to)),
            Action::BranchIfReplaced(to) => {
                if std::mem::take(&mut self.replaced) {
                    return Ok(Flow::Jump(*to));
                }
            }
            Action::BranchIfNotReplaced(to) => {
                if !std::mem::take(&mut self.replaced) {
                    return Ok(Flow::Jump(*to));
                }
            }
            Action::Append(text) => self.appended.push(Appended::Text(text.clone())),
            Action::Insert(text) => self.out.main.text(text, end)?,
            Action::Change(text) => {
                if commands[at].to.is_none() || commands[at].state == RangeState::Outside || commands[at].negated {
                    self.out.main.text(text, end)?;
                }
                return Ok(Flow::End(Outcome::Deleted));
            }
            Action::Delete => return Ok(Flow::End(Outcome::Deleted)),
            Action::DeleteFirst => {
                return Ok(Flow::End(match memchr::memchr(end, &self.pattern.text) {
                    Some(newline) => {
                        self.pattern.text.drain(..=newline);
                        Outcome::Restart
                    }
                    None => Outcome::Deleted,
                }));
            }
            Action::Execute(command) => self.execute(command.as_deref())?,
            Action::FileName => {
                let name = self.input.name.clone();
                self.out.main.line(&name, true, b'\n')?;
            }
            Action::Get => {
                self.pattern.text.clone_from(&self.hold.text);
                self.pattern.ended = self.hold.ended;
            }
            Action::GetAppend => {
                self.pattern.text.push(end);
                self.pattern.text.extend_from_slice(&self.hold.text);
                self.pattern.ended = self.hold.ended;
            }
            Action::Hold => {
                self.hold.text.clone_from(&self.pattern.text);
                self.hold.ended = self.pattern.ended;
            }
            Action::HoldAppend => {
                self.hold.text.push(end);
                self.hold.text.extend_from_slice(&self.pattern.text);
                self.hold.ended = self.pattern.ended;
            }
            Action::Exchange => std::mem::swap(&mut self.pattern, &mut self.hold),
            Action::List(width) => {
                let text = listed(&self.pattern.text, width.unwrap_or(self.mode.line_length));
                self.out.main.text(&text, end)?;
            }
            Action::Next => {
                if self.at_last_line(commands)? {
                    // The cycle ends as usual and, for want of lines, so does the script.
                    return Ok(Flow::End(if self.mode.posix { Outcome::QuitSilently(0) } else { Outcome::Done }));
                }
                self.autoprint()?;
                self.append_all()?;
                let kept = self.replaced;
                if !self.read_line(commands, false)? {
                    return Ok(Flow::End(Outcome::Deleted));
                }
                self.replaced = kept;
            }
            Action::NextAppend => {
                if self.at_last_line(commands)? {
                    return Ok(Flow::End(if self.mode.posix { Outcome::Deleted } else { Outcome::Done }));
                }
                self.append_all()?;
                self.pattern.text.push(end);
                if !self.read_line(commands, true)? {
                    self.pattern.text.pop();
                    return Ok(Flow::End(Outcome::Done));
                }
            }
            Action::Print => self.print()?,
            Action::PrintFirst => {
                let first = memchr::memchr(end, &self.pattern.text).unwrap_or(self.pattern.text.len());
                let ended = first < self.pattern.text.len() || self.pattern.ended;
                self.out.main.line(&self.pattern.text[..first], ended, end)?;
            }
            Action::Quit(status) => return Ok(Flow::End(Outcome::Quit(*status))),
            Action::QuitSilently(status) => return Ok(Flow::End(Outcome::QuitSilently(*status))),
            Action::Read(name) => self.appended.push(Appended::File(name.clone())),
            Action::ReadLine(index) => {
                if let Some(line) = self.inputs[*index].line() {
                    self.appended.push(Appended::Line(line));
                }
            }
            Action::Substitute(substitution) => self.substitute(substitution)?,
            Action::Write(sink) => self.out.line_to(*sink, &self.pattern.text, self.pattern.ended)?,
            Action::WriteFirst(sink) => {
                let first = memchr::memchr(end, &self.pattern.text).unwrap_or(self.pattern.text.len());
                self.out.line_to(*sink, &self.pattern.text[..first], true)?;
            }
            Action::Translate(table) => translate(table, &mut self.pattern.text),
            Action::LineNumber => self.out.main.text(format!("{}\n", self.line).as_bytes(), end)?,
            Action::Zap => self.pattern.text.clear(),
        }
        Ok(Flow::Next)
    }

    fn selects(&mut self, commands: &mut [Command], at: usize) -> Result<bool, Failure> {
        let command = &commands[at];
        let selected = match (&command.from, &command.to) {
            (None, _) => true,
            (Some(from), None) => {
                if matches!(from, Address::Last) {
                    self.at_last_line(commands)?
                } else {
                    self.matches_address(from)?
                }
            }
            (Some(_), Some(_)) => self.in_range(commands, at)?,
        };
        Ok(selected != commands[at].negated)
    }

    fn matches_address(&mut self, address: &Address) -> Result<bool, Failure> {
        Ok(match address {
            Address::Line(number) => *number == self.line,
            Address::Step(first, 0) => *first == self.line,
            Address::Step(first, step) => self.line >= *first && (self.line - first).is_multiple_of(*step),
            Address::Match(pattern) => self.matches(pattern)?,
            Address::Zero | Address::Last => false,
        })
    }

    fn in_range(&mut self, commands: &mut [Command], at: usize) -> Result<bool, Failure> {
        let (Some(from), Some(to)) = (commands[at].from.clone(), commands[at].to.clone()) else { return Ok(false) };
        if let RangeState::Inside(last) = commands[at].state {
            let ends = match (&to, last) {
                (_, Some(last)) if self.line > last => {
                    // Lines were skipped inside the range: look whether it begins anew.
                    commands[at].state = RangeState::Outside;
                    return self.in_range(commands, at);
                }
                (_, Some(last)) => self.line == last,
                (RangeEnd::Match(pattern), None) => self.matches(pattern)?,
                (RangeEnd::Last, None) => self.at_last_line(commands)?,
                _ => false,
            };
            if ends {
                commands[at].state = RangeState::Outside;
            }
            return Ok(true);
        }
        let begins = match from {
            Address::Last => self.at_last_line(commands)?,
            ref other => self.matches_address(other)?,
        };
        if !begins {
            return Ok(false);
        }
        let last = match to {
            RangeEnd::Line(line) => Some(line),
            RangeEnd::After(count) => Some(self.line + count),
            RangeEnd::Multiple(0) => Some(self.line),
            RangeEnd::Multiple(step) => Some(self.line.div_ceil(step) * step),
            RangeEnd::Match(_) => None,
            RangeEnd::Last => None,
        };
        if last.is_none_or(|last| last > self.line) {
            commands[at].state = RangeState::Inside(last);
        }
        if matches!(to, RangeEnd::Last) && self.at_last_line(commands)? {
            commands[at].state = RangeState::Outside;
        }
        Ok(true)
    }

    fn regex(&mut self, pattern: &Pattern) -> Result<Rc<Regex>, Failure> {
        match pattern {
            Pattern::Regex(regex) => {
                if !self.last_regex.as_ref().is_some_and(|last| Rc::ptr_eq(last, regex)) {
                    self.last_regex = Some(regex.clone());
                }
                Ok(regex.clone())
            }
            Pattern::Last => self.last_regex.clone().ok_or_else(|| Failure {
                text: "sed: -e expression #1, char 0: no previous regular expression\n".to_owned(),
                status: 1,
            }),
        }
    }

    fn matches(&mut self, pattern: &Pattern) -> Result<bool, Failure> {
        let regex = self.regex(pattern)?;
        regex.is_match(&self.pattern.text).map_err(|error| panic(&error.to_string()))
    }

    fn substitute(&mut self, substitution: &Substitution) -> Result<(), Failure> {
        let regex = self.regex(&substitution.pattern)?;
        let text = &self.pattern.text;
        let mut copied = 0;
        let mut start = 0;
        let mut count = 0;
        let mut previous_end = None;
        self.scratch.clear();
        while start <= text.len() {
            if !regex.groups_at(text, start, &mut self.groups).map_err(|error| panic(&error.to_string()))? {
                break;
            }
            let Some((from, to)) = self.groups.get(0) else { break };
            if from == to && previous_end == Some(from) {
                // Nothing, right behind a match, is no match of its own.
                start = from + posix_regex::decode(&text[from..]).1.max(1);
                previous_end = None;
                continue;
            }
            previous_end = Some(to);
            count += 1;
            if count >= substitution.number {
                self.scratch.extend_from_slice(&text[copied..from]);
                expand(&substitution.replacement, text, &self.groups, &mut self.scratch);
                copied = to;
                if !substitution.global {
                    break;
                }
            }
            start = if from == to { to + posix_regex::decode(&text[to..]).1.max(1) } else { to };
        }
        if count < substitution.number {
            return Ok(());
        }
        self.scratch.extend_from_slice(&text[copied..]);
        std::mem::swap(&mut self.pattern.text, &mut self.scratch);
        self.replaced = true;
        self.after_substitution(substitution)
    }

    fn after_substitution(&mut self, substitution: &Substitution) -> Result<(), Failure> {
        if substitution.print == 2 {
            self.print()?;
        }
        if substitution.evaluate {
            self.out.flush()?;
            let mut output = shell(&self.pattern.text)?;
            if output.last() == Some(&self.mode.end) {
                output.pop();
            }
            self.pattern.text = output;
        }
        if substitution.print == 1 {
            self.print()?;
        }
        match substitution.write {
            Some(sink) => self.out.line_to(sink, &self.pattern.text, self.pattern.ended),
            None => Ok(()),
        }
    }

    fn execute(&mut self, command: Option<&[u8]>) -> Result<(), Failure> {
        self.out.flush()?;
        match command {
            Some(command) => {
                let output = shell(command)?;
                self.out.main.text(&output, self.mode.end)
            }
            None => {
                let mut output = shell(&self.pattern.text)?;
                if output.last() == Some(&self.mode.end) {
                    output.pop();
                }
                self.pattern.text = output;
                Ok(())
            }
        }
    }
}

/// What the machine does after a command.
enum Flow {
    Next,
    Jump(usize),
    End(Outcome),
}

/// Runs a shell command and gives what it wrote.
fn shell(command: &[u8]) -> Result<Vec<u8>, Failure> {
    let failed = |errno: tidepool_system::Errno| panic(&format!("error subprocess: {errno}"));
    let (reader, writer) = pipe(true).map_err(failed)?;
    let child = Spawn::search(&[&b"sh"[..], b"-c", command]).and_then(|spawn| spawn.dup2(writer, Fd::STDOUT).start());
    let _ = close(writer);
    let mut output = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = read(reader, &mut chunk) {
        output.extend_from_slice(&chunk[..n]);
    }
    let _ = close(reader);
    wait(Wait::Pid(child.map_err(failed)?), false).map_err(failed)?;
    Ok(output)
}

fn translate(table: &Translation, text: &mut Vec<u8>) {
    if table.chars.is_empty() {
        text.iter_mut().for_each(|b| *b = table.bytes[usize::from(*b)]);
        return;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (found, len) = posix_regex::decode(&text[at..]);
        match found.and_then(|c| table.chars.iter().find(|(from, _)| *from == c)) {
            Some((_, to)) => out.extend_from_slice(to.encode_utf8(&mut [0; 4]).as_bytes()),
            None if len == 1 => out.push(table.bytes[usize::from(text[at])]),
            None => out.extend_from_slice(&text[at..at + len]),
        }
        at += len;
    }
    *text = out;
}

/// The unambiguous form of `l`, folded at `width` unless that is 0.
fn listed(text: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut column = 0;
    for byte in text {
        let shown = match byte {
            b'\\' => "\\\\".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            12 => "\\f".to_owned(),
            b'\n' => "\\n".to_owned(),
            b'\r' => "\\r".to_owned(),
            b'\t' => "\\t".to_owned(),
            11 => "\\v".to_owned(),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\{other:03o}"),
        };
        if width > 0 && column + shown.len() > width - 1 {
            out.extend_from_slice(b"\\\n");
            column = 0;
        }
        column += shown.len();
        out.extend_from_slice(shown.as_bytes());
    }
    out.extend_from_slice(b"$\n");
    out
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn l_shows_every_byte_and_folds() {
        assert_eq!(listed("a\tb\\é\x01".as_bytes(), 70), b"a\\tb\\\\\\303\\251\\001$\n");
        assert_eq!(listed(b"aaaaa", 4), b"aaa\\\naa$\n");
    }
}
