//! Pipelines, subshells and background commands: which stages are programs that can be spawned at once and which are
//! clones of the shell, the pipes between them, and their statuses.

use std::convert::Infallible;
use std::time::Instant;

use tidepool_syntax::ast::{AndOr, Command, CommandKind, List, Pipeline, Redirection, RedirectionKind, Timing};
use tidepool_system::{Errno, Fd, Open, Pid, Spawn, Status, Wait, clone, close, open, pipe, wait, write_all};

use super::inert::{is_harmless, is_inert, redirection_is_inert};
use super::redirect::{Action, PIPE_SIZE, Plan};
use crate::expand::substitution::move_descriptor;
use crate::shell::{Flow, Shell, Unwind};

/// Where a pipeline's ends lie, when not where the shell's own are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Streams {
    pub input: Option<Fd>,
    pub output: Option<Fd>,
    /// Ignores INT and QUIT.
    pub background: bool,
}

impl Streams {
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        if let Some(from) = self.input {
            plan.add(Action::Duplicate { from, to: Fd::STDIN });
        }
        if let Some(from) = self.output {
            plan.add(Action::Duplicate { from, to: Fd::STDOUT });
        }
        plan
    }
}

pub enum Started {
    Process(Pid),
    /// It could not start; its status.
    Done(i32),
}

/// How often a full process table is tried again when no child is left whose end would make room.
const RETRIES: u32 = 4;

impl Shell {
    /// Clones the shell; the child runs `body` and exits with its status.
    pub fn fork(&mut self, body: impl FnOnce(&mut Shell) -> Flow) -> Result<Pid, Errno> {
        self.output.flush();
        self.reap();
        let mut body = Some(body);
        let mut tries = 0;
        loop {
            let errno = match clone(|| self.run_child(body.take())) {
                Ok(pid) => return Ok(pid),
                Err(errno) => errno,
            };
            if !self.makes_room(errno, &mut tries) {
                return Err(errno);
            }
        }
    }

    fn run_child(&mut self, body: Option<impl FnOnce(&mut Shell) -> Flow>) -> Infallible {
        self.enter_subshell();
        if let Some(body) = body {
            let result = body(self);
            self.leave(result);
        }
        tidepool_system::exit(1)
    }

    fn enter_subshell(&mut self) {
        self.output.forget();
        self.subshell_level += 1;
        self.jobs.enter_subshell();
        self.traps.enter_subshell();
        self.process_substitutions.clear();
    }

