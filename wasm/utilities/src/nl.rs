//! nl(1): numbered lines.

use crate::each_file::each_file;
use crate::options::{Spec, parse};
use crate::report::{Outcome, failure, misuse, quote};
use crate::stream::{Output, trim};
use tidepool_system::Errno;

const SPEC: Spec = Spec::new(
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

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
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
