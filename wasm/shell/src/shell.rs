//! The state of a shell, and what every part of it needs: messages, statuses, assignment with attributes.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use tidepool_syntax::Name;
use tidepool_syntax::ast::Function;
use tidepool_system::{Fd, Pid, getpid, write_all};

use crate::execute::job::Jobs;
use crate::execute::trap::Traps;
use crate::names::Names;
use crate::options::{Options, Shopts};
use crate::output::Output;
use crate::variables::{Bytes, Value, Variable, Variables};

/// Why commands stop before their end. The status is in `Shell::status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwind {
    Break(usize),
    Continue(usize),
    Return,
    Exit,
    /// An error gives up the rest of the complete command; the script goes on with its next line.
    Abort,
}

pub type Flow<T = ()> = Result<T, Unwind>;

pub struct DefinedFunction {
    pub function: Rc<Function>,
    /// The script that defined it, for messages; empty for a command string.
    pub source: Rc<[u8]>,
    /// `export -f`: programs get it in their environment.
    pub exported: bool,
}

/// A function or sourced script that is running.
pub struct Frame {
    pub name: Rc<[u8]>,
    pub source: Rc<[u8]>,
    pub call_line: u32,
    pub is_function: bool,
}

pub struct Shell {
    pub names: Names,
    pub variables: Variables,
    pub functions: HashMap<Bytes, Rc<DefinedFunction>>,
    pub aliases: HashMap<Bytes, Bytes>,
    pub options: Options,
    pub shopts: Shopts,
    pub name0: Bytes,
    pub positional: Vec<Bytes>,
    pub status: i32,
    /// The status of the last command substitution in the command that is running.
    pub substitution_status: Option<i32>,
    pub line: u32,
    pub pid: Pid,
    pub last_background: Option<Pid>,
    pub jobs: Jobs,
    pub traps: Traps,
    pub output: Output,
    /// How many conditions (`if`, `&&`, `!`) enclose the running command: a failure in them is no error.
    pub conditions: u32,
    pub loops: usize,
    pub frames: Vec<Frame>,
    pub function_depth: usize,
    pub substitution_depth: usize,
    pub subshell_level: u32,
    pub is_command_string: bool,
    pub is_script_file: bool,
    /// `bash -s`
    pub reads_input: bool,
    pub hashed: HashMap<Bytes, (Bytes, u32)>,
    pub random: u64,
    pub started: Instant,
    pub seconds_offset: i64,
    pub option_letter: usize,
    pub directories: Vec<Bytes>,
    pub disabled_builtins: HashSet<Bytes>,
    pub process_substitutions: Vec<(Fd, Pid)>,
    pub pipe_status: Vec<i32>,
    /// Who speaks in an arithmetic error: `((: `, `let: `, or nobody.
    pub arithmetic_speaker: &'static [u8],
    /// The test in `[[ ]]` could not be made; the status is set.
    pub condition_failed: bool,
    pub trace_level: usize,
    /// The command before was `kill`.
    pub has_killed: bool,
    pub nesting: usize,
    rounds: u32,
}

/// Commands within commands, through functions and all: two for a call of a function. A process of a cell has a stack of
/// about 1 MB, which holds half as much again.
pub const MAXIMUM_NESTING: usize = 1000;
/// `$( )` within `$( )` and `eval` within `eval`.
pub const MAXIMUM_SUBSTITUTION_DEPTH: usize = 64;

impl Shell {
    pub fn new() -> Shell {
        let started = Instant::now();
        Shell {
            names: Names::new(),
            variables: Variables::default(),
            functions: HashMap::new(),
            aliases: HashMap::new(),
            options: Options::at_start(),
            shopts: Shopts::at_start(),
            name0: b"bash".to_vec(),
            positional: Vec::new(),
            status: 0,
            substitution_status: None,
            line: 1,
            pid: getpid(),
            last_background: None,
            jobs: Jobs::default(),
            traps: Traps::default(),
            output: Output::default(),
            conditions: 0,
            loops: 0,
            frames: Vec::new(),
            function_depth: 0,
            substitution_depth: 0,
            subshell_level: 0,
            is_command_string: false,
            is_script_file: false,
            reads_input: false,
            hashed: HashMap::new(),
            random: 0,
            started,
            seconds_offset: 0,
            option_letter: 0,
            directories: Vec::new(),
            disabled_builtins: HashSet::new(),
            process_substitutions: Vec::new(),
            pipe_status: Vec::new(),
            arithmetic_speaker: b"",
            condition_failed: false,
            trace_level: 0,
            has_killed: false,
            nesting: 0,
            rounds: 0,
        }
    }

