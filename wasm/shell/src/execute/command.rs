//! Simple commands: assignments, and the choice between function, built-in and program.

use std::rc::Rc;

use tidepool_syntax::ast::{Argument, Assignment, Redirection, Simple};
use tidepool_system::{Errno, Fd, Pid, Spawn, Status, find_program, stat};

use super::pipeline::{Started, Streams};
use super::redirect::{Action, Plan};
use crate::builtin::{self, Builtin, Call};
use crate::shell::{DefinedFunction, Flow, Frame, Shell, Unwind};
use crate::variables::Bytes;

/// The command's name when it needs no expansion.
pub fn constant_name(simple: &Simple) -> Option<Bytes> {
    constant_argument(simple, 0)
}

pub fn constant_argument(simple: &Simple, at: usize) -> Option<Bytes> {
    match simple.words.get(at)? {
        Argument::Word(word) => word.constant(),
        Argument::Assignment(_) => None,
    }
}

/// What stands behind a command's name.
pub enum Callee {
    Function(Rc<DefinedFunction>),
    Builtin(&'static Builtin),
    Program,
}

impl Shell {
    pub fn run_simple(&mut self, simple: &Simple, redirections: &[Redirection], line: u32, tail: bool) -> Flow {
        self.line = line;
        self.substitution_status = None;
        let opened = self.process_substitutions.len();
        let result = self.run_simple_inner(simple, redirections, tail);
        if self.process_substitutions.len() > opened {
            self.close_process_substitutions(opened);
        }
        self.substitution_status = None;
        result
    }

    #[inline(always)]
    fn run_simple_inner(&mut self, simple: &Simple, redirections: &[Redirection], tail: bool) -> Flow {
        let arguments = self.expand_arguments(simple)?;
        let Some(name) = arguments.first() else {
            return self.run_assignments_only(simple, redirections);
        };
        if self.traps.any() && !self.traps.is_running() {
            let text = tidepool_syntax::print::simple(simple, redirections);
            let command = self.names.command;
            self.variables.set(command, &text);
        }
        let result = match self.callee(name) {
            Callee::Function(function) => {
                self.run_in_place(simple, redirections, &arguments, |shell| shell.call_function(&function, &arguments))
            }
            Callee::Builtin(builtin) => self.run_builtin_command(simple, redirections, &arguments, builtin),
            Callee::Program => self.run_program(simple, redirections, &arguments, tail),
        };
        if let Some(last) = arguments.last() {
            let name = self.names.underscore;
            self.variables.set(name, last);
        }
        result
    }

    /// The words of a command; `a=b` after a declaration's name is one argument, neither split nor matched.
    #[inline(never)]
    pub fn expand_arguments(&mut self, simple: &Simple) -> Flow<Vec<Bytes>> {
        let mut arguments = Vec::with_capacity(simple.words.len());
        for argument in &simple.words {
            match argument {
                Argument::Word(word) => self.expand_word_into(word, &mut arguments)?,
                Argument::Assignment(assignment) => {
                    let text = self.assignment_as_argument(assignment)?;
                    arguments.push(text);
                }
            }
        }
        Ok(arguments)
    }

    pub fn callee(&self, name: &[u8]) -> Callee {
        if let Some(function) = self.functions.get(name) {
            return Callee::Function(function.clone());
        }
        match builtin::find(name) {
            Some(builtin) if !self.disabled_builtins.contains(name) => Callee::Builtin(builtin),
            _ => Callee::Program,
        }
    }

    #[inline(never)]
    fn run_assignments_only(&mut self, simple: &Simple, redirections: &[Redirection]) -> Flow {
        for assignment in &simple.assignments {
            if !self.run_assignment(assignment)? {
                self.status = 1;
                return Err(Unwind::Abort);
            }
        }
        self.status = self.substitution_status.unwrap_or(0);
        if !redirections.is_empty() {
            let status = self.status;
            self.with_redirections(redirections, |shell| {
                shell.status = status;
                Ok(())
            })?;
        }
        Ok(())
    }

    #[inline(always)]
    fn run_builtin_command(
        &mut self,
        simple: &Simple,
        redirections: &[Redirection],
        arguments: &[Bytes],
        builtin: &'static Builtin,
    ) -> Flow {
        if builtin.name == "exec" {
            return self.run_exec(simple, redirections, arguments);
        }
        self.run_in_place(simple, redirections, arguments, |shell| {
            let call = Call { arguments, simple: Some(simple) };
            let status = shell.run_builtin(builtin, &call)?;
            if !redirections.is_empty() {
                shell.output.flush();
            }
            shell.status = shell.check_output(builtin.name, status);
            Ok(())
        })
    }

