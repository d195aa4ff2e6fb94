//! The grammar of lists, pipelines and simple commands.

use std::rc::Rc;

use crate::ast::{
    AndOr, Argument, Command, CommandKind, Connector, Coprocess, Descriptor, Function, Item, List, Pipeline, Redirection,
    RedirectionKind, Simple, Timing, Word,
};
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::{Parsed, Parser};
use crate::name::Name;
use crate::token::{Operator, Token};

/// Built-ins after whose name `a=b` is an assignment, not a word.
const DECLARATIONS: [&[u8]; 5] = [b"export", b"declare", b"typeset", b"local", b"readonly"];

/// Words that end a list where a command could begin.
const LIST_ENDS: [&[u8]; 8] = [b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}"];

impl Parser {
    /// The next complete command: everything up to the end of its last line. None at the end of the script.
    pub fn next_command(&mut self) -> Result<Option<List>, SyntaxError> {
        self.forget_read_text();
        self.open_aliases.clear();
        self.alias_follows = None;
        let result = self.parse_complete();
        if result.is_err() {
            self.depth = 0;
        }
        result
    }

    /// Whether nothing but blank lines and comments is left.
    pub fn at_end(&mut self) -> bool {
        loop {
            self.assignments = true;
            match self.peek_token() {
                Ok(Token::End) => return true,
                Ok(Token::Newline) => self.lookahead = None,
                _ => return false,
            }
        }
    }

    /// The whole text as if it stood in double quotes.
    pub fn whole_text(&mut self) -> Result<Word, SyntaxError> {
        self.read_document_text()
    }

    fn parse_complete(&mut self) -> Parsed<Option<List>> {
        let mut list = List::default();
        loop {
            self.assignments = true;
            match self.peek_token()? {
                Token::Newline if list.items.is_empty() => {
                    self.next_token()?;
                    self.forget_read_text();
                    self.open_aliases.clear();
                }
                Token::Newline => {
                    self.next_token()?;
                    return Ok(Some(list));
                }
                Token::End => return Ok((!list.items.is_empty()).then_some(list)),
                _ => {
                    let chain = self.parse_and_or()?;
                    let background = self.parse_separator()?;
                    list.items.push(Item { chain, background });
                }
            }
        }
    }

    /// The whole of a script.
    pub(crate) fn parse_whole(&mut self) -> Parsed<List> {
        let list = self.parse_list()?;
        match self.peek_token()? {
            Token::End => Ok(list),
            _ => Err(self.unexpected()),
        }
    }

