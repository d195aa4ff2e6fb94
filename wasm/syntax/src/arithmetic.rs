//! Arithmetic expressions: C's operators and bash's `**`, bases and array elements, over 64-bit integers.

use crate::ast::{Compiled, Part, Word};
use crate::name::{Name, is_name_byte};

#[derive(Debug, Clone)]
pub enum Expression {
    Number(i64),
    /// The expansion with this number, where the text had a `$…`.
    Operand(usize),
    Variable(Box<Place>),
    Negate(Box<Expression>),
    Not(Box<Expression>),
    Complement(Box<Expression>),
    Binary(Box<Binary>),
    And(Box<(Expression, Expression)>),
    Or(Box<(Expression, Expression)>),
    Conditional(Box<(Expression, Expression, Expression)>),
    Assign(Box<Assign>),
    Increment(Box<Increment>),
    Comma(Box<(Expression, Expression)>),
}

/// A variable or an array element.
#[derive(Debug, Clone)]
pub struct Place {
    pub name: Name,
    pub element: Option<ElementIndex>,
}

#[derive(Debug, Clone)]
pub struct ElementIndex {
    /// None when the text is no expression: it can only be a key.
    pub index: Option<Expression>,
    pub key: Box<[u8]>,
}

#[derive(Debug, Clone)]
pub struct Binary {
    pub operator: BinaryOperator,
    pub left: Expression,
    pub right: Expression,
    /// Where the right operand starts in the source: the error token of a division by 0.
    pub right_at: usize,
}

#[derive(Debug, Clone)]
pub struct Assign {
    pub place: Place,
    /// The operator of `+=` and its like.
    pub operator: Option<BinaryOperator>,
    pub value: Expression,
    pub value_at: usize,
}

#[derive(Debug, Clone)]
pub struct Increment {
    pub place: Place,
    pub by: i64,
    pub prefix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    Multiply,
    Divide,
    Remainder,
    Power,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
}

/// What is wrong, and where the offending token starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArithmeticError {
    pub message: &'static str,
    pub at: usize,
}

/// Stands in a source for an expansion.
pub const OPERAND_MARK: u8 = 0;

const MAXIMUM_DEPTH: usize = 200;

type Parsed<T> = Result<T, ArithmeticError>;

/// Compiles the text of an arithmetic word, when its expansions stand where operands do.
pub fn compile(text: &Word) -> Option<Compiled> {
    let mut source = Vec::new();
    let mut operands = Vec::new();
    for part in &text.parts {
        match part {
            Part::Literal(bytes) => source.extend_from_slice(bytes),
            Part::Variable(_) | Part::Parameter(_) | Part::Command(_) | Part::Arithmetic(_) => {
                source.push(OPERAND_MARK);
                operands.push(part.clone());
            }
            _ => return None,
        }
    }
    let expression = parse(&source).ok()?;
    Some(Compiled { expression, source: source.into(), operands })
}

