//! How sed gives up: a message for stderr and an exit status (1 wrong script or usage, 2 an input is missing, 4 input or output failed).

use tidepool_system::{Fd, write_all};

#[derive(Debug)]
pub struct Failure {
    pub text: String,
    pub status: u8,
}

/// A failure of input or output.
pub fn panic(text: &str) -> Failure {
    Failure { text: format!("sed: {text}\n"), status: 4 }
}

/// Writes to stderr; when that fails there is nowhere to say so.
pub fn complain(text: &str) {
    let _ = write_all(Fd::STDERR, text.as_bytes());
}

/// A name as it is shown in messages.
pub fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
