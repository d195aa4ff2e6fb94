//! pr(1): pages with headers, and columns.

use crate::civil;
use crate::number::parse_unsigned;
use crate::options::{Parsed, Spec, parse};
use crate::report::{Failure, Outcome, complain_of, failure, quote};
use crate::stream::{Input, Output, trim};
use crate::width::text_width;
use tidepool_system::stat;

const SPEC: Spec = Spec::new(
    "columns= a,across d,double-space D,date-format= f F,form-feed h,header= l,length= m,merge n,number-lines=? N,first-line-number= \
     o,indent= r,no-file-warnings s,separator=? S,sep-string=? t,omit-header T,omit-pagination w,width= W,page-width=",
    "Usage: pr [OPTION]... [FILE]...
Prints FILEs in pages of 66 lines with a header, or in columns.

  -N, --columns=N        N columns
  -a, --across           columns filled row by row
  -d, --double-space     an empty line behind each
  -D, --date-format=F    of the header's date
  -F, -f, --form-feed    form feeds between pages
  -h, --header=TEXT      instead of the file's name
  -l, --length=N         lines a page
  -m, --merge            all FILEs side by side
  -n, --number-lines[=SEP[DIGITS]]   numbers lines
  -o, --indent=N         N blanks before each line
  -s, --separator[=CHAR] CHAR (TAB) between columns
  -t, -T                 no headers
  -w, --width=N          columns of a page (72)
",
);

struct Layout {
    columns: usize,
    across: bool,
    double: bool,
    length: usize,
    headers: bool,
    form_feed: bool,
    width: usize,
    separator: Option<Vec<u8>>,
    number: Option<(u8, usize)>,
    first_number: u64,
    indent: usize,
    title: Option<Vec<u8>>,
    date: String,
}

fn number(parsed: &Parsed, option: &str, what: &str, default: usize) -> Result<usize, Failure> {
    match parsed.value(option) {
        None => Ok(default),
        Some(text) => {
            let number = parse_unsigned(text).filter(|&number| number > 0 || option == "o");
            number.map(|number| number as usize).ok_or_else(|| failure(1, format!("{what}: {}", quote(text))))
        }
    }
}

/// `-3` is `--columns=3`.
fn modernise(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let old = |arg: &[u8]| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(u8::is_ascii_digit);
    args.into_iter().map(|arg| if old(&arg) { [b"--columns=", &arg[1..]].concat() } else { arg }).collect()
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    let length = number(&parsed, "l", "'-l PAGE_LENGTH' invalid number of lines", 66)?;
    let headers = !(parsed.has("t") || parsed.has("T")) && length > 10;
    let separator = match (parsed.has("s"), parsed.value("s"), parsed.value("S")) {
        (_, _, Some(text)) => Some(text.to_vec()),
        (true, Some(text), None) => Some(text.to_vec()),
        (true, None, None) => Some(b"\t".to_vec()),
        (false, ..) if parsed.has("S") => Some(Vec::new()),
        _ => None,
    };
    let layout = Layout {
        columns: number(&parsed, "columns", "invalid number of columns", 1)?,
        across: parsed.has("a"),
        double: parsed.has("d"),
        length,
        headers,
        form_feed: parsed.has("f") || parsed.has("F"),
        width: number(
            &parsed,
            "w",
            "'-w PAGE_WIDTH' invalid number of characters",
            number(&parsed, "W", "'-W PAGE_WIDTH' invalid number of characters", 72)?,
        )?,
        separator,
        number: parsed.has("n").then(|| numbering(parsed.value("n"))),
        first_number: number(&parsed, "N", "'-N NUMBER' invalid starting line number", 1)? as u64,
        indent: number(&parsed, "o", "'-o MARGIN' invalid line offset", 0)?,
        title: parsed.value("h").map(<[u8]>::to_vec),
        date: parsed.value("D").map_or("%Y-%m-%d %H:%M".to_owned(), |text| String::from_utf8_lossy(text).into_owned()),
    };
    let mut out = Output::stdout();
    let mut status = 0;
    let mut read = |file: &[u8], out: &mut Output| -> Result<Option<Vec<Vec<u8>>>, Failure> {
        match Input::open(file).and_then(|mut input| input.all()) {
            Ok(text) => Ok(Some(text.split_inclusive(|&byte| byte == b'\n').map(|line| trim(line, b'\n').to_vec()).collect())),
            Err(errno) => {
                out.flush()?;
                if !parsed.has("r") {
                    complain_of(file, errno);
                }
                status = 1;
                Ok(None)
            }
        }
    };
    let files = parsed.files();
    if parsed.has("m") {
        let mut sources = Vec::new();
        for file in &files {
            sources.extend(read(file, &mut out)?);
        }
        layout.merged(&sources, &mut out)?;
    } else {
        for file in &files {
            if let Some(lines) = read(file, &mut out)? {
                layout.file(file, &lines, &mut out)?;
            }
        }
    }
    out.finish(status)
}

