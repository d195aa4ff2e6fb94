//! Everything that begins with `$` or a backquote, and process substitution.

use std::rc::Rc;

use crate::arithmetic::compile;
use crate::ast::{
    Arithmetic, CaseChange, Operation, Parameter, Part, ProcessSubstitution, ReplacePlace, Subscript, Substitution, Target, Word,
};
use crate::error::ErrorKind;
use crate::lexer::{Parsed, Parser};
use crate::name::{Name, is_name_byte};
use crate::token::Operator;
use crate::word::Parts;

impl Parser {
    /// Reads what follows a `$`, or takes the `$` for text.
    pub(crate) fn read_dollar_into(&mut self, word: &mut Parts, quoted: bool) -> Parsed<()> {
        match self.peek_at(1) {
            Some(b'{') => {
                let part = self.read_braced_parameter(quoted)?;
                word.part(part);
            }
            Some(b'(') => {
                let part = self.read_dollar_parenthesis()?;
                word.part(part);
            }
            Some(b'\'') if !quoted => {
                self.skip(1);
                let text = self.read_ansi_quoted()?;
                word.part(Part::Quoted(text.into()));
            }
            Some(b'"') if !quoted => {
                self.skip(1);
                let part = self.read_double_quoted()?;
                word.part(part);
            }
            Some(byte) if is_name_byte(byte) || is_special(byte) => {
                self.skip(1);
                let part = self.read_plain_parameter(byte);
                word.part(part);
            }
            _ => {
                self.skip(1);
                word.byte(b'$');
            }
        }
        Ok(())
    }

    fn read_plain_parameter(&mut self, first: u8) -> Part {
        if !first.is_ascii_alphabetic() && first != b'_' {
            self.skip(1);
            let target = if first.is_ascii_digit() && first != b'0' {
                Target::Positional(usize::from(first - b'0'))
            } else {
                Target::Special(first)
            };
            return plain(target, &[b'$', first]);
        }
        Part::Variable(Name::new(&self.read_name()))
    }

    fn read_name(&mut self) -> Vec<u8> {
        let mut length = 0;
        while self.peek_at(length).is_some_and(is_name_byte) {
            length += 1;
        }
        let name = self.text.get(self.position..self.position + length).unwrap_or_default().to_vec();
        self.skip(length);
        name
    }

    fn read_braced_parameter(&mut self, quoted: bool) -> Parsed<Part> {
        self.enter()?;
        let (start, line) = (self.position, self.line);
        self.skip(2);
        let mut parameter = self.read_parameter(quoted)?;
        let stray = self.peek() != Some(b'}');
        if stray {
            parameter.operation = Operation::Bad;
            self.skip_to_brace(quoted, line)?;
        }
        self.skip(1);
        self.leave();
        let text = self.text.get(start..self.position).unwrap_or_default();
        parameter.text = text.into();
        let is_plain = matches!(parameter.operation, Operation::None) && parameter.subscript.is_none() && !parameter.indirect;
        Ok(match parameter.target {
            Target::Variable(name) if is_plain => Part::Variable(name),
            _ => Part::Parameter(Rc::new(parameter)),
        })
    }

    fn skip_to_brace(&mut self, quoted: bool, line: u32) -> Parsed<()> {
        self.read_braced_word(b"}", quoted, false).map(|_| ()).map_err(|_| self.unterminated(b'}', line))
    }

    fn read_parameter(&mut self, quoted: bool) -> Parsed<Parameter> {
        let mut parameter = Parameter {
            target: Target::Special(b'@'),
            subscript: None,
            indirect: false,
            operation: Operation::None,
            text: Box::default(),
        };
        let length = self.peek() == Some(b'#') && self.is_length();
        if length {
            self.skip(1);
            parameter.operation = Operation::Length;
        } else if self.peek() == Some(b'!')
            && self.peek_at(1).is_some_and(|byte| is_name_byte(byte) || matches!(byte, b'@' | b'*' | b'#' | b'?'))
        {
            self.skip(1);
            parameter.indirect = true;
        }
        let Some(target) = self.read_target() else {
            parameter.operation = Operation::Bad;
            return Ok(parameter);
        };
        parameter.target = target;
        if self.peek() == Some(b'[') && matches!(target, Target::Variable(_)) {
            parameter.subscript = Some(self.read_subscript()?);
        }
        if length || self.peek() == Some(b'}') {
            self.read_keys(&mut parameter);
            return Ok(parameter);
        }
        if parameter.indirect && self.read_names(&mut parameter) {
            return Ok(parameter);
        }
        parameter.operation = self.read_operation(quoted)?;
        Ok(parameter)
    }

