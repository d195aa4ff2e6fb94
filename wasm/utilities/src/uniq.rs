//! uniq(1): repeated neighbouring lines once, only, not at all, or with their number.

use crate::number::parse_unsigned;
use crate::options::{Parsed, Spec, choose, extra_operand, parse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote_bare};
use crate::stream::{Input, Output, trim};
use tidepool_system::{Fd, Open, dup2, open};

const SPEC: Spec = Spec::new(
    "c,count d,repeated D all-repeated=? f,skip-fields= group=? i,ignore-case s,skip-chars= u,unique w,check-chars= z,zero-terminated",
    "Usage: uniq [OPTION]... [INPUT [OUTPUT]]
Prints INPUT with repeats of neighbouring lines left out.

  -c, --count              the number of occurrences before each
  -d, --repeated           only lines that repeat, once each
  -D                       all lines that repeat
      --all-repeated[=METHOD]   as -D; METHOD none, prepend, separate: empty lines between groups
  -f, --skip-fields=N      compares without the first N fields
      --group[=METHOD]     all lines, with empty lines between groups: separate, prepend, append, both
  -i, --ignore-case        case makes no difference
  -s, --skip-chars=N       compares without the first N characters
  -u, --unique             only lines that do not repeat
  -w, --check-chars=N      compares no more than N characters
  -z, --zero-terminated    lines end in NUL
",
);

#[derive(Default)]
struct Key {
    fields: u64,
    chars: u64,
    most: Option<u64>,
    ignore_case: bool,
}

impl Key {
    fn of<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let mut rest = line;
        for _ in 0..self.fields {
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            rest = &rest[blanks..];
            let word = rest.iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
            rest = &rest[word..];
            if rest.is_empty() {
                break;
            }
        }
        rest = &rest[usize::try_from(self.chars).unwrap_or(usize::MAX).min(rest.len())..];
        let most = self.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        &rest[..most.min(rest.len())]
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        let (one, other) = (self.of(one), self.of(other));
        if self.ignore_case { one.eq_ignore_ascii_case(other) } else { one == other }
    }
}

struct Wanted {
    count: bool,
    unique: bool,
    repeated: bool,
    all_repeated: Option<&'static str>,
    group: Option<&'static str>,
}

/// `-3` and `+3`: the old forms of -f and -s.
fn modernise(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    args.into_iter()
        .map(|arg| match arg.split_first() {
            Some((b'-', rest)) if digits(rest) => [b"-f", rest].concat(),
            Some((b'+', rest)) if digits(rest) => [b"-s", rest].concat(),
            _ => arg,
        })
        .collect()
}

fn option_number(parsed: &Parsed, option: &str, what: &str) -> Result<Option<u64>, Failure> {
    let number =
        |text: &[u8]| parse_unsigned(text).ok_or_else(|| failure(1, format!("{}: invalid number of {what}", quote_bare(text))));
    parsed.value(option).map(number).transpose()
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    let key = Key {
        fields: option_number(&parsed, "f", "fields to skip")?.unwrap_or(0),
        chars: option_number(&parsed, "s", "bytes to skip")?.unwrap_or(0),
        most: option_number(&parsed, "w", "bytes to compare")?,
        ignore_case: parsed.has("i"),
    };
    let wanted = wanted(&parsed)?;
    if let Some(extra) = parsed.operands.get(2) {
        return Err(extra_operand(1, extra));
    }
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    let mut input = Input::open(name).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(name))))?;
    if let Some(output) = parsed.operands.get(1).filter(|output| output.as_slice() != b"-") {
        let opened = open(output, Open::write().create().truncate()).and_then(|fd| dup2(fd, Fd::STDOUT, false));
        opened.map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(output))))?;
    }
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let mut out = Output::stdout();
    let read = if wanted.all_repeated.is_some() || wanted.group.is_some() {
        groups(&mut input, &key, &wanted, end, &mut out)
    } else {
        runs(&mut input, &key, &wanted, end, &mut out)
    };
    match crate::stream::file_error(read)? {
        Ok(()) => out.finish(0),
        Err(errno) => {
            out.flush()?;
            complain(format!("error reading {}: {errno}", crate::report::quote_name(name)));
            Ok(1)
        }
    }
}

