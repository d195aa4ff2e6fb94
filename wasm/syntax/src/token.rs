//! What the lexer hands to the parser: words, operators, and the words' places.

use crate::ast::{Assignment, Word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Semicolon,
    DoubleSemicolon,
    SemicolonAmpersand,
    DoubleSemicolonAmpersand,
    Ampersand,
    AndIf,
    Pipe,
    PipeAmpersand,
    OrIf,
    OpenParenthesis,
    CloseParenthesis,
    Less,
    Great,
    DoubleGreat,
    Clobber,
    LessGreat,
    LessAmpersand,
    GreatAmpersand,
    AmpersandGreat,
    AmpersandDoubleGreat,
    HereDocument,
    HereDocumentDash,
    HereString,
}

#[derive(Debug, Clone)]
pub enum Token {
    Word(Word),
    /// Only where the parser asked for assignments.
    Assignment(Assignment),
    Operator(Operator),
    /// `2` of `2>file`
    IoNumber(i32),
    /// `{name}` of `{name}>file`
    IoName(Vec<u8>),
    Newline,
    End,
}

impl Operator {
    pub fn is_redirection(self) -> bool {
        use Operator::*;
        matches!(
            self,
            Less | Great
                | DoubleGreat
                | Clobber
                | LessGreat
                | LessAmpersand
                | GreatAmpersand
                | AmpersandGreat
                | AmpersandDoubleGreat
                | HereDocument
                | HereDocumentDash
                | HereString
        )
    }
}

/// The operators, longest first.
pub const OPERATORS: [(&[u8], Operator); 23] = [
    (b";;&", Operator::DoubleSemicolonAmpersand),
    (b"<<<", Operator::HereString),
    (b"<<-", Operator::HereDocumentDash),
    (b"&>>", Operator::AmpersandDoubleGreat),
    (b";;", Operator::DoubleSemicolon),
    (b";&", Operator::SemicolonAmpersand),
    (b"&&", Operator::AndIf),
    (b"||", Operator::OrIf),
    (b"|&", Operator::PipeAmpersand),
    (b"<<", Operator::HereDocument),
    (b"<>", Operator::LessGreat),
    (b"<&", Operator::LessAmpersand),
    (b">>", Operator::DoubleGreat),
    (b">&", Operator::GreatAmpersand),
    (b">|", Operator::Clobber),
    (b"&>", Operator::AmpersandGreat),
    (b";", Operator::Semicolon),
    (b"&", Operator::Ampersand),
    (b"|", Operator::Pipe),
    (b"(", Operator::OpenParenthesis),
    (b")", Operator::CloseParenthesis),
    (b"<", Operator::Less),
    (b">", Operator::Great),
];

/// Bytes that end an unquoted word.
pub fn is_metacharacter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
