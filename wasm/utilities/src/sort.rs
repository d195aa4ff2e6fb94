//! sort(1) in the order of bytes (LC_ALL=C, which the order of C.UTF-8 is). All input is held in memory.

use crate::number::parse_unsigned;
use crate::options::{Parsed, Spec, choose, extra_operand, parse, refuse};
use crate::report::{Failure, Outcome, complain, failure, quote, quote_bare, quote_name};
use crate::stream::{Input, Output};
use std::cmp::Ordering;
use tidepool_system::{Fd, Open, open};

const SPEC: Spec = Spec::new(
    "b,ignore-leading-blanks d,dictionary-order f,ignore-case g,general-numeric-sort i,ignore-nonprinting M,month-sort \
     h,human-numeric-sort n,numeric-sort R,random-sort random-source= r,reverse sort= V,version-sort batch-size= c check=? C \
     compress-program= debug files0-from= k,key= m,merge o,output= s,stable S,buffer-size= t,field-separator= \
     T,temporary-directory= parallel= u,unique z,zero-terminated",
    "Usage: sort [OPTION]... [FILE]...
Prints the lines of all FILEs in order.

  -b, --ignore-leading-blanks   blanks before a key do not count
  -d, --dictionary-order        only blanks, letters and digits count
  -f, --ignore-case             lower case counts as upper case
  -g, --general-numeric-sort    by number, with exponents
  -i, --ignore-nonprinting      only printable characters count
  -M, --month-sort              JAN < ... < DEC
  -h, --human-numeric-sort      2K < 1G
  -n, --numeric-sort            by number
  -R, --random-sort             shuffles, equal keys together
  -r, --reverse                 the other way round
      --sort=WORD               general-numeric, human-numeric, month, numeric, random, version
  -V, --version-sort            by the numbers within text
  -c, --check, -C               only tells whether FILE is in order; -C without a word
  -k, --key=F[.C][OPTS][,F[.C][OPTS]]   sorts by a part of the line
  -m, --merge                   the FILEs are in order already
  -o, --output=FILE             writes into FILE
  -s, --stable                  equal keys keep their order
  -t, --field-separator=SEP     between fields, instead of blanks before them
  -u, --unique                  one of lines with equal keys
  -z, --zero-terminated         lines end in NUL
",
)
.status(2);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Text,
    Numeric,
    General,
    Human,
    Month,
    Version,
    Random,
}

#[derive(Clone, Copy, Debug)]
struct Style {
    kind: Kind,
    skip_start_blanks: bool,
    skip_end_blanks: bool,
    dictionary: bool,
    fold: bool,
    printing: bool,
    reverse: bool,
}

const PLAIN: Style = Style {
    kind: Kind::Text,
    skip_start_blanks: false,
    skip_end_blanks: false,
    dictionary: false,
    fold: false,
    printing: false,
    reverse: false,
};

impl Style {
    fn is_default(&self) -> bool {
        let blanks = self.skip_start_blanks || self.skip_end_blanks;
        self.kind == Kind::Text && !(blanks || self.dictionary || self.fold || self.printing || self.reverse)
    }

    fn set(&mut self, letter: u8, at_start: bool, at_end: bool) -> bool {
        match letter {
            b'b' => {
                self.skip_start_blanks |= at_start;
                self.skip_end_blanks |= at_end;
            }
            b'd' => self.dictionary = true,
            b'f' => self.fold = true,
            b'i' => self.printing = true,
            b'r' => self.reverse = true,
            b'n' => self.kind = Kind::Numeric,
            b'g' => self.kind = Kind::General,
            b'h' => self.kind = Kind::Human,
            b'M' => self.kind = Kind::Month,
            b'V' => self.kind = Kind::Version,
            b'R' => self.kind = Kind::Random,
            _ => return false,
        }
        true
    }
}

/// Fields and characters count from 0; an end of `None` is the end of the line, an end character of 0 the field's end.
#[derive(Clone, Debug)]
struct Key {
    start_field: usize,
    start_char: usize,
    end: Option<(usize, usize)>,
    style: Style,
}

