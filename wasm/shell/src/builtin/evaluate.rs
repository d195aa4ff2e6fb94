//! eval . source command builtin enable exec

use std::rc::Rc;

use tidepool_syntax::ast::{Redirection, Simple};
use tidepool_system::{Errno, Open, close, find_program, open};

use super::options::parse;
use super::type_of::describe_for_command;
use super::{Call, find};
use crate::execute::command::Environment;
use crate::expand::substitution::read_all;
use crate::shell::{Flow, Frame, MAXIMUM_SUBSTITUTION_DEPTH, Shell, Unwind};
use crate::variables::Bytes;

pub fn eval(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let operands = call.operands();
    let operands =
        if operands.first().is_some_and(|first| first == b"--") { operands.get(1..).unwrap_or_default() } else { operands };
    if operands.is_empty() {
        return Ok(0);
    }
    let text = operands.join(&b' ');
    let line = shell.line;
    shell.run_text(&text, line)?;
    Ok(shell.status)
}

pub fn source(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let operands = call.operands();
    let operands =
        if operands.first().is_some_and(|first| first == b"--") { operands.get(1..).unwrap_or_default() } else { operands };
    let Some((name, parameters)) = operands.split_first() else {
        shell.complain_about(call.name(), b"filename argument required");
        return Ok(shell.usage(call.name()));
    };
    if shell.substitution_depth >= MAXIMUM_SUBSTITUTION_DEPTH {
        shell.complain_about(call.name(), b"maximum source nesting level exceeded");
        return Ok(1);
    }
    let (file, text) = match read_script(shell, name) {
        Ok(found) => found,
        Err(errno) => {
            let prefix: Bytes = if errno == Errno::EISDIR { [call.name(), b": ", name].concat() } else { name.clone() };
            let message = if errno == Errno::EISDIR { "is a directory".to_owned() } else { errno.message() };
            shell.complain_about(&prefix, message.as_bytes());
            return Ok(1);
        }
    };
    run_sourced(shell, &file, &text, parameters)
}

fn read_script(shell: &Shell, name: &[u8]) -> Result<(Bytes, Bytes), Errno> {
    let mut file = name.to_vec();
    if !name.contains(&b'/')
        && let Some(path) = shell.get(shell.names.path)
        && let Ok(found) = find_file(name, path)
    {
        file = found;
    }
    if tidepool_system::stat(&file).is_ok_and(|stat| stat.is_dir()) {
        return Err(Errno::EISDIR);
    }
    let fd = open(&file, Open::read().cloexec())?;
    let text = read_all(fd);
    close(fd)?;
    Ok((file, text?))
}

/// Along PATH, a file that need not be executable.
fn find_file(name: &[u8], path: &[u8]) -> Result<Bytes, Errno> {
    for directory in path.split(|byte| *byte == b':') {
        let candidate = [directory, b"/", name].concat();
        if tidepool_system::stat(&candidate).is_ok_and(|stat| stat.is_file()) {
            return Ok(candidate);
        }
    }
    Err(Errno::ENOENT)
}

fn run_sourced(shell: &mut Shell, file: &[u8], text: &[u8], parameters: &[Bytes]) -> Flow<i32> {
    let source: Rc<[u8]> = file.into();
    let line = shell.line;
    shell.frames.push(Frame { name: Rc::from(&b"source"[..]), source, call_line: line, is_function: false });
    let saved = (!parameters.is_empty()).then(|| std::mem::replace(&mut shell.positional, parameters.to_vec()));
    shell.substitution_depth += 1;
    shell.trace_level += 1;
    shell.status = 0;
    let result = shell.run_file_text(text);
    shell.trace_level -= 1;
    shell.substitution_depth -= 1;
    if let Some(saved) = saved {
        shell.positional = saved;
    }
    shell.frames.pop();
    shell.line = line;
    match result {
        Ok(()) | Err(Unwind::Return) => Ok(shell.status),
        Err(other) => Err(other),
    }
}

/// Runs a built-in or program, but no function.
pub fn command(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"pvV") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'v') || parsed.has(b'V') {
        let verbose = parsed.has(b'V');
        return Ok(describe_for_command(shell, parsed.operands, verbose));
    }
    let Some(name) = parsed.operands.first() else {
        return Ok(0);
    };
    if let Some(builtin) = find(name) {
        if builtin.name == "exec" {
            return run_exec_words(shell, parsed.operands, None);
        }
        let inner = Call { arguments: parsed.operands, simple: call.simple };
        return shell.run_builtin(builtin, &inner);
    }
    let mut environment = shell.environment_with(&[])?;
    if parsed.has(b'p') {
        environment.path = Some(b"/usr/local/bin:/usr/bin:/bin".to_vec());
    }
    run_program_words(shell, parsed.operands, &environment)
}

