//! Tidepool's shell: `sh` and `bash`. Reads the command line, sets the shell up, and runs a command string, a file, or
//! standard input.

mod builtin;
mod execute;
mod expand;
mod float;
mod keyed;
mod names;
mod options;
mod output;
mod regex;
mod shell;
mod trace;
mod variables;

use tidepool_syntax::{Name, is_name};
use tidepool_system::{Disposition, Errno, Open, Signal, close, getpid, getppid, open, os_bytes, set_signal, start};

use crate::expand::substitution::read_all;
use crate::shell::{Flow, Shell, Unwind};
use crate::variables::Bytes;

const VERSION: &str = "5.2.15(1)-release";

const HELP: &str = "\
Tidepool's shell, a bash for a cell.
Usage: bash [options] [file [arguments]]
       bash [options] -c command [name [arguments]]
       bash [options] -s [arguments]
Options: -e -u -x -v -n -f -a -C -o option-name, +e and so on to switch off, --norc, --noprofile, --posix
Not there yet: coproc, programmable completion, line editing, history.
";

/// What the command line asks for.
struct Request {
    command: Option<Bytes>,
    operands: Vec<Bytes>,
}

fn main() {
    start();
    // std ignores SIGPIPE on Unix; a shell and its children must not.
    let _ = set_signal(Signal::PIPE, Disposition::Default);
    let arguments: Vec<Bytes> = std::env::args_os().map(|argument| os_bytes(&argument).to_vec()).collect();
    let mut shell = Shell::new();
    let result = run(&mut shell, &arguments);
    shell.leave(result)
}

fn run(shell: &mut Shell, arguments: &[Bytes]) -> Flow {
    if let Some(name) = arguments.first() {
        shell.name0 = name.clone();
    }
    shell.options.posix = shell.name0.rsplit(|byte| *byte == b'/').next() == Some(b"sh");
    let request = parse_arguments(shell, arguments)?;
    import_environment(shell);
    shell.is_command_string = request.command.is_some();
    let mut operands = request.operands.into_iter();
    if let Some(command) = request.command {
        if let Some(name) = operands.next() {
            shell.name0 = name;
        }
        shell.positional = operands.collect();
        return shell.run_command_string(&command);
    }
    match operands.next() {
        Some(file) if !shell.reads_input => {
            shell.positional = operands.collect();
            run_file(shell, &file)
        }
        first => {
            shell.positional = first.into_iter().chain(operands).collect();
            shell.run_input()
        }
    }
}

fn parse_arguments(shell: &mut Shell, arguments: &[Bytes]) -> Flow<Request> {
    let (mut takes_command, mut at) = (false, 1);
    while let Some(argument) = arguments.get(at) {
        let (on, letters) = match argument.as_slice() {
            b"-" | b"--" => {
                at += 1;
                break;
            }
            [b'-', b'-', name @ ..] => {
                long_option(shell, name)?;
                at += 1;
                continue;
            }
            [b'-', letters @ ..] => (true, letters),
            [b'+', letters @ ..] => (false, letters),
            _ => break,
        };
        at += 1;
        for letter in letters {
            match letter {
                b'c' => takes_command = true,
                b's' => shell.reads_input = true,
                b'i' | b'l' | b'r' | b'D' => {}
                b'o' | b'O' => {
                    let name = arguments.get(at).cloned().unwrap_or_default();
                    at += 1;
                    named_option(shell, *letter, &name, on)?;
                }
                letter => short_option(shell, *letter, on)?,
            }
        }
    }
    let mut operands = arguments.get(at..).unwrap_or_default().to_vec();
    if !takes_command {
        return Ok(Request { command: None, operands });
    }
    if operands.is_empty() {
        let text = [&shell.name0[..], b": -c: option requires an argument"].concat();
        shell.message(&text);
        return leave(shell, 2);
    }
    let command = operands.remove(0);
    Ok(Request { command: Some(command), operands })
}

fn leave<T>(shell: &mut Shell, status: i32) -> Flow<T> {
    shell.status = status;
    Err(Unwind::Exit)
}

fn long_option(shell: &mut Shell, name: &[u8]) -> Flow {
    match name {
        b"version" => {
            let text = format!("Tidepool's shell, compatible with GNU bash, version {VERSION} (wasm32-wasip1)\n");
            shell.output.write(text.as_bytes());
            leave(shell, 0)
        }
        b"help" => {
            shell.output.write(HELP.as_bytes());
            leave(shell, 0)
        }
        b"norc" | b"noprofile" | b"login" | b"noediting" => Ok(()),
        b"posix" => {
            shell.options.posix = true;
            Ok(())
        }
        b"verbose" => {
            shell.options.verbose = true;
            Ok(())
        }
        name => {
            let text = [&shell.name0[..], b": --", name, b": invalid option"].concat();
            shell.message(&text);
            leave(shell, 2)
        }
    }
}

