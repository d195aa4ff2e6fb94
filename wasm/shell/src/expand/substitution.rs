//! Command and process substitution.

use tidepool_syntax::ast::{Command, CommandKind, List, ProcessSubstitution, RedirectionKind, Simple, Substitution};
use tidepool_system::{Errno, Fd, Open, close, open, pipe, read};

use crate::execute::inert::{is_harmless, only_command};
use crate::execute::pipeline::Streams;
use crate::shell::{Flow, MAXIMUM_SUBSTITUTION_DEPTH, Shell};
use crate::variables::Bytes;

/// Built-ins that print and change nothing: alone in `$( )` they run in place.
const PRINTERS: [&[u8]; 8] = [b"echo", b"printf", b"pwd", b"true", b"false", b":", b"type", b"test"];

impl Shell {
    pub(super) fn substitute_command(&mut self, substitution: &Substitution) -> Flow<Bytes> {
        if self.substitution_depth >= MAXIMUM_SUBSTITUTION_DEPTH {
            return self.fatal(b"command substitution: maximum nesting level exceeded", 1);
        }
        self.substitution_depth += 1;
        self.trace_level += 1;
        let text = self.run_substitution(&substitution.list);
        self.trace_level -= 1;
        self.substitution_depth -= 1;
        let mut text = text?;
        if let Some(status) = self.substitution_status {
            // `echo $(false) $?` prints 1.
            self.status = status;
        }
        if text.contains(&0) {
            self.complain(b"warning: command substitution: ignored null byte in input");
            text.retain(|byte| *byte != 0);
        }
        while text.last() == Some(&b'\n') {
            text.pop();
        }
        Ok(text)
    }

    fn run_substitution(&mut self, list: &List) -> Flow<Bytes> {
        if list.items.is_empty() {
            self.substitution_status = Some(0);
            return Ok(Vec::new());
        }
        if let Some(word) = only_file(list) {
            return self.read_file(word);
        }
        if let Some(simple) = self.only_printer(list) {
            return Ok(self.run_printer(simple, list));
        }
        let (reader, writer) = match pipe(true) {
            Ok(both) => both,
            Err(errno) => {
                return self.abort(&[b"cannot make pipe for command substitution: ", errno.message().as_bytes()].concat());
            }
        };
        self.run_into_pipe(list, reader, writer)
    }

    /// Runs the list with its standard output in `writer` and gives what came out of `reader`.
    fn run_into_pipe(&mut self, list: &List, reader: Fd, writer: Fd) -> Flow<Bytes> {
        let stages = self.start_direct_pipeline(list, Some(writer));
        let (pids, done) = match stages {
            Some(started) => {
                let _ = close(writer);
                started
            }
            None => {
                let pid = self.fork(|shell| {
                    let _ = close(reader);
                    move_descriptor(writer, Fd::STDOUT);
                    if !shell.shopts.inherit_errexit && !shell.options.posix {
                        shell.options.errexit = false;
                    }
                    shell.run_list(list, true)
                });
                let _ = close(writer);
                match pid {
                    Ok(pid) => (vec![Some(pid)], vec![0]),
                    Err(errno) => {
                        let _ = close(reader);
                        return self.cannot_fork(errno);
                    }
                }
            }
        };
        let text = read_all(reader);
        let _ = close(reader);
        let statuses = self.wait_for_stages(&pids, &done);
        self.substitution_status = Some(self.status_of_stages(&statuses));
        match text {
            Ok(text) => Ok(text),
            Err(errno) => self.abort(&[b"command substitution: ", errno.message().as_bytes()].concat()),
        }
    }

    /// `$(<file)`
    fn read_file(&mut self, word: &tidepool_syntax::ast::Word) -> Flow<Bytes> {
        let name = self.expand_text(word)?;
        let text = open(&name, Open::read().cloexec()).and_then(|fd| {
            let text = read_all(fd);
            close(fd)?;
            text
        });
        self.substitution_status = Some(i32::from(text.is_err()));
        Ok(match text {
            Ok(text) => text,
            Err(errno) => {
                self.complain_about(&name, errno.message().as_bytes());
                Vec::new()
            }
        })
    }