/// Parses an expression whose text needs no expansion. An empty one is 0.
pub fn parse(source: &[u8]) -> Result<Expression, ArithmeticError> {
    let mut reader = Reader { source, next: 0, token: Token::End, token_at: 0, last_at: 0, operands: 0, depth: 0 };
    reader.advance()?;
    if reader.token == Token::End {
        return Ok(Expression::Number(0));
    }
    let expression = reader.comma()?;
    if reader.token != Token::End {
        return Err(reader.error("syntax error in expression"));
    }
    Ok(expression)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Number(i64),
    Name(usize, usize),
    Operand,
    Operator(&'static [u8]),
}

/// Longest first.
const OPERATORS: [&[u8]; 38] = [
    b"<<=", b">>=", b"**", b"++", b"--", b"<=", b">=", b"==", b"!=", b"&&", b"||", b"<<", b">>", b"+=", b"-=", b"*=", b"/=", b"%=",
    b"&=", b"^=", b"|=", b"+", b"-", b"*", b"/", b"%", b"<", b">", b"&", b"^", b"|", b"!", b"~", b"=", b"?", b":", b"(", b")",
];

struct Reader<'a> {
    source: &'a [u8],
    next: usize,
    token: Token,
    token_at: usize,
    /// Where the last token that was not the end started.
    last_at: usize,
    operands: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> ArithmeticError {
        ArithmeticError { message, at: self.last_at }
    }

    fn advance(&mut self) -> Parsed<()> {
        while self.source.get(self.next).is_some_and(u8::is_ascii_whitespace) {
            self.next += 1;
        }
        self.token_at = self.next;
        let Some(&byte) = self.source.get(self.next) else {
            self.token = Token::End;
            return Ok(());
        };
        self.last_at = self.next;
        let start = self.next;
        if byte.is_ascii_digit() {
            return self.read_number(start);
        }
        if is_name_byte(byte) {
            while self.source.get(self.next).copied().is_some_and(is_name_byte) {
                self.next += 1;
            }
            self.reject_mark_here()?;
            self.token = Token::Name(start, self.next);
            return Ok(());
        }
        if byte == OPERAND_MARK {
            self.next += 1;
            if self.source.get(self.next).is_some_and(|next| is_name_byte(*next) || matches!(next, b'#' | b'[' | &OPERAND_MARK)) {
                return Err(self.error("syntax error in expression"));
            }
            self.token = Token::Operand;
            return Ok(());
        }
        let rest = self.source.get(start..).unwrap_or_default();
        if byte == b',' {
            self.next += 1;
            self.token = Token::Operator(b",");
            return Ok(());
        }
        match OPERATORS.iter().find(|operator| rest.starts_with(operator)) {
            Some(operator) => {
                self.next += operator.len();
                self.token = Token::Operator(operator);
                Ok(())
            }
            None => Err(self.error("syntax error: invalid arithmetic operator")),
        }
    }

    /// `a$b` is one name only after expansion: not for this reader.
    fn reject_mark_here(&self) -> Parsed<()> {
        match self.source.get(self.next) {
            Some(&OPERAND_MARK) => Err(self.error("syntax error in expression")),
            _ => Ok(()),
        }
    }

    fn read_number(&mut self, start: usize) -> Parsed<()> {
        while self.source.get(self.next).is_some_and(|byte| is_name_byte(*byte) || matches!(byte, b'#' | b'@')) {
            self.next += 1;
        }
        self.reject_mark_here()?;
        let text = self.source.get(start..self.next).unwrap_or_default();
        match parse_number(text) {
            Ok(value) => {
                self.token = Token::Number(value);
                Ok(())
            }
            Err(message) => Err(self.error(message)),
        }
    }

    fn takes(&mut self, operator: &[u8]) -> Parsed<bool> {
        let found = matches!(self.token, Token::Operator(text) if text == operator);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn comma(&mut self) -> Parsed<Expression> {
        let mut left = self.assignment()?;
        while self.takes(b",")? {
            left = Expression::Comma(Box::new((left, self.assignment()?)));
        }
        Ok(left)
    }

    fn assignment(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAXIMUM_DEPTH {
            return Err(self.error("expression recursion level exceeded"));
        }
        let left = self.conditional()?;
        let result = self.assignment_to(left);
        self.depth -= 1;
        result
    }

    fn assignment_to(&mut self, left: Expression) -> Parsed<Expression> {
        let Token::Operator(text) = self.token else {
            return Ok(left);
        };
        let Some(operator) = assignment_operator(text) else {
            return Ok(left);
        };
        let Expression::Variable(place) = left else {
            return Err(self.error("attempted assignment to non-variable"));
        };
        self.advance()?;
        let value_at = self.token_at;
        let value = self.assignment()?;
        Ok(Expression::Assign(Box::new(Assign { place: *place, operator, value, value_at })))
    }

    fn conditional(&mut self) -> Parsed<Expression> {
        let condition = self.or()?;
        if !self.takes(b"?")? {
            return Ok(condition);
        }
        if matches!(self.token, Token::End | Token::Operator(b":")) {
            return Err(self.error("expression expected"));
        }
        let yes = self.comma()?;
        if !matches!(self.token, Token::Operator(b":")) {
            return Err(self.error("`:' expected for conditional expression"));
        }
        self.advance()?;
        if self.token == Token::End {
            return Err(self.error("expression expected"));
        }
        let no = self.assignment()?;
        Ok(Expression::Conditional(Box::new((condition, yes, no))))
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        while self.takes(b"||")? {
            left = Expression::Or(Box::new((left, self.and()?)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.binary(0)?;
        while self.takes(b"&&")? {
            left = Expression::And(Box::new((left, self.binary(0)?)));
        }
        Ok(left)
    }

    /// Left-associative operators from the level given upwards.
    fn binary(&mut self, level: u8) -> Parsed<Expression> {
        let mut left = self.unary()?;
        if self.takes(b"**")? {
            left = self.power(left)?;
        }
        loop {
            let Token::Operator(text) = self.token else {
                return Ok(left);
            };
            let Some((operator, its_level)) = binary_operator(text).filter(|(_, its_level)| *its_level >= level) else {
                return Ok(left);
            };
            self.advance()?;
            let right_at = self.token_at;
            let right = self.binary(its_level + 1)?;
            left = Expression::Binary(Box::new(Binary { operator, left, right, right_at }));
        }
    }

    fn power(&mut self, left: Expression) -> Parsed<Expression> {
        let mut right = self.unary()?;
        if self.takes(b"**")? {
            right = self.power(right)?;
        }
        // bash notices a negative exponent when it has read on.
        let right_at = self.last_at;
        Ok(Expression::Binary(Box::new(Binary { operator: BinaryOperator::Power, left, right, right_at })))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAXIMUM_DEPTH {
            return Err(self.error("expression recursion level exceeded"));
        }
        let result = self.unary_operand();
        self.depth -= 1;
        result
    }

    fn unary_operand(&mut self) -> Parsed<Expression> {
        match self.token {
            Token::Operator(b"!") => {
                self.advance()?;
                Ok(Expression::Not(Box::new(self.unary()?)))
            }
            Token::Operator(b"~") => {
                self.advance()?;
                Ok(Expression::Complement(Box::new(self.unary()?)))
            }
            Token::Operator(b"-") => {
                self.advance()?;
                Ok(Expression::Negate(Box::new(self.unary()?)))
            }
            Token::Operator(b"+") => {
                self.advance()?;
                self.unary()
            }
            Token::Operator(text @ (b"++" | b"--")) => self.prefix(text == b"++"),
            _ => self.primary(),
        }
    }

    /// `++x`; before anything but a name it is two signs.
    fn prefix(&mut self, plus: bool) -> Parsed<Expression> {
        self.advance()?;
        if let Token::Name(start, end) = self.token {
            let place = self.place(start, end)?;
            let by = if plus { 1 } else { -1 };
            return Ok(Expression::Increment(Box::new(Increment { place, by, prefix: true })));
        }
        self.unary()
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.token {
            Token::Number(value) => {
                self.advance()?;
                Ok(Expression::Number(value))
            }
            Token::Operand => {
                let number = self.operands;
                self.operands += 1;
                self.advance()?;
                Ok(Expression::Operand(number))
            }
            Token::Name(start, end) => {
                let place = self.place(start, end)?;
                let by = match self.token {
                    Token::Operator(b"++") => 1,
                    Token::Operator(b"--") => -1,
                    _ => return Ok(Expression::Variable(Box::new(place))),
                };
                self.advance()?;
                Ok(Expression::Increment(Box::new(Increment { place, by, prefix: false })))
            }
            Token::Operator(b"(") => {
                self.advance()?;
                let inner = self.comma()?;
                if !self.takes(b")")? {
                    return Err(self.error("missing `)'"));
                }
                Ok(inner)
            }
            Token::Operator(_) | Token::End => Err(self.error("syntax error: operand expected")),
        }
    }

    fn place(&mut self, start: usize, end: usize) -> Parsed<Place> {
        let name = Name::new(self.source.get(start..end).unwrap_or_default());
        let mut element = None;
        if self.source.get(self.next) == Some(&b'[') {
            element = Some(self.element()?);
        }
        self.advance()?;
        Ok(Place { name, element })
    }

    fn element(&mut self) -> Parsed<ElementIndex> {
        let start = self.next + 1;
        let mut depth = 0usize;
        let mut at = start;
        loop {
            match self.source.get(at) {
                None => return Err(self.error("bad array subscript")),
                Some(b']') if depth == 0 => break,
                Some(b'[') => depth += 1,
                Some(b']') => depth -= 1,
                // The operands inside are numbered by the outer expression: only the expanded text can be read.
                Some(&OPERAND_MARK) => return Err(self.error("bad array subscript")),
                Some(_) => {}
            }
            at += 1;
        }
        self.next = at + 1;
        let key = self.source.get(start..at).unwrap_or_default();
        Ok(ElementIndex { index: parse(key).ok(), key: key.into() })
    }
}

fn assignment_operator(text: &[u8]) -> Option<Option<BinaryOperator>> {
    if text == b"=" {
        return Some(None);
    }
    let stem = text.strip_suffix(b"=")?;
    if matches!(text, b"==" | b"!=" | b"<=" | b">=") {
        return None;
    }
    binary_operator(stem).map(|(operator, _)| Some(operator))
}

fn binary_operator(text: &[u8]) -> Option<(BinaryOperator, u8)> {
    use BinaryOperator::*;
    Some(match text {
        b"|" => (BitOr, 0),
        b"^" => (BitXor, 1),
        b"&" => (BitAnd, 2),
        b"==" => (Equal, 3),
        b"!=" => (NotEqual, 3),
        b"<" => (Less, 4),
        b"<=" => (LessEqual, 4),
        b">" => (Greater, 4),
        b">=" => (GreaterEqual, 4),
        b"<<" => (ShiftLeft, 5),
        b">>" => (ShiftRight, 5),
        b"+" => (Add, 6),
        b"-" => (Subtract, 6),
        b"*" => (Multiply, 7),
        b"/" => (Divide, 7),
        b"%" => (Remainder, 7),
        _ => return None,
    })
}

/// `12`, `012`, `0x1f`, `base#digits`
pub fn parse_number(text: &[u8]) -> Result<i64, &'static str> {
    if let Some(at) = text.iter().position(|byte| *byte == b'#') {
        let (base, digits) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        let base = in_base(base, 10)?;
        if !(2..=64).contains(&base) {
            return Err("invalid arithmetic base");
        }
        if digits.is_empty() {
            return Err("invalid integer constant");
        }
        return in_base(digits, base);
    }
    match text {
        [b'0', b'x' | b'X', rest @ ..] => in_base(rest, 16),
        [b'0', rest @ ..] => in_base(rest, 8),
        _ => in_base(text, 10),
    }
}

fn in_base(digits: &[u8], base: i64) -> Result<i64, &'static str> {
    let mut value = 0i64;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            b'@' => 62,
            b'_' => 63,
            _ => return Err("invalid number"),
        };
        if i64::from(digit) >= base {
            return Err("value too great for base");
        }
        value = value.wrapping_mul(base).wrapping_add(i64::from(digit));
    }
    Ok(value)
}
