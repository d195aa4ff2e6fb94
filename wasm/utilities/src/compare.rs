//! comm(1) and join(1): two sorted files side by side.

use crate::options::{Spec, extra_operand, misplaced, missing_operand, parse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_bare};
use crate::stream::{Input, Output, trim};
use std::cmp::Ordering;

const COMM: Spec = Spec::new(
    "1 2 3 check-order nocheck-order output-delimiter= total z,zero-terminated",
    "Usage: comm [OPTION]... FILE1 FILE2
Compares two sorted files: lines of FILE1 only, of FILE2 only, of both.

  -1, -2, -3                  without that column
      --check-order           ends when input is not sorted
      --nocheck-order         does not care
      --output-delimiter=STR  between columns
      --total                 the numbers of lines at the end
  -z, --zero-terminated       lines end in NUL
",
);

fn open(name: &[u8]) -> Result<Input, Failure> {
    Input::open(name).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(name))))
}

/// The lines of one file, watched for their order.
struct Lines {
    name: Vec<u8>,
    input: Input,
    end: u8,
    number: u64,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let end = self.end;
        let line = self.input.line(end).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(&self.name))))?;
        self.number += 1;
        Ok(line.map(|line| trim(line, end).to_vec()))
    }
}

pub fn run_comm(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &COMM)?;
    let [one, two] = match parsed.operands.as_slice() {
        [] => return Err(missing_operand(1)),
        [one] => return Err(misuse(1, format!("missing operand after {}", quote(one)))),
        [one, two] => [one, two],
        [_, _, extra, ..] => return Err(extra_operand(1, extra)),
    };
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let lines = |name: &Vec<u8>| Ok::<Lines, Failure>(Lines { name: name.clone(), input: open(name)?, end, number: 0 });
    let (mut left, mut right) = (lines(one)?, lines(two)?);
    let delimiter = match parsed.value("output-delimiter") {
        Some([]) => b"\0",
        Some(text) => text,
        None => b"\t",
    };
    let shown = [!parsed.has("1"), !parsed.has("2"), !parsed.has("3")];
    let mut order = OrderCheck { strict: parsed.has("check-order"), lax: parsed.has("nocheck-order"), said: [false; 2] };
    let mut out = Output::stdout();
    let mut totals = [0u64; 3];
    let (mut a, mut b) = (left.next()?, right.next()?);
    loop {
        let which = match (&a, &b) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        let (column, line) = match which {
            Ordering::Less => (0, a.clone()),
            Ordering::Greater => (1, b.clone()),
            Ordering::Equal => (2, a.clone()),
        };
        totals[column] += 1;
        if shown[column] {
            for _ in shown[..column].iter().filter(|&&shown| shown) {
                out.put(delimiter)?;
            }
            out.put(&line.unwrap_or_default())?;
            out.byte(end)?;
        }
        let unpaired = which != Ordering::Equal;
        if which != Ordering::Greater {
            let next = left.next()?;
            order.check(0, a.as_ref(), next.as_ref(), unpaired, &mut out)?;
            a = next;
        }
        if which != Ordering::Less {
            let next = right.next()?;
            order.check(1, b.as_ref(), next.as_ref(), unpaired, &mut out)?;
            b = next;
        }
    }
    if parsed.has("total") {
        let delimiter = String::from_utf8_lossy(delimiter).into_owned();
        out.text(format!("{}{delimiter}{}{delimiter}{}{delimiter}total", totals[0], totals[1], totals[2]))?;
        out.byte(end)?;
    }
    let disorder = order.said.contains(&true);
    out.flush()?;
    if disorder {
        complain("input is not in sorted order");
    }
    out.finish(i32::from(disorder))
}

struct OrderCheck {
    strict: bool,
    lax: bool,
    said: [bool; 2],
}

impl OrderCheck {
    fn check(
        &mut self,
        file: usize,
        before: Option<&Vec<u8>>,
        after: Option<&Vec<u8>>,
        unpaired: bool,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let disorder = matches!((before, after), (Some(before), Some(after)) if before > after);
        if !disorder || self.lax || self.said[file] || !(self.strict || unpaired) {
            return Ok(());
        }
        self.said[file] = true;
        out.flush()?;
        let text = format!("file {} is not in sorted order", file + 1);
        if self.strict {
            return Err(failure(1, text));
        }
        complain(text);
        Ok(())
    }
}

const JOIN: Spec = Spec::new(
    "1= 2= a= e= i,ignore-case j= o= t= v= z,zero-terminated check-order nocheck-order header",
    "Usage: join [OPTION]... FILE1 FILE2
Prints a line for each pair of lines with the same join field.

  -1 FIELD, -2 FIELD, -j FIELD   the join field of FILE1, FILE2, both (1)
  -a FILENUM             lines without a pair of FILENUM, too
  -v FILENUM             only these
  -e EMPTY               for fields that are missing
  -i, --ignore-case      case makes no difference
  -o FORMAT              fields to print: FILENUM.FIELD or 0, or auto
  -t CHAR                between fields
  -z, --zero-terminated  lines end in NUL
      --check-order      ends when input is not sorted
      --nocheck-order    does not care
      --header           first lines are headers
",
);