    /// Called at each loop round and function call, so that a loop without commands leaves time to other processes.
    pub fn tick(&mut self) {
        self.rounds = self.rounds.wrapping_add(1);
        if self.rounds & 31 == 0 {
            tidepool_system::yield_now();
            if self.rounds & 0xfff == 0 {
                self.output.flush();
            }
        }
    }

    /// Who speaks in a message: the script, or how bash calls its command string.
    pub fn speaker(&self) -> Bytes {
        match self.frames.last() {
            Some(frame) if !frame.source.is_empty() => frame.source.to_vec(),
            _ => self.name0.clone(),
        }
    }

    /// Writes a line to standard error, after what built-ins have printed.
    pub fn message(&mut self, text: &[u8]) {
        self.output.flush();
        // Nothing can be done about a message that cannot be written.
        let _ = write_all(Fd::STDERR, &[text, b"\n"].concat());
    }

    /// `bash: line 1: TEXT`
    pub fn complain(&mut self, text: &[u8]) {
        let prefix = [&self.speaker()[..], b": line ", self.line.to_string().as_bytes(), b": "].concat();
        self.message(&[&prefix, text].concat());
    }

    /// `bash: line 1: NAME: TEXT`
    pub fn complain_about(&mut self, name: &[u8], text: &[u8]) {
        self.complain(&[name, b": ", text].concat());
    }

    /// An error that gives up the running complete command with status 1.
    pub fn abort<T>(&mut self, text: &[u8]) -> Flow<T> {
        self.complain(text);
        self.status = 1;
        Err(Unwind::Abort)
    }

    /// An error that ends the shell.
    pub fn fatal<T>(&mut self, text: &[u8], status: i32) -> Flow<T> {
        self.complain(text);
        self.status = status;
        Err(Unwind::Exit)
    }

    /// The script that is running: a sourced file, a function's home, or none for a command string.
    pub fn current_source(&self) -> Rc<[u8]> {
        match self.frames.last() {
            Some(frame) => frame.source.clone(),
            None if self.is_script_file => self.name0.as_slice().into(),
            None => Rc::from(&b""[..]),
        }
    }

    pub fn get(&self, name: Name) -> Option<&[u8]> {
        self.variables.scalar(name)
    }

    pub fn get_text(&self, name: &str) -> Option<&[u8]> {
        self.variables.scalar(Name::new(name.as_bytes()))
    }

    /// Follows `declare -n`.
    pub fn resolve(&self, name: Name) -> Name {
        let mut name = name;
        for _ in 0..16 {
            match self.variables.get(name) {
                Some(Variable { value: Value::Scalar(target), attributes }) if attributes.reference => name = Name::new(target),
                _ => break,
            }
        }
        name
    }

    /// `name=text` with the variable's attributes. A readonly variable is a message and false.
    pub fn assign(&mut self, name: Name, text: &[u8]) -> Flow<bool> {
        let name = self.resolve(name);
        if self.refuses(name) {
            return Ok(false);
        }
        let converted = self.converted(name, text)?;
        let text = converted.as_deref().unwrap_or(text);
        let allexport = self.options.allexport;
        match self.variables.get_mut(name) {
            Some(variable) => {
                match &mut variable.value {
                    Value::Scalar(old) => {
                        old.clear();
                        old.extend_from_slice(text);
                    }
                    Value::Indexed(elements) => {
                        elements.insert(0, text.to_vec());
                    }
                    Value::Associative(elements) => elements.set(b"0", text.to_vec()),
                    Value::Unset => variable.value = Value::Scalar(text.to_vec()),
                }
                variable.attributes.exported |= allexport;
            }
            None => {
                let variable = self.variables.entry(name);
                variable.value = Value::Scalar(text.to_vec());
                variable.attributes.exported = allexport;
            }
        }
        self.assigned(name);
        Ok(true)
    }

