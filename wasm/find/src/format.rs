//! The format of `-printf`, read once and written for each file, and the line of `-ls`.

use crate::date::{self, Moment};
use crate::expression::{Instant, Stamp};
use crate::names;
use crate::parse::warn;
use crate::walk::Entry;
use tidepool_system::{Stat, os_bytes};

enum Part {
    Text(Vec<u8>),
    Directive {
        flags: Flags,
        kind: Kind,
    },
    /// `\c`
    Stop,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    Letter(u8),
    Time(Stamp, u8),
}

pub struct Format {
    parts: Vec<Part>,
}

impl Format {
    pub fn parse(text: &[u8]) -> Result<Format, String> {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let byte = text[at];
            at += 1;
            match byte {
                b'\\' => {
                    let stop = escape(text, &mut at, &mut literal);
                    if stop {
                        flush(&mut literal, &mut parts);
                        parts.push(Part::Stop);
                    }
                }
                b'%' if at == text.len() => return Err("error: % at end of format string".to_owned()),
                b'%' => {
                    if let Some(part) = directive(text, &mut at, &mut literal) {
                        flush(&mut literal, &mut parts);
                        parts.push(part);
                    }
                }
                other => literal.push(other),
            }
        }
        flush(&mut literal, &mut parts);
        Ok(Format { parts })
    }

    pub fn write(&self, entry: &Entry, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Stop => return,
                Part::Directive { flags, kind } => {
                    let value = match kind {
                        Kind::Letter(letter) => value(*letter, entry, *flags),
                        Kind::Time(stamp, letter) => time_value(*stamp, *letter, entry.stat()),
                    };
                    pad(&value, *flags, out);
                }
            }
        }
    }
}

fn flush(literal: &mut Vec<u8>, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Text(std::mem::take(literal)));
    }
}