fn numbering(text: Option<&[u8]>) -> (u8, usize) {
    let text = text.unwrap_or_default();
    let (separator, digits) = match text.first() {
        Some(first) if !first.is_ascii_digit() => (*first, &text[1..]),
        _ => (b'\t', text),
    };
    (separator, parse_unsigned(digits).map_or(5, |digits| digits as usize))
}

impl Layout {
    /// Lines of text on a page.
    fn body(&self) -> usize {
        let body = if self.headers { self.length - 10 } else { self.length };
        if self.double { (body / 2).max(1) } else { body }
    }

    fn header(&self, file: &[u8], page: usize, out: &mut Output) -> Result<(), Failure> {
        let (seconds, nanoseconds) = match stat(file) {
            Ok(stat) if file != b"-" => (stat.mtime.seconds, stat.mtime.nanoseconds),
            _ => civil::now(),
        };
        let date = civil::format(&self.date, seconds, nanoseconds);
        let own = if file == b"-" { b"" } else { file };
        let title = String::from_utf8_lossy(self.title.as_deref().unwrap_or(own)).into_owned();
        let page = format!("Page {page}");
        let room = self.width.saturating_sub(text_width(date.as_bytes()) + text_width(title.as_bytes()) + page.len());
        let (left, right) = (room / 2, room - room / 2);
        let indent = " ".repeat(self.indent);
        out.text(format!("\n\n{indent}{date}{}{title}{}{page}\n\n\n", " ".repeat(left.max(1)), " ".repeat(right.max(1))))
    }

    fn footer(&self, written: usize, last: bool, out: &mut Output) -> Result<(), Failure> {
        if self.form_feed {
            return if self.headers || !last { out.byte(12) } else { Ok(()) };
        }
        if !self.headers {
            return Ok(());
        }
        out.put(&vec![b'\n'; self.length - 5 - written])
    }

    fn numbered(&self, number: u64, line: &[u8]) -> Vec<u8> {
        match self.number {
            Some((separator, digits)) => {
                let text = format!("{number:>digits$}");
                let cut = text.len() - digits.min(text.len());
                [&text.as_bytes()[cut..], &[separator], line].concat()
            }
            None => line.to_vec(),
        }
    }

    fn file(&self, file: &[u8], lines: &[Vec<u8>], out: &mut Output) -> Result<(), Failure> {
        let per_page = self.body() * self.columns;
        let pages: Vec<&[Vec<u8>]> = lines.chunks(per_page).collect();
        for (index, page) in pages.iter().enumerate() {
            if self.headers {
                self.header(file, index + 1, out)?;
            }
            let cells: Vec<Vec<u8>> = page
                .iter()
                .enumerate()
                .map(|(at, line)| self.numbered(self.first_number + (index * per_page + at) as u64, line))
                .collect();
            let rows = self.rows(&cells);
            let written = self.rows_out(&rows, out)?;
            self.footer(written, index + 1 == pages.len(), out)?;
        }
        Ok(())
    }