#[derive(Clone, Copy)]
enum Field {
    Key,
    Of(usize, usize),
}

struct Join {
    keys: [usize; 2],
    separator: Option<u8>,
    ignore_case: bool,
    format: Option<Vec<Field>>,
    auto: bool,
    empty: Option<Vec<u8>>,
    unpaired: [bool; 2],
    paired: bool,
    end: u8,
}

struct Record {
    fields: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl Join {
    fn record(&self, line: Vec<u8>) -> Record {
        let fields = match self.separator {
            Some(b'\n') => vec![line.clone()],
            Some(separator) => line.split(|&byte| byte == separator).map(<[u8]>::to_vec).collect(),
            None => line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty()).map(<[u8]>::to_vec).collect(),
        };
        Record { fields, line }
    }

    fn compare(&self, one: &Record, other: &Record) -> Ordering {
        self.compare_keys(key(one, self.keys[0]), key(other, self.keys[1]))
    }

    fn compare_keys(&self, one: &[u8], other: &[u8]) -> Ordering {
        if self.ignore_case { one.to_ascii_uppercase().cmp(&other.to_ascii_uppercase()) } else { one.cmp(other) }
    }

    fn put(&self, out: &mut Output, one: Option<&Record>, other: Option<&Record>) -> Result<(), Failure> {
        let records = [one, other];
        let separator = self.separator.unwrap_or(b' ');
        let key_of = || match records {
            [Some(record), _] => key(record, self.keys[0]),
            [None, Some(record)] => key(record, self.keys[1]),
            [None, None] => b"",
        };
        let empty = self.empty.as_deref().unwrap_or_default();
        let mut fields: Vec<&[u8]> = Vec::new();
        match &self.format {
            Some(format) => {
                for field in format {
                    let found = match field {
                        Field::Key => Some(key_of()),
                        Field::Of(file, at) => records[*file].and_then(|record| record.fields.get(*at)).map(Vec::as_slice),
                    };
                    fields.push(found.filter(|found| !found.is_empty()).unwrap_or(empty));
                }
            }
            None => {
                fields.push(key_of());
                for (file, record) in records.iter().enumerate() {
                    let Some(record) = record else { continue };
                    let others = record.fields.iter().enumerate().filter(|(at, _)| *at != self.keys[file]);
                    fields.extend(others.map(|(_, field)| field.as_slice()));
                }
            }
        }
        out.put(&fields.join(&separator))?;
        out.byte(self.end)
    }
}

fn key(record: &Record, field: usize) -> &[u8] {
    record.fields.get(field).map_or(b"", Vec::as_slice)
}

fn field_number(text: &[u8]) -> Result<usize, Failure> {
    let number = crate::number::parse_unsigned(text).and_then(|number| usize::try_from(number).ok());
    match number {
        Some(number) if number > 0 => Ok(number - 1),
        _ => Err(failure(1, format!("invalid field number: {}", quote(text)))),
    }
}

fn file_number(text: &[u8]) -> Result<usize, Failure> {
    match text {
        b"1" => Ok(0),
        b"2" => Ok(1),
        _ => Err(failure(1, format!("invalid file number in field spec: {}", quote(text)))),
    }
}

fn format(text: &[u8]) -> Result<Vec<Field>, Failure> {
    let field = |text: &[u8]| match text {
        b"0" => Ok(Field::Key),
        [file, b'.', rest @ ..] => {
            let file =
                file_number(&[*file]).map_err(|_| failure(1, format!("invalid file number in field spec: {}", quote(text))))?;
            Ok(Field::Of(file, field_number(rest)?))
        }
        [file] if file.is_ascii_digit() => Err(failure(1, format!("invalid field specifier: {}", quote(text)))),
        _ => Err(failure(1, format!("invalid file number in field spec: {}", quote(text)))),
    };
    text.split(|byte| matches!(byte, b',' | b' ' | b'\t')).filter(|text| !text.is_empty()).map(field).collect()
}

pub fn run_join(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &JOIN)?;
    let mut join = Join {
        keys: [0, 0],
        separator: None,
        ignore_case: parsed.has("i"),
        format: None,
        auto: false,
        empty: parsed.value("e").map(<[u8]>::to_vec),
        unpaired: [false; 2],
        paired: true,
        end: if parsed.has("z") { 0 } else { b'\n' },
    };
    let mut operands = parsed.operands.clone();
    for (option, value) in &parsed.options {
        let text = value.as_deref().unwrap_or_default();
        match *option {
            "1" => join.keys[0] = field_number(text)?,
            "2" => join.keys[1] = field_number(text)?,
            "j" => join.keys = [field_number(text)?; 2],
            "a" | "v" => {
                let file = match text {
                    b"1" => 0,
                    b"2" => 1,
                    _ => return Err(failure(1, format!("invalid field number: {}", quote(text)))),
                };
                join.unpaired[file] = true;
                join.paired &= *option == "a";
            }
            "o" if text == b"auto" => join.auto = true,
            "o" => join.format.get_or_insert_default().extend(format(text)?),
            "t" => {
                join.separator = Some(match text {
                    [] => b'\n',
                    b"\\0" => 0,
                    [byte] => *byte,
                    _ => return Err(failure(1, format!("multi-character tab {}", quote(text)))),
                });
            }
            _ => {}
        }
    }
    // `-o 1.1 2.2`: further formats are operands.
    while join.format.is_some() && operands.len() > 2 {
        let more = operands.remove(0);
        join.format.get_or_insert_default().extend(format(&more)?);
    }
    match operands.as_slice() {
        [] => Err(missing_operand(1)),
        [one] => Err(misuse(1, format!("missing operand after {}", quote(one)))),
        [one, two] if one == b"-" && two == b"-" => Err(failure(1, "both files cannot be standard input")),
        [one, two] => pair(&mut join, one, two, &parsed),
        [_, _, extra, ..] => Err(misplaced(extra)),
    }
}

