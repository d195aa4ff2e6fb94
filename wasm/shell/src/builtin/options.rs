//! Options of built-ins: `-ab`, `-d value`, `-dvalue`, `--`.

use super::Call;
use crate::shell::Shell;
use crate::variables::Bytes;

/// The options of a call, in order, and where the operands start.
pub struct Parsed<'a> {
    pub options: Vec<(u8, &'a [u8])>,
    pub operands: &'a [Bytes],
}

impl Parsed<'_> {
    pub fn has(&self, letter: u8) -> bool {
        self.options.iter().any(|(option, _)| *option == letter)
    }

    pub fn value(&self, letter: u8) -> Option<&[u8]> {
        self.options.iter().rev().find(|(option, _)| *option == letter).map(|(_, value)| *value)
    }
}

/// Reads options as `getopt` does; `known` lists the letters, a colon after one that takes a value. Err: a status, the
/// message has been written.
pub fn parse<'a>(shell: &mut Shell, call: &Call<'a>, known: &[u8]) -> Result<Parsed<'a>, i32> {
    let mut options = Vec::new();
    let mut at = 1;
    while let Some(argument) = call.arguments.get(at) {
        let Some(letters) = argument.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else {
            break;
        };
        at += 1;
        if argument == b"--" {
            break;
        }
        let mut place = 0;
        while let Some(&letter) = letters.get(place) {
            place += 1;
            let Some(found) = known.iter().position(|option| *option == letter && letter != b':') else {
                return Err(shell.invalid_option(call.name(), &[b'-', letter]));
            };
            if known.get(found + 1) != Some(&b':') {
                options.push((letter, &b""[..]));
                continue;
            }
            let attached = letters.get(place..).unwrap_or_default();
            let value = if attached.is_empty() {
                let Some(value) = call.arguments.get(at) else {
                    shell.complain(&[call.name(), b": -", &[letter], b": option requires an argument"].concat());
                    return Err(shell.usage(call.name()));
                };
                at += 1;
                value.as_slice()
            } else {
                attached
            };
            options.push((letter, value));
            break;
        }
    }
    Ok(Parsed { options, operands: call.arguments.get(at..).unwrap_or_default() })
}
