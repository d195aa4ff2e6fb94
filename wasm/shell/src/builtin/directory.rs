//! cd pwd pushd popd dirs

use tidepool_system::{Errno, chdir, getcwd, stat};

use super::Call;
use super::options::parse;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn cd(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"LPe@") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let physical = parsed
        .options
        .iter()
        .rev()
        .find(|(letter, _)| matches!(letter, b'L' | b'P'))
        .map_or(shell.options.physical, |(letter, _)| *letter == b'P');
    let (target, prints) = match parsed.operands {
        [] => match shell.get(shell.names.home) {
            Some(home) => (home.to_vec(), false),
            None => return failure(shell, b"cd: HOME not set"),
        },
        [target] if target == b"-" => match shell.get(shell.names.oldpwd) {
            Some(old) => (old.to_vec(), true),
            None => return failure(shell, b"cd: OLDPWD not set"),
        },
        [target] => (target.clone(), false),
        _ => return failure(shell, b"cd: too many arguments"),
    };
    match change(shell, &target, physical) {
        Ok(()) => {
            if prints {
                let pwd = shell.get(shell.names.pwd).unwrap_or_default().to_vec();
                shell.output.write(&[&pwd[..], b"\n"].concat());
            }
            Ok(0)
        }
        Err(errno) => {
            shell.complain(&[b"cd: ", &target[..], b": ", errno.message().as_bytes()].concat());
            Ok(1)
        }
    }
}

fn failure(shell: &mut Shell, text: &[u8]) -> Flow<i32> {
    shell.complain(text);
    Ok(1)
}

/// Changes the directory and sets PWD and OLDPWD.
fn change(shell: &mut Shell, target: &[u8], physical: bool) -> Result<(), Errno> {
    shell.output.flush();
    let old = current(shell);
    let logical = if target.starts_with(b"/") { normalize(target) } else { normalize(&[&old[..], b"/", target].concat()) };
    if target.is_empty() {
        // It stays, but OLDPWD is set.
    } else if physical {
        chdir(target)?;
    } else if let Err(errno) = chdir(&logical) {
        // A logical name can fail where the plain one works.
        if errno != Errno::ENOENT || chdir(target).is_err() {
            return Err(errno);
        }
    }
    let new = if physical { getcwd()? } else { logical };
    let names = (shell.names.oldpwd, shell.names.pwd);
    shell.variables.set(names.0, &old);
    shell.variables.set(names.1, &new);
    shell.variables.entry(names.0).attributes.exported = true;
    shell.variables.entry(names.1).attributes.exported = true;
    Ok(())
}

/// `$PWD` where it is right, else the kernel's answer.
fn current(shell: &Shell) -> Bytes {
    match shell.get(shell.names.pwd) {
        Some(pwd) if pwd.starts_with(b"/") => pwd.to_vec(),
        _ => getcwd().unwrap_or_else(|_| b"/".to_vec()),
    }
}

/// Removes `.`, `..` and doubled slashes from an absolute path, without looking at links.
fn normalize(path: &[u8]) -> Bytes {
    let mut pieces: Vec<&[u8]> = Vec::new();
    for piece in path.split(|byte| *byte == b'/') {
        match piece {
            b"" | b"." => {}
            b".." => {
                pieces.pop();
            }
            piece => pieces.push(piece),
        }
    }
    [b"/", &pieces.join(&b'/')[..]].concat()
}

pub fn pwd(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"LP") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let physical = parsed.options.last().map_or(shell.options.physical, |(letter, _)| *letter == b'P');
    let directory = if physical { getcwd() } else { Ok(current(shell)) };
    match directory {
        Ok(directory) => {
            shell.output.write(&[&directory[..], b"\n"].concat());
            Ok(0)
        }
        Err(errno) => {
            shell.complain(
                &[
                    b"pwd: error retrieving current directory: getcwd: cannot access parent directories: ",
                    errno.message().as_bytes(),
                ]
                .concat(),
            );
            Ok(1)
        }
    }
}

/// Sets PWD at the start: the inherited one when it names the working directory.
pub fn initialize(shell: &mut Shell) {
    let actual = getcwd().unwrap_or_else(|_| b"/".to_vec());
    let inherited = shell.get(shell.names.pwd).filter(|pwd| pwd.starts_with(b"/")).map(<[u8]>::to_vec);
    let same = inherited.filter(|pwd| match (stat(pwd), stat(&actual)) {
        (Ok(left), Ok(right)) => (left.dev, left.ino) == (right.dev, right.ino),
        _ => false,
    });
    let name = shell.names.pwd;
    shell.variables.set(name, &same.unwrap_or(actual));
    shell.variables.entry(name).attributes.exported = true;
}