struct Order {
    keys: Vec<Key>,
    separator: Option<u8>,
    reverse: bool,
    stable: bool,
    unique: bool,
    seed: u64,
}

/// `+1 -2`: the old form of -k, fields from 0.
fn modernise(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let field = |text: &[u8], by: u64| -> Option<Vec<u8>> {
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = parse_unsigned(&text[..digits])? + by;
        Some([number.to_string().as_bytes(), &text[digits..]].concat())
    };
    let mut modern: Vec<Vec<u8>> = Vec::new();
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        let Some(start) = arg.strip_prefix(b"+").and_then(|text| field(text, 1)) else {
            modern.push(arg);
            continue;
        };
        let end = args.next_if(|next| next.len() > 1 && next[0] == b'-' && next[1].is_ascii_digit());
        let end = end.and_then(|end| field(&end[1..], 0)).map_or(Vec::new(), |end| [b",", &end[..]].concat());
        modern.push([b"-k", &start[..], &end[..]].concat());
    }
    modern
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    refuse(&parsed, &["random-source", "debug"], 2)?;
    let order = order_of(&parsed)?;
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let files = files_of(&parsed)?;
    if parsed.has("c") || parsed.has("C") || parsed.has("check") {
        return check(&order, &parsed, &files, end);
    }
    let mut texts = Vec::new();
    for file in &files {
        let mut text = read(file)?;
        if text.last().is_some_and(|&last| last != end) {
            text.push(end);
        }
        texts.push(text);
    }
    let mut lines: Vec<&[u8]> = if parsed.has("m") {
        merge(texts.iter().map(|text| lines_of(text, end).collect()).collect(), &order)
    } else {
        texts.iter().flat_map(|text| lines_of(text, end)).collect()
    };
    if !parsed.has("m") {
        sort(&mut lines, &order);
    }
    if order.unique {
        lines.dedup_by(|later, earlier| order.compare_keys(earlier, later) == Ordering::Equal);
    }
    let mut out = match parsed.value("o") {
        Some(name) => Output::to(create(name)?),
        None => Output::stdout(),
    };
    for line in lines {
        out.put(line).and_then(|()| out.byte(end)).map_err(write_failed)?;
    }
    out.finish(0).map_err(write_failed)
}

/// sort's status for trouble is 2.
fn write_failed(failed: Failure) -> Failure {
    failure(2, failed.message.replacen("write error", "write failed: 'standard output'", 1))
}

fn create(name: &[u8]) -> Result<Fd, Failure> {
    open(name, Open::write().create().truncate()).map_err(|errno| failure(2, format!("open failed: {}: {errno}", quote_bare(name))))
}

fn lines_of(text: &[u8], end: u8) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    memchr::memchr_iter(end, text).map(move |to| &text[std::mem::replace(&mut at, to + 1)..to])
}

/// The least of the first lines, again and again; of equal ones that of the earlier file.
fn merge<'a>(files: Vec<Vec<&'a [u8]>>, order: &Order) -> Vec<&'a [u8]> {
    let mut rests: Vec<_> = files.iter().map(|lines| lines.iter().copied().peekable()).collect();
    let mut merged = Vec::with_capacity(files.iter().map(Vec::len).sum());
    loop {
        let heads = rests.iter_mut().enumerate().filter_map(|(index, rest)| rest.peek().map(|line| (index, *line)));
        let Some((index, _)) = heads.min_by(|one, other| order.compare(one.1, other.1)) else { return merged };
        merged.extend(rests[index].next());
    }
}

fn read(file: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut input = Input::open(file).map_err(|errno| failure(2, format!("cannot read: {}: {errno}", quote_bare(file))))?;
    input.all().map_err(|errno| failure(2, format!("read failed: {}: {errno}", quote_bare(file))))
}

fn files_of(parsed: &Parsed) -> Result<Vec<Vec<u8>>, Failure> {
    let Some(list) = parsed.value("files0-from") else { return Ok(parsed.files()) };
    if let Some(operand) = parsed.operands.first() {
        let message = extra_operand(2, operand).message;
        return Err(failure(2, message.replacen('\n', "\nfile operands cannot be combined with --files0-from\n", 1)));
    }
    let names = read(list)?;
    let names: Vec<_> = names.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
    if names.is_empty() { Err(failure(2, format!("no input from {}", quote_name(list)))) } else { Ok(names) }
}

