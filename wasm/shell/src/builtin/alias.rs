//! alias unalias

use super::Call;
use super::options::parse;
use crate::expand::quote_for_reuse;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn alias(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"p") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.operands.is_empty() || parsed.has(b'p') {
        let mut names: Vec<Bytes> = shell.aliases.keys().cloned().collect();
        names.sort();
        names.iter().for_each(|name| print(shell, name));
    }
    let mut status = 0;
    for operand in parsed.operands {
        match operand.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) {
            Some(at) => {
                let (name, value) = operand.split_at(at);
                shell.aliases.insert(name.to_vec(), value.get(1..).unwrap_or_default().to_vec());
            }
            None if shell.aliases.contains_key(operand) => print(shell, operand),
            None => {
                shell.complain(&[b"alias: ", &operand[..], b": not found"].concat());
                status = 1;
            }
        }
    }
    Ok(status)
}

fn print(shell: &mut Shell, name: &[u8]) {
    let Some(text) = shell.aliases.get(name) else {
        return;
    };
    let line = [b"alias ", name, b"=", &quote_for_reuse(text), b"\n"].concat();
    shell.output.write(&line);
}

pub fn unalias(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"a") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'a') {
        shell.aliases.clear();
        return Ok(0);
    }
    if parsed.operands.is_empty() {
        return Ok(shell.usage(call.name()));
    }
    let mut status = 0;
    for name in parsed.operands {
        if shell.aliases.remove(name).is_none() {
            shell.complain(&[b"unalias: ", &name[..], b": not found"].concat());
            status = 1;
        }
    }
    Ok(status)
}
