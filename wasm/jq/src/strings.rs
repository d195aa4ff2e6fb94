//! Built-ins over texts.

use crate::json::parse_one;
use crate::value::{self, Val, ValR, fail};

pub fn byte_length(value: Val) -> ValR {
    match value {
        Val::Str(text) => Ok(Val::from(text.len())),
        other => fail(format!("{} only strings have UTF-8 byte length", other.named())),
    }
}

pub fn from_json(value: Val) -> ValR {
    match &value {
        Val::Str(text) => parse_one(text.as_bytes()).or_else(|error| fail(format!("{error} (while parsing '{text}')"))),
        other => fail(format!("{} cannot be parsed as JSON", other.named())),
    }
}

pub fn to_number(value: Val) -> ValR {
    match &value {
        Val::Num(_) => Ok(value),
        Val::Str(text) => match parse_one(text.as_bytes()) {
            Ok(number @ Val::Num(_)) => Ok(number),
            Ok(_) => fail(format!("{} cannot be parsed as a number", value.named())),
            Err(error) => fail(format!("{error} (while parsing '{text}')")),
        },
        other => fail(format!("{} cannot be parsed as a number", other.named())),
    }
}

fn changed(value: Val, change: impl FnOnce(&str) -> String) -> ValR {
    match value {
        Val::Str(text) => Ok(Val::from(change(&text))),
        _ => fail("explode input must be a string"),
    }
}

pub fn ascii_downcase(value: Val) -> ValR {
    changed(value, str::to_ascii_lowercase)
}

pub fn ascii_upcase(value: Val) -> ValR {
    changed(value, str::to_ascii_uppercase)
}

pub fn explode(value: Val) -> ValR {
    match value {
        Val::Str(text) => Ok(text.chars().map(|c| Val::Num(f64::from(u32::from(c)))).collect()),
        _ => fail("explode input must be a string"),
    }
}

pub fn implode(value: Val) -> ValR {
    let Val::Arr(codes) = value else {
        return fail("implode input must be an array");
    };
    let mut text = String::new();
    for code in codes.iter() {
        match code {
            Val::Num(code) => text.push(char::from_u32(*code as u32).unwrap_or(char::REPLACEMENT_CHARACTER)),
            _ => return fail("Unicode codepoint must be numeric"),
        }
    }
    Ok(Val::from(text))
}

pub fn starts_with(value: Val, start: Val) -> ValR {
    match (value.as_str(), start.as_str()) {
        (Some(text), Some(start)) => Ok(Val::Bool(text.starts_with(start))),
        _ => fail("startswith() requires string inputs"),
    }
}

pub fn ends_with(value: Val, end: Val) -> ValR {
    match (value.as_str(), end.as_str()) {
        (Some(text), Some(end)) => Ok(Val::Bool(text.ends_with(end))),
        _ => fail("endswith() requires string inputs"),
    }
}

pub fn trim_start_text(value: Val, start: Val) -> ValR {
    let rest = value.as_str().zip(start.as_str()).and_then(|(text, start)| text.strip_prefix(start));
    Ok(rest.map(Val::from).unwrap_or(value))
}

pub fn trim_end_text(value: Val, end: Val) -> ValR {
    let rest = value.as_str().zip(end.as_str()).and_then(|(text, end)| text.strip_suffix(end));
    Ok(rest.map(Val::from).unwrap_or(value))
}

pub fn trim(value: Val, start: bool, end: bool) -> ValR {
    let Some(mut text) = value.as_str() else {
        return fail(format!("{} cannot be trimmed", value.named()));
    };
    if start {
        text = text.trim_start();
    }
    if end {
        text = text.trim_end();
    }
    Ok(Val::from(text))
}

pub fn split(value: Val, separator: Val) -> ValR {
    match (value.as_str(), separator.as_str()) {
        (Some(text), Some(separator)) => Ok(value::split(text, separator)),
        _ => fail("split input and separator must be strings"),
    }
}