    /// The cells of a page, row by row; columns are filled evenly.
    fn rows<'a>(&self, cells: &'a [Vec<u8>]) -> Vec<Vec<&'a [u8]>> {
        if self.across || self.columns == 1 {
            return cells.chunks(self.columns).map(|row| row.iter().map(Vec::as_slice).collect()).collect();
        }
        // The last page is balanced: the first columns have one more.
        let (whole, more) = (cells.len() / self.columns, cells.len() % self.columns);
        let full = cells.len() == self.body() * self.columns;
        let lengths: Vec<usize> =
            (0..self.columns).map(|column| if full { self.body() } else { whole + usize::from(column < more) }).collect();
        let starts: Vec<usize> = lengths.iter().scan(0, |at, length| Some(std::mem::replace(at, *at + length))).collect();
        let height = lengths.iter().copied().max().unwrap_or(0);
        let cell = |row: usize, column: usize| (row < lengths[column]).then(|| cells[starts[column] + row].as_slice());
        (0..height).map(|row| (0..self.columns).filter_map(|column| cell(row, column)).collect()).collect()
    }

    /// Prints rows; how many lines that were.
    fn rows_out(&self, rows: &[Vec<&[u8]>], out: &mut Output) -> Result<usize, Failure> {
        let mut written = 0;
        for row in rows {
            out.put(&vec![b' '; self.indent])?;
            self.row(row, self.columns, out)?;
            out.put(if self.double { b"\n\n" } else { b"\n" })?;
            written += if self.double { 2 } else { 1 };
        }
        Ok(written)
    }

    fn row(&self, row: &[&[u8]], columns: usize, out: &mut Output) -> Result<(), Failure> {
        if columns == 1 {
            return out.put(row.first().copied().unwrap_or_default());
        }
        if let Some(separator) = &self.separator {
            return out.put(&row.join(separator.as_slice()));
        }
        let width = self.width.saturating_sub(columns - 1) / columns;
        let mut at = 0;
        for (column, cell) in row.iter().enumerate() {
            let start = column * (width + 1);
            // Tabs where they reach, as GNU's pr has them.
            while at < start {
                let next = at + 8 - at % 8;
                if next <= start && start - at > 1 {
                    out.byte(b'\t')?;
                    at = next;
                } else {
                    out.byte(b' ')?;
                    at += 1;
                }
            }
            let cell = cut(cell, width);
            out.put(cell)?;
            at += text_width(cell);
        }
        Ok(())
    }

    fn merged(&self, sources: &[Vec<Vec<u8>>], out: &mut Output) -> Result<(), Failure> {
        let height = sources.iter().map(Vec::len).max().unwrap_or(0);
        let pages = height.div_ceil(self.body());
        for page in 0..pages {
            if self.headers {
                self.header(b"-", page + 1, out)?;
            }
            let from = page * self.body();
            let to = (from + self.body()).min(height);
            for at in from..to {
                let cells: Vec<&[u8]> = sources.iter().map(|source| source.get(at).map_or(&b""[..], Vec::as_slice)).collect();
                out.put(&vec![b' '; self.indent])?;
                if let Some((separator, digits)) = self.number {
                    out.text(format!("{:>digits$}{}", self.first_number + at as u64, char::from(separator)))?;
                }
                self.row(&cells, sources.len().max(1), out)?;
                out.put(if self.double { b"\n\n" } else { b"\n" })?;
            }
            self.footer(to - from, page + 1 == pages, out)?;
        }
        Ok(())
    }
}

/// As many characters as fit.
fn cut(text: &[u8], width: usize) -> &[u8] {
    let mut end = text.len();
    while text_width(&text[..end]) > width {
        end -= 1;
    }
    &text[..end]
}
