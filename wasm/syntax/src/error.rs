//! Why a script cannot be parsed, in bash's words.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// ``syntax error near unexpected token `)'``; the line it stands on is echoed after it.
    UnexpectedToken(Vec<u8>),
    /// `syntax error: unexpected end of file`
    UnexpectedEnd,
    /// ``unexpected EOF while looking for matching `"'``
    Unterminated(u8),
    /// ``unexpected EOF while looking for `]]'``
    Unclosed(&'static [u8]),
    /// A message of its own, followed by the echoed line.
    Other(Vec<u8>),
    /// A wrong `[[ ]]`: a message without echo, and `$?` stays as it was.
    Condition(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub kind: ErrorKind,
    pub line: u32,
    /// The text of that line, for the echo.
    pub text: Vec<u8>,
}

impl SyntaxError {
    /// The message's lines without the prefix that names the script.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        match &self.kind {
            ErrorKind::UnexpectedToken(token) => {
                vec![[b"syntax error near unexpected token `", &token[..], b"'"].concat(), self.echo()]
            }
            ErrorKind::UnexpectedEnd => vec![b"syntax error: unexpected end of file".to_vec()],
            ErrorKind::Unterminated(byte) => vec![[b"unexpected EOF while looking for matching `", &[*byte][..], b"'"].concat()],
            ErrorKind::Unclosed(text) => vec![[b"unexpected EOF while looking for `", *text, b"'"].concat()],
            ErrorKind::Other(text) => vec![text.clone(), self.echo()],
            ErrorKind::Condition(text) => vec![text.clone()],
        }
    }

    fn echo(&self) -> Vec<u8> {
        [b"`", &self.text[..], b"'"].concat()
    }
}
