//! What goes to stderr and how names are quoted there, as in GNU coreutils: `cat: x: No such file or directory`.

use std::sync::OnceLock;
use tidepool_system::{Errno, Fd, write_all};

static NAME: OnceLock<String> = OnceLock::new();

/// Why a program ends early: its exit status and what to say. An empty message says nothing.
pub struct Failure {
    pub status: i32,
    pub message: String,
}

/// The exit status of a program, or why it ended early.
pub type Outcome = std::result::Result<i32, Failure>;

pub fn set_name(name: &str) {
    let _ = NAME.set(name.to_owned());
}

/// The name by which the program was called.
pub fn name() -> &'static str {
    NAME.get().map_or("", String::as_str)
}

pub fn failure(status: i32, message: impl Into<String>) -> Failure {
    Failure { status, message: message.into() }
}

/// A failure of the command line: says how to get help, too.
pub fn misuse(status: i32, message: impl AsRef<str>) -> Failure {
    let (name, message) = (name(), message.as_ref());
    let separator = if message.is_empty() { String::new() } else { format!("{message}\n") };
    let message = format!("{separator}Try '{name} --help' for more information.");
    Failure { status, message }
}

/// Prints `NAME: message`. What was written to stdout before stands before it only when it was flushed.
pub fn complain(message: impl AsRef<str>) {
    let text = format!("{}: {}\n", name(), message.as_ref());
    let _ = write_all(Fd::STDERR, text.as_bytes());
}

impl Failure {
    pub fn print(&self) {
        match self.message.as_str() {
            "" => {}
            message if message.starts_with("Try '") => {
                let _ = write_all(Fd::STDERR, format!("{message}\n").as_bytes());
            }
            message => complain(message),
        }
    }
}

/// Complains about a file by its name, quoted where it must be.
pub fn complain_of(file: &[u8], errno: Errno) {
    complain(format!("{}: {errno}", quote_bare(file)));
}

/// Complains about standard output and gives status 1.
pub fn write_failure(errno: Errno) -> Failure {
    failure(1, format!("write error: {errno}"))
}

/// `‘name’`, as messages name values in a UTF-8 locale.
pub fn quote(text: &[u8]) -> String {
    format!("‘{}’", escape(text))
}

/// A name for a shell, quoted only where it must be: `a`, `'a b'`.
pub fn quote_bare(text: &[u8]) -> String {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+,-./:@_]{}".contains(byte) || *byte >= 0x80;
    let first_special = matches!(text.first(), Some(b'#' | b'~'));
    let rest_safe = |byte: &u8| safe(byte) || b"#~".contains(byte);
    let valid = std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control));
    if !text.is_empty() && valid && !first_special && text.iter().all(rest_safe) && text != b"{" && text != b"}" {
        String::from_utf8_lossy(text).into_owned()
    } else {
        quote_name(text)
    }
}

/// A name for a shell, always quoted: `'a'`, `"a'b"`, `'a'$'\n''b'`.
pub fn quote_name(text: &[u8]) -> String {
    let valid = std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control));
    if valid && text.contains(&b'\'') && !text.iter().any(|byte| b"\"`$\\!".contains(byte)) {
        return format!("\"{}\"", String::from_utf8_lossy(text));
    }
    let mut quoted = String::from("'");
    let mut escaped = false;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match control_escape(character) {
                Some(escape) => open_escape(&mut quoted, &mut escaped, &escape),
                None => {
                    if escaped {
                        quoted.push_str("''");
                        escaped = false;
                    }
                    if character == '\'' { quoted.push_str("'\\''") } else { quoted.push(character) }
                }
            }
        }
        for byte in chunk.invalid() {
            open_escape(&mut quoted, &mut escaped, &format!("\\{byte:03o}"));
        }
    }
    quoted.push('\'');
    quoted
}

/// Inside `'…'`: leaves the quotes for `$'…'` where it is not there yet.
fn open_escape(quoted: &mut String, escaped: &mut bool, escape: &str) {
    if !*escaped {
        quoted.push_str("'$'");
        *escaped = true;
    }
    quoted.push_str(escape);
}

fn control_escape(character: char) -> Option<String> {
    let escape = match character {
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        control if control.is_control() && control.is_ascii() => return Some(format!("\\{:03o}", control as u32)),
        _ => return None,
    };
    Some(escape.to_owned())
}

/// Control characters and broken UTF-8 as escapes of C.
pub fn escape(text: &[u8]) -> String {
    let mut escaped = String::new();
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match control_escape(character) {
                Some(escape) => escaped.push_str(&escape),
                None if character == '\\' => escaped.push_str("\\\\"),
                None => escaped.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| escaped.push_str(&format!("\\{byte:03o}")));
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_gnu_does() {
        for (name, bare) in
            [("a", "a"), ("a b", "'a b'"), ("a'b", "\"a'b\""), ("", "''"), ("a\nb", "'a'$'\\n''b'"), ("é", "é"), ("#a", "'#a'")]
        {
            assert_eq!(quote_bare(name.as_bytes()), bare);
        }
        assert_eq!(quote_bare(b"\xff"), "''$'\\377'");
        assert_eq!(quote(b"x"), "‘x’");
    }
}
