//! nl(1), paste(1), fold(1), expand(1), unexpand(1), column(1): lines in another shape.

use crate::number::parse_unsigned;
use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain_of, failure, misuse, quote, quote_bare};
use crate::stream::{Input, Output, Trouble, file_error, trim};
use crate::width::text_width;
use tidepool_system::{Errno, Fd};

const FOLD: Spec = Spec::new(
    "b,bytes s,spaces w,width=",
    "Usage: fold [OPTION]... [FILE]...
Breaks lines that are wider than 80 columns.

  -b, --bytes         counts bytes, not columns
  -s, --spaces        breaks at blanks
  -w, --width=WIDTH   instead of 80
",
);

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

const PASTE: Spec = Spec::new(
    "d,delimiters= s,serial z,zero-terminated",
    "Usage: paste [OPTION]... [FILE]...
Joins the lines of FILEs side by side with tabs.

  -d, --delimiters=LIST   these in turn instead of tabs
  -s, --serial            one FILE after the other, each on one line
  -z, --zero-terminated   lines end in NUL
",
);

const NL: Spec = Spec::new(
    "b,body-numbering= d,section-delimiter= f,footer-numbering= h,header-numbering= i,line-increment= l,join-blank-lines= \
     n,number-format= p,no-renumber s,number-separator= v,starting-line-number= w,number-width=",
    "Usage: nl [OPTION]... [FILE]...
Numbers lines.

  -b, --body-numbering=STYLE     a all, t not empty ones, n none
  -d, --section-delimiter=CC     what marks sections (\\:)
  -f, -h STYLE                   the same for footers and headers
  -i, --line-increment=N         steps
  -l, --join-blank-lines=N       N empty lines count as one
  -n, --number-format=FORMAT     ln, rn, rz
  -p, --no-renumber              goes on over sections
  -s, --number-separator=STRING  behind the number
  -v, --starting-line-number=N   the first number
  -w, --number-width=N           columns for the number
",
);

const COLUMN: Spec = Spec::new(
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

/// Runs `work` over every file and complains about those that cannot be read.
fn each_file(
    files: Vec<Vec<u8>>,
    out: &mut Output,
    mut work: impl FnMut(&mut Input, &mut Output) -> Result<(), Trouble>,
) -> Outcome {
    let mut status = 0;
    for file in files {
        let done = Input::open(&file).map_err(Trouble::from).and_then(|mut input| work(&mut input, out));
        if let Err(errno) = file_error(done)? {
            out.flush()?;
            complain_of(&file, errno);
            status = 1;
        }
    }
    Ok(status)
}

/// `fold -40`
fn modernise(args: Vec<Vec<u8>>, option: &[u8]) -> Vec<Vec<u8>> {
    let old = |arg: &[u8]| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(|byte| byte.is_ascii_digit() || *byte == b',');
    args.into_iter().map(|arg| if old(&arg) { [option, &arg[1..]].concat() } else { arg }).collect()
}

pub fn run_fold(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args, b"-w"), &FOLD)?;
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
    let parsed = parse(modernise(args, b"-t"), &EXPAND)?;
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
    let parsed = parse(modernise(args, b"-t"), &UNEXPAND)?;
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

fn delimiters(text: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut list = Vec::new();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        list.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'0') => Vec::new(),
                Some(b'n') => vec![b'\n'],
                Some(b't') => vec![b'\t'],
                Some(b'b') => vec![8],
                Some(b'f') => vec![12],
                Some(b'r') => vec![b'\r'],
                Some(b'v') => vec![11],
                Some(other) => vec![*other],
                None => {
                    return Err(failure(
                        1,
                        format!("delimiter list ends with an unescaped backslash: {}", String::from_utf8_lossy(text)),
                    ));
                }
            },
            byte => vec![byte],
        });
    }
    if list.is_empty() {
        list.push(Vec::new());
    }
    Ok(list)
}

pub fn run_paste(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &PASTE)?;
    let list = delimiters(parsed.value("d").unwrap_or(b"\t"))?;
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let mut out = Output::stdout();
    if parsed.has("s") {
        let status = each_file(parsed.files(), &mut out, |input, out| {
            let mut index = 0;
            while let Some(line) = input.line(end)? {
                if index > 0 {
                    out.put(&list[(index - 1) % list.len()])?;
                }
                out.put(trim(line, end))?;
                index += 1;
            }
            Ok(out.byte(end)?)
        })?;
        return out.finish(status);
    }
    let files = parsed.files();
    let mut inputs = Vec::new();
    for file in &files {
        let input = if file == b"-" {
            None
        } else {
            Some(Input::open(file).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(file))))?)
        };
        inputs.push(input);
    }
    paste_side_by_side(&mut inputs, &list, end, out)
}

