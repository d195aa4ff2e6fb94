//! The `@name` formats.

use crate::dump::dump;
use crate::value::{Error, Val, ValR, fail};

/// `format("name")`.
pub fn named(value: Val, name: Val) -> ValR {
    match name.as_str() {
        Some("text") => Ok(Val::from(value.to_text())),
        Some("json") => Ok(Val::from(dump(&value))),
        Some("csv") => csv(value),
        Some("tsv") => tsv(value),
        Some("html") => html(value),
        Some("uri") => uri(value),
        Some("urid") => from_uri(value),
        Some("sh") => shell(value),
        Some("base64") => base64(value),
        Some("base64d") => from_base64(value),
        Some("base32") => base32(value),
        Some("base32d") => from_base32(value),
        Some(other) => fail(format!("{other} is not a valid format")),
        None => fail(format!("{} is not a valid format", name.named())),
    }
}

fn row(value: Val, name: &str, separator: &str, text: fn(&str) -> String) -> ValR {
    let Val::Arr(cells) = value else {
        return fail(format!("{} cannot be {name}-formatted, only array", value.named()));
    };
    let cell = |cell: &Val| -> Result<String, Error> {
        match cell {
            Val::Null => Ok(String::new()),
            Val::Bool(_) | Val::Num(_) => Ok(dump(cell)),
            Val::Str(s) => Ok(text(s)),
            other => fail(format!("{} is not valid in a csv row", other.named())),
        }
    };
    let cells: Vec<String> = cells.iter().map(cell).collect::<Result<_, _>>()?;
    Ok(Val::from(cells.join(separator)))
}

pub fn csv(value: Val) -> ValR {
    row(value, "csv", ",", |text| format!("\"{}\"", text.replace('"', "\"\"")))
}

pub fn tsv(value: Val) -> ValR {
    row(value, "tsv", "\t", |text| text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"))
}

pub fn html(value: Val) -> ValR {
    let mut out = String::new();
    for c in value.to_text().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    Ok(Val::from(out))
}

pub fn uri(value: Val) -> ValR {
    let mut out = String::new();
    for byte in value.to_text().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    Ok(Val::from(out))
}

pub fn from_uri(value: Val) -> ValR {
    let text = value.to_text();
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let decoded = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match decoded {
            Some(decoded) => {
                out.push(decoded);
                rest = &after[2..];
            }
            None if byte == b'%' => return fail(format!("{} is not a valid uri encoding", value.named())),
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    Ok(Val::from(String::from_utf8_lossy(&out).into_owned()))
}

pub fn shell(value: Val) -> ValR {
    let word = |item: &Val| match item {
        Val::Arr(_) | Val::Obj(_) => fail(format!("{} can not be escaped for shell", item.named())),
        Val::Str(text) => Ok(format!("'{}'", text.replace('\'', "'\\''"))),
        other => Ok(dump(other)),
    };
    match &value {
        Val::Arr(items) => {
            let words: Vec<String> = items.iter().map(word).collect::<Result<_, _>>()?;
            Ok(Val::from(words.join(" ")))
        }
        other => word(other).map(Val::from),
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Bits in groups of `width`, padded to whole groups of `unit` letters.
fn encode(bytes: &[u8], alphabet: &[u8], width: u32, unit: usize) -> String {
    let (mut out, mut held, mut count) = (String::new(), 0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        count += 8;
        while count >= width {
            count -= width;
            out.push(char::from(alphabet[(held >> count) as usize & (alphabet.len() - 1)]));
        }
        held &= (1 << count) - 1;
    }
    if count > 0 {
        out.push(char::from(alphabet[(held << (width - count)) as usize & (alphabet.len() - 1)]));
    }
    while !out.len().is_multiple_of(unit) {
        out.push('=');
    }
    out
}

fn decode(text: &str, alphabet: &[u8], width: u32) -> Option<Vec<u8>> {
    let (mut out, mut held, mut count) = (Vec::new(), 0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let bits = alphabet.iter().position(|l| *l == letter)?;
        held = (held << width) | bits as u32;
        count += width;
        if count >= 8 {
            count -= 8;
            out.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    Some(out)
}

fn decoded(value: Val, alphabet: &[u8], width: u32) -> ValR {
    let text = value.to_text();
    match decode(&text, alphabet, width) {
        Some(bytes) if !bytes.is_empty() || text.is_empty() => Ok(Val::from(String::from_utf8_lossy(&bytes).into_owned())),
        _ => fail(format!("{} is not valid base{} data", Val::from(text).named(), alphabet.len())),
    }
}

pub fn base64(value: Val) -> ValR {
    Ok(Val::from(encode(value.to_text().as_bytes(), BASE64, 6, 4)))
}

pub fn from_base64(value: Val) -> ValR {
    decoded(value, BASE64, 6)
}

pub fn base32(value: Val) -> ValR {
    Ok(Val::from(encode(value.to_text().as_bytes(), BASE32, 5, 8)))
}

pub fn from_base32(value: Val) -> ValR {
    decoded(value, BASE32, 5)
}
