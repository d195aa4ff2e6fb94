//! Reading and running scripts: command strings, files, standard input, `eval` and `.`.

use std::cell::Cell;
use std::rc::Rc;

use tidepool_syntax::ast::CommandKind;
use tidepool_syntax::{ErrorKind, Options, Parser, Source, SyntaxError, TextSource};
use tidepool_system::{Fd, Whence, exit, read, seek, write_all};

use crate::shell::{DefinedFunction, Flow, MAXIMUM_SUBSTITUTION_DEPTH, Shell, Unwind};

/// What a script is, which decides how its syntax errors are introduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `bash -c`
    CommandString,
    File,
    Input,
    Eval,
}

/// Prints each line as it is read, for `set -v`.
struct Echo {
    inner: TextSource,
    verbose: Rc<Cell<bool>>,
}

impl Source for Echo {
    fn read_line(&mut self, text: &mut Vec<u8>) -> bool {
        let start = text.len();
        let more = self.inner.read_line(text);
        if more && self.verbose.get() {
            let _ = write_all(Fd::STDERR, text.get(start..).unwrap_or_default());
        }
        more
    }
}

/// Standard input, read no further than the line that is needed: a command may read the rest.
struct InputSource {
    verbose: Rc<Cell<bool>>,
    seekable: bool,
}

impl InputSource {
    fn read_into(&mut self, text: &mut Vec<u8>) -> bool {
        if self.seekable {
            return self.read_by_seeking(text);
        }
        let mut byte = [0];
        let start = text.len();
        while matches!(read(Fd::STDIN, &mut byte), Ok(1)) {
            text.push(byte[0]);
            if byte[0] == b'\n' {
                break;
            }
        }
        text.len() > start
    }

    fn read_by_seeking(&mut self, text: &mut Vec<u8>) -> bool {
        let mut block = [0; 1024];
        let start = text.len();
        while let Ok(count @ 1..) = read(Fd::STDIN, &mut block) {
            let block = block.get(..count).unwrap_or_default();
            if let Some(end) = block.iter().position(|byte| *byte == b'\n') {
                text.extend_from_slice(block.get(..=end).unwrap_or_default());
                let _ = seek(Fd::STDIN, end as i64 + 1 - count as i64, Whence::Current);
                break;
            }
            text.extend_from_slice(block);
        }
        text.len() > start
    }
}

impl Source for InputSource {
    fn read_line(&mut self, text: &mut Vec<u8>) -> bool {
        let start = text.len();
        let more = self.read_into(text);
        if more && self.verbose.get() {
            let _ = write_all(Fd::STDERR, text.get(start..).unwrap_or_default());
        }
        more
    }
}

impl Shell {
    fn grammar(&self) -> Options {
        Options { extended_globs: self.shopts.extglob }
    }

    pub fn run_command_string(&mut self, text: &[u8]) -> Flow {
        let verbose = Rc::new(Cell::new(self.options.verbose));
        let source = Echo { inner: TextSource::with_newline(text), verbose: verbose.clone() };
        self.run_parser(Parser::new(Box::new(source), 1), Origin::CommandString, &verbose, true)
    }

    pub fn run_file_text(&mut self, text: &[u8]) -> Flow {
        let verbose = Rc::new(Cell::new(self.options.verbose));
        let source = Echo { inner: TextSource::new(text), verbose: verbose.clone() };
        self.run_parser(Parser::new(Box::new(source), 1), Origin::File, &verbose, false)
    }

    pub fn run_input(&mut self) -> Flow {
        let verbose = Rc::new(Cell::new(self.options.verbose));
        let seekable = seek(Fd::STDIN, 0, Whence::Current).is_ok();
        let source = InputSource { verbose: verbose.clone(), seekable };
        self.run_parser(Parser::new(Box::new(source), 1), Origin::Input, &verbose, false)
    }

    /// `eval` and traps: the text's lines are numbered from the line it stands on.
    pub fn run_text(&mut self, text: &[u8], line: u32) -> Flow {
        if self.substitution_depth >= MAXIMUM_SUBSTITUTION_DEPTH {
            return self.fatal(b"eval: maximum eval nesting level exceeded (64)", 1);
        }
        self.substitution_depth += 1;
        self.trace_level += 1;
        let verbose = Rc::new(Cell::new(self.options.verbose));
        let source = TextSource::with_newline(text);
        let result = self.run_parser(Parser::new(Box::new(source), line), Origin::Eval, &verbose, false);
        self.trace_level -= 1;
        self.substitution_depth -= 1;
        result
    }

    /// Runs command after command. `tail`: the process ends with the script.
    fn run_parser(&mut self, mut parser: Parser, origin: Origin, verbose: &Cell<bool>, tail: bool) -> Flow {
        let mut ran = false;
        loop {
            parser.options = self.grammar();
            verbose.set(self.options.verbose);
            if self.shopts.expand_aliases && parser.aliases != self.aliases {
                parser.aliases.clone_from(&self.aliases);
            }
            let command = parser.next_command();
            for (line, warning) in std::mem::take(&mut parser.warnings) {
                self.line = line;
                self.complain(&warning);
            }
            let list = match command {
                Ok(Some(list)) => list,
                Ok(None) => break,
                Err(error) => {
                    self.report_syntax(&error, origin);
                    if !matches!(error.kind, ErrorKind::Condition(_)) {
                        self.status = 2;
                    }
                    return if origin == Origin::Eval { Ok(()) } else { Err(Unwind::Exit) };
                }
            };
            ran = true;
            let is_last = tail && parser.at_end();
            match self.run_list(&list, is_last) {
                Ok(()) => {}
                Err(Unwind::Abort) if self.options.errexit => return Err(Unwind::Exit),
                Err(Unwind::Abort) if origin == Origin::Eval && self.subshell_level > 0 => return Err(Unwind::Abort),
                Err(Unwind::Abort) => {}
                Err(other) => return Err(other),
            }
            self.run_pending_traps()?;
        }
        if !ran {
            self.status = 0;
        }
        Ok(())
    }

    fn report_syntax(&mut self, error: &SyntaxError, origin: Origin) {
        let middle: &[u8] = match origin {
            Origin::CommandString => b"-c: ",
            Origin::Eval => b"eval: ",
            _ => b"",
        };
        let speaker = self.speaker();
        for message in error.messages() {
            let line = error.line.to_string();
            self.message(&[&speaker[..], b": ", middle, b"line ", line.as_bytes(), b": ", &message].concat());
        }
    }

    /// A function from the environment: its text is `() { … }`. What is no function is ignored.
    pub fn import_function(&mut self, name: &[u8], text: &[u8]) {
        let mut parser = Parser::from_text(&[name, b" ", text].concat(), 1);
        let Ok(Some(list)) = parser.next_command() else {
            return;
        };
        let command = list.items.first().and_then(|item| item.chain.first.commands.first());
        if let Some(CommandKind::Function(function)) = command.map(|command| &command.kind)
            && parser.at_end()
        {
            let defined = DefinedFunction { function: function.clone(), source: Rc::from(&b"environment"[..]), exported: true };
            self.functions.insert(name.to_vec(), Rc::new(defined));
        }
    }

    /// Ends the process with the outcome of what it ran.
    pub fn leave(&mut self, result: Flow) -> ! {
        if let Err(Unwind::Abort) = result
            && self.status == 0
        {
            self.status = 1;
        }
        self.run_exit_trap();
        self.output.flush();
        exit(self.status & 0xff)
    }
}