fn order_of(parsed: &Parsed) -> Result<Order, Failure> {
    let mut global = PLAIN;
    let mut keys = Vec::new();
    for (option, value) in &parsed.options {
        match (*option, value.as_deref()) {
            ("k", Some(text)) => keys.push(key(text)?),
            ("sort", Some(word)) => {
                let words = ["general-numeric", "human-numeric", "month", "numeric", "random", "version"];
                let letter = match choose(word, "--sort", &words, 1)? {
                    "general-numeric" => b'g',
                    "human-numeric" => b'h',
                    "month" => b'M',
                    "numeric" => b'n',
                    "random" => b'R',
                    _ => b'V',
                };
                global.set(letter, true, true);
            }
            (option, None) if option.len() == 1 => {
                global.set(option.as_bytes()[0], true, true);
            }
            _ => {}
        }
    }
    for key in &mut keys {
        if key.style.is_default() {
            key.style = global;
        }
    }
    if keys.is_empty() && !(Style { reverse: false, ..global }).is_default() {
        keys.push(Key { start_field: 0, start_char: 0, end: None, style: global });
    }
    keys.iter().try_for_each(|key| check_style(&key.style))?;
    let separator = parsed.value("t").map(separator).transpose()?;
    Ok(Order { keys, separator, reverse: global.reverse, stable: parsed.has("s"), unique: parsed.has("u"), seed: seed() })
}

fn separator(text: &[u8]) -> Result<u8, Failure> {
    match text {
        [] => Err(failure(2, "empty tab")),
        [byte] => Ok(*byte),
        b"\\0" => Ok(0),
        _ => Err(failure(2, format!("multi-character tab {}", quote(text)))),
    }
}

/// Not the same in any two runs.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn check_style(style: &Style) -> Result<(), Failure> {
    let letter = match style.kind {
        Kind::Text | Kind::Version | Kind::Random => return Ok(()),
        Kind::Numeric => "n",
        Kind::General => "g",
        Kind::Human => "h",
        Kind::Month => "M",
    };
    let other = match (style.dictionary, style.printing) {
        (true, _) => "d",
        (_, true) => "i",
        _ => return Ok(()),
    };
    let mut pair = [other, letter];
    pair.sort_unstable();
    Err(failure(2, format!("options '-{}' are incompatible", pair.concat())))
}

/// `F[.C][OPTS][,F[.C][OPTS]]`
fn key(text: &[u8]) -> Result<Key, Failure> {
    let invalid = |what: &str| failure(2, format!("{what}: invalid field specification {}", quote(text)));
    let mut style = PLAIN;
    let mut rest = text;
    let (start_field, start_char) = position(&mut rest)
        .ok_or_else(|| failure(2, format!("invalid number at field start: invalid count at start of {}", quote(text))))?;
    if start_field == 0 {
        return Err(invalid("field number is zero"));
    }
    if start_char == Some(0) {
        return Err(invalid("character offset is zero"));
    }
    letters(&mut rest, &mut style, true, false);
    let mut end = None;
    if let Some(after) = rest.strip_prefix(b",") {
        rest = after;
        let (field, character) = position(&mut rest)
            .ok_or_else(|| failure(2, format!("invalid number after ',': invalid count at start of {}", quote(after))))?;
        if field == 0 {
            return Err(invalid("field number is zero"));
        }
        letters(&mut rest, &mut style, false, true);
        end = Some((field - 1, character.unwrap_or(0)));
    }
    if !rest.is_empty() {
        return Err(invalid("stray character in field spec"));
    }
    Ok(Key { start_field: start_field - 1, start_char: start_char.map_or(0, |character| character - 1), end, style })
}

fn position(rest: &mut &[u8]) -> Option<(usize, Option<usize>)> {
    let field = take_number(rest)?;
    match rest.strip_prefix(b".") {
        Some(after) => {
            *rest = after;
            Some((field, Some(take_number(rest)?)))
        }
        None => Some((field, None)),
    }
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = parse_unsigned(&rest[..digits])?;
    *rest = &rest[digits..];
    Some(usize::try_from(number).unwrap_or(usize::MAX))
}

