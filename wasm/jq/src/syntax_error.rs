//! Compile errors as jq words them. Its parser is bison's and names tokens; what is known here is the token that was not
//! expected, or that the text ended.

use jaq_core::load::lex::{Tok, Token};
use jaq_core::load::{lex, parse};

/// The message with the line of `code` in which `part` stands, followed by as many blanks as are before `part`.
pub fn located(code: &str, part: &str, what: &str) -> String {
    let offset = (part.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    let line = code.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
    let shown = code.lines().nth(line - 1).unwrap_or_default();
    let column = code.get(..offset).map_or(0, |before| before.len() - before.rfind('\n').map_or(0, |end| end + 1));
    format!("jq: error: {what} at <top-level>, line {line}:\n{shown}{:column$}\n", "")
}

pub fn count(errors: usize) -> String {
    format!("jq: {errors} compile error{}\n", if errors == 1 { "" } else { "s" })
}

fn unexpected(code: &str, at: &str, token: &str, expecting: Option<&str>) -> String {
    let expecting = expecting.map_or(String::new(), |token| format!(", expecting {token}"));
    let what = format!("syntax error, unexpected {token}{expecting} (Unix shell quoting issues?)");
    located(code, at, &what) + &count(1)
}

/// The last token of a text that ended too early.
fn last_token(code: &str) -> &str {
    let text = code.trim_end();
    let word = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let before = text.char_indices().next_back().map_or(0, |(at, _)| at);
    &code[if word.len() < text.len() { word.len() } else { before }..]
}

pub fn of_lexer(code: &str, errors: &[lex::Error<&str>]) -> String {
    let end = last_token(code);
    match errors.first() {
        Some((lex::Expect::Token, at)) => unexpected(code, at, "INVALID_CHARACTER", Some("$end")),
        Some((lex::Expect::Delim(_), at)) if !at.is_empty() => unexpected(code, at, "INVALID_CHARACTER", None),
        Some((lex::Expect::Escape | lex::Expect::Unicode, at)) => located(code, at, "Invalid escape") + &count(1),
        Some((lex::Expect::Delim("{"), _)) => unexpected(code, end, "$end", Some("'}'")),
        Some((_, at)) if !at.is_empty() => unexpected(code, at, "INVALID_CHARACTER", None),
        _ => unexpected(code, end, "$end", None),
    }
}

pub fn of_parser(code: &str, errors: &[parse::TError<'_, &str>]) -> String {
    let end = last_token(code);
    match errors.first() {
        Some((expected, Some(token))) => {
            let expecting = matches!(expected, parse::Expect::Nothing).then_some("$end");
            unexpected(code, token.0, &name(token), expecting)
        }
        _ => unexpected(code, end, "$end", None),
    }
}

/// A token as jq's grammar names it.
fn name(Token(text, token): &Token<&str>) -> String {
    match token {
        Tok::Word => match *text {
            "if" | "then" | "else" | "elif" | "end" | "and" | "or" | "not" | "def" | "reduce" | "foreach" | "try" | "catch"
            | "label" | "import" | "include" | "__loc__" | "as" => (*text).to_owned(),
            _ => "IDENT".to_owned(),
        },
        Tok::Var => "'$'".to_owned(),
        Tok::Fmt => "FORMAT".to_owned(),
        Tok::Num => "LITERAL".to_owned(),
        Tok::Str(_) => "QQSTRING_START".to_owned(),
        Tok::Block(_) => format!("'{}'", &text[..1]),
        Tok::Sym => match *text {
            "//" => "\"//\"".to_owned(),
            "." => "'.'".to_owned(),
            field if field.starts_with('.') && field.len() > 1 && field != ".." => "FIELD".to_owned(),
            symbol if symbol.len() == 1 => format!("'{symbol}'"),
            symbol => format!("\"{symbol}\""),
        },
    }
}
