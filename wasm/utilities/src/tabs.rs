//! expand(1) and unexpand(1): tabs to blanks and back.

use crate::each_file::each_file;
use crate::number::parse_unsigned;
use crate::options::{Spec, modernise_number, parse};
use crate::report::{Failure, Outcome, failure, quote};
use crate::stream::Output;

const EXPAND: Spec = Spec::new(
    "i,initial t,tabs=",
    "Usage: expand [OPTION]... [FILE]...
Turns tabs into blanks.

  -i, --initial     only those before anything else
  -t, --tabs=N|LIST tab stops every N columns, or at these
",
);

const UNEXPAND: Spec = Spec::new(
    "a,all first-only t,tabs=",
    "Usage: unexpand [OPTION]... [FILE]...
Turns blanks at the beginning of lines into tabs.

  -a, --all         all of two and more blanks
      --first-only  only those at the beginning
  -t, --tabs=N|LIST tab stops every N columns, or at these; implies -a
",
);

/// Where tabs stop.
struct Stops {
    list: Vec<usize>,
    /// Every so many columns behind the list; 0: none.
    every: usize,
}

impl Stops {
    fn parse(text: Option<&[u8]>) -> Result<Stops, Failure> {
        let Some(text) = text else { return Ok(Stops { list: Vec::new(), every: 8 }) };
        let mut stops = Stops { list: Vec::new(), every: 0 };
        for piece in text.split(|byte| matches!(byte, b',' | b' ')).filter(|piece| !piece.is_empty()) {
            let (digits, extends) = match piece.first() {
                Some(b'/' | b'+') => (&piece[1..], true),
                _ => (piece, false),
            };
            let bad = || failure(1, format!("tab size contains invalid character(s): {}", quote(piece)));
            let number = parse_unsigned(digits).and_then(|number| usize::try_from(number).ok()).ok_or_else(bad)?;
            if number == 0 {
                return Err(failure(1, "tab size cannot be 0"));
            }
            if number > 1 << 24 {
                return Err(failure(1, format!("tab stop is too large {}", quote(piece))));
            }
            if extends {
                stops.every = number;
            } else if stops.list.last().is_some_and(|&last| last >= number) {
                return Err(failure(1, "tab sizes must be ascending"));
            } else {
                stops.list.push(number);
            }
        }
        if let ([only], 0) = (stops.list.as_slice(), stops.every) {
            stops = Stops { every: *only, list: Vec::new() };
        }
        Ok(stops)
    }

    /// The next stop behind `column`.
    fn next(&self, column: usize) -> Option<usize> {
        let listed = self.list.iter().copied().find(|&stop| stop > column);
        listed.or_else(|| (self.every > 0).then(|| column + self.every - column % self.every))
    }
}

pub fn run_expand(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise_number(args, b"-t"), &EXPAND)?;
    let stops = Stops::parse(parsed.value("t"))?;
    let initial = parsed.has("i");
    let mut out = Output::stdout();
    let status = each_file(parsed.files(), &mut out, |input, out| {
        while let Some(line) = input.line(b'\n')? {
            let mut column = 0;
            let mut leading = true;
            for &byte in line {
                match byte {
                    b'\t' if leading || !initial => {
                        let next = stops.next(column).unwrap_or(column + 1);
                        out.put(&vec![b' '; next - column])?;
                        column = next;
                        continue;
                    }
                    8 => column = column.saturating_sub(1),
                    b'\n' => {}
                    _ => column += 1,
                }
                leading &= matches!(byte, b' ' | b'\t');
                out.byte(byte)?;
            }
        }
        Ok(())
    })?;
    out.finish(status)
}

pub fn run_unexpand(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise_number(args, b"-t"), &UNEXPAND)?;
    let stops = Stops::parse(parsed.value("t"))?;
    let all = (parsed.has("a") || parsed.has("t")) && !parsed.has("first-only");
    let mut out = Output::stdout();
    let status = each_file(parsed.files(), &mut out, |input, out| {
        while let Some(line) = input.line(b'\n')? {
            unexpand_line(line, &stops, all, out)?;
        }
        Ok(())
    })?;
    out.finish(status)
}

fn unexpand_line(line: &[u8], stops: &Stops, all: bool, out: &mut Output) -> Result<(), Failure> {
    let (mut column, mut held, mut active) = (0, Vec::new(), true);
    for &byte in line {
        if active && (byte == b' ' || byte == b'\t') {
            let stop = stops.next(column);
            match (byte, stop) {
                (_, None) => active = false,
                (b'\t', Some(stop)) => {
                    // Blanks before a tab are part of it.
                    held.clear();
                    out.byte(b'\t')?;
                    column = stop;
                    continue;
                }
                (_, Some(stop)) => {
                    held.push(b' ');
                    column += 1;
                    if column == stop {
                        // A single blank becomes no tab, unless it continues others.
                        if held.len() > 1 || (column > 0 && follows_tab(line, &held)) {
                            out.byte(b'\t')?;
                            held.clear();
                        }
                    }
                    continue;
                }
            }
        }
        out.put(&held)?;
        held.clear();
        active &= all || matches!(byte, b' ' | b'\t');
        column = if byte == 8 { column.saturating_sub(1) } else { column + 1 };
        out.byte(byte)?;
    }
    out.put(&held)
}

/// Whether the line is blank up to what is held.
fn follows_tab(line: &[u8], held: &[u8]) -> bool {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count() > held.len()
}