    /// Says so when `name` is readonly.
    pub fn refuses(&mut self, name: Name) -> bool {
        let readonly = self.variables.get(name).is_some_and(|variable| variable.attributes.readonly);
        if readonly {
            self.complain_about(&name.text(), b"readonly variable");
        }
        readonly
    }

    /// The text as integer, upper or lower case variables want it; None: as it is.
    pub fn converted(&mut self, name: Name, text: &[u8]) -> Flow<Option<Bytes>> {
        let Some(attributes) = self.variables.get(name).map(|variable| variable.attributes) else {
            return Ok(None);
        };
        if attributes.integer {
            return Ok(Some(self.evaluate_text(text)?.to_string().into_bytes()));
        }
        Ok(if attributes.lower {
            Some(String::from_utf8_lossy(text).to_lowercase().into_bytes())
        } else if attributes.upper {
            Some(String::from_utf8_lossy(text).to_uppercase().into_bytes())
        } else {
            None
        })
    }

    /// Variables whose assignment does something.
    fn assigned(&mut self, name: Name) {
        let names = &self.names;
        if name == names.path {
            self.hashed.clear();
        } else if name == names.optind {
            self.option_letter = 0;
        } else if name == names.random {
            self.random = self.number(name).unwrap_or(0) as u64;
            self.variables.remove(name);
        } else if name == names.seconds {
            self.seconds_offset = self.number(name).unwrap_or(0);
            self.started = Instant::now();
            self.variables.remove(name);
        }
    }

    fn number(&self, name: Name) -> Option<i64> {
        std::str::from_utf8(self.get(name)?).ok()?.trim().parse().ok()
    }

    pub fn ifs(&self) -> Bytes {
        match self.variables.get(self.names.ifs) {
            Some(variable) => variable.scalar().unwrap_or(b" \t\n").to_vec(),
            None => b" \t\n".to_vec(),
        }
    }

    /// The next value of `$RANDOM`, 0…32767.
    pub fn next_random(&mut self) -> u32 {
        if self.random == 0 {
            let clock =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
            self.random = clock ^ ((getpid().0 as u64) << 32) | 1;
        }
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.random >> 33) & 0x7fff) as u32
    }

    /// Variables that have their value from the shell's state.
    pub fn dynamic(&mut self, name: Name) -> Option<Bytes> {
        let names = &self.names;
        let since_epoch = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Some(if name == names.lineno {
            self.line.to_string().into_bytes()
        } else if name == names.random {
            self.next_random().to_string().into_bytes()
        } else if name == names.seconds {
            (self.started.elapsed().as_secs() as i64 + self.seconds_offset).to_string().into_bytes()
        } else if name == names.bashpid {
            getpid().0.to_string().into_bytes()
        } else if name == names.epoch {
            since_epoch().as_secs().to_string().into_bytes()
        } else if name == names.epoch_real {
            let now = since_epoch();
            format!("{}.{:06}", now.as_secs(), now.subsec_micros()).into_bytes()
        } else if name == names.srandom {
            let high = self.next_random();
            (high << 16 | self.next_random() << 1 | self.next_random() & 1).to_string().into_bytes()
        } else if name == names.funcname {
            self.frames.iter().rev().find(|frame| frame.is_function)?.name.to_vec()
        } else if name == names.bash_source {
            let source = self.frames.last().map(|frame| frame.source.to_vec()).unwrap_or_default();
            if source.is_empty() && !self.is_command_string && self.frames.is_empty() { self.name0.clone() } else { source }
        } else if name == names.subshell {
            self.subshell_level.to_string().into_bytes()
        } else if name == names.shellopts {
            let on = crate::options::OPTIONS.iter().filter(|row| (row.get)(&self.options)).map(|row| row.name);
            on.collect::<Vec<_>>().join(":").into_bytes()
        } else if name == names.bashopts {
            let on = crate::options::SHOPTS.iter().filter(|row| (row.get)(&self.shopts)).map(|row| row.name);
            on.collect::<Vec<_>>().join(":").into_bytes()
        } else {
            return None;
        })
    }
}
