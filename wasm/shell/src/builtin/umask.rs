//! umask

use super::Call;
use super::options::parse;
use crate::shell::{Flow, Shell};

pub fn umask(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"pS") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let (symbolic, reusable) = (parsed.has(b'S'), parsed.has(b'p'));
    let Some(mode) = parsed.operands.first() else {
        let mask = tidepool_system::umask(None);
        let text = if symbolic { symbols(mask) } else { format!("{mask:04o}") };
        let head = match (reusable, symbolic) {
            (true, true) => "umask -S ",
            (true, false) => "umask ",
            _ => "",
        };
        shell.output.write(format!("{head}{text}\n").as_bytes());
        return Ok(0);
    };
    let mask = if mode.first().is_some_and(u8::is_ascii_digit) {
        match std::str::from_utf8(mode).ok().and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mask| *mask <= 0o777) {
            Some(mask) => mask,
            None => {
                shell.complain(&[b"umask: ", &mode[..], b": octal number out of range"].concat());
                return Ok(1);
            }
        }
    } else {
        match parse_symbols(mode, tidepool_system::umask(None)) {
            Ok(mask) => mask,
            Err((kind, byte)) => {
                shell.complain(&[&b"umask: `"[..], &[byte], b"': invalid symbolic mode ", kind].concat());
                return Ok(1);
            }
        }
    };
    tidepool_system::umask(Some(mask));
    if symbolic {
        shell.output.write(format!("{}\n", symbols(mask)).as_bytes());
    }
    Ok(0)
}

/// `u=rwx,g=rx,o=rx`: what the mask leaves.
fn symbols(mask: u32) -> String {
    let class = |shift: u32| {
        let bits = !mask >> shift & 7;
        [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| *letter).collect::<String>()
    };
    format!("u={},g={},o={}", class(6), class(3), class(0))
}

/// `u=rwx,go-w`; what is wrong: its kind and byte.
fn parse_symbols(text: &[u8], mask: u32) -> Result<u32, (&'static [u8], u8)> {
    let mut allowed = !mask & 0o777;
    for clause in text.split(|byte| *byte == b',') {
        let end = clause.iter().position(|byte| !matches!(byte, b'u' | b'g' | b'o' | b'a')).unwrap_or(clause.len());
        let (who, rest) = clause.split_at(end);
        let shifts = |byte: u8| match byte {
            b'u' => 0o700,
            b'g' => 0o070,
            b'o' => 0o007,
            _ => 0o777,
        };
        let places = if who.is_empty() { 0o777 } else { who.iter().fold(0, |all, byte| all | shifts(*byte)) };
        let Some((operator, letters)) = rest.split_first() else {
            return Err((b"operator", 0));
        };
        let mut bits = 0;
        for letter in letters {
            bits |= match letter {
                b'r' => 0o444,
                b'w' => 0o222,
                b'x' | b'X' => 0o111,
                other => return Err((b"character", *other)),
            };
        }
        match operator {
            b'=' => allowed = allowed & !places | bits & places,
            b'+' => allowed |= bits & places,
            b'-' => allowed &= !(bits & places),
            other => return Err((b"operator", *other)),
        }
    }
    Ok(!allowed & 0o777)
}