    /// Runs a function or built-in: assignments hold while it runs, redirections are undone after it.
    #[inline(always)]
    fn run_in_place(
        &mut self,
        simple: &Simple,
        redirections: &[Redirection],
        arguments: &[Bytes],
        run: impl FnOnce(&mut Shell) -> Flow,
    ) -> Flow {
        if simple.assignments.is_empty() {
            if self.options.xtrace {
                self.trace_command(arguments);
            }
            if redirections.is_empty() {
                return run(self);
            }
            return self.with_redirections(redirections, run);
        }
        self.with_temporary(&simple.assignments, |shell| {
            if shell.options.xtrace {
                shell.trace_command(arguments);
            }
            shell.with_redirections(redirections, run)
        })
    }

    /// `x=1 command`: exported while the command runs.
    #[inline(never)]
    fn with_temporary(&mut self, assignments: &[Assignment], run: impl FnOnce(&mut Shell) -> Flow) -> Flow {
        self.variables.push_scope(false);
        let mut result = Ok(());
        for assignment in assignments {
            result = self.assign_temporary(assignment);
            if result.is_err() {
                break;
            }
        }
        if result.is_ok() {
            result = run(self);
        }
        self.variables.pop_scope();
        result
    }

    fn assign_temporary(&mut self, assignment: &Assignment) -> Flow {
        let name = self.resolve(assignment.name);
        if self.refuses(name) {
            // The command runs all the same.
            return Ok(());
        }
        let tidepool_syntax::ast::AssignedValue::Word(word) = &assignment.value else {
            self.run_assignment(assignment)?;
            return Ok(());
        };
        let mut text = self.expand_text(word)?;
        if assignment.append {
            text = [self.variables.scalar(name).unwrap_or_default(), &text[..]].concat();
        }
        if self.options.xtrace {
            self.trace_assignment(assignment, &text);
        }
        self.variables.hide(name);
        self.variables.set(name, &text);
        self.variables.entry(name).attributes.exported = true;
        Ok(())
    }

    pub fn call_function(&mut self, defined: &Rc<DefinedFunction>, arguments: &[Bytes]) -> Flow {
        self.tick();
        let function = &defined.function;
        let parameters = arguments.get(1..).unwrap_or_default().to_vec();
        let saved = std::mem::replace(&mut self.positional, parameters);
        let loops = std::mem::take(&mut self.loops);
        let line = self.line;
        self.frames.push(Frame {
            name: function.name.as_slice().into(),
            source: defined.source.clone(),
            call_line: line,
            is_function: true,
        });
        self.variables.push_scope(true);
        self.function_depth += 1;
        let returns = self.enter_return_trap();
        let result = self.run_command(&function.body, false);
        let result = self.leave_return_trap(returns, result);
        self.function_depth -= 1;
        self.variables.pop_scope();
        self.frames.pop();
        self.loops = loops;
        self.positional = saved;
        self.line = line;
        match result {
            Err(Unwind::Return) => Ok(()),
            other => other,
        }
    }

    #[inline(never)]
    fn run_program(&mut self, simple: &Simple, redirections: &[Redirection], arguments: &[Bytes], tail: bool) -> Flow {
        let environment = self.environment_with(&simple.assignments)?;
        if self.options.xtrace {
            self.trace_command(arguments);
        }
        let plan = match self.plan_redirections(redirections)? {
            Some(plan) => plan,
            None => {
                self.status = 1;
                return Ok(());
            }
        };
        self.output.flush();
        if tail && self.may_exec() {
            return self.exec_program(arguments, environment, plan);
        }
        let started = self.spawn_program(arguments, &environment, &Plan::default(), &plan, false);
        plan.close();
        match started {
            Started::Process(pid) => {
                let status = self.wait_foreground(pid);
                self.status = status.code();
                if matches!(status, Status::Signaled(_)) {
                    self.report_signal(pid, status, &tidepool_syntax::print::simple(simple, redirections));
                }
            }
            Started::Done(status) => self.status = status,
        }
        Ok(())
    }

    /// Nothing remains that the shell would have to do after its last command.
    fn may_exec(&self) -> bool {
        !self.traps.any() && self.process_substitutions.is_empty()
    }

    /// The environment of a program: what is exported, and the assignments before its name.
    pub fn environment_with(&mut self, assignments: &[Assignment]) -> Flow<Environment> {
        if assignments.is_empty() {
            let path = self.get(self.names.path).map(<[u8]>::to_vec);
            return Ok(Environment { entries: self.exports(), path });
        }
        let mut environment = None;
        self.with_temporary(assignments, |shell| {
            let path = shell.get(shell.names.path).map(<[u8]>::to_vec);
            environment = Some(Environment { entries: shell.exports(), path });
            Ok(())
        })?;
        Ok(environment.unwrap_or_default())
    }

