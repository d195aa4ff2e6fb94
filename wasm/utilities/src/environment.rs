//! env(1), printenv(1), nohup(1), nice(1): the environment, and programs in another.

use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_name};
use crate::stream::Output;
use tidepool_system::{Disposition, Errno, Fd, Open, Signal, chdir, dup2, exec, find_program, is_tty, open, os_bytes, set_signal};

const ENV: Spec = Spec::new(
    "i,ignore-environment 0,null u,unset= C,chdir= S,split-string= v,debug default-signal=? ignore-signal=? block-signal=? list-signal-handling",
    "Usage: env [OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]
Runs COMMAND with each NAME set to VALUE; without COMMAND prints the environment.

  -i, --ignore-environment   begins with an empty environment
  -0, --null                 lines end in NUL
  -u, --unset=NAME           without NAME
  -C, --chdir=DIR            in DIR
  -S, --split-string=S       splits S into words
  -v, --debug                says what is done
",
)
.status(125)
.stop_at_operand();

const PRINTENV: Spec = Spec::new(
    "0,null",
    "Usage: printenv [OPTION]... [VARIABLE]...
Prints the values of VARIABLEs, or the environment.

  -0, --null   lines end in NUL
",
)
.status(2);

const NOHUP: Spec =
    Spec::new("", "Usage: nohup COMMAND [ARG]...\nRuns COMMAND without the signal HUP.\n").status(125).stop_at_operand();

const NICE: Spec = Spec::new(
    "n,adjustment=",
    "Usage: nice [OPTION] [COMMAND [ARG]...]
Runs COMMAND; a cell knows no priorities, so it runs as any other. Without COMMAND prints 0.

  -n, --adjustment=N   ignored
",
)
.status(125)
.stop_at_operand();

type Variables = Vec<(Vec<u8>, Vec<u8>)>;

fn variables() -> Variables {
    std::env::vars_os().map(|(name, value)| (os_bytes(&name).to_vec(), os_bytes(&value).to_vec())).collect()
}

fn set(variables: &mut Variables, name: &[u8], value: &[u8]) {
    match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value.to_vec(),
        None => variables.push((name.to_vec(), value.to_vec())),
    }
}

/// Replaces this process by the command, found along the PATH of `variables`; says why it could not.
fn run_command(command: &[Vec<u8>], variables: Option<&Variables>, quote: fn(&[u8]) -> String) -> Failure {
    let own = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let path = match variables {
        None => os_bytes(&own).to_vec(),
        Some(variables) => {
            variables.iter().find(|(name, _)| name == b"PATH").map_or(b"/bin:/usr/bin".to_vec(), |(_, path)| path.clone())
        }
    };
    let entries: Option<Vec<Vec<u8>>> =
        variables.map(|list| list.iter().map(|(name, value)| [&name[..], b"=", value].concat()).collect());
    let errno = match find_program(&command[0], &path) {
        Ok(program) => match exec(&program, command, entries.as_deref()) {
            Errno::ENOEXEC => script(&program, command, entries.as_deref()),
            errno => errno,
        },
        Err(errno) => errno,
    };
    let status = if errno == Errno::ENOENT { 127 } else { 126 };
    failure(status, format!("{}: {errno}", quote(&command[0])))
}

/// A text without `#!` is a shell's, as execvp has it.
fn script(program: &[u8], command: &[Vec<u8>], entries: Option<&[Vec<u8>]>) -> Errno {
    let mut words = vec![b"/bin/sh".to_vec(), program.to_vec()];
    words.extend_from_slice(&command[1..]);
    exec(b"/bin/sh", &words, entries)
}

