//! cut(1): chosen bytes or fields of each line. Characters are bytes, as in GNU cut 9.1.

use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain_of, misuse, quote};
use crate::stream::{Input, Output, Trouble, file_error, trim};
use memchr::memchr_iter;

const SPEC: Spec = Spec::new(
    "b,bytes= c,characters= d,delimiter= f,fields= n s,only-delimited z,zero-terminated complement output-delimiter=",
    "Usage: cut OPTION... [FILE]...
Prints chosen parts of each line of FILEs.

  -b, --bytes=LIST            these bytes
  -c, --characters=LIST       these characters
  -d, --delimiter=DELIM       what is between fields instead of TAB
  -f, --fields=LIST           these fields; lines without delimiter whole
  -n                          ignored
      --complement            all but the chosen ones
  -s, --only-delimited        no lines without delimiter
      --output-delimiter=STRING   what to print between fields
  -z, --zero-terminated       lines end in NUL
LIST is N, N-, N-M, -M, several with commas; the first is 1.
",
);

/// Sorted, disjoint, one-based, inclusive.
type Ranges = Vec<(usize, usize)>;

struct Cut {
    ranges: Ranges,
    fields: bool,
    delimiter: u8,
    output_delimiter: Option<Vec<u8>>,
    only_delimited: bool,
    end: u8,
}

fn number(text: &[u8], fields: bool, whole: &[u8]) -> Result<usize, Failure> {
    let bad = || {
        let what = if fields { "invalid field value" } else { "invalid byte/character position" };
        misuse(1, format!("{what} {}", quote(whole)))
    };
    if !text.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    match number {
        Some(0) => {
            let what = if fields { "fields" } else { "byte/character positions" };
            Err(misuse(1, format!("{what} are numbered from 1")))
        }
        Some(number) => Ok(number),
        None => {
            let what = if fields { "field number" } else { "byte/character offset" };
            Err(misuse(1, format!("{what} {} is too large", quote(text))))
        }
    }
}

fn ranges(list: &[u8], fields: bool, complement: bool) -> Result<Ranges, Failure> {
    let mut ranges = Vec::new();
    for piece in list.split(|byte| matches!(byte, b',' | b' ' | b'\t')) {
        let range = match piece.iter().position(|&byte| byte == b'-') {
            Some(_) if piece == b"-" => return Err(misuse(1, "invalid range with no endpoint: -")),
            Some(at) => {
                let first = if at == 0 { 1 } else { number(&piece[..at], fields, piece)? };
                let last = if at + 1 == piece.len() { usize::MAX } else { number(&piece[at + 1..], fields, piece)? };
                (first, last)
            }
            None if piece.is_empty() => {
                let what = if fields { "fields" } else { "byte/character positions" };
                return Err(misuse(1, format!("{what} are numbered from 1")));
            }
            None => {
                let at = number(piece, fields, piece)?;
                (at, at)
            }
        };
        if range.1 < range.0 {
            return Err(misuse(1, "invalid decreasing range"));
        }
        ranges.push(range);
    }
    ranges.sort_unstable();
    let merged = merge(&ranges);
    Ok(if complement { invert(&merged) } else { merged })
}

/// Overlapping ranges become one; adjacent ones stay apart, an output delimiter goes between them.
fn merge(ranges: &[(usize, usize)]) -> Ranges {
    let mut merged: Ranges = Vec::new();
    for &(first, last) in ranges {
        match merged.last_mut() {
            Some(previous) if first <= previous.1 => previous.1 = previous.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn invert(ranges: &[(usize, usize)]) -> Ranges {
    let mut inverted = Vec::new();
    let mut next = 1;
    for &(first, last) in ranges {
        if next < first {
            inverted.push((next, first - 1));
        }
        next = last.saturating_add(1);
    }
    if next < usize::MAX {
        inverted.push((next, usize::MAX));
    }
    inverted
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let lists: Vec<_> = parsed.options.iter().filter(|(name, _)| matches!(*name, "b" | "c" | "f")).collect();
    let (list, fields) = match lists.as_slice() {
        [] => return Err(misuse(1, "you must specify a list of bytes, characters, or fields")),
        [(name, Some(list))] => (list, *name == "f"),
        _ => return Err(misuse(1, "only one list may be specified")),
    };
    let delimiter = parsed.value("d");
    if delimiter.is_some_and(|delimiter| delimiter.len() > 1) {
        return Err(misuse(1, "the delimiter must be a single character"));
    }
    if !fields && delimiter.is_some() {
        return Err(misuse(1, "an input delimiter may be specified only when operating on fields"));
    }
    if !fields && parsed.has("s") {
        return Err(misuse(1, "suppressing non-delimited lines makes sense\n\tonly when operating on fields"));
    }
    let cut = Cut {
        ranges: ranges(list, fields, parsed.has("complement"))?,
        fields,
        delimiter: delimiter.map_or(b'\t', |delimiter| delimiter.first().copied().unwrap_or(0)),
        output_delimiter: parsed.value("output-delimiter").map(<[u8]>::to_vec),
        only_delimited: parsed.has("s"),
        end: if parsed.has("z") { 0 } else { b'\n' },
    };
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        if let Err(errno) = file_error(cut.copy(&file, &mut out))? {
            out.flush()?;
            complain_of(&file, errno);
            status = 1;
        }
    }
    out.finish(status)
}

impl Cut {
    fn copy(&self, file: &[u8], out: &mut Output) -> Result<(), Trouble> {
        let mut input = Input::open(file)?;
        let mut result = Vec::new();
        while let Some(line) = input.line(self.end)? {
            let line = trim(line, self.end);
            result.clear();
            let printed = if self.fields { self.cut_fields(line, &mut result) } else { self.cut_bytes(line, &mut result) };
            if printed {
                result.push(self.end);
                out.put(&result)?;
            }
            if input.buffered() == 0 {
                out.flush()?;
            }
        }
        Ok(())
    }

    fn cut_bytes(&self, line: &[u8], result: &mut Vec<u8>) -> bool {
        for (index, &(first, last)) in self.ranges.iter().enumerate() {
            if first > line.len() {
                break;
            }
            if let (Some(delimiter), true) = (&self.output_delimiter, index > 0) {
                result.extend_from_slice(delimiter);
            }
            result.extend_from_slice(&line[first - 1..last.min(line.len())]);
        }
        true
    }

    /// False when the line is not printed.
    fn cut_fields(&self, line: &[u8], result: &mut Vec<u8>) -> bool {
        let mut ends = memchr_iter(self.delimiter, line).chain([line.len()]);
        let (mut field, mut begin, mut printed) = (0, 0, false);
        let Some(mut end) = ends.next() else { return false };
        if end == line.len() && !line.contains(&self.delimiter) {
            result.extend_from_slice(line);
            return !self.only_delimited;
        }
        'ranges: for &(first, last) in &self.ranges {
            loop {
                field += 1;
                if field >= first {
                    if std::mem::replace(&mut printed, true) {
                        match &self.output_delimiter {
                            Some(delimiter) => result.extend_from_slice(delimiter),
                            None => result.push(self.delimiter),
                        }
                    }
                    result.extend_from_slice(&line[begin..end]);
                }
                begin = end + 1;
                let Some(next) = ends.next() else { break 'ranges };
                end = next;
                if field >= last {
                    break;
                }
            }
        }
        true
    }
}
