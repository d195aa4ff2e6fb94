//! Compound commands: groups, `if`, loops, `case`, functions.

use crate::ast::{ArithmeticFor, Case, CaseArm, CaseEnd, CommandKind, For, If, List, Loop, Part, Word};
use crate::error::ErrorKind;
use crate::lexer::{Parsed, Parser};
use crate::token::{Operator, Token};

impl Parser {
    /// A compound command if the next token begins one.
    pub(crate) fn parse_compound(&mut self, line: u32) -> Parsed<Option<CommandKind>> {
        let word = match self.peek_token()? {
            Token::Operator(Operator::OpenParenthesis) => {
                self.next_token()?;
                return self.parse_parenthesis().map(Some);
            }
            Token::Word(word) => match word.as_literal() {
                Some(text) => text.to_vec(),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let parse: fn(&mut Parser) -> Parsed<CommandKind> = match word.as_slice() {
            b"{" => Parser::parse_group,
            b"if" => Parser::parse_if,
            b"while" => Parser::parse_while,
            b"until" => Parser::parse_until,
            b"for" => Parser::parse_for,
            b"select" => Parser::parse_select,
            b"case" => Parser::parse_case,
            b"[[" => Parser::parse_condition,
            b"coproc" => Parser::parse_coprocess,
            b"function" => {
                self.next_token()?;
                return self.parse_function_keyword(line).map(Some);
            }
            b"then" | b"else" | b"elif" | b"fi" | b"do" | b"done" | b"esac" | b"}" | b"in" if word != b"in" => {
                return Err(self.unexpected());
            }
            _ => return Ok(None),
        };
        self.next_token()?;
        parse(self).map(Some)
    }

    /// `(…)`, or `((…))` when the text ends so.
    fn parse_parenthesis(&mut self) -> Parsed<CommandKind> {
        if self.peek() == Some(b'(') {
            let (start, line) = (self.position, self.line);
            self.skip(1);
            if let Ok(Some(arithmetic)) = self.read_double_parenthesis() {
                return Ok(CommandKind::Arithmetic(arithmetic));
            }
            self.position = start;
            self.line = line;
        }
        let list = self.parse_commands()?;
        self.assignments = false;
        if !self.takes_operator(Operator::CloseParenthesis)? {
            return Err(self.unexpected());
        }
        Ok(CommandKind::Subshell(list))
    }

    fn parse_group(&mut self) -> Parsed<CommandKind> {
        let list = self.parse_commands()?;
        self.close(b"}")?;
        Ok(CommandKind::Group(list))
    }

    /// The reserved word that ends a compound command; redirections may follow.
    fn close(&mut self, word: &[u8]) -> Parsed<()> {
        self.expect_reserved(word)
    }

    fn parse_if(&mut self) -> Parsed<CommandKind> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.parse_commands()?;
            self.expect_reserved(b"then")?;
            branches.push((condition, self.parse_commands()?));
            if self.takes_reserved(b"elif")? {
                continue;
            }
            if self.takes_reserved(b"else")? {
                otherwise = Some(self.parse_commands()?);
            }
            self.close(b"fi")?;
            return Ok(CommandKind::If(If { branches, otherwise }));
        }
    }

    fn parse_while(&mut self) -> Parsed<CommandKind> {
        self.parse_loop(false)
    }

    fn parse_until(&mut self) -> Parsed<CommandKind> {
        self.parse_loop(true)
    }

    fn parse_loop(&mut self, until: bool) -> Parsed<CommandKind> {
        let condition = self.parse_commands()?;
        let body = self.parse_do()?;
        Ok(CommandKind::Loop(Loop { until, condition, body }))
    }

    fn parse_do(&mut self) -> Parsed<List> {
        self.expect_reserved(b"do")?;
        let body = self.parse_commands()?;
        self.close(b"done")?;
        Ok(body)
    }

    fn parse_for(&mut self) -> Parsed<CommandKind> {
        self.assignments = false;
        if matches!(self.peek_token()?, Token::Operator(Operator::OpenParenthesis)) {
            self.next_token()?;
            return self.parse_arithmetic_for();
        }
        self.parse_for_words().map(CommandKind::For)
    }

    fn parse_select(&mut self) -> Parsed<CommandKind> {
        self.assignments = false;
        self.parse_for_words().map(CommandKind::Select)
    }

    fn parse_for_words(&mut self) -> Parsed<For> {
        let name = self.expect_word()?;
        let name = name.constant().unwrap_or_else(|| self.token_text());
        self.skip_newlines()?;
        let mut words = None;
        if self.takes_reserved(b"in")? {
            words = Some(self.parse_words()?);
            self.end_of_for_head()?;
        } else if matches!(self.peek_token()?, Token::Operator(Operator::Semicolon)) {
            self.next_token()?;
        }
        self.skip_newlines()?;
        let body = self.parse_for_body()?;
        Ok(For { name, words, body })
    }