/// `-S'a b'` as two words, wherever it stands before the command.
fn split_strings(args: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Failure> {
    let mut words = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let short = arg.len() > 1 && arg[0] == b'-' && arg[1] != b'-';
        let at = arg.iter().position(|&byte| byte == b'S').filter(|_| short && !arg.starts_with(b"-u") && !arg.starts_with(b"-C"));
        let text = match (at, arg.strip_prefix(b"--split-string=")) {
            (Some(at), _) => {
                if at > 1 {
                    words.push(arg[..at].to_vec());
                }
                if at + 1 < arg.len() { arg[at + 1..].to_vec() } else { args.next().unwrap_or_default() }
            }
            (None, Some(text)) => text.to_vec(),
            (None, None) => {
                let last = !arg.starts_with(b"-");
                words.push(arg);
                if last {
                    words.extend(args);
                    return Ok(words);
                }
                continue;
            }
        };
        words.extend(split(&text)?);
        words.extend(args);
        return Ok(words);
    }
    Ok(words)
}

/// Words of a text with quotes, escapes and `${NAME}`.
fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let (mut words, mut word, mut open, mut quote, mut at) = (Vec::new(), Vec::new(), false, None, 0);
    while at < text.len() {
        let byte = text[at];
        at += 1;
        match (byte, quote) {
            (b'\'' | b'"', None) => (quote, open) = (Some(byte), true),
            (byte, Some(mark)) if byte == mark => quote = None,
            (b'\\', quote) if quote != Some(b'\'') => {
                let escaped = *text.get(at).ok_or_else(|| failure(125, "invalid backslash at end of string in -S"))?;
                at += 1;
                open = true;
                match escaped {
                    b'n' => word.push(b'\n'),
                    b't' => word.push(b'\t'),
                    b'r' => word.push(b'\r'),
                    b'f' => word.push(12),
                    b'v' => word.push(11),
                    b'_' if quote.is_none() => words.extend(std::mem::take(&mut open).then(|| std::mem::take(&mut word))),
                    b'_' => word.push(b' '),
                    b'c' => break,
                    b'#' | b'$' | b'\'' | b'"' | b'\\' => word.push(escaped),
                    other => {
                        let text = format!("invalid sequence '\\{}' in -S", char::from(other));
                        return Err(failure(125, text));
                    }
                }
            }
            (b'$', quote) if quote != Some(b'\'') => {
                let end = text[at..].iter().position(|&byte| byte == b'}');
                let (Some(b'{'), Some(end)) = (text.get(at), end) else {
                    return Err(failure(
                        125,
                        "only ${VARNAME} expansion is supported, error at: ".to_owned() + &String::from_utf8_lossy(&text[at - 1..]),
                    ));
                };
                let name = String::from_utf8_lossy(&text[at + 1..at + end]).into_owned();
                word.extend_from_slice(os_bytes(&std::env::var_os(name).unwrap_or_default()));
                (at, open) = (at + end + 1, true);
            }
            (b' ' | b'\t' | b'\n' | b'\r' | 11 | 12, None) => {
                if std::mem::take(&mut open) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (b'#', None) if !open => break,
            (byte, _) => {
                word.push(byte);
                open = true;
            }
        }
    }
    if quote.is_some() {
        return Err(failure(125, "no terminating quote in -S string"));
    }
    if open {
        words.push(word);
    }
    Ok(words)
}

pub fn run_env(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(split_strings(args)?, &ENV)?;
    let mut variables =
        if parsed.has("i") || parsed.operands.first().is_some_and(|first| first == b"-") { Vec::new() } else { variables() };
    for (option, value) in &parsed.options {
        match (*option, value) {
            ("u", Some(name)) => {
                if name.is_empty() || name.contains(&b'=') {
                    return Err(failure(125, format!("cannot unset {}: Invalid argument", quote(name))));
                }
                variables.retain(|(known, _)| known != name);
            }
            ("ignore-signal" | "default-signal", Some(list)) => signals(list, *option == "ignore-signal")?,
            ("block-signal" | "list-signal-handling", _) => return Err(failure(125, format!("--{option} is not supported"))),
            _ => {}
        }
    }
    let mut rest = parsed.operands.as_slice();
    if rest.first().is_some_and(|first| first == b"-") {
        rest = &rest[1..];
    }
    while let Some((first, after)) = rest.split_first() {
        let Some(equals) = first.iter().position(|&byte| byte == b'=') else { break };
        set(&mut variables, &first[..equals], &first[equals + 1..]);
        rest = after;
    }
    if parsed.has("0") && !rest.is_empty() {
        return Err(misuse(125, "cannot specify --null (-0) with command"));
    }
    if let Some(folder) = parsed.value("C") {
        if rest.is_empty() {
            return Err(misuse(125, "must specify command with --chdir (-C)"));
        }
        chdir(folder).map_err(|errno| failure(125, format!("cannot change directory to {}: {errno}", quote_name(folder))))?;
    }
    if rest.is_empty() {
        return print(&variables, if parsed.has("0") { 0 } else { b'\n' });
    }
    let failed = run_command(rest, Some(&variables), quote);
    if rest[0].contains(&b' ') && failed.status == 127 {
        complain(&failed.message);
        complain("use -[v]S to pass options in shebang lines");
        return Ok(127);
    }
    Err(failed)
}