    /// Exported variables, and functions as bash hands them on.
    fn exports(&self) -> Vec<Bytes> {
        let mut entries = self.variables.environment();
        for (name, defined) in self.functions.iter().filter(|(_, defined)| defined.exported) {
            // `() {` on one line is what bash recognizes.
            // `() {` on one line is what bash recognizes.
            let text = tidepool_syntax::print::function(&defined.function);
            let body = text.get(name.len() + b" () \n{ \n".len()..).unwrap_or_default();
            entries.push([b"BASH_FUNC_", &name[..], b"%%=() { ", body].concat());
        }
        entries
    }

    /// The file that a command's name means; else the status and message of the failure.
    pub fn locate(&mut self, name: &[u8], path: Option<&[u8]>) -> Result<Bytes, (i32, Bytes)> {
        if name.contains(&b'/') {
            return Ok(name.to_vec());
        }
        if path == self.get(self.names.path)
            && let Some((found, uses)) = self.hashed.get_mut(name)
        {
            *uses += 1;
            return Ok(found.clone());
        }
        match find_program(name, path.unwrap_or_default()) {
            Ok(found) if path.is_some_and(|path| !path.is_empty()) => {
                if path == self.get(self.names.path) {
                    self.hashed.insert(name.to_vec(), (found.clone(), 1));
                }
                Ok(found)
            }
            Err(Errno::EACCES) => Err((126, [name, b": Permission denied"].concat())),
            _ if path.is_none_or(<[u8]>::is_empty) => Err((127, [name, b": No such file or directory"].concat())),
            _ => Err((127, [name, b": command not found"].concat())),
        }
    }

    /// Starts a program with the pipeline's streams and its own redirections; a failure is told where its standard error goes.
    pub fn spawn_program(
        &mut self,
        arguments: &[Bytes],
        environment: &Environment,
        streams: &Plan,
        plan: &Plan,
        background: bool,
    ) -> Started {
        let name = arguments.first().map(Vec::as_slice).unwrap_or_default();
        let result = self
            .locate(name, environment.path.as_deref())
            .and_then(|file| self.start_file(&file, arguments, environment, streams, plan, background));
        match result {
            Ok(pid) => Started::Process(pid),
            Err((status, message)) => {
                self.complain_within(streams, plan, &message);
                Started::Done(status)
            }
        }
    }

    fn start_file(
        &mut self,
        file: &[u8],
        arguments: &[Bytes],
        environment: &Environment,
        streams: &Plan,
        plan: &Plan,
        background: bool,
    ) -> Result<Pid, (i32, Bytes)> {
        let entries = environment.for_file(file);
        let spawn = prepare(Spawn::new(file).args(arguments), &entries, streams, plan, background);
        let errno = match self.start_with_retry(&spawn) {
            Ok(pid) => return Ok(pid),
            Err(errno) => errno,
        };
        if errno == Errno::ENOEXEC {
            return self.start_script(file, arguments, &entries, streams, plan, background);
        }
        self.hashed.remove(arguments.first().map(Vec::as_slice).unwrap_or_default());
        Err(self.explain_failure(file, arguments, errno))
    }

    /// A text without `#!` is a script of this shell.
    fn start_script(
        &mut self,
        file: &[u8],
        arguments: &[Bytes],
        entries: &[Bytes],
        streams: &Plan,
        plan: &Plan,
        background: bool,
    ) -> Result<Pid, (i32, Bytes)> {
        if is_binary(file) {
            return Err((126, [file, b": cannot execute binary file: Exec format error"].concat()));
        }
        let spawn = Spawn::new(b"/bin/bash").arg(&self.name0).arg(file).args(arguments.get(1..).unwrap_or_default());
        let spawn = prepare(spawn, entries, streams, plan, background);
        self.start_with_retry(&spawn).map_err(|errno| self.explain_failure(file, arguments, errno))
    }

    /// bash's words and status for a program that could not be started.
    fn explain_failure(&self, file: &[u8], arguments: &[Bytes], errno: Errno) -> (i32, Bytes) {
        let name = arguments.first().map(Vec::as_slice).unwrap_or_default();
        let about = |status: i32, text: &str| (status, [name, b": ", text.as_bytes()].concat());
        match (errno, stat(file)) {
            (Errno::EAGAIN | Errno::ENOMEM, _) => (254, [b"fork: ", errno.message().as_bytes()].concat()),
            (_, Ok(stat)) if stat.is_dir() => about(126, "Is a directory"),
            (Errno::ENOENT, Ok(_)) => match interpreter(file) {
                Some(_) => about(127, "cannot execute: required file not found"),
                None => about(126, "No such file or directory"),
            },
            (Errno::ENOENT, _) => about(127, "No such file or directory"),
            (Errno::ENOTDIR, _) => about(126, "Not a directory"),
            (errno, _) => about(126, &errno.message()),
        }
    }

