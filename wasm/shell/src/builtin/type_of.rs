//! type hash, and `command -v`

use tidepool_system::find_program;

use super::options::parse;
use super::{Call, find};
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

const KEYWORDS: [&[u8]; 22] = [
    b"!",
    b"[[",
    b"]]",
    b"case",
    b"coproc",
    b"do",
    b"done",
    b"elif",
    b"else",
    b"esac",
    b"fi",
    b"for",
    b"function",
    b"if",
    b"in",
    b"select",
    b"then",
    b"time",
    b"until",
    b"while",
    b"{",
    b"}",
];

/// What a name would run.
enum Meaning {
    Alias(Bytes),
    Keyword,
    Function,
    Builtin,
    File(Bytes),
}

fn meanings(shell: &Shell, name: &[u8], all: bool, functions: bool) -> Vec<Meaning> {
    let mut found = Vec::new();
    if shell.shopts.expand_aliases
        && let Some(text) = shell.aliases.get(name)
    {
        found.push(Meaning::Alias(text.clone()));
    }
    if KEYWORDS.contains(&name) {
        found.push(Meaning::Keyword);
    }
    if functions && shell.functions.contains_key(name) {
        found.push(Meaning::Function);
    }
    if find(name).is_some() && !shell.disabled_builtins.contains(name) {
        found.push(Meaning::Builtin);
    }
    if found.is_empty() || all {
        found.extend(files(shell, name, all).into_iter().map(Meaning::File));
    }
    if !all {
        found.truncate(1);
    }
    found
}

fn files(shell: &Shell, name: &[u8], all: bool) -> Vec<Bytes> {
    if name.contains(&b'/') {
        let runs = tidepool_system::access(name, tidepool_system::Access::Execute).is_ok();
        let is_dir = tidepool_system::stat(name).is_ok_and(|stat| stat.is_dir());
        return if runs && !is_dir { vec![name.to_vec()] } else { Vec::new() };
    }
    let path = shell.get(shell.names.path).unwrap_or_default();
    if !all {
        return find_program(name, path).into_iter().collect();
    }
    path.split(|byte| *byte == b':').filter_map(|directory| find_program(name, directory).ok()).collect()
}

pub fn type_of(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"afptP") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let (all, kind, path) = (parsed.has(b'a'), parsed.has(b't'), parsed.has(b'p') || parsed.has(b'P'));
    let mut status = 0;
    for name in parsed.operands {
        let found = if parsed.has(b'P') {
            files(shell, name, all).into_iter().map(Meaning::File).collect()
        } else {
            meanings(shell, name, all, !parsed.has(b'f'))
        };
        if found.is_empty() {
            status = 1;
            if !kind && !path {
                shell.complain(&[b"type: ", &name[..], b": not found"].concat());
            }
        }
        for meaning in found {
            let text = match (kind, path) {
                (true, _) => kind_of(&meaning),
                (_, true) => match &meaning {
                    Meaning::File(file) => [&file[..], b"\n"].concat(),
                    _ => Vec::new(),
                },
                _ => describe(shell, name, &meaning),
            };
            shell.output.write(&text);
        }
    }
    Ok(status)
}

fn kind_of(meaning: &Meaning) -> Bytes {
    let kind: &[u8] = match meaning {
        Meaning::Alias(_) => b"alias\n",
        Meaning::Keyword => b"keyword\n",
        Meaning::Function => b"function\n",
        Meaning::Builtin => b"builtin\n",
        Meaning::File(_) => b"file\n",
    };
    kind.to_vec()
}

/// The sentences of `type` and `command -V`.
fn describe(shell: &Shell, name: &[u8], meaning: &Meaning) -> Bytes {
    match meaning {
        Meaning::Alias(text) => [name, b" is aliased to `", text, b"'\n"].concat(),
        Meaning::Keyword => [name, b" is a shell keyword\n"].concat(),
        Meaning::Function => {
            let body =
                shell.functions.get(name).map(|defined| tidepool_syntax::print::function(&defined.function)).unwrap_or_default();
            [name, b" is a function\n", &body, b"\n"].concat()
        }
        Meaning::Builtin => [name, b" is a shell builtin\n"].concat(),
        Meaning::File(file) if shell.hashed.contains_key(name) => [name, b" is hashed (", file, b")\n"].concat(),
        Meaning::File(file) => [name, b" is ", file, b"\n"].concat(),
    }
}

/// `command -v` and `-V`: status 1 when none is found, as bash has it.
pub fn describe_for_command(shell: &mut Shell, names: &[Bytes], verbose: bool) -> i32 {
    let mut any = names.is_empty();
    for name in names {
        let Some(meaning) = meanings(shell, name, false, true).pop() else {
            if verbose {
                shell.complain(&[b"command: ", &name[..], b": not found"].concat());
            }
            continue;
        };
        any = true;
        let text = if verbose {
            describe(shell, name, &meaning)
        } else {
            match &meaning {
                Meaning::File(file) => [&file[..], b"\n"].concat(),
                Meaning::Alias(text) => [b"alias ", &name[..], b"=", &crate::expand::quote_for_reuse(text), b"\n"].concat(),
                _ => [&name[..], b"\n"].concat(),
            }
        };
        shell.output.write(&text);
    }
    i32::from(!any)
}

pub fn hash(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"lrp:dt") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'r') {
        shell.hashed.clear();
    }
    if parsed.operands.is_empty() {
        if !parsed.has(b'r') {
            print_hashed(shell);
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in parsed.operands {
        if parsed.has(b'd') {
            shell.hashed.remove(name);
            continue;
        }
        let path = shell.get(shell.names.path).unwrap_or_default().to_vec();
        let found = match parsed.value(b'p') {
            Some(file) => Some(file.to_vec()),
            None => find_program(name, &path).ok(),
        };
        match found {
            Some(file) if parsed.has(b't') => shell.output.write(&[&file[..], b"\n"].concat()),
            Some(file) => {
                shell.hashed.insert(name.clone(), (file, 0));
            }
            None => {
                shell.complain(&[b"hash: ", &name[..], b": not found"].concat());
                status = 1;
            }
        }
    }
    Ok(status)
}

fn print_hashed(shell: &mut Shell) {
    if shell.hashed.is_empty() {
        shell.output.write(b"hash: hash table empty\n");
        return;
    }
    shell.output.write(b"hits\tcommand\n");
    let rows: Vec<Bytes> =
        shell.hashed.values().map(|(file, uses)| [format!("{uses:4}\t").as_bytes(), file, b"\n"].concat()).collect();
    rows.iter().for_each(|row| shell.output.write(row));
}
