//! A run: the filter compiled once, then given each input; outputs and errors go out in their order.

use crate::dump::{self, Format};
use crate::inputs::{Inputs, read_file};
use crate::options::Options;
use crate::program::{self, Program};
use crate::report::{complain, say};
use crate::session;
use crate::value::{Map, Val};
use jaq_core::{Ctx, Exn, Vars};
use std::rc::Rc;
use tidepool_system::{Errno, Fd, exit, write_all};

const LIMIT: usize = 1 << 15;

struct Output {
    format: Format,
    raw: bool,
    end: &'static str,
    start: &'static str,
    unbuffered: bool,
    pending: String,
}

impl Output {
    fn put(&mut self, value: &Val) {
        self.pending.push_str(self.start);
        match value {
            Val::Str(text) if self.raw && self.format.ascii => {
                let mut quoted = String::new();
                dump::push_string(&mut quoted, text, true);
                self.pending.push_str(&quoted);
            }
            Val::Str(text) if self.raw => self.pending.push_str(text),
            other => dump::push(&mut self.pending, other, &self.format, 0),
        }
        self.pending.push_str(self.end);
        if self.unbuffered || self.pending.len() > LIMIT {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let sent = write_all(Fd::STDOUT, self.pending.as_bytes());
        self.pending.clear();
        if let Err(errno) = sent {
            if errno != Errno::EPIPE {
                complain(&format!("error: writing output failed: {errno}"));
            }
            exit(2);
        }
    }
}

struct Run {
    program: Program,
    variables: Vec<Val>,
    output: Output,
    status: u8,
    last: Option<bool>,
    /// The filter was given an input.
    asked: bool,
    exit_status: bool,
}

pub fn run(mut options: Options) -> u8 {
    let code = match filter_text(&mut options) {
        Ok(code) => code,
        Err(text) => {
            complain(&text);
            return 2;
        }
    };
    let (names, variables) = variables(&options);
    let program = match program::compile(&code, &names) {
        Ok(program) => program,
        Err(text) => {
            say(&text);
            return 3;
        }
    };
    let output = Output {
        format: options.format,
        raw: options.raw,
        end: match (options.nul, options.join) {
            (true, _) => "\0",
            (_, true) => "",
            _ => "\n",
        },
        start: if options.sequence { "\x1e" } else { "" },
        unbuffered: options.unbuffered,
        pending: String::new(),
    };
    session::set_inputs(Inputs::new(options.reading, std::mem::take(&mut options.files)));
    let run = Run { program, variables, output, status: 0, last: None, asked: false, exit_status: options.exit_status };
    run.all(options.null_input)
}

/// With -f the first word is the file of the filter, else the filter itself; without any word it is `.`.
fn filter_text(options: &mut Options) -> Result<String, String> {
    let word = options.filter.take().unwrap_or_else(|| b".".to_vec());
    if !options.from_file {
        return Ok(String::from_utf8_lossy(&word).into_owned());
    }
    match read_file(&word) {
        Ok(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        Err(errno) => Err(format!("error: Could not open {}: {errno}", String::from_utf8_lossy(&word))),
    }
}

fn variables(options: &Options) -> (Vec<String>, Vec<Val>) {
    let named: Map = options.named.iter().map(|(name, value)| (Rc::new(name.clone()), value.clone())).collect();
    let arguments = Val::obj([("positional", options.positional.iter().cloned().collect()), ("named", Val::Obj(Rc::new(named)))]);
    let mut names: Vec<String> = options.named.iter().map(|(name, _)| format!("${name}")).collect();
    let mut values: Vec<Val> = options.named.iter().map(|(_, value)| value.clone()).collect();
    names.push("$ARGS".to_owned());
    values.push(arguments);
    (names, values)
}

impl Run {
    fn all(mut self, null_input: bool) -> u8 {
        if null_input {
            self.one(Val::Null);
        } else {
            while let Some(input) = session::with_inputs(Inputs::next).flatten() {
                match input {
                    Ok(value) => self.one(value),
                    Err(text) => {
                        self.output.flush();
                        say(&format!("parse error: {text}\n"));
                        self.status = 4;
                        break;
                    }
                }
            }
        }
        self.output.flush();
        if session::with_inputs(|inputs| inputs.failed) == Some(true) {
            self.status = 2;
        }
        match (self.status, self.exit_status, self.last) {
            (0, true, None) if self.asked => 4,
            (0, true, Some(false)) => 1,
            (status, _, _) => status,
        }
    }

    fn one(&mut self, input: Val) {
        self.asked = true;
        let Run { program, variables, output, status, last, .. } = self;
        *status = 0;
        let ctx = Ctx::<program::Data>::new(&program.lut, Vars::new(variables.iter().cloned()));
        for result in program.id.run((ctx, input)) {
            match result {
                Ok(value) => {
                    *last = Some(value.truthy());
                    output.put(&value);
                }
                Err(exception) => {
                    output.flush();
                    *status = report(exception);
                    break;
                }
            }
        }
    }
}

/// Says what ended a filter; a halt ends the process.
fn report(exception: Exn<'_, Val>) -> u8 {
    let error = match exception.get_err() {
        Ok(error) => error,
        Err(other) => match other.get_halt() {
            Ok(status) => exit(status),
            Err(_) => return say_error("break"),
        },
    };
    match error.into_val() {
        Val::Null => 0,
        Val::Str(text) => say_error(&path_error(&text)),
        other => {
            let place = session::with_inputs(|inputs| inputs.place()).unwrap_or_default();
            complain(&format!("error (at {place}) (not a string): {}", dump::dump(&other)));
            5
        }
    }
}

fn say_error(text: &str) -> u8 {
    let place = session::with_inputs(|inputs| inputs.place()).unwrap_or_default();
    complain(&format!("error (at {place}): {text}"));
    5
}

/// The interpreter's own text about a term that has no path, in jq's words.
fn path_error(text: &str) -> String {
    match text.strip_prefix("invalid path expression with input ") {
        Some(value) => format!("Invalid path expression with result {value}"),
        None => text.to_owned(),
    }
}
