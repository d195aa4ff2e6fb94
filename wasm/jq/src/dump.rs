//! JSON out: compact or indented, keys sorted or as inserted, plain ASCII on request, with jq 1.6's colours.

use crate::number::push_number;
use crate::value::{Val, at, sorted_keys};
use std::fmt::Write;

/// One level of indentation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    None,
    Spaces(usize),
    Tab,
}

#[derive(Clone, Copy)]
pub struct Format {
    pub indent: Indent,
    pub sort_keys: bool,
    pub ascii: bool,
    pub colour: bool,
}

const COMPACT: Format = Format { indent: Indent::None, sort_keys: false, ascii: false, colour: false };
const RESET: &str = "\x1b[0m";
const KEY: &str = "\x1b[34;1m";

/// The compact text that `tojson` and interpolation give.
pub fn dump(value: &Val) -> String {
    let mut out = String::new();
    push(&mut out, value, &COMPACT, 0);
    out
}

/// The beginning of the compact text, for error messages: `most` bytes with three dots, or up to three more without.
pub fn truncated(value: &Val, most: usize) -> String {
    let text = dump(value);
    if text.len() <= most + 3 {
        return text;
    }
    String::from_utf8_lossy(&text.as_bytes()[..most]).into_owned() + "..."
}

pub fn push(out: &mut String, value: &Val, format: &Format, depth: usize) {
    let colour = if format.colour { colour_of(value) } else { "" };
    out.push_str(colour);
    match value {
        Val::Null => out.push_str("null"),
        Val::Bool(true) => out.push_str("true"),
        Val::Bool(false) => out.push_str("false"),
        Val::Num(number) => push_number(out, *number),
        Val::Str(text) => push_string(out, text, format.ascii),
        Val::Arr(items) if items.is_empty() => out.push_str("[]"),
        Val::Obj(map) if map.is_empty() => out.push_str("{}"),
        Val::Arr(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(colour);
                    out.push(',');
                }
                new_line(out, format, depth + 1);
                push(out, item, format, depth + 1);
            }
            out.push_str(colour);
            new_line(out, format, depth);
            out.push_str(colour);
            out.push(']');
        }
        Val::Obj(map) => {
            out.push('{');
            if format.sort_keys {
                let entries = sorted_keys(map).into_iter().map(|key| (key.as_str(), at(map, key)));
                entries.enumerate().for_each(|(i, (key, value))| push_entry(out, i, key, value, format, depth, colour));
            } else {
                let entries = map.iter().enumerate();
                entries.for_each(|(i, (key, value))| push_entry(out, i, key, value, format, depth, colour));
            }
            out.push_str(colour);
            new_line(out, format, depth);
            out.push_str(colour);
            out.push('}');
        }
    }
    if format.colour {
        out.push_str(RESET);
    }
}

fn push_entry(out: &mut String, position: usize, key: &str, value: &Val, format: &Format, depth: usize, colour: &str) {
    if position > 0 {
        out.push_str(colour);
        out.push(',');
    }
    new_line(out, format, depth + 1);
    let reset = if format.colour { RESET } else { "" };
    if format.colour {
        out.push_str(RESET);
        out.push_str(KEY);
    }
    push_string(out, key, format.ascii);
    out.push_str(reset);
    out.push_str(colour);
    out.push(':');
    if format.indent != Indent::None {
        out.push(' ');
    }
    out.push_str(reset);
    push(out, value, format, depth + 1);
}

fn colour_of(value: &Val) -> &'static str {
    match value {
        Val::Null => "\x1b[1;30m",
        Val::Bool(_) | Val::Num(_) => "\x1b[0;39m",
        Val::Str(_) => "\x1b[0;32m",
        Val::Arr(_) | Val::Obj(_) => "\x1b[1;39m",
    }
}

fn new_line(out: &mut String, format: &Format, depth: usize) {
    match format.indent {
        Indent::None => return,
        Indent::Spaces(width) => {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
        Indent::Tab => {
            out.push('\n');
            out.extend(std::iter::repeat_n('\t', depth));
        }
    }
}

pub fn push_string(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    let mut from = 0;
    for (at, c) in text.char_indices() {
        if c >= ' ' && c != '"' && c != '\\' && c != '\x7f' && (c.is_ascii() || !ascii) {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + c.len_utf8();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}
