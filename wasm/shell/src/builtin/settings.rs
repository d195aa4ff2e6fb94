//! set shopt shift

use super::Call;
use super::number::integer;
use super::options::parse;
use crate::options::{OPTIONS, SHOPTS, by_letter, by_name, shopt_by_name};
use crate::shell::{Flow, Shell};

pub fn set(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let operands = call.operands();
    if operands.is_empty() {
        super::declare::print_all(shell);
        return Ok(0);
    }
    let mut at = 0;
    while let Some(argument) = operands.get(at) {
        at += 1;
        let (on, letters) = match argument.as_slice() {
            b"--" => {
                shell.positional = operands.get(at..).unwrap_or_default().to_vec();
                return Ok(0);
            }
            b"-" => {
                shell.options.xtrace = false;
                shell.options.verbose = false;
                if at < operands.len() {
                    shell.positional = operands.get(at..).unwrap_or_default().to_vec();
                }
                return Ok(0);
            }
            [b'-', letters @ ..] => (true, letters),
            [b'+', letters @ ..] => (false, letters),
            _ => {
                shell.positional = operands.get(at - 1..).unwrap_or_default().to_vec();
                return Ok(0);
            }
        };
        for letter in letters {
            if *letter == b'o' {
                let Some(name) = operands.get(at) else {
                    print_options(shell, on);
                    return Ok(0);
                };
                at += 1;
                if let Err(status) = set_named(shell, call.name(), name, on) {
                    return Ok(status);
                }
                continue;
            }
            match by_letter(*letter) {
                Some(row) => (row.set)(&mut shell.options, on),
                None => return Ok(shell.invalid_option(call.name(), &[if on { b'-' } else { b'+' }, *letter])),
            }
        }
    }
    Ok(0)
}

/// `set -o name`
pub fn set_named(shell: &mut Shell, speaker: &[u8], name: &[u8], on: bool) -> Result<(), i32> {
    match by_name(name) {
        Some(row) => {
            (row.set)(&mut shell.options, on);
            Ok(())
        }
        None => {
            shell.complain(&[speaker, b": ", name, b": invalid option name"].concat());
            Err(2)
        }
    }
}

fn print_options(shell: &mut Shell, readable: bool) {
    for row in OPTIONS {
        let on = (row.get)(&shell.options);
        let line = if readable {
            format!("{:<15}\t{}\n", row.name, if on { "on" } else { "off" })
        } else {
            format!("set {}o {}\n", if on { '-' } else { '+' }, row.name)
        };
        shell.output.write(line.as_bytes());
    }
}

pub fn shopt(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"pqsuo") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let (sets, unsets) = (parsed.has(b's'), parsed.has(b'u'));
    if sets && unsets {
        shell.complain(b"shopt: cannot set and unset shell options simultaneously");
        return Ok(1);
    }
    if parsed.operands.is_empty() {
        for row in SHOPTS {
            let on = (row.get)(&shell.shopts);
            if (!sets && !unsets) || (sets && on) || (unsets && !on) {
                print_shopt(shell, row.name, on, parsed.has(b'p'));
            }
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in parsed.operands {
        let Some(on) = named(shell, name, parsed.has(b'o')) else {
            let kind: &[u8] = if parsed.has(b'o') { b": invalid option name" } else { b": invalid shell option name" };
            shell.complain(&[b"shopt: ", &name[..], kind].concat());
            status = 1;
            continue;
        };
        if sets || unsets {
            set_either(shell, name, sets, parsed.has(b'o'));
            continue;
        }
        status |= i32::from(!on);
        if !parsed.has(b'q') {
            let name = String::from_utf8_lossy(name).into_owned();
            print_shopt(shell, &name, on, parsed.has(b'p'));
        }
    }
    Ok(status)
}

fn named(shell: &Shell, name: &[u8], of_set: bool) -> Option<bool> {
    if of_set {
        by_name(name).map(|row| (row.get)(&shell.options))
    } else {
        shopt_by_name(name).map(|row| (row.get)(&shell.shopts))
    }
}

fn set_either(shell: &mut Shell, name: &[u8], on: bool, of_set: bool) {
    if of_set {
        if let Some(row) = by_name(name) {
            (row.set)(&mut shell.options, on);
        }
    } else if let Some(row) = shopt_by_name(name) {
        (row.set)(&mut shell.shopts, on);
    }
}

fn print_shopt(shell: &mut Shell, name: &str, on: bool, reusable: bool) {
    let line = if reusable {
        format!("shopt -{} {name}\n", if on { 's' } else { 'u' })
    } else {
        format!("{name:<15}\t{}\n", if on { "on" } else { "off" })
    };
    shell.output.write(line.as_bytes());
}

pub fn shift(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let count = match call.operands() {
        [] => 1,
        [text] => match integer(text) {
            Some(count) => count,
            None => {
                shell.complain(&[b"shift: ", &text[..], b": numeric argument required"].concat());
                return Ok(1);
            }
        },
        _ => {
            shell.complain(b"shift: too many arguments");
            return Ok(1);
        }
    };
    if count < 0 {
        shell.complain(format!("shift: {count}: shift count out of range").as_bytes());
        return Ok(1);
    }
    if count as usize > shell.positional.len() {
        return Ok(1);
    }
    shell.positional.drain(..count as usize);
    Ok(0)
}