    pub fn start_with_retry(&mut self, spawn: &Spawn) -> Result<Pid, Errno> {
        self.reap();
        let mut tries = 0;
        loop {
            match spawn.start() {
                Ok(pid) => return Ok(pid),
                Err(errno) if self.makes_room(errno, &mut tries) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// After EAGAIN: waits for any child to end.
    fn makes_room(&mut self, errno: Errno, tries: &mut u32) -> bool {
        if errno != Errno::EAGAIN || *tries >= RETRIES {
            return false;
        }
        *tries += 1;
        match wait(Wait::Any, false) {
            Ok(Some((pid, status))) => {
                self.jobs.note(pid, status);
                *tries = 0;
            }
            _ => std::thread::sleep(std::time::Duration::from_millis(50 * u64::from(*tries))),
        }
        true
    }

    pub fn cannot_fork<T>(&mut self, errno: Errno) -> Flow<T> {
        self.complain(&[b"fork: ", errno.message().as_bytes()].concat());
        self.status = 254;
        Err(Unwind::Abort)
    }

    #[inline(never)]
    pub(super) fn run_subshell(&mut self, list: &List, redirections: &[Redirection]) -> Flow {
        if self.traps.any() && !self.traps.is_running() {
            let text = tidepool_syntax::print::subshell(list, redirections);
            let command = self.names.command;
            self.variables.set(command, &text);
        }
        let pid = self.fork(|shell| {
            if redirections.is_empty() {
                return shell.run_list(list, true);
            }
            shell.with_redirections(redirections, |shell| shell.run_list(list, true))
        });
        match pid {
            Ok(pid) => {
                let status = self.wait_foreground(pid);
                self.status = status.code();
                if matches!(status, Status::Signaled(_)) {
                    self.report_signal(pid, status, &tidepool_syntax::print::subshell(list, redirections));
                }
                Ok(())
            }
            Err(errno) => self.cannot_fork(errno),
        }
    }

    #[inline(never)]
    pub(super) fn run_foreground_pipeline(&mut self, commands: &[Command]) -> Flow {
        if self.shopts.lastpipe
            && let Some((last, rest)) = commands.split_last()
        {
            return self.run_with_last_in_place(rest, last);
        }
        let (pids, done) = self.start_stages(commands, &Streams::default());
        let stages: Vec<(Option<Pid>, Status)> =
            pids.iter().zip(&done).map(|(pid, code)| (*pid, self.wait_for_stage(*pid, *code))).collect();
        if stages.iter().any(|(_, status)| matches!(status, Status::Signaled(_))) {
            let texts: Vec<_> = commands.iter().map(tidepool_syntax::print::command).collect();
            self.report_pipeline(&stages, &texts);
        }
        let statuses = stages.iter().map(|(_, status)| status.code()).collect::<Vec<_>>();
        self.status = self.status_of_stages(&statuses);
        self.pipe_status = statuses;
        Ok(())
    }

    /// `shopt -s lastpipe`: the last stage runs in the shell itself.
    fn run_with_last_in_place(&mut self, rest: &[Command], last: &Command) -> Flow {
        let (reader, writer) = match pipe(true) {
            Ok(both) => both,
            Err(errno) => return self.cannot_fork(errno),
        };
        let streams = Streams { output: Some(writer), ..Streams::default() };
        let (pids, done) = self.start_stages(rest, &streams);
        let _ = close(writer);
        let saved = self.apply(&[Action::Duplicate { from: reader, to: Fd::STDIN }]);
        let _ = close(reader);
        let result = self.run_command(last, false);
        self.restore(saved);
        let own = self.status;
        let mut statuses = self.wait_for_stages(&pids, &done);
        statuses.push(own);
        self.status = self.status_of_stages(&statuses);
        self.pipe_status = statuses;
        result
    }

    /// Whether a command is a program whose words the shell may expand itself.
    pub fn is_direct(&self, command: &Command) -> bool {
        let CommandKind::Simple(simple) = &command.kind else {
            return false;
        };
        if simple.words.is_empty() || !is_inert(simple) || !command.redirections.iter().all(redirection_is_inert) {
            return false;
        }
        match super::command::constant_name(simple) {
            Some(name) => matches!(self.callee(&name), super::command::Callee::Program),
            None => false,
        }
    }

    /// Starts all stages, with pipes between them. Gives a pid for each that runs and a status for each that does not.
    pub fn start_stages(&mut self, commands: &[Command], ends: &Streams) -> (Vec<Option<Pid>>, Vec<i32>) {
        self.output.flush();
        let (mut pids, mut done) = (Vec::new(), Vec::new());
        let mut input = ends.input;
        for (at, command) in commands.iter().enumerate() {
            let is_last = at + 1 == commands.len();
            let joint = if is_last { None } else { pipe(true).ok() };
            let output = if is_last { ends.output } else { joint.map(|(_, writer)| writer) };
            let streams = Streams { input, output, background: ends.background };
            let next_reader = joint.map(|(reader, _)| reader);
            let started = self.start_stage(command, &streams, next_reader);
            match started {
                Started::Process(pid) => {
                    pids.push(Some(pid));
                    done.push(0);
                }
                Started::Done(status) => {
                    pids.push(None);
                    done.push(status);
                }
            }
            if let Some(fd) = input
                && input != ends.input
            {
                let _ = close(fd);
            }
            if let Some((_, writer)) = joint {
                let _ = close(writer);
            }
            input = next_reader;
        }
        (pids, done)
    }

    /// Whether a stage only prints what the shell can print for it.
    pub fn is_printing_stage(&self, command: &Command, has_own_input: bool) -> bool {
        self.printer(command).is_some_and(|simple| is_inert(simple) || (has_own_input && is_harmless(simple)))
    }

    /// Lets the shell itself print into the pipe that follows, which holds it all; else nothing is done.
    fn print_stage(&mut self, command: &Command, output: Fd) -> Option<Started> {
        let simple = self.printer(command)?;
        let status = self.status;
        let text = self.capture_printer(simple, command.line);
        let code = std::mem::replace(&mut self.status, status);
        if text.len() <= PIPE_SIZE {
            // A reader that is gone already is no concern of the shell's.
            let _ = write_all(output, &text);
            return Some(Started::Done(code));
        }
        let pid = self.fork(|shell| {
            shell.take_streams(&Streams { output: Some(output), ..Streams::default() });
            shell.output.write(&text);
            shell.status = code;
            Ok(())
        });
        Some(pid.map_or(Started::Done(254), Started::Process))
    }

    fn start_stage(&mut self, command: &Command, streams: &Streams, next_reader: Option<Fd>) -> Started {
        if let (Some(output), Some(_)) = (streams.output, next_reader)
            && !streams.background
            && self.is_printing_stage(command, streams.input.is_none())
            && let Some(started) = self.print_stage(command, output)
        {
            return started;
        }
        if let CommandKind::Simple(simple) = &command.kind
            && self.is_direct(command)
        {
            let status = self.status;
            match self.start_direct(simple, &command.redirections, command.line, streams) {
                Ok(Some(started)) => {
                    self.status = status;
                    return started;
                }
                Ok(None) => {}
                // The error ends the stage, as it would end the child.
                Err(_) => {
                    let failed = self.status;
                    self.status = status;
                    return Started::Done(failed);
                }
            }
        }
        let pid = self.fork(|shell| {
            if let Some(fd) = next_reader {
                let _ = close(fd);
            }
            shell.take_streams(streams);
            shell.run_stage(command)
        });
        match pid {
            Ok(pid) => Started::Process(pid),
            Err(errno) => {
                self.complain(&[b"fork: ", errno.message().as_bytes()].concat());
                Started::Done(254)
            }
        }
    }

    fn run_stage(&mut self, command: &Command) -> Flow {
        match &command.kind {
            // The stage is the subshell.
            CommandKind::Subshell(list) if command.redirections.is_empty() => self.run_list(list, true),
            CommandKind::Subshell(list) => self.with_redirections(&command.redirections, |shell| shell.run_list(list, true)),
            _ => self.run_command(command, true),
        }
    }

    fn take_streams(&mut self, streams: &Streams) {
        if streams.background {
            let _ = tidepool_system::set_signal(tidepool_system::Signal::INT, tidepool_system::Disposition::Ignore);
            let _ = tidepool_system::set_signal(tidepool_system::Signal::QUIT, tidepool_system::Disposition::Ignore);
        }
        if let Some(fd) = streams.input {
            move_descriptor(fd, Fd::STDIN);
        }
        if let Some(fd) = streams.output {
            move_descriptor(fd, Fd::STDOUT);
        }
    }

    pub fn wait_for_stages(&mut self, pids: &[Option<Pid>], done: &[i32]) -> Vec<i32> {
        pids.iter().zip(done).map(|(pid, code)| self.wait_for_stage(*pid, *code).code()).collect()
    }

    fn wait_for_stage(&mut self, pid: Option<Pid>, code: i32) -> Status {
        pid.map_or(Status::Exited(code as u8), |pid| self.wait_foreground(pid))
    }

    pub fn status_of_stages(&self, statuses: &[i32]) -> i32 {
        if self.options.pipefail {
            return statuses.iter().rev().copied().find(|status| *status != 0).unwrap_or(0);
        }
        statuses.last().copied().unwrap_or(0)
    }

    /// `command &`
    #[inline(never)]
    pub(super) fn run_in_background(&mut self, chain: &AndOr) -> Flow {
        self.output.flush();
        let null = if reads_standard_input(chain) { open(b"/dev/null", Open::read().cloexec()).ok() } else { None };
        let streams = Streams { input: null, output: None, background: true };
        let pipeline = &chain.first;
        let simple = chain.rest.is_empty() && !pipeline.negated && pipeline.timed.is_none();
        let pids = if simple {
            self.start_stages(&pipeline.commands, &streams)
        } else {
            let pid = self.fork(|shell| {
                shell.take_streams(&streams);
                shell.run_and_or(chain, true)
            });
            match pid {
                Ok(pid) => (vec![Some(pid)], vec![0]),
                Err(errno) => {
                    if let Some(fd) = null {
                        let _ = close(fd);
                    }
                    return self.cannot_fork(errno);
                }
            }
        };
        if let Some(fd) = null {
            let _ = close(fd);
        }
        let (pids, done) = pids;
        let text = tidepool_syntax::print::chain(chain);
        self.last_background = self.jobs.add(&pids, &done, text);
        self.status = 0;
        Ok(())
    }

    /// `time pipeline`
    #[inline(never)]
    pub(super) fn run_timed(&mut self, pipeline: &Pipeline) -> Flow {
        let (before, clock) = (tidepool_system::times(), Instant::now());
        let untimed = Pipeline { timed: None, ..pipeline.clone() };
        let result = self.run_pipeline(&untimed, false);
        let real = clock.elapsed();
        let after = tidepool_system::times();
        let user = (after.user + after.children_user).saturating_sub(before.user + before.children_user);
        let system = (after.system + after.children_system).saturating_sub(before.system + before.children_system);
        let format = self.get(self.names.timeformat).map(<[u8]>::to_vec);
        let text = match (pipeline.timed, format) {
            (Some(Timing::Posix), _) => crate::builtin::format_times(b"real %2R\nuser %2U\nsys %2S", [real, user, system]),
            (_, Some(format)) => crate::builtin::format_times(&format, [real, user, system]),
            _ => crate::builtin::format_times(b"\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS", [real, user, system]),
        };
        if !text.is_empty() {
            self.message(&text);
        }
        result
    }
}

/// Whether the first command of a background list takes its input from the shell's: it gets /dev/null then.
fn reads_standard_input(chain: &AndOr) -> bool {
    let redirected = |redirection: &Redirection| {
        matches!(
            (&redirection.descriptor, &redirection.operation),
            (
                tidepool_syntax::ast::Descriptor::Default | tidepool_syntax::ast::Descriptor::Number(0),
                RedirectionKind::Read(_)
                    | RedirectionKind::DuplicateInput(_)
                    | RedirectionKind::HereDocument(_)
                    | RedirectionKind::HereString(_)
                    | RedirectionKind::ReadWrite(_)
            )
        )
    };
    chain.first.commands.first().is_some_and(|command| !command.redirections.iter().any(redirected))
}