    /// `;`, `&`, or nothing before a newline or the end. Says whether it was `&`.
    fn parse_separator(&mut self) -> Parsed<bool> {
        self.assignments = true;
        match self.peek_token()? {
            Token::Operator(operator @ (Operator::Semicolon | Operator::Ampersand)) => {
                let background = *operator == Operator::Ampersand;
                self.next_token()?;
                Ok(background)
            }
            Token::Newline | Token::End => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    /// A list up to a word or operator that cannot begin a command. May be empty.
    pub(crate) fn parse_list(&mut self) -> Parsed<List> {
        self.enter()?;
        let mut list = List::default();
        loop {
            self.skip_newlines()?;
            if self.at_list_end()? {
                break;
            }
            let chain = self.parse_and_or()?;
            self.assignments = true;
            let mut background = false;
            match self.peek_token()? {
                Token::Operator(operator @ (Operator::Semicolon | Operator::Ampersand)) => {
                    background = *operator == Operator::Ampersand;
                    self.next_token()?;
                }
                Token::Newline => {}
                _ => {
                    list.items.push(Item { chain, background });
                    break;
                }
            }
            list.items.push(Item { chain, background });
        }
        self.leave();
        Ok(list)
    }

    /// A list with at least one command.
    pub(crate) fn parse_commands(&mut self) -> Parsed<List> {
        let list = self.parse_list()?;
        if list.items.is_empty() {
            return Err(self.unexpected());
        }
        Ok(list)
    }

    fn at_list_end(&mut self) -> Parsed<bool> {
        Ok(match self.peek_token()? {
            Token::End => true,
            Token::Operator(operator) => matches!(
                operator,
                Operator::CloseParenthesis
                    | Operator::DoubleSemicolon
                    | Operator::SemicolonAmpersand
                    | Operator::DoubleSemicolonAmpersand
            ),
            Token::Word(word) => word.as_literal().is_some_and(|text| LIST_ENDS.contains(&text)),
            _ => false,
        })
    }

    pub(crate) fn skip_newlines(&mut self) -> Parsed<()> {
        self.assignments = true;
        while matches!(self.peek_token()?, Token::Newline) {
            self.next_token()?;
        }
        Ok(())
    }

    fn parse_and_or(&mut self) -> Parsed<AndOr> {
        let first = self.parse_pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.peek_token()? {
                Token::Operator(Operator::AndIf) => Connector::And,
                Token::Operator(Operator::OrIf) => Connector::Or,
                _ => return Ok(AndOr { first, rest }),
            };
            self.next_token()?;
            self.skip_newlines()?;
            rest.push((connector, self.parse_pipeline()?));
        }
    }

    fn parse_pipeline(&mut self) -> Parsed<Pipeline> {
        let mut pipeline = Pipeline { negated: false, timed: None, commands: Vec::new() };
        self.assignments = true;
        loop {
            if self.takes_reserved(b"!")? {
                pipeline.negated = !pipeline.negated;
            } else if pipeline.timed.is_none() && self.takes_reserved(b"time")? {
                pipeline.timed = Some(if self.takes_reserved(b"-p")? { Timing::Posix } else { Timing::Bash });
                self.takes_reserved(b"--")?;
            } else {
                break;
            }
            self.assignments = true;
        }
        let is_prefixed = pipeline.timed.is_some() || pipeline.negated;
        if is_prefixed && matches!(self.peek_token()?, Token::Newline | Token::End | Token::Operator(Operator::Semicolon)) {
            let kind = CommandKind::Simple(Simple { assignments: Vec::new(), words: Vec::new() });
            pipeline.commands.push(Command { kind, redirections: Vec::new(), line: self.token_line });
            return Ok(pipeline);
        }
        loop {
            let mut command = self.parse_command()?;
            let both = match self.peek_token()? {
                Token::Operator(Operator::Pipe) => false,
                Token::Operator(Operator::PipeAmpersand) => true,
                _ => {
                    pipeline.commands.push(command);
                    return Ok(pipeline);
                }
            };
            self.next_token()?;
            if both {
                let operation = RedirectionKind::DuplicateOutput(Word::literal(b"1"));
                command.redirections.push(Redirection { descriptor: Descriptor::Number(2), operation, line: command.line });
            }
            pipeline.commands.push(command);
            self.skip_newlines()?;
        }
    }

    pub(crate) fn parse_command(&mut self) -> Parsed<Command> {
        self.enter()?;
        self.assignments = true;
        while self.expand_alias()? {}
        self.peek_token()?;
        let line = self.token_line;
        let compound = self.parse_compound(line)?;
        let command = match compound {
            Some(kind) => {
                let redirections = self.parse_redirections()?;
                Command { kind, redirections, line }
            }
            None => self.parse_simple(line)?,
        };
        self.leave();
        Ok(command)
    }

    /// Puts an alias's text in the place of the next word; says whether it did.
    fn expand_alias(&mut self) -> Parsed<bool> {
        if self.aliases.is_empty() {
            return Ok(false);
        }
        let Token::Word(word) = self.peek_token()? else {
            return Ok(false);
        };
        let Some(name) = word.as_literal().map(<[u8]>::to_vec) else {
            return Ok(false);
        };
        let start = self.token_start;
        self.open_aliases.retain(|(_, end)| start < *end);
        let Some(text) = self.aliases.get(&name).filter(|_| !self.open_aliases.iter().any(|(open, _)| *open == name)).cloned()
        else {
            return Ok(false);
        };
        self.text.splice(self.token_start..self.token_end, text.iter().copied());
        let grown = text.len() as isize - (self.token_end - self.token_start) as isize;
        for (_, end) in &mut self.open_aliases {
            *end = end.saturating_add_signed(grown);
        }
        self.position = self.token_start;
        self.lookahead = None;
        let end = self.token_start + text.len();
        self.open_aliases.push((name, end));
        self.alias_follows = match text.last() {
            Some(b' ' | b'\t') => Some(end),
            _ => self.alias_follows.map(|end| end.saturating_add_signed(grown)),
        };
        Ok(true)
    }

    fn parse_simple(&mut self, line: u32) -> Parsed<Command> {
        let mut line = line;
        let mut simple = Simple { assignments: Vec::new(), words: Vec::new() };
        let mut redirections = Vec::new();
        self.assignments = true;
        loop {
            if let Some(redirection) = self.parse_redirection()? {
                redirections.push(redirection);
                continue;
            }
            match self.peek_token()? {
                Token::Assignment(_) | Token::Word(_) => {}
                Token::Operator(Operator::OpenParenthesis) => {
                    let name = match simple.words.as_slice() {
                        [Argument::Word(word)] if simple.assignments.is_empty() && redirections.is_empty() => {
                            word.as_literal().map(<[u8]>::to_vec)
                        }
                        _ => None,
                    };
                    let Some(name) = name else {
                        return Err(self.unexpected());
                    };
                    return self.parse_function(name, line);
                }
                _ => break,
            }
            match self.next_token()? {
                Token::Assignment(assignment) if simple.words.is_empty() => simple.assignments.push(assignment),
                Token::Assignment(assignment) => simple.words.push(Argument::Assignment(assignment)),
                Token::Word(word) => {
                    let is_first = simple.words.is_empty();
                    if is_first {
                        self.assignments = word.as_literal().is_some_and(|text| DECLARATIONS.contains(&text));
                    }
                    simple.words.push(Argument::Word(word));
                    let text_end = self.token_end;
                    if self.alias_follows.is_some_and(|end| text_end <= end) {
                        self.peek_token()?;
                        if self.alias_follows.take_if(|end| self.token_start >= *end).is_some() {
                            self.expand_alias()?;
                        }
                    }
                    // bash numbers a command when it has read the token after its name.
                    if is_first && matches!(self.peek_token()?, Token::Word(_) | Token::Assignment(_)) {
                        line = self.line;
                    }
                }
                _ => {}
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && redirections.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { kind: CommandKind::Simple(simple), redirections, line })
    }

    /// From the parentheses of `name ()` on.
    fn parse_function(&mut self, name: Vec<u8>, line: u32) -> Parsed<Command> {
        self.next_token()?;
        self.assignments = false;
        if !self.takes_operator(Operator::CloseParenthesis)? {
            return Err(self.unexpected());
        }
        self.parse_function_body(name, line)
    }

    pub(crate) fn parse_function_body(&mut self, name: Vec<u8>, line: u32) -> Parsed<Command> {
        self.skip_newlines()?;
        let body_line = self.token_line;
        let Some(kind) = self.parse_compound(body_line)? else {
            return Err(self.unexpected());
        };
        let redirections = self.parse_redirections()?;
        let body = Command { kind, redirections, line: body_line };
        let kind = CommandKind::Function(Rc::new(Function { name, body, line }));
        Ok(Command { kind, redirections: Vec::new(), line })
    }

    pub(crate) fn parse_coprocess(&mut self) -> Parsed<CommandKind> {
        let body = self.parse_command()?;
        Ok(CommandKind::Coprocess(Rc::new(Coprocess { name: b"COPROC".to_vec(), body })))
    }

    pub(crate) fn parse_redirections(&mut self) -> Parsed<Vec<Redirection>> {
        let mut redirections = Vec::new();
        self.assignments = false;
        while let Some(redirection) = self.parse_redirection()? {
            redirections.push(redirection);
        }
        Ok(redirections)
    }

    fn parse_redirection(&mut self) -> Parsed<Option<Redirection>> {
        let descriptor = match self.peek_token()? {
            Token::IoNumber(number) => Descriptor::Number(*number),
            Token::IoName(name) => Descriptor::Variable(Name::new(name)),
            Token::Operator(operator) if operator.is_redirection() => Descriptor::Default,
            _ => return Ok(None),
        };
        if !matches!(descriptor, Descriptor::Default) {
            self.next_token()?;
        }
        let saved = std::mem::replace(&mut self.assignments, false);
        let line = self.token_line;
        let Token::Operator(operator) = self.next_token()? else {
            return Err(self.unexpected());
        };
        let Token::Word(_) = self.peek_token()? else {
            return Err(self.unexpected());
        };
        let Token::Word(word) = self.next_token()? else {
            return Err(self.unexpected());
        };
        self.assignments = saved;
        let operation = match operator {
            Operator::Less => RedirectionKind::Read(word),
            Operator::Great => RedirectionKind::Write(word),
            Operator::DoubleGreat => RedirectionKind::Append(word),
            Operator::Clobber => RedirectionKind::Clobber(word),
            Operator::LessGreat => RedirectionKind::ReadWrite(word),
            Operator::LessAmpersand => RedirectionKind::DuplicateInput(word),
            Operator::GreatAmpersand => RedirectionKind::DuplicateOutput(word),
            Operator::AmpersandGreat => RedirectionKind::WriteBoth(word),
            Operator::AmpersandDoubleGreat => RedirectionKind::AppendBoth(word),
            Operator::HereString => RedirectionKind::HereString(word),
            Operator::HereDocument | Operator::HereDocumentDash => {
                RedirectionKind::HereDocument(self.expect_here_document(&word, operator == Operator::HereDocumentDash))
            }
            _ => return Err(self.unexpected()),
        };
        Ok(Some(Redirection { descriptor, operation, line }))
    }

    /// An error at the next token.
    pub(crate) fn unexpected(&mut self) -> SyntaxError {
        match self.peek_token() {
            Err(error) => error,
            Ok(Token::End) => {
                let mut error = self.error(ErrorKind::UnexpectedEnd, self.line);
                if self.text.last() != Some(&b'\n') {
                    error.line += 1;
                }
                error
            }
            Ok(Token::Newline) => {
                let line = self.token_line;
                self.error(ErrorKind::UnexpectedToken(b"newline".to_vec()), line)
            }
            Ok(_) => {
                let line = self.token_line;
                self.error(ErrorKind::UnexpectedToken(self.token_text()), line)
            }
        }
    }

    pub(crate) fn takes_operator(&mut self, operator: Operator) -> Parsed<bool> {
        let found = matches!(self.peek_token()?, Token::Operator(next) if *next == operator);
        if found {
            self.next_token()?;
        }
        Ok(found)
    }

    pub(crate) fn takes_reserved(&mut self, text: &[u8]) -> Parsed<bool> {
        let found = self.is_reserved(text)?;
        if found {
            self.next_token()?;
        }
        Ok(found)
    }

    pub(crate) fn is_reserved(&mut self, text: &[u8]) -> Parsed<bool> {
        Ok(matches!(self.peek_token()?, Token::Word(word) if word.as_literal() == Some(text)))
    }

    pub(crate) fn expect_reserved(&mut self, text: &[u8]) -> Parsed<()> {
        if self.takes_reserved(text)? { Ok(()) } else { Err(self.unexpected()) }
    }
}