    fn only_printer<'a>(&self, list: &'a List) -> Option<&'a Simple> {
        let simple = self.printer(only_command(list)?)?;
        is_harmless(simple).then_some(simple)
    }

    /// The command if it is a built-in that only prints.
    pub fn printer<'a>(&self, command: &'a Command) -> Option<&'a Simple> {
        let CommandKind::Simple(simple) = &command.kind else {
            return None;
        };
        let name = crate::execute::command::constant_name(simple)?;
        let plain = simple.assignments.is_empty() && command.redirections.is_empty() && PRINTERS.contains(&name.as_slice());
        let assigns =
            name == b"printf" && crate::execute::command::constant_argument(simple, 1).is_some_and(|text| text.starts_with(b"-v"));
        let replaced = self.functions.contains_key(&name) || self.disabled_builtins.contains(&name);
        (plain && !assigns && !replaced && !self.traps.has_debugging()).then_some(simple)
    }

    fn run_printer(&mut self, simple: &Simple, list: &List) -> Bytes {
        let line = only_command(list).map_or(self.line, |command| command.line);
        let text = self.capture_printer(simple, line);
        self.substitution_status = Some(self.status);
        text
    }

    /// Runs a built-in that only prints, without a process; an error in its words ends only it.
    pub fn capture_printer(&mut self, simple: &Simple, line: u32) -> Bytes {
        let conditions = self.conditions;
        self.output.flush();
        self.output.begin_capture();
        self.conditions += 1;
        let result = self.run_simple(simple, &[], line, false);
        self.conditions = conditions;
        if result.is_err() && self.status == 0 {
            self.status = 1;
        }
        self.output.end_capture()
    }

    pub(super) fn substitute_process(&mut self, substitution: &ProcessSubstitution) -> Flow<Bytes> {
        let (reader, writer) = match pipe(true) {
            Ok(both) => both,
            Err(errno) => {
                return self.abort(&[b"cannot make pipe for process substitution: ", errno.message().as_bytes()].concat());
            }
        };
        let (ours, theirs) = if substitution.reads { (writer, reader) } else { (reader, writer) };
        let target = if substitution.reads { Fd::STDIN } else { Fd::STDOUT };
        let pid = self.fork(|shell| {
            let _ = close(ours);
            move_descriptor(theirs, target);
            shell.run_list(&substitution.list, true)
        });
        let _ = close(theirs);
        let pid = match pid {
            Ok(pid) => pid,
            Err(errno) => {
                let _ = close(ours);
                return self.cannot_fork(errno);
            }
        };
        // The name must work in the command's process: the descriptor stays open there.
        let high = tidepool_system::dup_from(ours, 60, false);
        let _ = close(ours);
        let fd = match high {
            Ok(fd) => fd,
            Err(errno) => return self.abort(&[b"process substitution: ", errno.message().as_bytes()].concat()),
        };
        self.process_substitutions.push((fd, pid));
        self.last_background = Some(pid);
        Ok(format!("/dev/fd/{}", fd.0).into_bytes())
    }

    /// Closes what `<( )` opened for a command, when it is over.
    pub fn close_process_substitutions(&mut self, from: usize) {
        while self.process_substitutions.len() > from {
            if let Some((fd, pid)) = self.process_substitutions.pop() {
                let _ = close(fd);
                self.jobs.forget_later(pid);
            }
        }
    }

    fn start_direct_pipeline(&mut self, list: &List, output: Option<Fd>) -> Option<(Vec<Option<tidepool_system::Pid>>, Vec<i32>)> {
        let [item] = list.items.as_slice() else {
            return None;
        };
        let pipeline = &item.chain.first;
        if item.background || !item.chain.rest.is_empty() || pipeline.negated || pipeline.timed.is_some() {
            return None;
        }
        if !pipeline.commands.iter().all(|command| self.is_direct(command) || self.is_printing_stage(command, true)) {
            return None;
        }
        let streams = Streams { input: None, output, background: false };
        Some(self.start_stages(&pipeline.commands, &streams))
    }
}

/// The word of `$(<file)`.
fn only_file(list: &List) -> Option<&tidepool_syntax::ast::Word> {
    let command = only_command(list)?;
    match (&command.kind, command.redirections.as_slice()) {
        (CommandKind::Simple(simple), [redirection]) if simple.words.is_empty() && simple.assignments.is_empty() => {
            match &redirection.operation {
                RedirectionKind::Read(word) => Some(word),
                _ => None,
            }
        }
        _ => None,
    }
}

pub fn move_descriptor(from: Fd, to: Fd) {
    if from == to {
        let _ = tidepool_system::set_cloexec(to, false);
    } else if tidepool_system::dup2(from, to, false).is_ok() {
        let _ = close(from);
    }
}

/// Everything until the end of the file.
pub fn read_all(fd: Fd) -> Result<Bytes, Errno> {
    let mut text = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match read(fd, &mut buffer) {
            Ok(0) => return Ok(text),
            Ok(count) => text.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
