//! tr(1): translates, deletes and squeezes bytes.

use crate::options::{Spec, extra_operand, missing_operand, parse};
use crate::report::{Failure, Outcome, failure, misuse, quote};
use crate::stream::{Input, Output};
use tidepool_system::Fd;

const SPEC: Spec = Spec::new(
    "c,complement C d,delete s,squeeze-repeats t,truncate-set1",
    "Usage: tr [OPTION]... STRING1 [STRING2]
Translates, squeezes or deletes bytes of standard input.

  -c, -C, --complement    the complement of STRING1
  -d, --delete            deletes those of STRING1
  -s, --squeeze-repeats   repeats of the last STRING become one
  -t, --truncate-set1     cuts STRING1 to the length of STRING2
Strings know \\NNN \\\\ \\a \\b \\f \\n \\r \\t \\v, A-Z, [C*], [C*N], [:class:] and [=C=].
",
)
.stop_at_operand();

type Set = Vec<u8>;

#[derive(Clone, Debug)]
enum Element {
    Byte(u8),
    Class(&'static str),
    /// `[C*N]`; `None` fills up.
    Repeat(u8, Option<usize>),
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let (delete, squeeze) = (parsed.has("d"), parsed.has("s"));
    let complement = parsed.has("c") || parsed.has("C");
    let operands = &parsed.operands;
    check_operands(operands, delete, squeeze)?;
    let first = elements(&operands[0])?;
    let second = operands.get(1).map(|text| elements(text)).transpose()?;
    if first.iter().any(|element| matches!(element, Element::Repeat(..))) {
        return Err(failure(1, "the [c*] repeat construct may not appear in string1"));
    }
    let mut set1 = expand(&first, 0, 0);
    if complement {
        set1 = (0..=255).filter(|byte| !set1.contains(byte)).collect();
    }
    let translate = second.is_some() && !delete;
    let mut map: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    let mut set2 = Vec::new();
    if let Some(second) = &second {
        set2 = if translate { translation(&first, second, &mut set1, complement, parsed.has("t"))? } else { expand(second, 0, 0) };
    }
    if translate {
        for (from, to) in set1.iter().zip(&set2) {
            map[usize::from(*from)] = *to;
        }
    }
    let deleted = if delete { members(&set1) } else { [false; 256] };
    let squeezed = match (squeeze, &second) {
        (false, _) => [false; 256],
        (true, None) => members(&set1),
        (true, Some(_)) => members(&set2),
    };
    pump(&Table { map, deleted, squeezed, squeeze, delete })
}

fn check_operands(operands: &[Vec<u8>], delete: bool, squeeze: bool) -> Result<(), Failure> {
    let (least, most) = match (delete, squeeze) {
        (true, true) => (2, 2),
        (true, false) => (1, 1),
        (false, true) => (1, 2),
        (false, false) => (2, 2),
    };
    if operands.is_empty() {
        return Err(missing_operand(1));
    }
    let reason = |text: &str, operand: &[u8], why: &str| misuse(1, format!("{text} {}{why}", quote(operand)));
    if operands.len() < least {
        let why = match delete {
            true => "\nTwo strings must be given when both deleting and squeezing repeats.",
            false => "\nTwo strings must be given when translating.",
        };
        return Err(reason("missing operand after", &operands[0], why));
    }
    match operands.get(most) {
        Some(extra) if most == 1 => {
            Err(reason("extra operand", extra, "\nOnly one string may be given when deleting without squeezing repeats."))
        }
        Some(extra) => Err(extra_operand(1, extra)),
        None => Ok(()),
    }
}

fn members(set: &[u8]) -> [bool; 256] {
    let mut members = [false; 256];
    set.iter().for_each(|&byte| members[usize::from(byte)] = true);
    members
}

const CLASSES: [&str; 12] =
    ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"];

fn in_class(class: &str, byte: u8) -> bool {
    match class {
        "alnum" => byte.is_ascii_alphanumeric(),
        "alpha" => byte.is_ascii_alphabetic(),
        "blank" => byte == b' ' || byte == b'\t',
        "cntrl" => byte.is_ascii_control(),
        "digit" => byte.is_ascii_digit(),
        "graph" => byte.is_ascii_graphic(),
        "lower" => byte.is_ascii_lowercase(),
        "print" => byte.is_ascii_graphic() || byte == b' ',
        "punct" => byte.is_ascii_punctuation(),
        "space" => byte == b' ' || (9..=13).contains(&byte),
        "upper" => byte.is_ascii_uppercase(),
        _ => byte.is_ascii_hexdigit(),
    }
}

/// One byte of a string with its escapes, and whether it was escaped.
fn next_byte(text: &[u8], at: &mut usize) -> (u8, bool) {
    let byte = text[*at];
    *at += 1;
    if byte != b'\\' || *at >= text.len() {
        return (byte, false);
    }
    let escaped = text[*at];
    *at += 1;
    let byte = match escaped {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'0'..=b'7' => {
            let mut value = u32::from(escaped - b'0');
            let end = *at + 2;
            while *at < end.min(text.len()) && (b'0'..=b'7').contains(&text[*at]) && value * 8 + u32::from(text[*at] - b'0') < 256 {
                value = value * 8 + u32::from(text[*at] - b'0');
                *at += 1;
            }
            value as u8
        }
        other => other,
    };
    (byte, true)
}

fn elements(text: &[u8]) -> Result<Vec<Element>, Failure> {
    let (mut elements, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if let Some(found) = bracket(text, &mut at)? {
            elements.extend(found);
            continue;
        }
        let (first, _) = next_byte(text, &mut at);
        if text.get(at) == Some(&b'-') && at + 1 < text.len() {
            at += 1;
            let (last, _) = next_byte(text, &mut at);
            if last < first {
                let range = format!("{}-{}", shown(first), shown(last));
                let text = format!("range-endpoints of '{range}' are in reverse collating sequence order");
                return Err(failure(1, text));
            }
            elements.extend((first..=last).map(Element::Byte));
        } else {
            elements.push(Element::Byte(first));
        }
    }
    Ok(elements)
}

fn shown(byte: u8) -> String {
    match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    }
}

