//! fold(1): lines no wider than so many columns.

use crate::each_file::each_file;
use crate::number::parse_unsigned;
use crate::options::{Spec, modernise_number, parse};
use crate::report::{Failure, Outcome, failure, quote};
use crate::stream::Output;
use tidepool_system::Errno;

const SPEC: Spec = Spec::new(
    "b,bytes s,spaces w,width=",
    "Usage: fold [OPTION]... [FILE]...
Breaks lines that are wider than 80 columns.

  -b, --bytes         counts bytes, not columns
  -s, --spaces        breaks at blanks
  -w, --width=WIDTH   instead of 80
",
);

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise_number(args, b"-w"), &SPEC)?;
    let width = match parsed.value("w") {
        Some(text) => match parse_unsigned(text) {
            Some(width) if width > 0 => usize::try_from(width).unwrap_or(usize::MAX),
            Some(_) => return Err(failure(1, format!("invalid number of columns: {}: {}", quote(text), Errno::ERANGE))),
            None => return Err(failure(1, format!("invalid number of columns: {}", quote(text)))),
        },
        None => 80,
    };
    let (bytes, spaces) = (parsed.has("b"), parsed.has("s"));
    let mut out = Output::stdout();
    let status = each_file(parsed.files(), &mut out, |input, out| {
        while let Some(line) = input.line(b'\n')? {
            fold_line(line, width, bytes, spaces, out)?;
        }
        Ok(())
    })?;
    out.finish(status)
}

fn advance(column: usize, byte: u8, bytes: bool) -> usize {
    match byte {
        _ if bytes => column + 1,
        b'\t' => column + 8 - column % 8,
        8 => column.saturating_sub(1),
        b'\r' => 0,
        _ => column + 1,
    }
}

fn fold_line(line: &[u8], width: usize, bytes: bool, spaces: bool, out: &mut Output) -> Result<(), Failure> {
    let mut held: Vec<u8> = Vec::new();
    let mut column = 0;
    for &byte in line {
        if byte == b'\n' {
            break;
        }
        loop {
            let next = advance(column, byte, bytes);
            if next <= width || held.is_empty() {
                column = next;
                held.push(byte);
                break;
            }
            let blank = held.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).filter(|_| spaces);
            let cut = blank.map_or(held.len(), |at| at + 1);
            out.put(&held[..cut])?;
            out.byte(b'\n')?;
            held.drain(..cut);
            column = held.iter().fold(0, |column, &byte| advance(column, byte, bytes));
        }
    }
    out.put(&held)?;
    if line.ends_with(b"\n") { out.byte(b'\n') } else { Ok(()) }
}