fn wanted(parsed: &Parsed) -> Result<Wanted, Failure> {
    let method = |option: &str, words: &[&'static str]| match parsed.value(option) {
        Some(word) => choose(word, &format!("--{option}"), words, 1).map(Some),
        None => Ok(parsed.has(option).then_some(words[0])),
    };
    let group = method("group", &["separate", "prepend", "append", "both"])?;
    let all_repeated = method("all-repeated", &["none", "prepend", "separate"])?.or(parsed.has("D").then_some("none"));
    let (count, unique, repeated) = (parsed.has("c"), parsed.has("u"), parsed.has("d"));
    if group.is_some() && (count || unique || repeated || all_repeated.is_some()) {
        return Err(misuse(1, "--group is mutually exclusive with -c/-d/-D/-u"));
    }
    if all_repeated.is_some() && count {
        return Err(misuse(1, "printing all duplicated lines and repeat counts is meaningless"));
    }
    Ok(Wanted { count, unique, repeated, all_repeated, group })
}

type Copied = Result<(), crate::stream::Trouble>;

fn runs(input: &mut Input, key: &Key, wanted: &Wanted, end: u8, out: &mut Output) -> Copied {
    let mut held: Option<Vec<u8>> = None;
    let mut count = 0u64;
    while let Some(line) = input.line(end)? {
        let line = trim(line, end);
        match &mut held {
            Some(first) if key.same(first, line) => count += 1,
            Some(first) => {
                put_run(first, count, wanted, end, out)?;
                first.clear();
                first.extend_from_slice(line);
                count = 1;
            }
            None => {
                held = Some(line.to_vec());
                count = 1;
            }
        }
    }
    if let Some(first) = held {
        put_run(&first, count, wanted, end, out)?;
    }
    Ok(())
}

fn put_run(line: &[u8], count: u64, wanted: &Wanted, end: u8, out: &mut Output) -> Result<(), Failure> {
    let shown = match (wanted.unique, wanted.repeated) {
        (true, true) => false,
        (true, false) => count == 1,
        (false, true) => count > 1,
        (false, false) => true,
    };
    if !shown {
        return Ok(());
    }
    if wanted.count {
        out.text(format!("{count:7} "))?;
    }
    out.put(line)?;
    out.byte(end)
}

fn groups(input: &mut Input, key: &Key, wanted: &Wanted, end: u8, out: &mut Output) -> Copied {
    let mut group: Vec<Vec<u8>> = Vec::new();
    let mut printed = false;
    loop {
        let line = input.line(end)?.map(|line| trim(line, end).to_vec());
        let same = matches!((&line, group.first()), (Some(line), Some(first)) if key.same(first, line));
        if !same && !group.is_empty() {
            let shown = match wanted.all_repeated {
                Some(_) if wanted.unique => false,
                Some(_) => group.len() > 1,
                None => true,
            };
            if shown {
                put_group(&group, wanted, &mut printed, end, out)?;
            }
            group.clear();
        }
        match line {
            Some(line) => group.push(line),
            None => break,
        }
    }
    if printed && matches!(wanted.group, Some("append" | "both")) {
        out.byte(end)?;
    }
    Ok(())
}

fn put_group(group: &[Vec<u8>], wanted: &Wanted, printed: &mut bool, end: u8, out: &mut Output) -> Result<(), Failure> {
    let method = wanted.group.or(wanted.all_repeated).unwrap_or("none");
    let before = match method {
        "prepend" | "both" => true,
        "separate" | "append" => *printed,
        _ => false,
    };
    if before {
        out.byte(end)?;
    }
    *printed = true;
    for line in group {
        out.put(line)?;
        out.byte(end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leaves_out_fields_and_characters() {
        let key = Key { fields: 1, chars: 1, most: Some(2), ignore_case: true };
        assert_eq!(key.of(b" one two"), b"tw");
        assert!(key.same(b"x Abc", b"yy aBcd"));
    }
}