/// `[:class:]`, `[=c=]`, `[c*n]` at `at`, if one stands there.
fn bracket(text: &[u8], at: &mut usize) -> Result<Option<Vec<Element>>, Failure> {
    let rest = &text[*at..];
    if let Some(inner) = enclosed(rest, b':') {
        let class = CLASSES.iter().find(|class| class.as_bytes() == inner);
        let class = class.ok_or_else(|| failure(1, format!("invalid character class ‘{}’", String::from_utf8_lossy(inner))))?;
        *at += inner.len() + 4;
        return Ok(Some(vec![Element::Class(class)]));
    }
    if let Some(inner) = enclosed(rest, b'=') {
        let [byte] = inner else {
            let text = format!("{}: equivalence class operand must be a single character", String::from_utf8_lossy(inner));
            return Err(failure(1, text));
        };
        *at += 5;
        return Ok(Some(vec![Element::Byte(*byte)]));
    }
    if rest.len() < 4 || rest[0] != b'[' {
        return Ok(None);
    }
    let mut inner = 1;
    let (byte, _) = next_byte(rest, &mut inner);
    let Some(close) = rest.iter().skip(inner).position(|&byte| byte == b']').map(|found| found + inner) else { return Ok(None) };
    if rest.get(inner) != Some(&b'*') {
        return Ok(None);
    }
    let digits = &rest[inner + 1..close];
    if !digits.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let base = if digits.first() == Some(&b'0') { 8 } else { 10 };
    let count =
        std::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, base).ok()).filter(|&count| count > 0);
    *at += close + 1;
    Ok(Some(vec![Element::Repeat(byte, count)]))
}

/// What stands between `[:` and `:]`.
fn enclosed(text: &[u8], mark: u8) -> Option<&[u8]> {
    let inner = text.strip_prefix(&[b'[', mark])?;
    let end = inner.windows(2).position(|two| two == [mark, b']'])?;
    (end > 0).then(|| &inner[..end])
}

fn element_length(element: &Element) -> usize {
    match element {
        Element::Byte(_) => 1,
        Element::Class(class) => (0..=255).filter(|&byte| in_class(class, byte)).count(),
        Element::Repeat(_, count) => count.unwrap_or(0),
    }
}

