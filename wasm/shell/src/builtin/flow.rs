//! break continue return exit true false : let caller

use super::Call;
use super::number::integer;
use crate::shell::{Flow, Shell, Unwind};

pub fn succeed(_shell: &mut Shell, _call: &Call<'_>) -> Flow<i32> {
    Ok(0)
}

pub fn fail(_shell: &mut Shell, _call: &Call<'_>) -> Flow<i32> {
    Ok(1)
}

pub fn break_loop(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    leave_loop(shell, call, Unwind::Break)
}

pub fn continue_loop(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    leave_loop(shell, call, Unwind::Continue)
}

fn leave_loop(shell: &mut Shell, call: &Call<'_>, unwind: fn(usize) -> Unwind) -> Flow<i32> {
    if shell.loops == 0 {
        shell.complain_about(call.name(), b"only meaningful in a `for', `while', or `until' loop");
        return Ok(0);
    }
    let levels = match call.operands() {
        [] => 1,
        [text] => match integer(text) {
            Some(levels) => levels,
            None => {
                shell.complain(&[call.name(), b": ", text, b": numeric argument required"].concat());
                shell.status = 128;
                return Err(Unwind::Exit);
            }
        },
        _ => {
            shell.complain_about(call.name(), b"too many arguments");
            shell.status = 1;
            return Err(Unwind::Break(shell.loops));
        }
    };
    if levels < 1 {
        let text = levels.to_string();
        shell.complain(&[call.name(), b": ", text.as_bytes(), b": loop count out of range"].concat());
        shell.status = 1;
        return Err(Unwind::Break(shell.loops));
    }
    shell.status = 0;
    Err(unwind((levels as usize).min(shell.loops)))
}

/// The status operand of `exit` and `return`; None: not a number, the message is written.
fn status_operand(shell: &mut Shell, call: &Call<'_>) -> Option<i32> {
    let operands = call.operands();
    let operands =
        if operands.first().is_some_and(|first| first == b"--") { operands.get(1..).unwrap_or_default() } else { operands };
    let Some(text) = operands.first() else {
        return Some(shell.status);
    };
    match integer(text) {
        Some(status) => Some((status & 0xff) as i32),
        None => {
            shell.complain(&[call.name(), b": ", text, b": numeric argument required"].concat());
            None
        }
    }
}

pub fn exit(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    if call.operands().len() > 1 && integer(&call.operands()[0]).is_some() {
        shell.complain_about(call.name(), b"too many arguments");
        return Ok(1);
    }
    shell.status = status_operand(shell, call).unwrap_or(2);
    Err(Unwind::Exit)
}

pub fn return_from(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    if shell.frames.is_empty() {
        shell.complain_about(call.name(), b"can only `return' from a function or sourced script");
        return Ok(2);
    }
    shell.status = status_operand(shell, call).unwrap_or(2);
    Err(Unwind::Return)
}

/// let
pub fn evaluate(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    if call.operands().is_empty() {
        shell.complain_about(call.name(), b"expression expected");
        return Ok(1);
    }
    let mut value = 0;
    for operand in call.operands() {
        let before = std::mem::replace(&mut shell.arithmetic_speaker, b"let: ");
        let result = shell.evaluate_text(operand);
        shell.arithmetic_speaker = before;
        value = match result {
            Ok(value) => value,
            Err(Unwind::Abort) => return Ok(1),
            Err(other) => return Err(other),
        };
    }
    Ok(i32::from(value == 0))
}

pub fn caller(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let level = call.operands().first().and_then(|text| integer(text));
    let skip = level.unwrap_or(0).max(0) as usize;
    let frames: Vec<_> = shell.frames.iter().rev().collect();
    let Some(frame) = frames.get(skip) else {
        return Ok(1);
    };
    let above = frames.get(skip + 1);
    let source = match above {
        Some(above) => above.source.to_vec(),
        None if shell.is_script_file => shell.name0.clone(),
        None => b"NULL".to_vec(),
    };
    let name = above.map_or_else(|| b"main".to_vec(), |above| above.name.to_vec());
    let line = frame.call_line.to_string();
    let text = match level {
        Some(_) => [line.as_bytes(), b" ", &name, b" ", &source, b"\n"].concat(),
        None => [line.as_bytes(), b" ", &source, b"\n"].concat(),
    };
    shell.output.write(&text);
    Ok(0)
}
