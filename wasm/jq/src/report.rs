//! Messages on standard error.

use tidepool_system::{Fd, write_all};

/// Writes `jq: TEXT` to stderr; when that fails there is nowhere to say so.
pub fn complain(text: &str) {
    say(&format!("jq: {text}\n"));
}

pub fn say(text: &str) {
    let _ = write_all(Fd::STDERR, text.as_bytes());
}
