//! What `${…}` operations do to a text, and the ways to quote one.

use tidepool_syntax::ast::{CaseChange, ReplacePlace};

use super::pattern::{Pattern, character};
use crate::variables::Bytes;

pub fn character_count(text: &[u8]) -> usize {
    let mut at = 0;
    let mut count = 0;
    while at < text.len() {
        at += character(text.get(at..).unwrap_or_default()).1;
        count += 1;
    }
    count
}

/// Where the characters start, and the end.
fn boundaries(text: &[u8]) -> Vec<usize> {
    let mut all = vec![0];
    let mut at = 0;
    while at < text.len() {
        at += character(text.get(at..).unwrap_or_default()).1;
        all.push(at);
    }
    all
}

pub fn remove_prefix(text: &[u8], pattern: &Pattern, longest: bool) -> Bytes {
    match pattern.match_at(text, 0, longest) {
        Some(end) => text.get(end..).unwrap_or_default().to_vec(),
        None => text.to_vec(),
    }
}

pub fn remove_suffix(text: &[u8], pattern: &Pattern, longest: bool) -> Bytes {
    let fits = |start: &usize| pattern.matches(text.get(*start..).unwrap_or_default());
    let starts = boundaries(text);
    let found = if longest { starts.iter().copied().find(fits) } else { starts.iter().rev().copied().find(fits) };
    text.get(..found.unwrap_or(text.len())).unwrap_or_default().to_vec()
}

/// A replacement: text, and `&` for what was matched.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Text(Bytes),
    Matched,
}

/// Reads an expanded replacement in which a backslash quotes.
pub fn replacement_pieces(text: &[u8], ampersand: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => match text.get(at) {
                Some(&next @ (b'\\' | b'&')) => {
                    literal.push(next);
                    at += 1;
                }
                _ => literal.push(b'\\'),
            },
            b'&' if ampersand => {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Matched);
            }
            byte => literal.push(byte),
        }
    }
    pieces.push(Piece::Text(literal));
    pieces
}

pub fn replace(text: &[u8], place: ReplacePlace, pattern: &Pattern, pieces: &[Piece]) -> Bytes {
    let mut result = Vec::with_capacity(text.len());
    let put = |result: &mut Bytes, matched: &[u8]| {
        for piece in pieces {
            match piece {
                Piece::Text(text) => result.extend_from_slice(text),
                Piece::Matched => result.extend_from_slice(matched),
            }
        }
    };
    if place == ReplacePlace::End {
        let start = boundaries(text).into_iter().find(|start| pattern.matches(text.get(*start..).unwrap_or_default()));
        return match start {
            Some(start) => {
                result.extend_from_slice(text.get(..start).unwrap_or_default());
                put(&mut result, text.get(start..).unwrap_or_default());
                result
            }
            None => text.to_vec(),
        };
    }
    let is_empty_pattern = pattern.literal() == Some(b"");
    if is_empty_pattern && place != ReplacePlace::Start {
        return text.to_vec();
    }
    let mut at = 0;
    while at <= text.len() {
        match pattern.match_at(text, at, true) {
            Some(end) if end > at || (is_empty_pattern && place == ReplacePlace::Start) || (end == at && text.is_empty()) => {
                put(&mut result, text.get(at..end).unwrap_or_default());
                at = end;
                if place != ReplacePlace::All || text.is_empty() {
                    break;
                }
            }
            _ if place == ReplacePlace::Start => break,
            _ if at < text.len() => {
                let length = character(text.get(at..).unwrap_or_default()).1;
                result.extend_from_slice(text.get(at..at + length).unwrap_or_default());
                at += length;
            }
            _ => break,
        }
    }
    result.extend_from_slice(text.get(at..).unwrap_or_default());
    result
}

pub fn change_case(text: &[u8], change: CaseChange, all: bool, pattern: Option<&Pattern>) -> Bytes {
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let (value, length) = character(rest);
        let bytes = rest.get(..length).unwrap_or_default();
        let wanted = (all || at == 0) && pattern.is_none_or(|pattern| pattern.matches(bytes));
        match char::from_u32(value).filter(|_| wanted) {
            Some(letter) => push_changed(letter, change, &mut result),
            None => result.extend_from_slice(bytes),
        }
        at += length;
    }
    result
}

fn push_changed(letter: char, change: CaseChange, result: &mut Bytes) {
    let upper = match change {
        CaseChange::Upper => true,
        CaseChange::Lower => false,
        CaseChange::Toggle => letter.is_lowercase(),
    };
    // A letter whose other case is more than one character stays, as in C.
    let changed = if upper { single(letter.to_uppercase(), letter) } else { single(letter.to_lowercase(), letter) };
    result.extend_from_slice(changed.encode_utf8(&mut [0; 4]).as_bytes());
}

fn single(mut letters: impl Iterator<Item = char>, old: char) -> char {
    match (letters.next(), letters.next()) {
        (Some(letter), None) => letter,
        _ => old,
    }
}

