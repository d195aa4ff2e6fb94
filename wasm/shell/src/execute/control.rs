//! `if`, loops, `case`, arithmetic commands, functions' definitions.

use std::rc::Rc;

use tidepool_syntax::ast::{Arithmetic, ArithmeticFor, Case, CaseEnd, For, Function, If, List, Loop};
use tidepool_syntax::{Name, is_name};

use crate::shell::{DefinedFunction, Flow, Shell, Unwind};

/// What a loop does after a round.
enum Next {
    Round,
    Stop,
}

impl Shell {
    pub(super) fn run_if(&mut self, parts: &If, tail: bool) -> Flow {
        for (condition, body) in &parts.branches {
            self.run_as_condition(|shell| shell.run_list(condition, false))?;
            if self.status == 0 {
                return self.run_list(body, tail);
            }
        }
        match &parts.otherwise {
            Some(body) => self.run_list(body, tail),
            None => {
                self.status = 0;
                Ok(())
            }
        }
    }

    /// One run of a loop's list; `break` and `continue` end here or go on outwards.
    fn run_round(&mut self, body: &List) -> Flow<Next> {
        match self.run_list(body, false) {
            Ok(()) => Ok(Next::Round),
            Err(Unwind::Break(levels)) if levels > 1 => Err(Unwind::Break(levels - 1)),
            Err(Unwind::Break(_)) => Ok(Next::Stop),
            Err(Unwind::Continue(levels)) if levels > 1 => Err(Unwind::Continue(levels - 1)),
            Err(Unwind::Continue(_)) => Ok(Next::Round),
            Err(other) => Err(other),
        }
    }

    #[inline(always)]
    fn in_loop(&mut self, run: impl FnOnce(&mut Shell) -> Flow) -> Flow {
        self.loops += 1;
        let result = run(self);
        self.loops -= 1;
        result
    }

    pub(super) fn run_loop(&mut self, parts: &Loop) -> Flow {
        self.in_loop(|shell| {
            let mut status = 0;
            loop {
                shell.tick();
                shell.conditions += 1;
                let next = shell.run_round(&parts.condition);
                shell.conditions -= 1;
                if matches!(next?, Next::Stop) {
                    break;
                }
                if (shell.status == 0) == parts.until {
                    break;
                }
                let next = shell.run_round(&parts.body)?;
                status = shell.status;
                if matches!(next, Next::Stop) {
                    break;
                }
            }
            shell.status = status;
            Ok(())
        })
    }

    pub(super) fn run_for(&mut self, parts: &For, line: u32) -> Flow {
        self.line = line;
        let values = match &parts.words {
            Some(words) => self.expand_words(words)?,
            None => self.positional.clone(),
        };
        if !is_name(&parts.name) {
            self.complain(&[b"`", &parts.name[..], b"': not a valid identifier"].concat());
            self.status = 1;
            return Ok(());
        }
        let name = Name::new(&parts.name);
        self.status = 0;
        self.in_loop(|shell| {
            for value in &values {
                shell.tick();
                shell.line = line;
                if shell.options.xtrace {
                    shell.trace_for(parts);
                }
                if !shell.assign(name, value)? {
                    shell.status = 1;
                    return Err(Unwind::Abort);
                }
                if matches!(shell.run_round(&parts.body)?, Next::Stop) {
                    break;
                }
            }
            Ok(())
        })
    }

    pub(super) fn run_arithmetic_for(&mut self, parts: &ArithmeticFor, line: u32) -> Flow {
        self.line = line;
        if let Some(initial) = &parts.initial {
            self.step(initial, line)?;
        }
        self.status = 0;
        self.in_loop(|shell| {
            loop {
                shell.tick();
                if let Some(condition) = &parts.condition
                    && shell.step(condition, line)? == 0
                {
                    return Ok(());
                }
                if matches!(shell.run_round(&parts.body)?, Next::Stop) {
                    return Ok(());
                }
                if let Some(step) = &parts.step {
                    shell.step(step, line)?;
                }
            }
        })
    }

    fn step(&mut self, arithmetic: &Arithmetic, line: u32) -> Flow<i64> {
        self.line = line;
        if self.options.xtrace {
            self.trace_arithmetic(arithmetic, false)?;
        }
        self.evaluate_command(arithmetic)
    }

    /// Arithmetic of `((…))`: an error is named after it.
    fn evaluate_command(&mut self, arithmetic: &Arithmetic) -> Flow<i64> {
        let before = self.arithmetic_speaker;
        self.arithmetic_speaker = b"((: ";
        let result = self.evaluate(arithmetic);
        self.arithmetic_speaker = before;
        result
    }

    pub(super) fn run_arithmetic(&mut self, arithmetic: &Arithmetic, line: u32) -> Flow {
        self.line = line;
        if self.options.xtrace {
            self.trace_arithmetic(arithmetic, true)?;
        }
        match self.evaluate_command(arithmetic) {
            Ok(value) => self.status = i32::from(value == 0),
            Err(Unwind::Abort) => self.status = 1,
            Err(other) => return Err(other),
        }
        Ok(())
    }

    pub(super) fn run_case(&mut self, parts: &Case, line: u32, tail: bool) -> Flow {
        self.line = line;
        let subject = self.expand_text(&parts.subject)?;
        if self.options.xtrace {
            self.trace(&[b"case ", &tidepool_syntax::print::word(&parts.subject)[..], b" in"].concat());
        }
        self.status = 0;
        let mut falls = false;
        for arm in &parts.arms {
            if !falls && !self.matches_any(&arm.patterns, &subject)? {
                continue;
            }
            self.run_list(&arm.body, tail && arm.end == CaseEnd::Break)?;
            match arm.end {
                CaseEnd::Break => return Ok(()),
                CaseEnd::FallThrough => falls = true,
                CaseEnd::Continue => falls = false,
            }
        }
        Ok(())
    }

    fn matches_any(&mut self, patterns: &[tidepool_syntax::ast::Word], subject: &[u8]) -> Flow<bool> {
        for word in patterns {
            let pattern = self.expand_pattern(word)?;
            if self.pattern(&pattern, self.shopts.nocasematch).matches(subject) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn define_function(&mut self, function: &Rc<Function>) -> Flow {
        let mut source = self.current_source();
        if source.is_empty() {
            // How bash calls functions that no file defined.
            source = if self.is_command_string { Rc::from(&b"environment"[..]) } else { Rc::from(&b"main"[..]) };
        }
        let defined = DefinedFunction { function: function.clone(), source, exported: false };
        self.functions.insert(function.name.clone(), Rc::new(defined));
        self.status = 0;
        Ok(())
    }
}
