//! How grep gives up: a message for stderr and exit status 2.

use tidepool_system::{Fd, write_all};

/// The lines for stderr, complete.
#[derive(Debug)]
pub struct Failure(pub String);

pub fn fail(text: &str) -> Failure {
    Failure(format!("grep: {text}\n"))
}

/// A wrong command line: getopt's text, if it has one, and where to read more.
pub fn usage_failure(text: &str) -> Failure {
    let first = if text.is_empty() { String::new() } else { format!("grep: {text}\n") };
    Failure(format!("{first}Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n"))
}

/// Writes to stderr; when that fails there is nowhere to say so.
pub fn complain(text: &str) {
    let _ = write_all(Fd::STDERR, text.as_bytes());
}