/// `${x:offset:length}` in characters; None when the end lies before the start.
pub fn substring(text: &[u8], offset: i64, length: Option<i64>) -> Option<Bytes> {
    let starts = boundaries(text);
    let count = starts.len() as i64 - 1;
    let start = if offset < 0 { count + offset } else { offset };
    if start < 0 || start > count {
        return Some(Vec::new());
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => {
            let end = count + length;
            if end < start {
                return None;
            }
            end
        }
        Some(length) => start.saturating_add(length).min(count),
    };
    let from = starts.get(start as usize).copied()?;
    let to = starts.get(end as usize).copied()?;
    Some(text.get(from..to).unwrap_or_default().to_vec())
}

/// `${x@Q}` and its like, on one text.
pub fn transform(letter: u8, text: &[u8]) -> Bytes {
    match letter {
        b'Q' => quote_for_reuse(text),
        b'U' => change_case(text, CaseChange::Upper, true, None),
        b'L' => change_case(text, CaseChange::Lower, true, None),
        b'u' => change_case(text, CaseChange::Upper, false, None),
        b'E' => tidepool_syntax::escape::unescape_ansi(text),
        _ => text.to_vec(),
    }
}

fn has_controls(text: &[u8]) -> bool {
    text.iter().any(|byte| *byte < 32 || *byte == 127) || std::str::from_utf8(text).is_err()
}

/// `'…'`, or `$'…'` when it has control characters.
pub fn quote_for_reuse(text: &[u8]) -> Bytes {
    if has_controls(text) { ansi_quote(text) } else { single_quote(text) }
}

pub fn single_quote(text: &[u8]) -> Bytes {
    let mut quoted = vec![b'\''];
    for byte in text {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

pub fn ansi_quote(text: &[u8]) -> Bytes {
    let mut quoted = b"$'".to_vec();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let (value, length) = character(rest);
        let escape: &[u8] = match value {
            7 => b"\\a",
            8 => b"\\b",
            9 => b"\\t",
            10 => b"\\n",
            11 => b"\\v",
            12 => b"\\f",
            13 => b"\\r",
            27 => b"\\E",
            0x27 => b"\\'",
            0x5c => b"\\\\",
            _ => b"",
        };
        let bytes = rest.get(..length).unwrap_or_default();
        if !escape.is_empty() {
            quoted.extend_from_slice(escape);
        } else if value < 32 || value == 127 || (0xdc80..=0xdcff).contains(&value) {
            bytes.iter().for_each(|byte| quoted.extend_from_slice(format!("\\{byte:03o}").as_bytes()));
        } else {
            quoted.extend_from_slice(bytes);
        }
        at += length;
    }
    quoted.push(b'\'');
    quoted
}

/// `declare -p`'s way: `"…"`, or `$'…'` when it has control characters.
pub fn quote_for_reuse_double(text: &[u8]) -> Bytes {
    if has_controls(text) {
        return ansi_quote(text);
    }
    let mut quoted = vec![b'"'];
    for byte in text {
        if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

/// `set`: quotes only where needed.
pub fn quote_where_needed(text: &[u8]) -> Bytes {
    if has_controls(text) { ansi_quote(text) } else { quote_for_trace(text) }
}

/// `set -x`: the same, but blanks and newlines stay what they are.
pub fn quote_for_trace(text: &[u8]) -> Bytes {
    if text.is_empty() {
        return b"''".to_vec();
    }
    if has_shell_characters(text) {
        single_quote(text)
    } else if has_controls(text) {
        ansi_quote(text)
    } else {
        text.to_vec()
    }
}

fn has_shell_characters(text: &[u8]) -> bool {
    let special = |(at, byte): (usize, &u8)| match byte {
        b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' | b'!' | b'{' | b'}'
        | b'*' | b'[' | b'?' | b']' | b'^' | b'$' | b'`' => true,
        b'#' | b'~' => at == 0,
        _ => false,
    };
    text.iter().enumerate().any(special) || text.windows(2).any(|pair| matches!(pair, b"=~" | b":~"))
}

/// `printf %q`: backslashes.
pub fn quote_with_backslashes(text: &[u8]) -> Bytes {
    if text.is_empty() {
        return b"''".to_vec();
    }
    if has_controls(text) {
        return ansi_quote(text);
    }
    let mut quoted = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        let special = matches!(
            byte,
            b' ' | b'\''
                | b'"'
                | b'\\'
                | b'|'
                | b'&'
                | b';'
                | b'('
                | b')'
                | b'<'
                | b'>'
                | b'!'
                | b'{'
                | b'}'
                | b'*'
                | b'['
                | b'?'
                | b']'
                | b'^'
                | b'$'
                | b'`'
                | b','
        ) || (matches!(byte, b'#' | b'~') && at == 0);
        if special {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted
}