/// The bytes of a string; a `[c*]` fills up to `length`, once.
fn expand(elements: &[Element], length: usize, limit: usize) -> Set {
    let fixed: usize = elements.iter().map(element_length).sum();
    let mut set = Vec::new();
    for element in elements {
        match element {
            Element::Byte(byte) => set.push(*byte),
            Element::Class(class) => set.extend((0..=255).filter(|&byte| in_class(class, byte))),
            Element::Repeat(byte, count) => {
                let count = count.unwrap_or_else(|| length.saturating_sub(fixed)).min(limit.max(256 * 256));
                set.extend(std::iter::repeat_n(*byte, count));
            }
        }
    }
    set
}

/// The second set, as long as the first; classes of case are matched with one another.
fn translation(first: &[Element], second: &[Element], set1: &mut Set, complement: bool, truncate: bool) -> Result<Set, Failure> {
    if second.iter().filter(|element| matches!(element, Element::Repeat(_, None))).count() > 1 {
        return Err(failure(1, "only one [c*] repeat construct may appear in string2"));
    }
    for element in second {
        if let Element::Class(class) = element
            && !matches!(*class, "upper" | "lower")
        {
            return Err(failure(
                1,
                "when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'",
            ));
        }
    }
    let mut set2 = if complement { expand(second, set1.len(), set1.len()) } else { paired(first, second, set1)? };
    if set2.is_empty() && !set1.is_empty() && !truncate {
        return Err(failure(1, "when not truncating set1, string2 must be non-empty"));
    }
    if truncate {
        set1.truncate(set2.len());
    } else if let Some(&last) = set2.last() {
        if set2.len() < set1.len() && matches!(second.last(), Some(Element::Class(_))) {
            return Err(failure(
                1,
                "when translating with string1 longer than string2,\nthe latter string must not end with a character class",
            ));
        }
        set2.resize(set1.len().max(set2.len()), last);
    }
    Ok(set2)
}

/// `[:lower:]` against `[:upper:]` at the same place maps letter to letter.
fn paired(first: &[Element], second: &[Element], set1: &Set) -> Result<Set, Failure> {
    let set2 = expand(second, set1.len(), set1.len());
    let place = |elements: &[Element], wanted: usize| {
        let mut at = 0;
        elements.iter().find_map(|element| {
            let here = at;
            at += element_length(element);
            match element {
                Element::Class(class) if here == wanted => Some(*class),
                _ => None,
            }
        })
    };
    let mut at = 0;
    for element in second {
        if let Element::Class(_) = element
            && !matches!(place(first, at), Some("upper" | "lower"))
        {
            return Err(failure(1, "misaligned [:upper:] and/or [:lower:] construct"));
        }
        at += element_length(element);
    }
    Ok(set2)
}

struct Table {
    map: [u8; 256],
    deleted: [bool; 256],
    squeezed: [bool; 256],
    squeeze: bool,
    delete: bool,
}

fn pump(table: &Table) -> Outcome {
    let mut input = Input::from(Fd::STDIN);
    let mut out = Output::stdout();
    let mut last = None;
    let mut result = Vec::new();
    loop {
        let chunk = input.chunk().map_err(|errno| failure(1, format!("read error: {errno}")))?;
        if chunk.is_empty() {
            return out.finish(0);
        }
        result.clear();
        table.translate(chunk, &mut last, &mut result);
        out.put(&result)?;
        out.flush()?;
    }
}

impl Table {
    fn translate(&self, chunk: &[u8], last: &mut Option<u8>, result: &mut Vec<u8>) {
        if !self.delete && !self.squeeze {
            result.extend(chunk.iter().map(|&byte| self.map[usize::from(byte)]));
            return;
        }
        for &byte in chunk {
            if self.deleted[usize::from(byte)] {
                continue;
            }
            let byte = self.map[usize::from(byte)];
            if self.squeezed[usize::from(byte)] && *last == Some(byte) {
                continue;
            }
            *last = Some(byte);
            result.push(byte);
        }
    }
}