/// `None` is standard input, which several columns share.
fn paste_side_by_side(inputs: &mut [Option<Input>], list: &[Vec<u8>], end: u8, mut out: Output) -> Outcome {
    let mut stdin = Input::from(Fd::STDIN);
    let mut open = vec![true; inputs.len()];
    loop {
        let mut row: Vec<u8> = Vec::new();
        let mut any = false;
        for (index, input) in inputs.iter_mut().enumerate() {
            if index > 0 {
                row.extend_from_slice(&list[(index - 1) % list.len()]);
            }
            if !open[index] {
                continue;
            }
            let line = input.as_mut().unwrap_or(&mut stdin).line(end).map_err(|errno| failure(1, errno.message()))?;
            match line {
                Some(line) => {
                    row.extend_from_slice(trim(line, end));
                    any = true;
                }
                None => open[index] = false,
            }
        }
        if !any {
            return out.finish(0);
        }
        row.push(end);
        out.put(&row)?;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    All,
    NotEmpty,
    None,
}

struct Numbering {
    styles: [Style; 3],
    step: i64,
    first: i64,
    width: usize,
    format: Vec<u8>,
    separator: Vec<u8>,
    blanks: u64,
    renumber: bool,
    mark: Vec<u8>,
}

pub fn run_nl(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &NL)?;
    let style = |option: &str, what: &str, default: Style| match parsed.value(option) {
        None => Ok(default),
        Some(b"a") => Ok(Style::All),
        Some(b"t") => Ok(Style::NotEmpty),
        Some(b"n") => Ok(Style::None),
        Some([b'p', ..]) => Err(failure(1, "numbering by a regular expression is not supported")),
        Some(text) => Err(misuse(1, format!("invalid {what} numbering style: {}", quote(text)))),
    };
    let number = |option: &str, what: &str, default: i64, least: i64| match parsed.value(option) {
        None => Ok(default),
        Some(text) => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            let number = number.ok_or_else(|| failure(1, format!("invalid {what}: {}", quote(text))))?;
            if number < least { Err(failure(1, format!("invalid {what}: {}: {}", quote(text), Errno::ERANGE))) } else { Ok(number) }
        }
    };
    let format = parsed.value("n").unwrap_or(b"rn");
    if ![&b"ln"[..], b"rn", b"rz"].contains(&format) {
        return Err(misuse(1, format!("invalid line numbering format: {}", quote(format))));
    }
    let mark = match parsed.value("d") {
        None => b"\\:".to_vec(),
        Some([one]) => vec![*one, b':'],
        Some(text) => text.to_vec(),
    };
    let numbering = Numbering {
        styles: [style("h", "header", Style::None)?, style("b", "body", Style::NotEmpty)?, style("f", "footer", Style::None)?],
        step: number("i", "line number increment", 1, i64::MIN)?,
        first: number("v", "starting line number", 1, i64::MIN)?,
        width: number("w", "line number field width", 6, 1)? as usize,
        blanks: number("l", "line number of blank lines", 1, 1)? as u64,
        format: format.to_vec(),
        separator: parsed.value("s").unwrap_or(b"\t").to_vec(),
        renumber: !parsed.has("p"),
        mark,
    };
    let (mut section, mut next, mut blanks) = (1, numbering.first, 0);
    let mut out = Output::stdout();
    let status = each_file(parsed.files(), &mut out, |input, out| {
        while let Some(line) = input.line(b'\n')? {
            let line = trim(line, b'\n');
            if let Some(found) = numbering.section(line) {
                section = found;
                if numbering.renumber {
                    next = numbering.first;
                }
                out.byte(b'\n')?;
                continue;
            }
            let numbered = match numbering.styles[section] {
                Style::All if line.is_empty() => {
                    blanks += 1;
                    blanks % numbering.blanks == 0
                }
                Style::All => true,
                Style::NotEmpty => !line.is_empty(),
                Style::None => false,
            };
            if numbered {
                out.text(numbering.shown(next))?;
                out.put(&numbering.separator)?;
                next += numbering.step;
                blanks = 0;
            } else {
                out.put(&vec![b' '; numbering.width + numbering.separator.len()])?;
            }
            out.put(line)?;
            out.byte(b'\n')?;
        }
        Ok(())
    })?;
    out.finish(status)
}

impl Numbering {
    /// Header, body or footer, when the line begins one.
    fn section(&self, line: &[u8]) -> Option<usize> {
        if self.mark.is_empty() {
            return None;
        }
        (1..=3).find(|&times| line == self.mark.repeat(times)).map(|times| 3 - times)
    }

    fn shown(&self, number: i64) -> String {
        let width = self.width;
        match self.format.as_slice() {
            b"ln" => format!("{number:<width$}"),
            b"rz" => format!("{number:0>width$}"),
            _ => format!("{number:>width$}"),
        }
    }
}

pub fn run_column(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &COLUMN)?;
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
