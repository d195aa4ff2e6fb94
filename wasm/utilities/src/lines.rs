//! tac(1) and rev(1): lines in reverse order, and each line in reverse.

use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain, quote_bare, quote_name};
use crate::stream::{Input, Output, Trouble, file_error, trim};

const TAC: Spec = Spec::new(
    "b,before r,regex s,separator=",
    "Usage: tac [OPTION]... [FILE]...
Prints each FILE with its lines in reverse order.

  -b, --before             the separator stands before a line, not after it
  -s, --separator=STRING   instead of a line feed
",
);

const REV: Spec = Spec::new(
    "0,zero",
    "Usage: rev [OPTION] [FILE]...
Prints each line with its characters in reverse order.

  -0, --zero   lines end in NUL
",
);

pub fn run_tac(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &TAC)?;
    if parsed.has("r") {
        return Err(crate::report::failure(1, "regular expressions as separators are not supported"));
    }
    let separator = match parsed.value("s") {
        Some([]) => b"\0",
        Some(separator) => separator,
        None => b"\n",
    };
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        let mut input = match Input::open(&file) {
            Ok(input) => input,
            Err(errno) => {
                out.flush()?;
                complain(format!("failed to open {} for reading: {errno}", quote_name(&file)));
                status = 1;
                continue;
            }
        };
        match input.all() {
            Ok(text) => reverse(&text, separator, parsed.has("b"), &mut out)?,
            Err(errno) => {
                out.flush()?;
                complain(format!("{}: read error: {errno}", quote_bare(&file)));
                status = 1;
            }
        }
    }
    out.finish(status)
}

fn reverse(text: &[u8], separator: &[u8], before: bool, out: &mut Output) -> Result<(), Failure> {
    let mut end = text.len();
    let found: Vec<usize> = memchr::memmem::find_iter(text, separator).collect();
    for &at in found.iter().rev() {
        let cut = if before { at } else { at + separator.len() };
        if cut < end || before {
            out.put(&text[cut..end])?;
        }
        end = cut;
    }
    out.put(&text[..end])
}

pub fn run_rev(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &REV)?;
    let end = if parsed.has("0") { 0 } else { b'\n' };
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        if let Err(errno) = file_error(reverse_lines(&file, end, &mut out))? {
            out.flush()?;
            complain(format!("cannot open {}: {errno}", quote_bare(&file)));
            status = 1;
        }
    }
    out.finish(status)
}

fn reverse_lines(file: &[u8], end: u8, out: &mut Output) -> Result<(), Trouble> {
    let mut input = Input::open(file)?;
    while let Some(line) = input.line(end)? {
        let text = trim(line, end);
        let ended = text.len() < line.len();
        let mut reversed = Vec::with_capacity(line.len());
        for chunk in text.utf8_chunks().collect::<Vec<_>>().into_iter().rev() {
            reversed.extend(chunk.invalid().iter().rev());
            reversed.extend(chunk.valid().chars().rev().collect::<String>().into_bytes());
        }
        out.put(&reversed)?;
        if ended {
            out.byte(end)?;
        }
        if input.buffered() == 0 {
            out.flush()?;
        }
    }
    Ok(())
}
