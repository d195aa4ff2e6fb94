//! sed as GNU sed 4.9 in C.UTF-8: the command line, the script, and the exit status (0, 1 wrong usage or script, 2 an input
//! could not be read, 4 input or output failed, or what `q` says).

mod command;
mod execute;
mod fail;
mod in_place;
mod input;
mod output;
mod parse;
mod replacement;

use execute::{Machine, Mode};
use fail::{Failure, complain, shown};
use input::{Input, content};
use parse::{Chunk, Settings};
use std::process::ExitCode;
use tidepool_getopt::{Given, Long, Takes};
use tidepool_system::{Access, Fd, access, write_all};

const USAGE: &str = include_str!("help.txt");

const LONG: &[Long] = &[
    ("binary", Takes::Nothing, 'b'),
    ("regexp-extended", Takes::Nothing, 'r'),
    ("debug", Takes::Nothing, '\u{1}'),
    ("in-place", Takes::MayValue, 'i'),
    ("expression", Takes::Value, 'e'),
    ("file", Takes::Value, 'f'),
    ("line-length", Takes::Value, 'l'),
    ("null-data", Takes::Nothing, 'z'),
    ("zero-terminated", Takes::Nothing, 'z'),
    ("quiet", Takes::Nothing, 'n'),
    ("posix", Takes::Nothing, 'p'),
    ("silent", Takes::Nothing, 'n'),
    ("sandbox", Takes::Nothing, '\u{2}'),
    ("separate", Takes::Nothing, 's'),
    ("unbuffered", Takes::Nothing, 'u'),
    ("version", Takes::Nothing, '\u{3}'),
    ("help", Takes::Nothing, 'h'),
    ("follow-symlinks", Takes::Nothing, 'F'),
];

fn main() -> ExitCode {
    tidepool_system::start();
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            complain(&failure.text);
            ExitCode::from(failure.status)
        }
    }
}

fn usage(first: &str) -> Failure {
    Failure { text: format!("{first}{USAGE}"), status: 1 }
}

fn print(text: &str) -> Result<u8, Failure> {
    write_all(Fd::STDOUT, text.as_bytes()).map_err(|errno| fail::panic(&format!("couldn't write to stdout: {errno}")))?;
    Ok(0)
}

struct Invocation {
    chunks: Vec<Chunk>,
    settings: Settings,
    mode: Mode,
}

fn run() -> Result<u8, Failure> {
    let parsed = tidepool_getopt::parse(tidepool_getopt::arguments(), "bsnrzuEe:f:l:i::V:hs", LONG)
        .map_err(|text| usage(&format!("sed: {text}\n")))?;
    let mut given = Invocation {
        chunks: Vec::new(),
        settings: Settings { extended: false, sandbox: false, posix: false },
        mode: Mode {
            quiet: false,
            separate: false,
            in_place: None,
            follow_links: false,
            unbuffered: false,
            posix: false,
            line_length: 70,
            end: b'\n',
        },
    };
    for option in parsed.options {
        match option.key {
            'h' => return print(USAGE),
            '\u{3}' => return print("sed (Tidepool), compatible with GNU sed 4.9\n"),
            _ => given.option(option)?,
        }
    }
    let mut files = parsed.operands;
    if given.chunks.is_empty() {
        if files.is_empty() {
            return Err(usage(""));
        }
        given.chunks.push(Chunk::Expression(files.remove(0)));
    }
    if given.mode.in_place.is_some() && files.is_empty() {
        return Err(fail::panic("no input files"));
    }
    let mut script = parse::parse(given.chunks, given.settings)?;
    let mut mode = given.mode;
    mode.quiet |= script.quiet;
    let input = Input::new(files, mode.end, mode.unbuffered);
    let machine = Machine::new(&mode, &script, input)?;
    machine.run(&mut script.commands)
}

impl Invocation {
    fn option(&mut self, option: Given) -> Result<(), Failure> {
        let value = option.value;
        match option.key {
            'n' => self.mode.quiet = true,
            'e' => self.chunks.push(Chunk::Expression(value.unwrap_or_default())),
            'f' => self.chunks.push(script_file(value.unwrap_or_default())?),
            'E' | 'r' => self.settings.extended = true,
            's' => self.mode.separate = true,
            'i' => {
                self.mode.separate = true;
                self.mode.in_place = Some(value.unwrap_or_default());
            }
            'l' => {
                let text = shown(&value.unwrap_or_default());
                self.mode.line_length = text.parse().map_err(|_| usage(&format!("sed: invalid line length: {text}\n")))?;
            }
            'p' => {
                self.settings.posix = true;
                self.mode.posix = true;
            }
            'u' => self.mode.unbuffered = true,
            'z' => self.mode.end = 0,
            'b' => {}
            'F' => self.mode.follow_links = true,
            '\u{2}' => self.settings.sandbox = true,
            '\u{1}' => return Err(Failure { text: "sed: --debug is not supported\n".to_owned(), status: 1 }),
            other => return Err(usage(&format!("sed: invalid option -- '{other}'\n"))),
        }
        Ok(())
    }
}

fn script_file(name: Vec<u8>) -> Result<Chunk, Failure> {
    let path = if name == b"-" { b"/dev/stdin".to_vec() } else { name.clone() };
    if path != b"/dev/stdin" {
        access(&path, Access::Read).map_err(|errno| fail::panic(&format!("couldn't open file {}: {errno}", shown(&name))))?;
    }
    let text = content(&path);
    Ok(Chunk::File(name, text))
}