    fn parse_words(&mut self) -> Parsed<Vec<Word>> {
        self.assignments = false;
        let mut words = Vec::new();
        while matches!(self.peek_token()?, Token::Word(_)) {
            if let Token::Word(word) = self.next_token()? {
                words.push(word);
            }
        }
        Ok(words)
    }

    fn end_of_for_head(&mut self) -> Parsed<()> {
        match self.peek_token()? {
            Token::Operator(Operator::Semicolon) | Token::Newline => {
                self.assignments = true;
                self.next_token()?;
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `do … done`, or `{ … }`.
    fn parse_for_body(&mut self) -> Parsed<List> {
        if !self.takes_reserved(b"{")? {
            return self.parse_do();
        }
        let body = self.parse_commands()?;
        self.close(b"}")?;
        Ok(body)
    }

    fn parse_arithmetic_for(&mut self) -> Parsed<CommandKind> {
        if self.peek() != Some(b'(') {
            self.token_start = self.position - 1;
            self.token_end = self.position;
            let line = self.token_line;
            return Err(self.error(ErrorKind::UnexpectedToken(b"(".to_vec()), line));
        }
        self.skip(1);
        let initial = self.read_arithmetic_until(b";")?;
        self.skip(1);
        let condition = self.read_arithmetic_until(b";")?;
        self.skip(1);
        let Some(step) = self.read_double_parenthesis()? else {
            return Err(self.unexpected());
        };
        self.assignments = true;
        if matches!(self.peek_token()?, Token::Operator(Operator::Semicolon)) {
            self.next_token()?;
        }
        self.skip_newlines()?;
        let body = self.parse_for_body()?;
        let present = |arithmetic: std::rc::Rc<crate::ast::Arithmetic>| (!is_blank(&arithmetic.text)).then_some(arithmetic);
        Ok(CommandKind::ArithmeticFor(ArithmeticFor {
            initial: present(initial),
            condition: present(condition),
            step: present(step),
            body,
        }))
    }

    fn expect_word(&mut self) -> Parsed<Word> {
        if !matches!(self.peek_token()?, Token::Word(_)) {
            return Err(self.unexpected());
        }
        match self.next_token()? {
            Token::Word(word) => Ok(word),
            _ => Err(self.unexpected()),
        }
    }

    fn parse_case(&mut self) -> Parsed<CommandKind> {
        self.assignments = false;
        let subject = self.expect_word()?;
        self.skip_newlines()?;
        self.expect_reserved(b"in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines_for_pattern()?;
            if self.takes_reserved(b"esac")? {
                return Ok(CommandKind::Case(Case { subject, arms }));
            }
            let (arm, is_last) = self.parse_case_arm()?;
            arms.push(arm);
            if is_last {
                self.close(b"esac")?;
                return Ok(CommandKind::Case(Case { subject, arms }));
            }
        }
    }

    fn skip_newlines_for_pattern(&mut self) -> Parsed<()> {
        self.assignments = false;
        while matches!(self.peek_token()?, Token::Newline) {
            self.next_token()?;
        }
        Ok(())
    }

    /// One arm, and whether it lacked its `;;`: then it must be the last.
    fn parse_case_arm(&mut self) -> Parsed<(CaseArm, bool)> {
        self.takes_operator(Operator::OpenParenthesis)?;
        let mut patterns = vec![self.expect_word()?];
        while self.takes_operator(Operator::Pipe)? {
            patterns.push(self.expect_word()?);
        }
        self.assignments = true;
        if !matches!(self.peek_token()?, Token::Operator(Operator::CloseParenthesis)) {
            return Err(self.unexpected());
        }
        self.next_token()?;
        let body = self.parse_list()?;
        self.assignments = false;
        let end = match self.peek_token()? {
            Token::Operator(Operator::DoubleSemicolon) => CaseEnd::Break,
            Token::Operator(Operator::SemicolonAmpersand) => CaseEnd::FallThrough,
            Token::Operator(Operator::DoubleSemicolonAmpersand) => CaseEnd::Continue,
            _ => return Ok((CaseArm { patterns, body, end: CaseEnd::Break }, true)),
        };
        self.next_token()?;
        Ok((CaseArm { patterns, body, end }, false))
    }

    fn parse_function_keyword(&mut self, line: u32) -> Parsed<CommandKind> {
        self.assignments = false;
        let word = self.expect_word()?;
        let name = word.constant().unwrap_or_else(|| self.token_text());
        self.assignments = true;
        if self.takes_operator(Operator::OpenParenthesis)? && !self.takes_operator(Operator::CloseParenthesis)? {
            return Err(self.unexpected());
        }
        Ok(self.parse_function_body(name, line)?.kind)
    }
}

fn is_blank(word: &Word) -> bool {
    word.parts.iter().all(|part| matches!(part, Part::Literal(text) if text.iter().all(u8::is_ascii_whitespace)))
}
