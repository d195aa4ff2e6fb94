//! column(1): lines in columns, and tables.

use crate::each_file::each_file;
use crate::number::parse_unsigned;
use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, failure, quote};
use crate::stream::{Output, trim};
use crate::width::text_width;

const SPEC: Spec = Spec::new(
    "t,table s,separator= o,output-separator= c,output-width= x,fillrows N,table-columns= R,table-right=",
    "Usage: column [OPTION]... [FILE]...
Arranges lines in columns.

  -t, --table                  each line is a row of a table
  -s, --separator=CHARS        between the fields of the input
  -o, --output-separator=STR   between columns, instead of two blanks
  -c, --output-width=N         columns of the terminal
  -x, --fillrows               rows first
  -N, --table-columns=NAMES    a header
  -R, --table-right=LIST       these columns to the right
",
);

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut out = Output::stdout();
    let table = parsed.has("t");
    let status = each_file(parsed.files(), &mut out, |input, _| {
        while let Some(line) = input.line(b'\n')? {
            let line = trim(line, b'\n');
            if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                lines.push(line.to_vec());
            }
        }
        Ok(())
    })?;
    if table {
        print_table(&lines, &parsed, &mut out)?;
    } else {
        let width = match parsed.value("c") {
            Some(text) => {
                parse_unsigned(text).ok_or_else(|| failure(1, format!("invalid columns argument: {}", quote(text))))? as usize
            }
            None => 80,
        };
        fill(&lines, width, parsed.has("x"), &mut out)?;
    }
    out.finish(status)
}

fn print_table(lines: &[Vec<u8>], parsed: &crate::options::Parsed, out: &mut Output) -> Result<(), Failure> {
    let separators = parsed.value("s");
    let is_separator = |byte: &u8| separators.map_or(matches!(byte, b' ' | b'\t'), |separators| separators.contains(byte));
    let mut rows: Vec<Vec<&[u8]>> = Vec::new();
    if let Some(names) = parsed.value("N") {
        rows.push(names.split(|&byte| byte == b',').collect());
    }
    for line in lines {
        // Blanks separate in runs; a separator that was given separates each time.
        rows.push(line.split(is_separator).filter(|field| separators.is_some() || !field.is_empty()).collect());
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    rows.iter_mut().for_each(|row| row.resize(columns, b""));
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|field| text_width(field)).max().unwrap_or(0))
        .collect();
    let right: Vec<usize> = parsed.value("R").map_or(Vec::new(), |list| {
        list.split(|&byte| byte == b',').filter_map(parse_unsigned).map(|number| number as usize).collect()
    });
    let between = parsed.value("o").unwrap_or(b"  ");
    for row in rows {
        for (at, field) in row.iter().enumerate() {
            if at > 0 {
                out.put(between)?;
            }
            let missing = vec![b' '; widths[at] - text_width(field)];
            let to_the_right = right.contains(&(at + 1));
            if to_the_right {
                out.put(&missing)?;
            }
            out.put(field)?;
            if !to_the_right && at + 1 < columns {
                out.put(&missing)?;
            }
        }
        out.byte(b'\n')?;
    }
    Ok(())
}

/// Columns of one width, a multiple of eight, with tabs between.
fn fill(lines: &[Vec<u8>], width: usize, rows_first: bool, out: &mut Output) -> Result<(), Failure> {
    let widest = lines.iter().map(|line| text_width(line)).max().unwrap_or(0);
    let step = (widest + 8) / 8 * 8;
    let columns = (width / step).max(1);
    let rows = lines.len().div_ceil(columns);
    for row in 0..rows {
        for column in 0..columns {
            let index = |column: usize| if rows_first { row * columns + column } else { column * rows + row };
            let Some(line) = lines.get(index(column)) else { break };
            out.put(line)?;
            if column + 1 < columns && index(column + 1) < lines.len() {
                let mut at = text_width(line);
                while at < step {
                    out.byte(b'\t')?;
                    at += 8 - at % 8;
                }
            }
        }
        out.byte(b'\n')?;
    }
    Ok(())
}