fn letters(rest: &mut &[u8], style: &mut Style, at_start: bool, at_end: bool) {
    while let Some((&letter, after)) = rest.split_first() {
        if !style.set(letter, at_start, at_end) {
            break;
        }
        *rest = after;
    }
}

impl Key {
    /// The part of the line that this key compares.
    fn of<'a>(&self, line: &'a [u8], separator: Option<u8>) -> &'a [u8] {
        let mut start = field_start(line, self.start_field, separator);
        if self.style.skip_start_blanks {
            start = skip_blanks(line, start);
        }
        start = start.saturating_add(self.start_char).min(line.len());
        let end = match self.end {
            None => line.len(),
            Some((field, 0)) => field_end(line, field, separator),
            Some((field, character)) => {
                let mut end = field_start(line, field, separator);
                if self.style.skip_end_blanks {
                    end = skip_blanks(line, end);
                }
                end.saturating_add(character).min(line.len())
            }
        };
        &line[start..end.max(start)]
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t' || byte == b'\n'
}

fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while at < line.len() && is_blank(line[at]) {
        at += 1;
    }
    at
}

/// Where field `field` (from 0) begins; without a separator its blanks belong to it.
fn field_start(line: &[u8], field: usize, separator: Option<u8>) -> usize {
    let mut at = 0;
    for _ in 0..field {
        match separator {
            Some(separator) => match memchr::memchr(separator, &line[at..]) {
                Some(found) => at += found + 1,
                None => return line.len(),
            },
            None => at = word_end(line, at),
        }
        if at >= line.len() {
            return line.len();
        }
    }
    at
}

fn word_end(line: &[u8], at: usize) -> usize {
    let mut at = skip_blanks(line, at);
    while at < line.len() && !is_blank(line[at]) {
        at += 1;
    }
    at
}

fn field_end(line: &[u8], field: usize, separator: Option<u8>) -> usize {
    let start = field_start(line, field, separator);
    match separator {
        Some(separator) => memchr::memchr(separator, &line[start..]).map_or(line.len(), |found| start + found),
        None => word_end(line, start),
    }
}

impl Order {
    fn compare_keys(&self, one: &[u8], other: &[u8]) -> Ordering {
        if self.keys.is_empty() {
            return one.cmp(other);
        }
        for key in &self.keys {
            let (a, b) = (key.of(one, self.separator), key.of(other, self.separator));
            let order = compare(&key.style, a, b, self.seed);
            if order != Ordering::Equal {
                return if key.style.reverse { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    /// Keys, then the whole line as the last resort.
    fn compare(&self, one: &[u8], other: &[u8]) -> Ordering {
        if self.keys.is_empty() {
            let order = one.cmp(other);
            return if self.reverse { order.reverse() } else { order };
        }
        match self.compare_keys(one, other) {
            Ordering::Equal if self.stable || self.unique => Ordering::Equal,
            Ordering::Equal if self.reverse => other.cmp(one),
            Ordering::Equal => one.cmp(other),
            order => order,
        }
    }
}

fn compare(style: &Style, one: &[u8], other: &[u8], seed: u64) -> Ordering {
    match style.kind {
        Kind::Numeric => compare_numeric(one, other),
        Kind::General => general(one).compare(&general(other)),
        Kind::Human => compare_human(one, other),
        Kind::Month => month(one).cmp(&month(other)),
        Kind::Version => crate::version::compare(one, other),
        Kind::Random => hash(one, seed).cmp(&hash(other, seed)).then_with(|| one.cmp(other)),
        Kind::Text if style.dictionary || style.printing || style.fold => filtered(style, one).cmp(filtered(style, other)),
        Kind::Text => one.cmp(other),
    }
}

fn filtered<'a>(style: &Style, text: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
    let Style { dictionary, printing, fold, .. } = *style;
    let kept = move |byte: &u8| {
        (!dictionary || byte.is_ascii_alphanumeric() || is_blank(*byte)) && (!printing || (b' '..=b'~').contains(byte))
    };
    text.iter().copied().filter(kept).map(move |byte| if fold { byte.to_ascii_uppercase() } else { byte })
}

fn hash(text: &[u8], seed: u64) -> u64 {
    text.iter()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3).rotate_left(23))
}

/// Sign, integer digits without leading zeros, fraction without trailing ones.
fn numeric_parts(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let text = &text[skip_blanks(text, 0)..];
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (integer, rest) = text.split_at(digits);
    let zeros = integer.iter().take_while(|&&byte| byte == b'0').count();
    let fraction = match rest.strip_prefix(b".") {
        Some(rest) => {
            let fraction = &rest[..rest.iter().take_while(|byte| byte.is_ascii_digit()).count()];
            let kept = fraction.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1);
            &fraction[..kept]
        }
        None => b"",
    };
    (negative, &integer[zeros..], fraction)
}

