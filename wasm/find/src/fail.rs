//! Messages of find on stderr.

use tidepool_system::{Fd, write_all};

/// A name as GNU quotes it in messages; bytes that are not UTF-8 are replaced.
pub fn quoted(name: &[u8]) -> String {
    format!("‘{}’", String::from_utf8_lossy(name))
}

pub fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Writes `find: text` to stderr; when that fails there is nowhere to say so.
pub fn complain(text: &str) {
    let _ = write_all(Fd::STDERR, format!("find: {text}\n").as_bytes());
}