fn short_option(shell: &mut Shell, letter: u8, on: bool) -> Flow {
    match options::by_letter(letter) {
        Some(row) => {
            (row.set)(&mut shell.options, on);
            Ok(())
        }
        None => {
            let sign = if on { b'-' } else { b'+' };
            let text = [&shell.name0[..], b": ", &[sign, letter], b": invalid option"].concat();
            shell.message(&text);
            leave(shell, 2)
        }
    }
}

fn named_option(shell: &mut Shell, kind: u8, name: &[u8], on: bool) -> Flow {
    let known = if kind == b'o' {
        options::by_name(name).map(|row| (row.set)(&mut shell.options, on))
    } else {
        options::shopt_by_name(name).map(|row| (row.set)(&mut shell.shopts, on))
    };
    if known.is_some() {
        return Ok(());
    }
    let text = [&shell.name0[..], b": ", name, b": invalid option name"].concat();
    shell.message(&text);
    leave(shell, 2)
}

fn run_file(shell: &mut Shell, file: &[u8]) -> Flow {
    let text = open(file, Open::read().cloexec()).and_then(|fd| {
        let text = read_all(fd);
        close(fd)?;
        text
    });
    match text {
        Ok(text) if text.split(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&0)) => {
            let text = [file, b": ", file, b": cannot execute binary file"].concat();
            shell.message(&text);
            leave(shell, 126)
        }
        Ok(text) => {
            shell.name0 = file.to_vec();
            shell.is_script_file = true;
            shell.run_file_text(&text)
        }
        Err(errno) => {
            let (speaker, reason) = match errno {
                Errno::EISDIR => (file, "Is a directory".to_owned()),
                errno => (&shell.name0[..], errno.message()),
            };
            let text = [speaker, b": ", file, b": ", reason.as_bytes()].concat();
            shell.message(&text);
            leave(shell, if errno == Errno::ENOENT { 127 } else { 126 })
        }
    }
}

/// Variables from the environment, and those that bash sets.
fn import_environment(shell: &mut Shell) {
    for (name, value) in std::env::vars_os() {
        let name = os_bytes(&name);
        if let Some(function) = name.strip_prefix(b"BASH_FUNC_").and_then(|name| name.strip_suffix(b"%%")) {
            shell.import_function(function, os_bytes(&value));
        }
        if is_name(name) {
            let variable = shell.variables.entry(Name::new(name));
            variable.value = variables::Value::Scalar(os_bytes(&value).to_vec());
            variable.attributes.exported = true;
        }
    }
    builtin::directory::initialize(shell);
    let level = shell.get_text("SHLVL").and_then(expand::is_decimal).unwrap_or(0) + 1;
    set(shell, "SHLVL", level.to_string().as_bytes(), true);
    set(shell, "IFS", b" \t\n", false);
    set(shell, "OPTIND", b"1", false);
    set(shell, "OPTERR", b"1", false);
    set(shell, "PS4", b"+ ", false);
    set(shell, "BASH", b"/bin/bash", false);
    set(shell, "BASH_VERSION", VERSION.as_bytes(), false);
    set(shell, "HOSTTYPE", b"wasm32", false);
    set(shell, "OSTYPE", b"linux-gnu", false);
    set(shell, "MACHTYPE", b"wasm32-unknown-linux-gnu", false);
    set(shell, "PPID", getppid().0.to_string().as_bytes(), false);
    set(shell, "_", b"/bin/bash", false);
    default(shell, "PATH", b"/usr/local/bin:/usr/bin:/bin");
    default(shell, "HOSTNAME", b"tidepool");
    default(shell, "TERM", b"dumb");
    let (uid, euid) = user_ids();
    set(shell, "UID", uid.as_bytes(), false);
    set(shell, "EUID", euid.as_bytes(), false);
    for name in ["UID", "EUID", "PPID"] {
        let variable = shell.variables.entry(Name::new(name.as_bytes()));
        variable.attributes.readonly = true;
        variable.attributes.integer = true;
    }
    let versions = ["5", "2", "15", "1", "release", "wasm32-unknown-linux-gnu"].map(|text| text.as_bytes().to_vec());
    shell.set_list(Name::new(b"BASH_VERSINFO"), versions.to_vec());
}

fn set(shell: &mut Shell, name: &str, value: &[u8], exported: bool) {
    let name = Name::new(name.as_bytes());
    shell.variables.set(name, value);
    shell.variables.entry(name).attributes.exported |= exported;
}

fn default(shell: &mut Shell, name: &str, value: &[u8]) {
    let name = Name::new(name.as_bytes());
    if shell.get(name).is_none() {
        shell.variables.set(name, value);
    }
}

/// Every cell has the same user; natively the owner of this process says who it is.
fn user_ids() -> (String, String) {
    let owner = tidepool_system::stat(format!("/proc/{}", getpid().0).as_bytes()).map_or(1000, |stat| stat.uid);
    (owner.to_string(), owner.to_string())
}