    /// `${!a[@]}`
    fn read_keys(&mut self, parameter: &mut Parameter) {
        if parameter.indirect && matches!(parameter.subscript, Some(Subscript::All | Subscript::Joined)) {
            parameter.indirect = false;
            parameter.operation = Operation::Keys;
        }
    }

    /// `${!prefix*}`
    fn read_names(&mut self, parameter: &mut Parameter) -> bool {
        let separate = self.peek() == Some(b'@');
        let found = parameter.subscript.is_none() && (separate || self.peek() == Some(b'*')) && self.peek_at(1) == Some(b'}');
        if found {
            self.skip(1);
            parameter.indirect = false;
            parameter.operation = Operation::Names { separate };
        }
        found
    }

    /// `${#x}` is a length; `${#}`, `${#-w}` and `${##}` are about `$#`.
    fn is_length(&mut self) -> bool {
        match self.peek_at(1) {
            Some(byte) if is_name_byte(byte) => true,
            Some(b'@' | b'*' | b'?' | b'$' | b'!' | b'-' | b'#') => self.peek_at(2) == Some(b'}'),
            _ => false,
        }
    }

    fn read_target(&mut self) -> Option<Target> {
        let byte = self.peek()?;
        if byte.is_ascii_digit() {
            let mut number = 0usize;
            while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
                number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                self.skip(1);
            }
            return Some(if number == 0 { Target::Special(b'0') } else { Target::Positional(number) });
        }
        if is_special(byte) {
            self.skip(1);
            return Some(Target::Special(byte));
        }
        let name = self.read_name();
        (!name.is_empty()).then(|| Target::Variable(Name::new(&name)))
    }

    fn read_operation(&mut self, quoted: bool) -> Parsed<Operation> {
        let Some(byte) = self.advance() else {
            return Err(self.unterminated(b'}', self.line));
        };
        let doubled = self.peek() == Some(byte);
        Ok(match byte {
            b':' => match self.peek() {
                Some(operator @ (b'-' | b'=' | b'?' | b'+')) => {
                    self.skip(1);
                    self.read_alternative(operator, true, quoted)?
                }
                _ => self.read_substring()?,
            },
            b'-' | b'=' | b'?' | b'+' => self.read_alternative(byte, false, quoted)?,
            b'#' => {
                self.skip(usize::from(doubled));
                Operation::RemovePrefix { longest: doubled, pattern: self.read_braced_word(b"}", quoted, true)? }
            }
            b'%' => {
                self.skip(usize::from(doubled));
                Operation::RemoveSuffix { longest: doubled, pattern: self.read_braced_word(b"}", quoted, true)? }
            }
            b'/' => self.read_replacement(quoted)?,
            b'^' | b',' | b'~' => {
                self.skip(usize::from(doubled));
                let pattern = self.read_braced_word(b"}", quoted, true)?;
                let change = match byte {
                    b'^' => CaseChange::Upper,
                    b',' => CaseChange::Lower,
                    _ => CaseChange::Toggle,
                };
                Operation::ChangeCase { change, all: doubled, pattern: (!pattern.parts.is_empty()).then_some(pattern) }
            }
            b'@' => match self.peek() {
                Some(letter @ (b'Q' | b'E' | b'P' | b'A' | b'K' | b'k' | b'a' | b'u' | b'U' | b'L')) => {
                    self.skip(1);
                    Operation::Transform(letter)
                }
                _ => Operation::Bad,
            },
            _ => {
                self.position -= 1;
                Operation::Bad
            }
        })
    }

    fn read_alternative(&mut self, operator: u8, colon: bool, quoted: bool) -> Parsed<Operation> {
        let word = self.read_braced_word(b"}", quoted, false)?;
        Ok(match operator {
            b'-' => Operation::Default { colon, word },
            b'=' => Operation::Assign { colon, word },
            b'?' => Operation::Error { colon, word },
            _ => Operation::Alternative { colon, word },
        })
    }

    fn read_replacement(&mut self, quoted: bool) -> Parsed<Operation> {
        let place = match self.peek() {
            Some(b'/') => ReplacePlace::All,
            Some(b'#') => ReplacePlace::Start,
            Some(b'%') => ReplacePlace::End,
            _ => ReplacePlace::First,
        };
        self.skip(usize::from(place != ReplacePlace::First));
        // A slash that comes first belongs to the pattern: ${x////-}
        let mut pattern = Word::default();
        if self.peek() == Some(b'/') && place == ReplacePlace::All {
            self.skip(1);
            pattern.parts.push(Part::Quoted(b"/"[..].into()));
        }
        let rest = self.read_braced_word(b"/}", quoted, true)?;
        pattern.parts.extend(rest.parts);
        if self.peek() != Some(b'/') {
            return Ok(Operation::Replace { place, pattern, replacement: None });
        }
        self.skip(1);
        let replacement = Some(self.read_braced_word(b"}", quoted, true)?);
        Ok(Operation::Replace { place, pattern, replacement })
    }

    fn read_substring(&mut self) -> Parsed<Operation> {
        let offset = self.read_arithmetic_until(b":}")?;
        let mut length = None;
        if self.peek() == Some(b':') {
            self.skip(1);
            length = Some(self.read_arithmetic_until(b"}")?);
        }
        Ok(Operation::Substring { offset, length })
    }

    pub(crate) fn read_subscript(&mut self) -> Parsed<Subscript> {
        self.skip(1);
        if let Some(byte @ (b'@' | b'*')) = self.peek()
            && self.peek_at(1) == Some(b']')
        {
            self.skip(2);
            return Ok(if byte == b'@' { Subscript::All } else { Subscript::Joined });
        }
        let key = self.read_subscript_word()?;
        self.skip(1);
        Ok(Subscript::Index { index: Rc::new(arithmetic(key.clone())), key })
    }

    /// The text between brackets, with its own brackets balanced.
    fn read_subscript_word(&mut self) -> Parsed<Word> {
        let line = self.line;
        let mut word = Parts::default();
        let mut depth = 0usize;
        loop {
            match self.peek() {
                None => return Err(self.unterminated(b']', line)),
                Some(b']') if depth == 0 => return Ok(word.finish()),
                Some(byte @ (b'[' | b']')) => {
                    depth = if byte == b'[' { depth + 1 } else { depth - 1 };
                    self.skip(1);
                    word.byte(byte);
                }
                Some(b'\'') => {
                    let text = self.read_single_quoted()?;
                    word.part(Part::Quoted(text.into()));
                }
                Some(b'"') => {
                    let part = self.read_double_quoted()?;
                    word.part(part);
                }
                Some(b'\\') => self.read_escape(&mut word),
                Some(byte) => self.read_quoted_byte(byte, &mut word)?,
            }
        }
    }

    /// Arithmetic text up to one of `stops` outside brackets and `?:`.
    pub(crate) fn read_arithmetic_until(&mut self, stops: &[u8]) -> Parsed<Rc<Arithmetic>> {
        let line = self.line;
        let mut word = Parts::default();
        let (mut depth, mut questions) = (0usize, 0usize);
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.unterminated(b'}', line));
            };
            match byte {
                b':' if depth == 0 && questions > 0 => questions -= 1,
                _ if depth == 0 && stops.contains(&byte) => return Ok(Rc::new(arithmetic(word.finish()))),
                b'?' => questions += 1,
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.read_arithmetic_byte(byte, &mut word)?;
        }
    }

    fn read_arithmetic_byte(&mut self, byte: u8, word: &mut Parts) -> Parsed<()> {
        match byte {
            // Double quotes mean nothing in arithmetic.
            b'"' => self.skip(1),
            b'\'' => {
                let text = self.read_single_quoted()?;
                word.part(Part::Literal([b"'", &text[..], b"'"].concat().into()));
            }
            _ => self.read_quoted_byte(byte, word)?,
        }
        Ok(())
    }

    /// The rest of `((…))` after its two parentheses; None when it does not end in `))`: it is a nested subshell then.
    pub(crate) fn read_double_parenthesis(&mut self) -> Parsed<Option<Rc<Arithmetic>>> {
        let mut word = Parts::default();
        let mut depth = 0usize;
        loop {
            let Some(byte) = self.peek() else {
                return Ok(None);
            };
            match byte {
                b')' if depth == 0 => {
                    if self.peek_at(1) != Some(b')') {
                        return Ok(None);
                    }
                    self.skip(2);
                    return Ok(Some(Rc::new(arithmetic(word.finish()))));
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            self.read_arithmetic_byte(byte, &mut word)?;
        }
    }

    fn read_dollar_parenthesis(&mut self) -> Parsed<Part> {
        self.enter()?;
        let line = self.line;
        let doubled = self.peek_at(2) == Some(b'(');
        if doubled {
            let (start, line) = (self.position, self.line);
            self.skip(3);
            if let Ok(Some(arithmetic)) = self.read_double_parenthesis() {
                self.leave();
                return Ok(Part::Arithmetic(arithmetic));
            }
            self.position = start;
            self.line = line;
        }
        self.skip(2);
        let list = match self.read_parenthesized_list() {
            // Arithmetic that never ended.
            Err(error) if doubled && matches!(error.kind, ErrorKind::UnexpectedEnd | ErrorKind::Unterminated(b')')) => {
                return Err(self.unterminated(b')', line));
            }
            result => result?,
        };
        self.leave();
        Ok(Part::Command(Rc::new(Substitution { list, backquoted: false })))
    }

    /// A list and its `)`, inside a word that is being read.
    fn read_parenthesized_list(&mut self) -> Parsed<crate::ast::List> {
        let (start, start_line) = (self.token_start, self.token_line);
        let saved = (std::mem::take(&mut self.assignments), std::mem::take(&mut self.regex), self.options);
        let list = self.parse_list()?;
        if !self.takes_operator(Operator::CloseParenthesis)? {
            let line = self.line + u32::from(self.text.last() != Some(&b'\n'));
            return Err(match self.peek_token()? {
                crate::token::Token::End => self.unterminated(b')', line),
                _ => self.unexpected(),
            });
        }
        (self.token_start, self.token_line) = (start, start_line);
        (self.assignments, self.regex, self.options) = saved;
        Ok(list)
    }

    pub(crate) fn read_process_substitution(&mut self, reads: bool) -> Parsed<Part> {
        self.enter()?;
        self.skip(2);
        let list = self.read_parenthesized_list()?;
        self.leave();
        Ok(Part::Process(Rc::new(ProcessSubstitution { list, reads })))
    }

    /// `…` in backquotes: its text loses one level of backslashes, then it is a script of its own.
    pub(crate) fn read_backquoted(&mut self, quoted: bool) -> Parsed<Part> {
        self.enter()?;
        let line = self.line;
        self.skip(1);
        let mut text = Vec::new();
        loop {
            match self.advance() {
                None => return Err(self.unterminated(b'`', line)),
                Some(b'`') => break,
                Some(b'\\') => match self.peek() {
                    Some(byte @ (b'$' | b'`' | b'\\')) => {
                        self.skip(1);
                        text.push(byte);
                    }
                    Some(b'"') if quoted => {
                        self.skip(1);
                        text.push(b'"');
                    }
                    _ => text.push(b'\\'),
                },
                Some(byte) => text.push(byte),
            }
        }
        let mut parser = self.nested(&text, line);
        let list = parser.parse_whole()?;
        self.leave();
        Ok(Part::Command(Rc::new(Substitution { list, backquoted: true })))
    }

    /// `$'…'`, from its quote on.
    fn read_ansi_quoted(&mut self) -> Parsed<Vec<u8>> {
        let line = self.line;
        self.skip(1);
        let mut raw = Vec::new();
        loop {
            match self.advance() {
                None => return Err(self.error(ErrorKind::Unterminated(b'\''), line)),
                Some(b'\'') => return Ok(crate::escape::unescape_ansi(&raw)),
                Some(b'\\') => {
                    raw.push(b'\\');
                    raw.extend(self.advance());
                }
                Some(byte) => raw.push(byte),
            }
        }
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') || byte.is_ascii_digit()
}

fn plain(target: Target, text: &[u8]) -> Part {
    Part::Parameter(Rc::new(Parameter { target, subscript: None, indirect: false, operation: Operation::None, text: text.into() }))
}

fn arithmetic(text: Word) -> Arithmetic {
    let compiled = compile(&text);
    Arithmetic { text, compiled }
}
