//! Running the syntax tree: lists, and-or chains, and what a failure does.

pub mod assign;
pub mod command;
pub mod condition;
mod control;
pub mod inert;
pub mod job;
pub mod pipeline;
pub mod redirect;
pub mod script;
mod select;
pub mod trap;

use tidepool_syntax::ast::{AndOr, Command, CommandKind, Connector, Item, List, Pipeline};

use crate::shell::{Flow, MAXIMUM_NESTING, Shell};

impl Shell {
    /// `tail`: the process has nothing to do after this list, so its last command may replace it.
    pub fn run_list(&mut self, list: &List, tail: bool) -> Flow {
        let last = list.items.len().saturating_sub(1);
        for (at, item) in list.items.iter().enumerate() {
            self.run_item(item, tail && at == last)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn run_item(&mut self, item: &Item, tail: bool) -> Flow {
        self.run_pending_traps()?;
        // The command after a `kill` comes first: `kill $p; wait $p 2>/dev/null` is silent.
        if !std::mem::take(&mut self.has_killed) && !self.jobs.is_quiet() {
            self.notify_jobs();
        }
        if self.options.noexec {
            return Ok(());
        }
        if item.background { self.run_in_background(&item.chain) } else { self.run_and_or(&item.chain, tail) }
    }

    #[inline(always)]
    pub fn run_and_or(&mut self, chain: &AndOr, tail: bool) -> Flow {
        if chain.rest.is_empty() {
            return self.run_pipeline(&chain.first, tail);
        }
        let last = chain.rest.len() - 1;
        self.run_as_condition(|shell| shell.run_pipeline(&chain.first, false))?;
        for (at, (connector, pipeline)) in chain.rest.iter().enumerate() {
            if (self.status == 0) != (*connector == Connector::And) {
                continue;
            }
            if at == last {
                self.run_pipeline(pipeline, tail)?;
            } else {
                self.run_as_condition(|shell| shell.run_pipeline(pipeline, false))?;
            }
        }
        Ok(())
    }

    /// A failure of `run` is an answer, not an error.
    #[inline(always)]
    pub fn run_as_condition(&mut self, run: impl FnOnce(&mut Shell) -> Flow) -> Flow {
        self.conditions += 1;
        let result = run(self);
        self.conditions -= 1;
        result
    }

    #[inline(always)]
    fn run_pipeline(&mut self, pipeline: &Pipeline, tail: bool) -> Flow {
        if pipeline.timed.is_some() {
            return self.run_timed(pipeline);
        }
        if pipeline.negated {
            self.run_as_condition(|shell| shell.run_stages_or_command(pipeline, false))?;
            self.status = i32::from(self.status == 0);
            return Ok(());
        }
        self.run_stages_or_command(pipeline, tail)?;
        self.check_failure(pipeline)
    }

    #[inline(always)]
    pub(crate) fn run_stages_or_command(&mut self, pipeline: &Pipeline, tail: bool) -> Flow {
        match pipeline.commands.as_slice() {
            [command] => {
                self.run_command(command, tail)?;
                if !is_transparent(command) {
                    self.pipe_status.clear();
                    self.pipe_status.push(self.status);
                }
                Ok(())
            }
            commands => self.run_foreground_pipeline(commands),
        }
    }

    /// `set -e` and the ERR trap, after a command that failed and was no condition.
    fn check_failure(&mut self, pipeline: &Pipeline) -> Flow {
        if self.status == 0 || self.conditions > 0 {
            return Ok(());
        }
        if let [command] = pipeline.commands.as_slice()
            && is_transparent(command)
        {
            return Ok(());
        }
        self.run_error_trap()?;
        if self.options.errexit { Err(crate::shell::Unwind::Exit) } else { Ok(()) }
    }

    pub fn run_command(&mut self, command: &Command, tail: bool) -> Flow {
        if self.nesting >= MAXIMUM_NESTING {
            return self.nested_too_deeply();
        }
        self.nesting += 1;
        let result = self.run_command_here(command, tail);
        self.nesting -= 1;
        result
    }

    #[inline(never)]
    fn nested_too_deeply(&mut self) -> Flow {
        let depth = self.function_depth;
        let name = self.frames.last().map_or_else(|| self.name0.as_slice().into(), |frame| frame.name.clone());
        self.abort(&[&name[..], format!(": maximum function nesting level exceeded ({depth})").as_bytes()].concat())
    }

    #[inline(always)]
    fn run_command_here(&mut self, command: &Command, tail: bool) -> Flow {
        if let CommandKind::Simple(simple) = &command.kind {
            return self.run_simple(simple, &command.redirections, command.line, tail);
        }
        if let CommandKind::Subshell(list) = &command.kind {
            return self.run_subshell(list, &command.redirections);
        }
        if command.redirections.is_empty() {
            return self.run_compound(command, tail);
        }
        self.line = command.line;
        self.with_redirections(&command.redirections, |shell| shell.run_compound(command, false))
    }

    fn run_compound(&mut self, command: &Command, tail: bool) -> Flow {
        match &command.kind {
            CommandKind::Simple(simple) => self.run_simple(simple, &[], command.line, tail),
            CommandKind::Subshell(list) => self.run_subshell(list, &[]),
            CommandKind::Group(list) => self.run_list(list, tail),
            CommandKind::If(parts) => self.run_if(parts, tail),
            CommandKind::Loop(parts) => self.run_loop(parts),
            CommandKind::For(parts) => self.run_for(parts, command.line),
            CommandKind::ArithmeticFor(parts) => self.run_arithmetic_for(parts, command.line),
            CommandKind::Case(parts) => self.run_case(parts, command.line, tail),
            CommandKind::Condition(condition) => self.run_condition(condition, command.line),
            CommandKind::Arithmetic(arithmetic) => self.run_arithmetic(arithmetic, command.line),
            CommandKind::Function(function) => self.define_function(function),
            CommandKind::Select(parts) => self.run_select(parts, command.line),
            CommandKind::Coprocess(_) => self.unsupported(b"coproc is not supported yet"),
        }
    }

    fn unsupported(&mut self, text: &[u8]) -> Flow {
        self.complain(text);
        self.status = 2;
        Ok(())
    }
}

/// A compound command whose failure is that of a command in it, which has been judged already.
fn is_transparent(command: &Command) -> bool {
    !matches!(
        command.kind,
        CommandKind::Simple(_) | CommandKind::Subshell(_) | CommandKind::Condition(_) | CommandKind::Arithmetic(_)
    )
}
