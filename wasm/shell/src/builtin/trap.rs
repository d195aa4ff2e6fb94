//! trap

use super::Call;
use super::options::parse;
use crate::execute::trap::Event;
use crate::expand::quote_for_reuse;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn trap(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    // `-` is a command here, not an option.
    let parsed = match parse(shell, call, b"lp") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'l') {
        super::job::print_signals(shell);
        return Ok(0);
    }
    let operands = parsed.operands;
    if parsed.has(b'p') || operands.is_empty() {
        return Ok(print(shell, operands));
    }
    let is_number = operands.first().is_some_and(|first| !first.is_empty() && first.iter().all(u8::is_ascii_digit));
    let (command, events): (Option<&[u8]>, &[Bytes]) = match operands {
        // One operand, or a number first: the events' defaults come back.
        [_] => (None, operands),
        [first, rest @ ..] if first == b"-" => (None, rest),
        _ if is_number => (None, operands),
        [first, rest @ ..] => (Some(first), rest),
        [] => (None, operands),
    };
    if let ([only], true) = (operands, events.len() == 1)
        && Event::parse(only).is_none()
    {
        return Ok(shell.usage(call.name()));
    }
    let mut status = 0;
    for name in events {
        match Event::parse(name) {
            Some(event) => shell.traps.set(event, command),
            None if matches!(name.as_slice(), b"DEBUG") => {
                shell.complain(b"trap: DEBUG: not supported yet");
                status = 2;
            }
            None => {
                shell.complain(&[b"trap: ", &name[..], b": invalid signal specification"].concat());
                status = 1;
            }
        }
    }
    Ok(status)
}

fn print(shell: &mut Shell, names: &[Bytes]) -> i32 {
    let mut status = 0;
    let mut wanted = Vec::new();
    for name in names {
        match Event::parse(name) {
            Some(event) => wanted.push(event),
            None => {
                shell.complain(&[b"trap: ", &name[..], b": invalid signal specification"].concat());
                status = 1;
            }
        }
    }
    let rows: Vec<Bytes> = shell
        .traps
        .list()
        .iter()
        .filter(|(event, _)| names.is_empty() || wanted.contains(event))
        .map(|(event, command)| [b"trap -- ", &quote_for_reuse(command)[..], b" ", event.name().as_bytes(), b"\n"].concat())
        .collect();
    rows.iter().for_each(|row| shell.output.write(row));
    status
}