/// The stack as `dirs` shows it: the working directory first.
fn stack(shell: &Shell) -> Vec<Bytes> {
    let mut all = vec![current(shell)];
    all.extend(shell.directories.iter().rev().cloned());
    all
}

fn shorten(shell: &Shell, path: &[u8]) -> Bytes {
    match shell.get(shell.names.home) {
        Some(home) if !home.is_empty() && path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) => {
            [b"~", path.get(home.len()..).unwrap_or_default()].concat()
        }
        _ => path.to_vec(),
    }
}

fn print_stack(shell: &mut Shell) {
    let shown: Vec<Bytes> = stack(shell).iter().map(|path| shorten(shell, path)).collect();
    shell.output.write(&[&shown.join(&b' ')[..], b"\n"].concat());
}

pub fn dirs(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"clpv") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'c') {
        shell.directories.clear();
        return Ok(0);
    }
    let long = parsed.has(b'l');
    let all: Vec<Bytes> = stack(shell).iter().map(|path| if long { path.clone() } else { shorten(shell, path) }).collect();
    if parsed.has(b'v') {
        for (at, path) in all.iter().enumerate() {
            shell.output.write(&[format!("{at:2}  ").as_bytes(), path, b"\n"].concat());
        }
    } else if parsed.has(b'p') {
        all.iter().for_each(|path| shell.output.write(&[path, &b"\n"[..]].concat()));
    } else {
        shell.output.write(&[&all.join(&b' ')[..], b"\n"].concat());
    }
    Ok(0)
}

/// `+N` and `-N` as a place in the stack.
fn place(shell: &Shell, text: &[u8]) -> Option<usize> {
    let count = shell.directories.len() + 1;
    let number: usize = std::str::from_utf8(text.get(1..)?).ok()?.parse().ok()?;
    match text.first()? {
        b'+' => (number < count).then_some(number),
        b'-' => count.checked_sub(number + 1),
        _ => None,
    }
}

pub fn pushd(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let Some(target) = call.operands().iter().find(|operand| operand.as_slice() != b"--") else {
        let Some(top) = shell.directories.pop() else {
            return failure(shell, b"pushd: no other directory");
        };
        let old = current(shell);
        return go(shell, b"pushd", &top, |shell| shell.directories.push(old));
    };
    if matches!(target.first(), Some(b'+' | b'-')) && target.len() > 1 && target != b"-n" {
        let Some(at) = place(shell, target) else {
            shell.complain(&[b"pushd: ", &target[..], b": directory stack index out of range"].concat());
            return Ok(1);
        };
        let mut all = stack(shell);
        all.rotate_left(at);
        let top = all.remove(0);
        all.reverse();
        return go(shell, b"pushd", &top, |shell| shell.directories = all);
    }
    let old = current(shell);
    let target = target.clone();
    go(shell, b"pushd", &target, |shell| shell.directories.push(old))
}

fn go(shell: &mut Shell, name: &[u8], target: &[u8], then: impl FnOnce(&mut Shell)) -> Flow<i32> {
    let physical = shell.options.physical;
    match change(shell, target, physical) {
        Ok(()) => {
            then(shell);
            print_stack(shell);
            Ok(0)
        }
        Err(errno) => {
            shell.complain(&[name, b": ", target, b": ", errno.message().as_bytes()].concat());
            Ok(1)
        }
    }
}

pub fn popd(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    if shell.directories.is_empty() {
        return failure(shell, b"popd: directory stack empty");
    }
    if let Some(operand) = call.operands().first() {
        let at = place(shell, operand).filter(|at| *at > 0);
        if let Some(at) = at {
            let index = shell.directories.len() - at;
            shell.directories.remove(index);
            print_stack(shell);
            return Ok(0);
        }
        if place(shell, operand) != Some(0) {
            shell.complain(&[b"popd: ", &operand[..], b": directory stack index out of range"].concat());
            return Ok(1);
        }
    }
    let Some(top) = shell.directories.pop() else {
        return Ok(1);
    };
    go(shell, b"popd", &top, |_| {})
}
