//! `[[ … ]]`

use crate::ast::{CommandKind, Condition, ConditionOperator, Word};
use crate::error::ErrorKind;
use crate::lexer::{Parsed, Parser};
use crate::token::{Operator, Token};

/// The letters of the unary tests.
const UNARY: &[u8] = b"abcdefghknoprstuvwxzGLNORS";

impl Parser {
    /// From after `[[` to its `]]`.
    pub(crate) fn parse_condition(&mut self) -> Parsed<CommandKind> {
        self.assignments = false;
        let line = self.token_line;
        let condition = match self.parse_condition_or() {
            Err(error) if error.kind == ErrorKind::UnexpectedEnd => {
                return Err(self.error(ErrorKind::Unclosed(b"]]"), line));
            }
            result => result?,
        };
        self.skip_condition_newlines()?;
        if self.takes_reserved(b"]]")? {
            return Ok(CommandKind::Condition(condition));
        }
        if matches!(self.lookahead, Some(Token::End)) {
            return Err(self.error(ErrorKind::Unclosed(b"]]"), line));
        }
        Err(self.condition_error())
    }

    fn condition_error(&mut self) -> crate::error::SyntaxError {
        if let Err(error) = self.peek_token() {
            return error;
        }
        if matches!(self.lookahead, Some(Token::End)) {
            return self.unexpected();
        }
        let message = [b"syntax error in conditional expression: unexpected token `", &self.shown_token()[..], b"'"].concat();
        let line = self.token_line;
        self.error(ErrorKind::Condition(message), line)
    }

    fn shown_token(&mut self) -> Vec<u8> {
        if matches!(self.lookahead, Some(Token::Newline)) { b"newline".to_vec() } else { self.token_text() }
    }

    fn skip_condition_newlines(&mut self) -> Parsed<()> {
        while matches!(self.peek_token()?, Token::Newline) {
            self.next_token()?;
        }
        Ok(())
    }

    fn parse_condition_or(&mut self) -> Parsed<Condition> {
        self.enter()?;
        let mut left = self.parse_condition_and()?;
        while self.takes_operator(Operator::OrIf)? {
            left = Condition::Or(Box::new(left), Box::new(self.parse_condition_and()?));
        }
        self.leave();
        Ok(left)
    }

    fn parse_condition_and(&mut self) -> Parsed<Condition> {
        let mut left = self.parse_condition_term()?;
        self.skip_condition_newlines()?;
        while self.takes_operator(Operator::AndIf)? {
            left = Condition::And(Box::new(left), Box::new(self.parse_condition_term()?));
            self.skip_condition_newlines()?;
        }
        Ok(left)
    }

    fn parse_condition_term(&mut self) -> Parsed<Condition> {
        self.skip_condition_newlines()?;
        if self.takes_reserved(b"!")? {
            return Ok(Condition::Not(Box::new(self.parse_condition_term()?)));
        }
        if self.takes_operator(Operator::OpenParenthesis)? {
            let inner = self.parse_condition_or()?;
            if !self.takes_operator(Operator::CloseParenthesis)? {
                return Err(self.condition_error());
            }
            return Ok(Condition::Nested(Box::new(inner)));
        }
        if self.is_reserved(b"]]")? || !matches!(self.peek_token()?, Token::Word(_)) {
            return Err(self.condition_error());
        }
        let first = self.condition_word()?;
        if let Some([b'-', letter]) = first.as_literal()
            && UNARY.contains(letter)
            && matches!(self.peek_token()?, Token::Word(_))
        {
            let letter = *letter;
            if !self.is_reserved(b"]]")? {
                return Ok(Condition::Unary(letter, self.condition_word()?));
            }
        }
        self.parse_comparison(first)
    }

    fn parse_comparison(&mut self, left: Word) -> Parsed<Condition> {
        let operator = match self.peek_token()? {
            Token::Operator(Operator::Less) => Some(ConditionOperator::Before),
            Token::Operator(Operator::Great) => Some(ConditionOperator::After),
            Token::Operator(Operator::AndIf | Operator::OrIf | Operator::CloseParenthesis) | Token::Newline => {
                return Ok(Condition::NotEmpty(left));
            }
            Token::Word(word) if word.as_literal() == Some(b"]]") => return Ok(Condition::NotEmpty(left)),
            Token::Word(word) => word_operator(word),
            _ => None,
        };
        let Some(operator) = operator else {
            if matches!(self.lookahead, Some(Token::End)) {
                return Err(self.unexpected());
            }
            let line = self.token_line;
            return Err(self.error(ErrorKind::Condition(b"conditional binary operator expected".to_vec()), line));
        };
        self.next_token()?;
        let saved = self.options;
        self.options.extended_globs |= matches!(operator, ConditionOperator::Match | ConditionOperator::NotMatch);
        self.regex = operator == ConditionOperator::Regex;
        let is_word = matches!(self.peek_token(), Ok(Token::Word(_)));
        self.regex = false;
        self.options = saved;
        if !is_word || self.is_reserved(b"]]")? {
            self.peek_token()?;
            let message = [b"unexpected argument `", &self.shown_token()[..], b"' to conditional binary operator"].concat();
            let line = self.token_line;
            return Err(self.error(ErrorKind::Condition(message), line));
        }
        Ok(Condition::Binary(operator, left, self.condition_word()?))
    }

    fn condition_word(&mut self) -> Parsed<Word> {
        match self.next_token()? {
            Token::Word(word) => Ok(word),
            _ => Err(self.condition_error()),
        }
    }
}

fn word_operator(word: &Word) -> Option<ConditionOperator> {
    use ConditionOperator::*;
    Some(match word.as_literal()? {
        b"=" | b"==" => Match,
        b"!=" => NotMatch,
        b"=~" => Regex,
        b"-eq" => Equal,
        b"-ne" => NotEqual,
        b"-lt" => LessThan,
        b"-le" => LessEqual,
        b"-gt" => GreaterThan,
        b"-ge" => GreaterEqual,
        b"-nt" => NewerThan,
        b"-ot" => OlderThan,
        b"-ef" => SameFile,
        _ => return None,
    })
}