fn compare_magnitude(one: (&[u8], &[u8]), other: (&[u8], &[u8])) -> Ordering {
    one.0.len().cmp(&other.0.len()).then_with(|| one.0.cmp(other.0)).then_with(|| one.1.cmp(other.1))
}

fn compare_numeric(one: &[u8], other: &[u8]) -> Ordering {
    let (negative1, integer1, fraction1) = numeric_parts(one);
    let (negative2, integer2, fraction2) = numeric_parts(other);
    let zero1 = integer1.is_empty() && fraction1.is_empty();
    let zero2 = integer2.is_empty() && fraction2.is_empty();
    match (negative1 && !zero1, negative2 && !zero2) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => compare_magnitude((integer2, fraction2), (integer1, fraction1)),
        (false, false) => compare_magnitude((integer1, fraction1), (integer2, fraction2)),
    }
}

/// The power of the suffix behind a number, negative for negative numbers.
fn human_order(text: &[u8]) -> i32 {
    let trimmed = &text[skip_blanks(text, 0)..];
    let negative = trimmed.first() == Some(&b'-');
    let digits = trimmed.iter().skip(usize::from(negative)).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let (_, integer, fraction) = numeric_parts(text);
    if integer.is_empty() && fraction.is_empty() {
        return 0;
    }
    let power = match trimmed.get(digits + usize::from(negative)) {
        Some(b'k' | b'K') => 1,
        Some(letter) => b"MGTPEZY".iter().position(|known| known == letter).map_or(0, |at| at as i32 + 2),
        None => 0,
    };
    if negative { -power } else { power }
}

fn compare_human(one: &[u8], other: &[u8]) -> Ordering {
    human_order(one).cmp(&human_order(other)).then_with(|| compare_numeric(one, other))
}

/// `strtold`: what cannot be read comes first, then NaN, then numbers.
#[derive(PartialEq)]
enum General {
    Invalid,
    Nan,
    Number(f64),
}

