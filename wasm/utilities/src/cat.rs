//! cat(1): copies files to standard output, chunk by chunk; with options, line by line.

use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain_of};
use crate::stream::{Input, Output, Trouble, file_error};

const SPEC: Spec = Spec::new(
    "b,number-nonblank n,number s,squeeze-blank v,show-nonprinting E,show-ends T,show-tabs A,show-all e t u",
    "Usage: cat [OPTION]... [FILE]...
Copies FILEs, or standard input without any or for -, to standard output.

  -A, --show-all           as -vET
  -b, --number-nonblank    numbers lines that are not empty (overrides -n)
  -e                       as -vE
  -E, --show-ends          $ at the end of lines
  -n, --number             numbers all lines
  -s, --squeeze-blank      one empty line where there are several
  -t                       as -vT
  -T, --show-tabs          tabs as ^I
  -u                       ignored
  -v, --show-nonprinting   ^ and M- for control characters, except line feed and tab
",
);

#[derive(Default)]
struct Style {
    number: bool,
    number_nonblank: bool,
    ends: bool,
    tabs: bool,
    nonprinting: bool,
    squeeze: bool,
}

impl Style {
    fn is_plain(&self) -> bool {
        !(self.number || self.number_nonblank || self.ends || self.tabs || self.nonprinting || self.squeeze)
    }
}

/// What goes on from one file to the next.
#[derive(Default)]
struct Lines {
    count: u64,
    blanks: u32,
    inside: bool,
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let has = |names: &[&str]| names.iter().any(|name| parsed.has(name));
    let style = Style {
        number: has(&["n"]),
        number_nonblank: has(&["b"]),
        ends: has(&["E", "A", "e"]),
        tabs: has(&["T", "A", "t"]),
        nonprinting: has(&["v", "A", "e", "t"]),
        squeeze: has(&["s"]),
    };
    let mut out = Output::stdout();
    let mut lines = Lines::default();
    let mut status = 0;
    for file in parsed.files() {
        if let Err(errno) = file_error(copy(&file, &style, &mut lines, &mut out))? {
            out.flush()?;
            complain_of(&file, errno);
            status = 1;
        }
    }
    out.finish(status)
}

/// The outer result is standard output's, the inner one the file's.
fn copy(file: &[u8], style: &Style, lines: &mut Lines, out: &mut Output) -> std::result::Result<(), Trouble> {
    let mut input = Input::open(file)?;
    loop {
        let chunk = match input.chunk()? {
            [] => return Ok(()),
            chunk => chunk,
        };
        if style.is_plain() {
            out.put(chunk)?;
        } else {
            for line in chunk.split_inclusive(|&byte| byte == b'\n') {
                put_line(line, style, lines, out)?;
            }
        }
        // A reader at the other end of a pipe gets what there is.
        out.flush()?;
    }
}

/// A line or a piece of one that a chunk's border cut.
fn put_line(line: &[u8], style: &Style, lines: &mut Lines, out: &mut Output) -> std::result::Result<(), Failure> {
    if !lines.inside {
        let blank = line == b"\n";
        lines.blanks = if blank { lines.blanks + 1 } else { 0 };
        if style.squeeze && lines.blanks > 1 {
            return Ok(());
        }
        if style.number_nonblank && !blank || style.number && !style.number_nonblank {
            lines.count += 1;
            out.text(format!("{:6}\t", lines.count))?;
        }
    }
    let ended = line.ends_with(b"\n");
    lines.inside = !ended;
    for &byte in if ended { &line[..line.len() - 1] } else { line } {
        put_byte(byte, style, out)?;
    }
    match (ended, style.ends) {
        (true, true) => out.put(b"$\n"),
        (true, false) => out.byte(b'\n'),
        (false, _) => Ok(()),
    }
}

fn put_byte(byte: u8, style: &Style, out: &mut Output) -> std::result::Result<(), Failure> {
    if byte == b'\t' {
        return if style.tabs { out.put(b"^I") } else { out.byte(byte) };
    }
    if !style.nonprinting {
        return out.byte(byte);
    }
    let (meta, low) = if byte >= 0x80 { (&b"M-"[..], byte - 0x80) } else { (&b""[..], byte) };
    out.put(meta)?;
    match low {
        0x7f => out.put(b"^?"),
        0..0x20 => out.put(&[b'^', low + 0x40]),
        _ => out.byte(low),
    }
}
