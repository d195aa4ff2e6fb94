//! Why an import did not do it: what it answered below 0, and the host's words for it.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// no such element, key, file or tool
    NotFound,
    /// the capability is not declared, not granted, or was revoked
    Denied,
    Timeout,
    /// the host does not accept what it was given
    Invalid,
    /// the document is gone
    Gone,
    /// a limit of docs/limits.md
    Limit,
}

impl ErrorKind {
    pub(crate) fn of(answer: i32) -> Option<Self> {
        match answer {
            0.. => None,
            -1 => Some(Self::NotFound),
            -2 => Some(Self::Denied),
            -3 => Some(Self::Timeout),
            -5 => Some(Self::Gone),
            -6 => Some(Self::Limit),
            _ => Some(Self::Invalid),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Invalid => "invalid",
            Self::Gone => "the document is gone",
            Self::Limit => "over a limit",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// the import
    pub import: &'static str,
    /// what the host said of it, perhaps nothing
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.import, self.kind.words())?;
        if self.message.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Error {}

/// So that `?` ends a tool with the error's text.
impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_import_kind_and_the_hosts_words() {
        let error = Error { kind: ErrorKind::Denied, import: "dom_text", message: "\"dom:read\" is not granted".into() };
        assert_eq!(error.to_string(), "dom_text: denied: \"dom:read\" is not granted");
        let error = Error { kind: ErrorKind::Gone, import: "dom_text", message: String::new() };
        assert_eq!(String::from(error), "dom_text: the document is gone");
    }

    #[test]
    fn an_unknown_negative_is_invalid() {
        assert_eq!(ErrorKind::of(-99), Some(ErrorKind::Invalid));
        assert_eq!(ErrorKind::of(-1), Some(ErrorKind::NotFound));
        assert_eq!(ErrorKind::of(7), None);
    }
}
