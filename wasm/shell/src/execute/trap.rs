//! Traps: commands for signals, for EXIT and for ERR. A caught signal runs its command between two commands.

use std::collections::BTreeMap;

use tidepool_system::{Disposition, Signal, pending, set_signal};

use crate::shell::{Flow, Shell, Unwind};
use crate::variables::Bytes;

/// What `trap` can be set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Exit,
    Signal(u32),
    Error,
    Return,
}

#[derive(Debug, Default)]
pub struct Traps {
    commands: BTreeMap<Event, Bytes>,
    waiting: Vec<Signal>,
    /// In a subshell the parent's traps are still listed until one is set.
    inherited: BTreeMap<Event, Bytes>,
    running: bool,
}

impl Event {
    pub fn parse(text: &[u8]) -> Option<Event> {
        let text = std::str::from_utf8(text).ok()?;
        match text.to_ascii_uppercase().as_str() {
            "ERR" => return Some(Event::Error),
            "RETURN" => return Some(Event::Return),
            _ => {}
        }
        match Signal::parse(text)? {
            Signal(0) => Some(Event::Exit),
            Signal(number) => Some(Event::Signal(number)),
        }
    }

    pub fn name(self) -> String {
        match self {
            Event::Exit => "EXIT".to_owned(),
            Event::Error => "ERR".to_owned(),
            Event::Return => "RETURN".to_owned(),
            Event::Signal(number) => match Signal(number).name() {
                Some(name) => format!("SIG{name}"),
                None => number.to_string(),
            },
        }
    }
}

impl Traps {
    pub fn any(&self) -> bool {
        !self.commands.is_empty()
    }

    pub fn is_running(&self) -> bool {
        self.running
    }

    pub fn has_debugging(&self) -> bool {
        self.commands.contains_key(&Event::Error)
    }

    pub fn list(&self) -> &BTreeMap<Event, Bytes> {
        if self.commands.is_empty() { &self.inherited } else { &self.commands }
    }

    /// None puts the default back; an empty command ignores the signal. False when the signal cannot be caught.
    pub fn set(&mut self, event: Event, command: Option<&[u8]>) {
        self.inherited.clear();
        if let Event::Signal(number) = event {
            let disposition = match command {
                None => Disposition::Default,
                Some(b"") => Disposition::Ignore,
                Some(_) => Disposition::Catch,
            };
            // KILL and STOP cannot be caught; bash accepts the command silently.
            let _ = set_signal(Signal(number), disposition);
        }
        match command {
            Some(text) => self.commands.insert(event, text.to_vec()),
            None => self.commands.remove(&event),
        };
    }

    /// Caught signals get their defaults back; ignored ones stay ignored.
    pub fn enter_subshell(&mut self) {
        let old = std::mem::take(&mut self.commands);
        for (event, command) in &old {
            if let Event::Signal(number) = event
                && !command.is_empty()
            {
                let _ = set_signal(Signal(*number), Disposition::Default);
            }
        }
        let ignored = |(event, command): (&Event, &Bytes)| {
            (matches!(event, Event::Signal(_)) && command.is_empty()).then(|| (*event, command.clone()))
        };
        self.commands = old.iter().filter_map(ignored).collect();
        self.inherited = old;
        self.waiting.clear();
        self.running = false;
    }
}

impl Shell {
    /// The trapped signal that waits first, if any.
    pub fn peek_trapped_signal(&mut self) -> Option<Signal> {
        for signal in pending().iter() {
            self.traps.waiting.push(signal);
        }
        self.traps.waiting.first().copied()
    }

    #[inline(never)]
    pub fn run_pending_traps(&mut self) -> Flow {
        if self.traps.commands.is_empty() || self.traps.running || self.peek_trapped_signal().is_none() {
            return Ok(());
        }
        for signal in std::mem::take(&mut self.traps.waiting) {
            if let Some(command) = self.traps.commands.get(&Event::Signal(signal.0)).cloned() {
                self.run_trap(&command)?;
            }
        }
        Ok(())
    }

    /// Runs a trap's command; `$?` is afterwards what it was before.
    fn run_trap(&mut self, command: &[u8]) -> Flow {
        let (status, line) = (self.status, self.line);
        let pipe_status = self.pipe_status.clone();
        let running = std::mem::replace(&mut self.traps.running, true);
        let result = self.run_text(command, line);
        self.traps.running = running;
        self.line = line;
        self.pipe_status = pipe_status;
        if result != Err(Unwind::Exit) {
            self.status = status;
        }
        result
    }

    #[inline(never)]
    pub fn run_error_trap(&mut self) -> Flow {
        if self.traps.running || (self.function_depth > 0 && !self.options.errtrace) {
            return Ok(());
        }
        match self.traps.commands.get(&Event::Error).cloned() {
            Some(command) => self.run_trap(&command),
            None => Ok(()),
        }
    }

    /// A function does not have its caller's RETURN trap, unless `set -T`.
    pub fn enter_return_trap(&mut self) -> Option<Bytes> {
        if self.options.functrace { None } else { self.traps.commands.remove(&Event::Return) }
    }

    /// Runs the RETURN trap of the function that ends, and puts its caller's back.
    pub fn leave_return_trap(&mut self, callers: Option<Bytes>, result: Flow) -> Flow {
        let mut result = result;
        if matches!(result, Ok(()) | Err(Unwind::Return))
            && !self.traps.running
            && let Some(command) = self.traps.commands.get(&Event::Return).cloned()
            && let Err(unwind) = self.run_trap(&command)
        {
            result = Err(unwind);
        }
        if let Some(command) = callers {
            self.traps.commands.insert(Event::Return, command);
        }
        result
    }

    /// The EXIT trap, once; an `exit` in it sets the status.
    pub fn run_exit_trap(&mut self) {
        self.traps.running = false;
        if let Some(command) = self.traps.commands.remove(&Event::Exit) {
            // What it unwinds to is the end.
            let _ = self.run_trap(&command);
        }
    }
}