/// An escape behind its backslash; true for `\c`.
fn escape(text: &[u8], at: &mut usize, literal: &mut Vec<u8>) -> bool {
    let Some(&letter) = text.get(*at) else {
        warn("escape `\\' followed by nothing at all");
        literal.push(b'\\');
        return false;
    };
    *at += 1;
    let value = match letter {
        b'a' => 7,
        b'b' => 8,
        b'c' => return true,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        b'0'..=b'7' => {
            let digits = text[*at - 1..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = text[*at - 1..*at - 1 + digits].iter().fold(0u32, |v, b| v * 8 + u32::from(b - b'0'));
            *at += digits - 1;
            value as u8
        }
        other => {
            warn(&format!("unrecognized escape `\\{}'", char::from(other)));
            literal.push(b'\\');
            other
        }
    };
    literal.push(value);
    false
}

/// A directive behind its `%`; None when it only was text.
fn directive(text: &[u8], at: &mut usize, literal: &mut Vec<u8>) -> Option<Part> {
    let begin = *at - 1;
    let mut flags = Flags::default();
    while let Some(byte) = text.get(*at) {
        match byte {
            b'-' => flags.left = true,
            b'0' => flags.zero = true,
            b'+' => flags.plus = true,
            b' ' => flags.space = true,
            b'#' => flags.alternate = true,
            _ => break,
        }
        *at += 1;
    }
    flags.width = number(text, at);
    if text.get(*at) == Some(&b'.') {
        *at += 1;
        flags.precision = Some(number(text, at));
    }
    let letter = *text.get(*at)?;
    *at += 1;
    let stamp = match letter {
        b'%' => {
            literal.push(b'%');
            return None;
        }
        b'A' | b'B' => Some(Stamp::Access),
        b'C' => Some(Stamp::Change),
        b'T' => Some(Stamp::Modification),
        _ => None,
    };
    if let Some(stamp) = stamp {
        let Some(&which) = text.get(*at) else {
            warn(&format!("format directive `%{}' should be followed by another character", char::from(letter)));
            literal.extend_from_slice(&text[begin..*at]);
            return None;
        };
        *at += 1;
        return Some(Part::Directive { flags, kind: Kind::Time(stamp, which) });
    }
    if !b"abcdfgGhHiklmMnpPsStuUyYD".contains(&letter) {
        warn(&format!("unrecognized format directive `%{}'", char::from(letter)));
        literal.extend_from_slice(&text[begin..*at]);
        return None;
    }
    Some(Part::Directive { flags, kind: Kind::Letter(letter) })
}

fn number(text: &[u8], at: &mut usize) -> usize {
    let mut value = 0usize;
    while let Some(digit) = text.get(*at).filter(|b| b.is_ascii_digit()) {
        value = value.saturating_mul(10).saturating_add(usize::from(digit - b'0')).min(1 << 16);
        *at += 1;
    }
    value
}

enum Value {
    Text(Vec<u8>),
    Number(String),
}

fn pad(value: &Value, flags: Flags, out: &mut Vec<u8>) {
    let (text, fill) = match value {
        Value::Text(text) => (text[..text.len().min(flags.precision.unwrap_or(usize::MAX))].to_vec(), b' '),
        Value::Number(digits) => {
            let missing = flags.precision.unwrap_or(0).saturating_sub(digits.len());
            let sign = match () {
                () if flags.plus => "+",
                () if flags.space => " ",
                () => "",
            };
            let text = format!("{sign}{}{digits}", "0".repeat(missing)).into_bytes();
            (text, if flags.zero && !flags.left && flags.precision.is_none() { b'0' } else { b' ' })
        }
    };
    let missing = flags.width.saturating_sub(text.len());
    let blanks = std::iter::repeat_n(fill, missing);
    if flags.left {
        out.extend_from_slice(&text);
        out.extend(blanks);
    } else {
        out.extend(blanks);
        out.extend_from_slice(&text);
    }
}

fn time_value(stamp: Stamp, letter: u8, stat: &Stat) -> Value {
    let moment = Moment::new(date::timestamp(stat, stamp));
    Value::Text(moment.letter(letter).unwrap_or_else(|| format!("%{}", char::from(letter))).into_bytes())
}

fn value(letter: u8, entry: &Entry, flags: Flags) -> Value {
    let stat = || entry.stat();
    let number = |n: u64| Value::Number(n.to_string());
    let text = |t: String| Value::Text(t.into_bytes());
    let time = |stamp| Value::Text(Moment::new(date::timestamp(stat(), stamp)).ctime().into_bytes());
    match letter {
        b'a' => time(Stamp::Access),
        b'c' => time(Stamp::Change),
        b't' => time(Stamp::Modification),
        b'b' => number(stat().blocks),
        b'k' => number(stat().blocks.div_ceil(2)),
        b'd' => number(entry.depth as u64),
        b'D' => number(stat().dev),
        b'f' => Value::Text(entry.shown_base().to_vec()),
        b'h' => Value::Text(entry.shown_folder().to_vec()),
        b'H' => Value::Text(entry.root.to_vec()),
        b'i' => number(stat().ino),
        b'l' => Value::Text(entry.link_target().unwrap_or_default()),
        b'm' if flags.alternate => Value::Number(format!("0{:o}", stat().mode & 0o7777)),
        b'm' => Value::Number(format!("{:o}", stat().mode & 0o7777)),
        b'M' => text(stat().mode_string()),
        b'n' => number(u64::from(stat().nlink)),
        b'p' => Value::Text(entry.path.clone()),
        b'P' => Value::Text(entry.below_root().to_vec()),
        b's' => number(stat().size),
        b'S' => {
            let stat = stat();
            let sparseness = if stat.size == 0 { 1.0 } else { stat.blocks as f64 * 512.0 / stat.size as f64 };
            text(shortest(sparseness))
        }
        b'u' => text(names::user_name(stat().uid).unwrap_or_else(|| stat().uid.to_string())),
        b'U' => number(u64::from(stat().uid)),
        b'g' => text(names::group_name(stat().gid).unwrap_or_else(|| stat().gid.to_string())),
        b'G' => number(u64::from(stat().gid)),
        b'y' => text(char::from(type_letter(stat())).to_string()),
        b'Y' => text(entry.other_side_letter().to_string()),
        _ => Value::Text(Vec::new()),
    }
}

/// `%g` of C: six digits, no zeros behind them.
fn shortest(number: f64) -> String {
    let digits = (5 - number.abs().log10().floor().max(-4.0) as i32).clamp(0, 12) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The letter of `-type` for a file.
pub fn type_letter(stat: &Stat) -> u8 {
    match stat.kind() {
        Stat::DIR => b'd',
        Stat::SYMLINK => b'l',
        Stat::FIFO => b'p',
        Stat::CHAR => b'c',
        Stat::BLOCK => b'b',
        Stat::SOCKET => b's',
        _ => b'f',
    }
}

/// The line of `-ls`.
pub fn list(entry: &Entry, now: Instant, out: &mut Vec<u8>) {
    let stat = entry.stat();
    let user = names::user_name(stat.uid).unwrap_or_else(|| stat.uid.to_string());
    let group = names::group_name(stat.gid).unwrap_or_else(|| stat.gid.to_string());
    let date = Moment::new(stat.mtime).listed(now);
    let head = format!(
        "{:9} {:6} {} {:3} {:8} {:8} {:8} {} ",
        stat.ino,
        stat.blocks.div_ceil(2),
        stat.mode_string(),
        stat.nlink,
        user,
        group,
        stat.size,
        date
    );
    out.extend_from_slice(head.as_bytes());
    escaped(&entry.path, out);
    if let Some(target) = entry.link_target() {
        out.extend_from_slice(b" -> ");
        escaped(&target, out);
    }
    out.push(b'\n');
}

/// A name as `ls -b` shows it.
fn escaped(name: &[u8], out: &mut Vec<u8>) {
    for byte in name {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' | b' ' | b'"' => out.extend([b'\\', *byte]),
            0..0x20 | 0x7F => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            other => out.push(*other),
        }
    }
}

/// Bytes of where a link points.
pub fn read_link(path: &[u8]) -> Option<Vec<u8>> {
    let target = std::fs::read_link(tidepool_system::os_str(path)).ok()?;
    Some(os_bytes(target.as_os_str()).to_vec())
}