    /// Replaces the shell by the program.
    pub fn exec_program(&mut self, arguments: &[Bytes], environment: Environment, plan: Plan) -> Flow {
        let name = arguments.first().map(Vec::as_slice).unwrap_or_default();
        self.output.flush();
        self.apply_for_good(&plan);
        let located = self.locate(name, environment.path.as_deref());
        let (status, message) = match located {
            Err(failure) => failure,
            Ok(file) => {
                let entries = environment.for_file(&file);
                let mut errno = tidepool_system::exec(&file, arguments, Some(&entries));
                if errno == Errno::ENOEXEC && !is_binary(&file) {
                    let mut script = vec![self.name0.clone(), file.clone()];
                    script.extend_from_slice(arguments.get(1..).unwrap_or_default());
                    errno = tidepool_system::exec(b"/bin/bash", &script, Some(&entries));
                }
                if errno == Errno::ENOEXEC {
                    (126, [&file[..], b": cannot execute binary file: Exec format error"].concat())
                } else {
                    self.explain_failure(&file, arguments, errno)
                }
            }
        };
        self.complain(&message);
        self.status = status;
        Err(Unwind::Exit)
    }

    fn complain_within(&mut self, streams: &Plan, plan: &Plan, message: &[u8]) {
        let actions: Vec<Action> = streams.actions.iter().chain(&plan.actions).copied().collect();
        let saved = self.apply(&actions);
        self.complain(message);
        self.restore(saved);
    }

    /// Pipeline stage: expansion, plan and spawn of one program, whose words are inert.
    pub fn start_direct(
        &mut self,
        simple: &Simple,
        redirections: &[Redirection],
        line: u32,
        streams: &Streams,
    ) -> Flow<Option<Started>> {
        self.line = line;
        let arguments = self.expand_arguments(simple)?;
        match arguments.first() {
            Some(name) if matches!(self.callee(name), Callee::Program) => {}
            _ => return Ok(None),
        }
        let environment = self.environment_with(&simple.assignments)?;
        if self.options.xtrace {
            self.trace_command(&arguments);
        }
        let base = streams.plan();
        let Some(plan) = self.plan_redirections(redirections)? else {
            return Ok(Some(Started::Done(1)));
        };
        let started = self.spawn_program(&arguments, &environment, &base, &plan, streams.background);
        plan.close();
        Ok(Some(started))
    }
}

/// What a program gets as its environment, and the PATH it is searched in.
#[derive(Debug, Default)]
pub struct Environment {
    pub entries: Vec<Bytes>,
    pub path: Option<Bytes>,
}

impl Environment {
    /// With `_`, the file that runs.
    fn for_file(&self, file: &[u8]) -> Vec<Bytes> {
        let mut entries: Vec<Bytes> = self.entries.iter().filter(|entry| !entry.starts_with(b"_=")).cloned().collect();
        entries.push([b"_=", file].concat());
        entries
    }
}

fn prepare(spawn: Spawn, entries: &[Bytes], streams: &Plan, plan: &Plan, background: bool) -> Spawn {
    let mut spawn = spawn.env(entries);
    for action in streams.actions.iter().chain(&plan.actions) {
        spawn = match *action {
            Action::Duplicate { from, to } => spawn.dup2(from, to),
            Action::Close(fd) => spawn.close(fd),
        };
    }
    if background { spawn.ignore_interrupt() } else { spawn }
}

fn first_bytes(file: &[u8]) -> Bytes {
    let mut bytes = vec![0; 128];
    let opened = tidepool_system::open(file, tidepool_system::Open::read().cloexec());
    let count = opened.and_then(|fd: Fd| {
        let count = tidepool_system::read(fd, &mut bytes);
        tidepool_system::close(fd)?;
        count
    });
    bytes.truncate(count.unwrap_or(0));
    bytes
}

fn is_binary(file: &[u8]) -> bool {
    let bytes = first_bytes(file);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.contains(&0)
}

/// The interpreter that a script's `#!` names.
fn interpreter(file: &[u8]) -> Option<Bytes> {
    let bytes = first_bytes(file);
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    line.trim_ascii().split(|byte| *byte == b' ').next().map(<[u8]>::to_vec)
}