impl General {
    fn compare(&self, other: &General) -> Ordering {
        let rank = |general: &General| match general {
            General::Invalid => 0,
            General::Nan => 1,
            General::Number(_) => 2,
        };
        match (self, other) {
            (General::Number(one), General::Number(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

fn general(text: &[u8]) -> General {
    match crate::float::prefix(&text[skip_blanks(text, 0)..]) {
        None => General::Invalid,
        Some((number, _)) if number.is_nan() => General::Nan,
        Some((number, _)) => General::Number(number),
    }
}

fn month(text: &[u8]) -> usize {
    const MONTHS: [&[u8; 3]; 12] = [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];
    let text = &text[skip_blanks(text, 0)..];
    let head = text[..text.len().min(3)].to_ascii_uppercase();
    MONTHS.iter().position(|month| head == month[..]).map_or(0, |at| at + 1)
}

/// Sorts by what is cheapest: whole lines, one numeric key with its number read once, or the general comparison.
fn sort(lines: &mut Vec<&[u8]>, order: &Order) {
    if order.keys.is_empty() {
        sort_plain(lines);
        if order.reverse {
            lines.reverse();
        }
        return;
    }
    match order.keys.as_slice() {
        [key] if key.style.kind == Kind::Numeric => sort_numeric(lines, key, order),
        _ => sort_keyed(lines, order),
    }
}

/// The first eight bytes decide most comparisons; they stand beside the line.
fn sort_plain(lines: &mut Vec<&[u8]>) {
    let head = |line: &[u8]| {
        let mut head = [0; 8];
        let length = line.len().min(8);
        head[..length].copy_from_slice(&line[..length]);
        u64::from_be_bytes(head)
    };
    let mut headed: Vec<(u64, &[u8])> = lines.iter().map(|line| (head(line), *line)).collect();
    headed.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.cmp(other.1)));
    *lines = headed.into_iter().map(|(_, line)| line).collect();
}

fn sort_numeric(lines: &mut Vec<&[u8]>, key: &Key, order: &Order) {
    // A number of at most 15 digits is exact as an integer of thousandths; any other line is compared by its text.
    let small = |line: &[u8]| -> Option<i64> {
        let (negative, integer, fraction) = numeric_parts(key.of(line, order.separator));
        if integer.len() > 15 || fraction.len() > 3 {
            return None;
        }
        let digit = |sum: i64, byte: &u8| sum * 10 + i64::from(byte - b'0');
        let whole = integer.iter().fold(0, digit) * 1000;
        let part = fraction.iter().fold(0, digit) * [1000, 100, 10, 1][fraction.len()];
        Some(if negative { -(whole + part) } else { whole + part })
    };
    let numbers: Option<Vec<i64>> = lines.iter().map(|line| small(line)).collect();
    let Some(numbers) = numbers else { return sort_keyed(lines, order) };
    let mut numbered: Vec<(i64, &[u8])> = numbers.into_iter().zip(lines.iter().copied()).collect();
    numbered.sort_by(|one, other| {
        let by_number = if key.style.reverse { other.0.cmp(&one.0) } else { one.0.cmp(&other.0) };
        by_number.then_with(|| match (order.stable || order.unique, order.reverse) {
            (true, _) => Ordering::Equal,
            (false, true) => other.1.cmp(one.1),
            (false, false) => one.1.cmp(other.1),
        })
    });
    *lines = numbered.into_iter().map(|(_, line)| line).collect();
}

/// The first key is cut out once.
fn sort_keyed(lines: &mut Vec<&[u8]>, order: &Order) {
    let first = &order.keys[0];
    let mut keyed: Vec<(&[u8], &[u8])> = lines.iter().map(|line| (first.of(line, order.separator), *line)).collect();
    keyed.sort_by(|one, other| {
        let by_first = compare(&first.style, one.0, other.0, order.seed);
        match by_first {
            Ordering::Equal => order.compare(one.1, other.1),
            by_first if first.style.reverse => by_first.reverse(),
            by_first => by_first,
        }
    });
    *lines = keyed.into_iter().map(|(_, line)| line).collect();
}

fn check(order: &Order, parsed: &Parsed, files: &[Vec<u8>], end: u8) -> Outcome {
    let letter = if parsed.has("C") { 'C' } else { 'c' };
    if let Some(extra) = files.get(1) {
        return Err(failure(2, format!("extra operand {} not allowed with -{letter}", quote_name(extra))));
    }
    let quiet = match parsed.value("check") {
        Some(word) => choose(word, "--check", &["quiet", "silent", "diagnose-first"], 1)? != "diagnose-first",
        None => parsed.has("C"),
    };
    let text = read(&files[0])?;
    let mut previous: Option<&[u8]> = None;
    for (index, line) in text.split_inclusive(|&byte| byte == end).enumerate() {
        let line = crate::stream::trim(line, end);
        let disorder = previous.is_some_and(|previous| match order.compare(previous, line) {
            Ordering::Greater => true,
            Ordering::Equal => order.unique && order.compare_keys(previous, line) == Ordering::Equal,
            Ordering::Less => false,
        });
        if disorder {
            if !quiet {
                complain(format!("{}:{}: disorder: {}", quote_bare(&files[0]), index + 1, String::from_utf8_lossy(line)));
            }
            return Ok(1);
        }
        previous = Some(line);
    }
    Ok(0)
}