/// One of the two files: the group of lines with one key, and the first line behind it.
struct Side {
    lines: Lines,
    next: Option<Record>,
    which: usize,
    disorder: bool,
}

impl Side {
    /// Order counts once a line had no pair.
    fn advance(&mut self, join: &Join, lax: bool, strict: bool, out: &mut Output) -> Result<Option<Record>, Failure> {
        let following = self.lines.next()?.map(|line| join.record(line));
        if let (Some(before), Some(after), false, false) = (&self.next, &following, lax, self.disorder) {
            let field = join.keys[self.which];
            if join.compare_keys(key(before, field), key(after, field)) == Ordering::Greater {
                self.disorder = true;
                let place = format!("{}:{}", quote_bare(&self.lines.name), self.lines.number);
                let text = format!("{place}: is not sorted: {}", String::from_utf8_lossy(&after.line));
                if strict {
                    return Err(failure(1, text));
                }
                out.flush()?;
                complain(text);
            }
        }
        Ok(std::mem::replace(&mut self.next, following))
    }
}

fn pair(join: &mut Join, one: &[u8], two: &[u8], parsed: &crate::options::Parsed) -> Outcome {
    let (lax, strict) = (parsed.has("nocheck-order"), parsed.has("check-order"));
    let mut out = Output::stdout();
    let side = |name: &[u8], which| -> Result<Side, Failure> {
        let lines = Lines { name: name.to_vec(), input: open(name)?, end: join.end, number: 0 };
        Ok(Side { lines, next: None, which, disorder: false })
    };
    let mut sides = [side(one, 0)?, side(two, 1)?];
    for side in &mut sides {
        side.next = side.lines.next()?.map(|line| join.record(line));
    }
    if join.auto {
        let count = |side: &Side| side.next.as_ref().map_or(0, |record| record.fields.len());
        let mut fields = vec![Field::Key];
        for (file, side) in sides.iter().enumerate() {
            fields.extend((0..count(side)).filter(|at| *at != join.keys[file]).map(|at| Field::Of(file, at)));
        }
        join.format = Some(fields);
    }
    if parsed.has("header") {
        join.put(&mut out, sides[0].next.as_ref(), sides[1].next.as_ref())?;
        for side in &mut sides {
            side.next = side.lines.next()?.map(|line| join.record(line));
        }
    }
    let mut unpaired = false;
    loop {
        let order = match (&sides[0].next, &sides[1].next) {
            (Some(one), Some(other)) => join.compare(one, other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        match order {
            Ordering::Equal => group(join, &mut sides, lax || (!strict && !unpaired), strict, &mut out)?,
            _ => {
                let which = usize::from(order == Ordering::Greater);
                if !join.unpaired[which] && sides[1 - which].next.is_none() && lax {
                    break;
                }
                let record = sides[which].advance(join, lax || (!strict && !unpaired), strict, &mut out)?;
                unpaired = true;
                if join.unpaired[which] {
                    let (one, other) = if which == 0 { (record.as_ref(), None) } else { (None, record.as_ref()) };
                    join.put(&mut out, one, other)?;
                }
            }
        }
    }
    let disorder = sides.iter().any(|side| side.disorder);
    out.flush()?;
    if disorder {
        complain("input is not in sorted order");
    }
    out.finish(i32::from(disorder))
}

/// All pairs of the lines with this key.
fn group(join: &Join, sides: &mut [Side; 2], lax: bool, strict: bool, out: &mut Output) -> Result<(), Failure> {
    let mut groups: [Vec<Record>; 2] = [Vec::new(), Vec::new()];
    for (which, side) in sides.iter_mut().enumerate() {
        while let Some(next) = &side.next {
            let field = join.keys[which];
            let same =
                groups[which].first().is_none_or(|first| join.compare_keys(key(first, field), key(next, field)) == Ordering::Equal);
            if !same {
                break;
            }
            groups[which].extend(side.advance(join, lax, strict, out)?);
        }
    }
    if join.paired {
        for one in &groups[0] {
            for other in &groups[1] {
                join.put(out, Some(one), Some(other))?;
            }
        }
    }
    Ok(())
}