fn run_program_words(shell: &mut Shell, arguments: &[Bytes], environment: &Environment) -> Flow<i32> {
    use crate::execute::pipeline::Started;
    use crate::execute::redirect::Plan;
    shell.output.flush();
    Ok(match shell.spawn_program(arguments, environment, &Plan::default(), &Plan::default(), false) {
        Started::Process(pid) => {
            let status = shell.wait_foreground(pid);
            shell.report_signal(pid, status, &arguments.join(&b' '));
            status.code()
        }
        Started::Done(status) => status,
    })
}

pub fn builtin(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let Some(name) = call.operands().first() else {
        return Ok(0);
    };
    match find(name) {
        Some(builtin) => {
            let inner = Call { arguments: call.operands(), simple: call.simple };
            shell.run_builtin(builtin, &inner)
        }
        None => {
            shell.complain(&[b"builtin: ", &name[..], b": not a shell builtin"].concat());
            Ok(1)
        }
    }
}

pub fn enable(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"anps") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.operands.is_empty() {
        let wanted_off = parsed.has(b'n');
        for row in super::BUILTINS {
            let off = shell.disabled_builtins.contains(row.name.as_bytes());
            if parsed.has(b'a') || off == wanted_off {
                let line = format!("enable {}{}\n", if off { "-n " } else { "" }, row.name);
                shell.output.write(line.as_bytes());
            }
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in parsed.operands {
        if find(name).is_none() {
            shell.complain(&[b"enable: ", &name[..], b": not a shell builtin"].concat());
            status = 1;
        } else if parsed.has(b'n') {
            shell.disabled_builtins.insert(name.clone());
        } else {
            shell.disabled_builtins.remove(name);
        }
    }
    Ok(status)
}

/// Reached through `command exec` or `builtin exec`, where redirections are not its own.
pub fn exec(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    run_exec_words(shell, call.arguments, None)
}

fn run_exec_words(shell: &mut Shell, arguments: &[Bytes], environment: Option<Environment>) -> Flow<i32> {
    let call = Call { arguments, simple: None };
    let parsed = match parse(shell, &call, b"cla:") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let Some(name) = parsed.operands.first() else {
        return Ok(0);
    };
    let mut environment = match environment {
        Some(environment) => environment,
        None => shell.environment_with(&[])?,
    };
    if parsed.has(b'c') {
        environment.entries.clear();
    }
    let mut words = parsed.operands.to_vec();
    let found = find_program(name, environment.path.as_deref().unwrap_or_default());
    if let Some(own) = parsed.value(b'a')
        && let Ok(file) = &found
    {
        return exec_as(shell, file, own, &mut words, &environment);
    }
    if parsed.has(b'l')
        && let Ok(file) = &found
    {
        let dashed = [b"-", &name[..]].concat();
        return exec_as(shell, file, &dashed, &mut words, &environment);
    }
    if !name.contains(&b'/') && found.is_err() {
        let text = [b"exec: ", &name[..], b": not found"].concat();
        return shell.fatal(&text, 127);
    }
    shell.exec_program(&words, environment, Default::default())?;
    Ok(126)
}

fn exec_as(shell: &mut Shell, file: &[u8], name: &[u8], words: &mut [Bytes], environment: &Environment) -> Flow<i32> {
    if let Some(first) = words.first_mut() {
        *first = name.to_vec();
    }
    shell.output.flush();
    let errno = tidepool_system::exec(file, words, Some(&environment.entries));
    shell.fatal(&[file, b": ", errno.message().as_bytes()].concat(), 126)
}

impl Shell {
    /// `exec`: redirections stay; a program replaces the shell.
    pub fn run_exec(&mut self, simple: &Simple, redirections: &[Redirection], arguments: &[Bytes]) -> Flow {
        if self.options.xtrace {
            self.trace_command(arguments);
        }
        let environment = self.environment_with(&simple.assignments)?;
        self.output.flush();
        let Some(plan) = self.plan_redirections(redirections)? else {
            self.status = 1;
            // A redirection error of a special built-in ends a script, unless it is a bare `exec`.
            return if arguments.len() > 1 { Err(Unwind::Exit) } else { Ok(()) };
        };
        self.apply_for_good(&plan);
        plan.close();
        self.status = run_exec_words(self, arguments, Some(environment))?;
        Ok(())
    }
}