fn signals(list: &[u8], ignore: bool) -> Result<(), Failure> {
    let disposition = if ignore { Disposition::Ignore } else { Disposition::Default };
    for name in list.split(|&byte| byte == b',') {
        let signal =
            Signal::parse(&String::from_utf8_lossy(name)).ok_or_else(|| misuse(125, format!("{}: invalid signal", quote(name))))?;
        set_signal(signal, disposition)
            .map_err(|errno| failure(125, format!("failed to set signal action for signal {}: {errno}", signal.0)))?;
    }
    Ok(())
}

fn print(variables: &Variables, end: u8) -> Outcome {
    let mut out = Output::stdout();
    for (name, value) in variables {
        out.put(name)?;
        out.byte(b'=')?;
        out.put(value)?;
        out.byte(end)?;
    }
    out.finish(0)
}

pub fn run_printenv(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &PRINTENV)?;
    let end = if parsed.has("0") { 0 } else { b'\n' };
    let variables = variables();
    if parsed.operands.is_empty() {
        return print(&variables, end);
    }
    let mut out = Output::stdout();
    let mut status = 0;
    for wanted in &parsed.operands {
        match variables.iter().find(|(name, _)| name == wanted) {
            Some((_, value)) => {
                out.put(value)?;
                out.byte(end)?;
            }
            None => status = 1,
        }
    }
    out.finish(status)
}

pub fn run_nohup(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &NOHUP)?;
    if parsed.operands.is_empty() {
        return Err(misuse(125, "missing operand"));
    }
    let fail = |errno: Errno| failure(125, errno.message());
    if is_tty(Fd::STDIN) {
        let null = open(b"/dev/null", Open::write()).map_err(fail)?;
        dup2(null, Fd::STDIN, false).map_err(fail)?;
    }
    if is_tty(Fd::STDOUT) {
        let how = Open::write().create().append().mode(0o600);
        let file = open(b"nohup.out", how).map_err(|errno| failure(125, format!("failed to open 'nohup.out': {errno}")))?;
        dup2(file, Fd::STDOUT, false).map_err(fail)?;
        complain("ignoring input and appending output to 'nohup.out'");
    }
    if is_tty(Fd::STDERR) {
        dup2(Fd::STDOUT, Fd::STDERR, false).map_err(fail)?;
    }
    set_signal(Signal::HUP, Disposition::Ignore).map_err(fail)?;
    let failed = run_command(&parsed.operands, None, quote_name);
    Err(failure(failed.status, format!("failed to run command {}", failed.message)))
}

pub fn run_nice(args: Vec<Vec<u8>>) -> Outcome {
    // `nice -5 command`
    let old = |arg: &Vec<u8>| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(u8::is_ascii_digit);
    let args = if args.first().is_some_and(old) { args[1..].to_vec() } else { args };
    let parsed = parse(args, &NICE)?;
    if let Some(text) = parsed.value("n")
        && std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()).is_none()
    {
        return Err(failure(125, format!("invalid adjustment {}", quote(text))));
    }
    if parsed.operands.is_empty() {
        if parsed.has("n") {
            return Err(misuse(125, "a command must be given with an adjustment"));
        }
        let mut out = Output::stdout();
        out.put(b"0\n")?;
        return out.finish(0);
    }
    Err(run_command(&parsed.operands, None, quote))
}
