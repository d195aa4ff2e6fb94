//! echo

use super::Call;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn echo(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let (mut newline, mut escapes) = (true, shell.shopts.xpg_echo);
    let mut operands = call.operands();
    while let Some((first, rest)) = operands.split_first() {
        let Some(letters) = first.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else {
            break;
        };
        if !letters.iter().all(|letter| matches!(letter, b'n' | b'e' | b'E')) {
            break;
        }
        for letter in letters {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        operands = rest;
    }
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            shell.output.write(b" ");
        }
        if !escapes {
            shell.output.write(operand);
            continue;
        }
        let (text, stopped) = unescape(operand, Dialect::Echo);
        shell.output.write(&text);
        if stopped {
            return Ok(0);
        }
    }
    if newline {
        shell.output.write(b"\n");
    }
    Ok(0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `echo -e`: octal is `\0nnn`.
    Echo,
    /// `printf %b`: octal is `\nnn` or `\0nnn`.
    PrintfArgument,
    /// A format of printf: octal is `\nnn`, and `\c` is text.
    PrintfFormat,
}

/// The text with its escapes read, and whether `\c` ended it.
pub fn unescape(text: &[u8], dialect: Dialect) -> (Bytes, bool) {
    use tidepool_syntax::escape::{digits, push_character};
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            result.push(byte);
            continue;
        }
        let Some(&letter) = text.get(at) else {
            result.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'a' => result.push(7),
            b'b' => result.push(8),
            b'e' | b'E' => result.push(27),
            b'f' => result.push(12),
            b'n' => result.push(b'\n'),
            b'r' => result.push(b'\r'),
            b't' => result.push(b'\t'),
            b'v' => result.push(11),
            b'\\' => result.push(b'\\'),
            b'c' if dialect != Dialect::PrintfFormat => return (result, true),
            b'"' | b'\'' | b'?' if dialect != Dialect::Echo => result.push(letter),
            b'0' if dialect != Dialect::PrintfFormat => {
                let (value, used) = digits(text, at, 8, 3);
                at += used;
                result.push(value as u8);
            }
            b'0'..=b'7' if dialect != Dialect::Echo => {
                let (value, used) = digits(text, at - 1, 8, 3);
                at += used - 1;
                result.push(value as u8);
            }
            b'x' | b'u' | b'U' => {
                let most = match letter {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                let (value, used) = digits(text, at, 16, most);
                at += used;
                match (used, letter) {
                    (0, _) => result.extend_from_slice(&[b'\\', letter]),
                    (_, b'x') => result.push(value as u8),
                    _ => push_character(&mut result, value),
                }
            }
            _ => result.extend_from_slice(&[b'\\', letter]),
        }
    }
    (result, false)
}
