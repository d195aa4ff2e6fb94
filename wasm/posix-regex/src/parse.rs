//! From the text of a pattern to its tree, as glibc's `regcomp` and GNU grep's `dfa.c` read it in a UTF-8 locale.

use crate::ast::{Anchor, Node};
use crate::class;
use crate::{Error, Syntax};
use regex_syntax::hir::ClassUnicode;

const DUP_MAX: u32 = 32767;

/// What the caller of the parser decides about a pattern.
#[derive(Clone, Copy)]
pub struct Rules {
    pub syntax: Syntax,
    pub ignore_case: bool,
    /// A character that no set, no `.` and no literal may match: the end of a line, when many lines are searched at once.
    pub excluded: Option<char>,
    /// `\n`, `\t`, `\xHH`, `\oNNN`, `\dNNN`, `\cX` as sed reads them.
    pub escapes: bool,
    /// grep accepts what regcomp rejects: a repetition at the start, an unmatched `)`.
    pub lenient: bool,
}

pub struct Parsed {
    pub node: Node,
    pub groups: usize,
    pub warnings: Vec<String>,
}

pub fn parse(pattern: &[u8], rules: Rules, groups_before: usize) -> Result<Parsed, Error> {
    let mut parser = Parser {
        text: pattern,
        at: 0,
        rules,
        groups: groups_before,
        first_group: groups_before,
        closed: Vec::new(),
        depth: 0,
        warnings: Vec::new(),
    };
    let node = parser.alternation()?;
    if parser.at < parser.text.len() {
        return Err(Error::UnmatchedClose);
    }
    Ok(Parsed { node, groups: parser.groups, warnings: parser.warnings })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    rules: Rules,
    groups: usize,
    first_group: usize,
    closed: Vec<usize>,
    depth: usize,
    warnings: Vec<String>,
}

/// One token of a pattern.
enum Token {
    Char(char),
    Byte(u8),
    Any,
    Bracket,
    Open,
    Close,
    Or,
    Star,
    Plus,
    Question,
    Interval,
    Caret,
    Dollar,
    Anchor(Anchor),
    Class(ClassUnicode),
    Digit(usize),
}

impl Parser<'_> {
    fn alternation(&mut self) -> Result<Node, Error> {
        let mut branches = vec![self.branch()?];
        while self.peek_or() {
            self.next()?;
            branches.push(self.branch()?);
        }
        Ok(match branches.len() {
            1 => branches.remove(0),
            _ => Node::Alternate(branches),
        })
    }

    fn peek(&mut self) -> Result<Option<Token>, Error> {
        let at = self.at;
        let token = self.next();
        self.at = at;
        token
    }

    fn peek_or(&mut self) -> bool {
        matches!(self.peek(), Ok(Some(Token::Or)))
    }

    fn ends_here(&mut self) -> Result<bool, Error> {
        Ok(match self.peek()? {
            None | Some(Token::Or) => true,
            Some(Token::Close) => self.depth > 0 || self.basic_like() || !self.rules.lenient,
            _ => false,
        })
    }

    /// Parentheses with a backslash: an unmatched one is always an error.
    fn basic_like(&self) -> bool {
        self.rules.syntax != Syntax::Extended
    }

    fn branch(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        // Nothing to repeat yet: at the start, after an opening parenthesis or a bar, and in basic syntax after `^`.
        let mut at_start = true;
        while !self.ends_here()? {
            let Some(token) = self.next()? else { break };
            let mut starts = false;
            let node = match token {
                Token::Star | Token::Plus | Token::Question | Token::Interval if at_start => {
                    match self.repetition_at_start(&token)? {
                        Some(node) => node,
                        None => continue,
                    }
                }
                Token::Caret if self.rules.syntax == Syntax::Extended => Node::Anchor(Anchor::Start),
                Token::Caret if at_start && nodes.is_empty() => {
                    starts = true;
                    Node::Anchor(Anchor::Start)
                }
                Token::Caret => Node::Char('^'),
                Token::Dollar if self.rules.syntax == Syntax::Extended || self.dollar_is_anchor() => Node::Anchor(Anchor::End),
                Token::Dollar => Node::Char('$'),
                other => self.atom(other)?,
            };
            at_start = starts;
            nodes.push(if starts { node } else { self.repeated(node)? });
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        })
    }

    fn repetition_at_start(&mut self, token: &Token) -> Result<Option<Node>, Error> {
        let name = match token {
            Token::Star => '*',
            Token::Plus => '+',
            Token::Question => '?',
            _ => '{',
        };
        match self.rules.syntax {
            Syntax::Extended if self.rules.lenient => {
                let shown = if name == '{' { "{...}".to_owned() } else { name.to_string() };
                self.warnings.push(format!("{shown} at start of expression"));
                Ok(None)
            }
            Syntax::Extended => Err(Error::InvalidPreceding),
            _ if name == '{' && !self.rules.lenient => Err(Error::InvalidPreceding),
            _ => Ok(Some(Node::Char(name))),
        }
    }

    /// In basic syntax `$` is an anchor only before the end, `\)` and `\|`.
    fn dollar_is_anchor(&mut self) -> bool {
        matches!(self.peek(), Ok(None | Some(Token::Close | Token::Or)))
    }

    fn atom(&mut self, token: Token) -> Result<Node, Error> {
        Ok(match token {
            Token::Char(c) => self.literal(c),
            Token::Byte(b) => Node::Byte(b),
            Token::Any => self.set(class::ranges(&[('\0', char::MAX)])),
            Token::Class(set) => self.set(set),
            Token::Bracket => self.bracket()?,
            Token::Anchor(anchor) => Node::Anchor(anchor),
            Token::Open => self.group()?,
            Token::Digit(n) if self.closed.contains(&(n + self.first_group)) => Node::BackReference(n + self.first_group),
            Token::Digit(_) => return Err(Error::InvalidBackReference),
            Token::Close => Node::Char(')'),
            Token::Star => Node::Char('*'),
            Token::Plus => Node::Char('+'),
            Token::Question => Node::Char('?'),
            Token::Interval => Node::Char('{'),
            Token::Or => Node::Char('|'),
            Token::Caret => Node::Char('^'),
            Token::Dollar => Node::Char('$'),
        })
    }

    fn group(&mut self) -> Result<Node, Error> {
        self.groups += 1;
        let number = self.groups;
        self.depth += 1;
        let inner = self.alternation()?;
        self.depth -= 1;
        match self.next()? {
            Some(Token::Close) => {}
            _ => return Err(Error::UnmatchedOpen),
        }
        self.closed.push(number);
        Ok(Node::Group(Box::new(inner), number))
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Error> {
        loop {
            let at = self.at;
            let (min, max) = match self.next()? {
                Some(Token::Star) => (0, None),
                Some(Token::Plus) => (1, None),
                Some(Token::Question) => (0, Some(1)),
                Some(Token::Interval) => match self.interval()? {
                    Some(bounds) => bounds,
                    None => {
                        self.at = at;
                        return Ok(node);
                    }
                },
                _ => {
                    self.at = at;
                    return Ok(node);
                }
            };
            node = match (node, min, max) {
                // a** is a*: it keeps the engines from nesting loops for nothing.
                (Node::Repeat(inner, 0, None), 0, _) => Node::Repeat(inner, 0, None),
                (node, ..) => Node::Repeat(Box::new(node), min, max),
            };
        }
    }

    /// The bounds after `{`. In extended syntax a text that is no interval is None: the brace is a literal.
    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        let extended = self.rules.syntax == Syntax::Extended;
        let min = self.number();
        let max = if self.text.get(self.at) == Some(&b',') {
            self.at += 1;
            self.number().map(Some).unwrap_or(None)
        } else {
            min
        };
        let comma_only = self.text[..self.at].ends_with(b",");
        let close: &[u8] = if extended { b"}" } else { b"\\}" };
        if !self.text[self.at..].starts_with(close) || (min.is_none() && max.is_none() && !comma_only) {
            return match () {
                () if extended && self.rules.lenient => Ok(None),
                () if self.at >= self.text.len() => Err(Error::UnmatchedBrace),
                () if extended => Err(Error::InvalidPreceding),
                () => Err(Error::InvalidInterval),
            };
        }
        self.at += close.len();
        let low = min.unwrap_or(0);
        if low > DUP_MAX || max.is_some_and(|m| m > DUP_MAX) {
            return Err(Error::TooBig);
        }
        if max.is_some_and(|m| m < low) {
            return Err(Error::InvalidInterval);
        }
        Ok(Some((low, max)))
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        let mut value: u32 = 0;
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            value = value.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    fn literal(&self, c: char) -> Node {
        if self.rules.excluded == Some(c) {
            return Node::Set(ClassUnicode::empty());
        }
        if self.rules.ignore_case {
            let mut set = class::ranges(&[(c, c)]);
            class::fold(&mut set);
            if set.ranges().len() > 1 {
                return Node::Set(set);
            }
        }
        Node::Char(c)
    }

    fn set(&self, mut set: ClassUnicode) -> Node {
        if let Some(end) = self.rules.excluded {
            set.difference(&class::ranges(&[(end, end)]));
        }
        Node::Set(set)
    }

    /// Takes one character: None at the end, Err(byte) for a byte that is not UTF-8.
    fn char(&mut self) -> Option<Result<char, u8>> {
        let rest = &self.text[self.at..];
        let first = *rest.first()?;
        let (taken, len) = crate::decode(rest);
        self.at += len;
        Some(taken.ok_or(first))
    }

    fn next(&mut self) -> Result<Option<Token>, Error> {
        let extended = self.rules.syntax == Syntax::Extended;
        let emacs = self.rules.syntax == Syntax::Emacs;
        let c = match self.char() {
            None => return Ok(None),
            Some(Err(byte)) => return Ok(Some(Token::Byte(byte))),
            Some(Ok(c)) => c,
        };
        Ok(Some(match c {
            '\\' => return self.escaped(),
            '.' => Token::Any,
            '[' => Token::Bracket,
            '*' => Token::Star,
            '^' => Token::Caret,
            '$' => Token::Dollar,
            '+' if extended || emacs => Token::Plus,
            '?' if extended || emacs => Token::Question,
            '{' if extended => {
                let at = self.at;
                let valid = !self.rules.lenient || matches!(self.interval(), Ok(Some(_)) | Err(_));
                self.at = at;
                if valid { Token::Interval } else { Token::Char('{') }
            }
            '(' if extended => Token::Open,
            ')' if extended => Token::Close,
            '|' if extended => Token::Or,
            other => Token::Char(other),
        }))
    }

    fn escaped(&mut self) -> Result<Option<Token>, Error> {
        let basic = self.rules.syntax == Syntax::Basic;
        let emacs = self.rules.syntax == Syntax::Emacs;
        let c = match self.char() {
            None => return Err(Error::TrailingBackslash),
            Some(Err(byte)) => return Ok(Some(Token::Byte(byte))),
            Some(Ok(c)) => c,
        };
        Ok(Some(match c {
            '(' if basic || emacs => Token::Open,
            ')' if basic || emacs => Token::Close,
            '|' if basic || emacs => Token::Or,
            '{' if basic => Token::Interval,
            '+' if basic => Token::Plus,
            '?' if basic => Token::Question,
            '<' => Token::Anchor(Anchor::WordStart),
            '>' => Token::Anchor(Anchor::WordEnd),
            'b' => Token::Anchor(Anchor::WordEdge),
            'B' => Token::Anchor(Anchor::NotWordEdge),
            '`' => Token::Anchor(Anchor::BufferStart),
            '\'' => Token::Anchor(Anchor::BufferEnd),
            'w' => Token::Class(class::word()),
            's' => Token::Class(class::space()),
            'W' | 'S' => {
                let mut set = if c == 'W' { class::word() } else { class::space() };
                class::negate(&mut set);
                Token::Class(set)
            }
            '1'..='9' => Token::Digit(c as usize - '0' as usize),
            other if self.rules.escapes => match self.sed_escape(other) {
                Some(Ok(c)) => Token::Char(c),
                Some(Err(byte)) => Token::Byte(byte),
                None => Token::Char(other),
            },
            other => Token::Char(other),
        }))
    }

    /// `\n` and the other escapes of GNU sed; the letter is already taken.
    fn sed_escape(&mut self, letter: char) -> Option<Result<char, u8>> {
        let (value, used) = escape(letter, &self.text[self.at..])?;
        self.at += used;
        Some(if value < 0x80 { Ok(char::from(value)) } else { Err(value) })
    }

    fn bracket(&mut self) -> Result<Node, Error> {
        let start = self.at;
        if start == self.text.len() {
            return Err(Error::InvalidRegex);
        }
        let negated = self.text.get(self.at) == Some(&b'^');
        if negated {
            self.at += 1;
        }
        let mut set = ClassUnicode::empty();
        let mut bytes = Vec::new();
        let mut first = true;
        loop {
            let Some(taken) = self.char() else { return Err(Error::UnmatchedBracket) };
            let c = match taken {
                Ok(']') if !first => break,
                Ok(c) => c,
                Err(byte) => {
                    bytes.push(byte);
                    first = false;
                    continue;
                }
            };
            first = false;
            if c == '[' && self.rules.syntax != Syntax::Emacs && self.text.get(self.at) == Some(&b':') {
                let name = self.delimited(b':')?;
                let class = class::named(&name, self.rules.ignore_case).ok_or(Error::InvalidClass)?;
                set.union(&class);
                continue;
            }
            let low = self.bracket_char(c)?;
            let high = self.range_end(low)?;
            if high < low {
                return Err(Error::InvalidRange);
            }
            set.union(&class::ranges(&[(low, high)]));
        }
        self.check_outer_colons(start)?;
        if self.rules.ignore_case {
            class::fold(&mut set);
        }
        if negated {
            class::negate(&mut set);
        }
        let set = self.set(set);
        if bytes.is_empty() || negated {
            return Ok(set);
        }
        let mut branches: Vec<Node> = bytes.into_iter().map(Node::Byte).collect();
        branches.push(set);
        Ok(Node::Alternate(branches))
    }

    /// `[:space:]` without the outer brackets is what grep refuses.
    fn check_outer_colons(&self, start: usize) -> Result<(), Error> {
        let inside = &self.text[start..self.at - 1];
        let bare = inside.len() > 2 && inside.starts_with(b":") && inside.ends_with(b":");
        if self.rules.lenient && bare { Err(Error::BareClass) } else { Ok(()) }
    }

    fn bracket_char(&mut self, c: char) -> Result<char, Error> {
        let next = self.text.get(self.at).copied();
        if c == '[' && self.rules.syntax != Syntax::Emacs && matches!(next, Some(b'.' | b'=')) {
            let name = self.delimited(next.unwrap_or(b'.'))?;
            let mut chars = name.chars();
            return match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Error::InvalidCollation),
            };
        }
        if c == '\\' && self.rules.escapes {
            let at = self.at;
            if let Some(Ok(letter)) = self.char()
                && !matches!(letter, ']' | '\\')
                && let Some(Ok(value)) = self.sed_escape(letter)
            {
                return Ok(value);
            }
            self.at = at;
        }
        Ok(c)
    }

    /// The other end of a range that begins with `low`, or `low` itself.
    fn range_end(&mut self, low: char) -> Result<char, Error> {
        let rest = &self.text[self.at..];
        if !rest.starts_with(b"-") || rest.get(1) == Some(&b']') || rest.len() < 2 {
            return Ok(low);
        }
        self.at += 1;
        match self.char() {
            Some(Ok(c)) => self.bracket_char(c),
            Some(Err(_)) => Err(Error::InvalidRange),
            None => Err(Error::UnmatchedBracket),
        }
    }

    /// The name in `[:name:]`, after the opening bracket.
    fn delimited(&mut self, mark: u8) -> Result<String, Error> {
        let rest = &self.text[self.at + 1..];
        let end = rest.windows(2).position(|w| w == [mark, b']']).ok_or(Error::UnmatchedBracket)?;
        self.at += 1 + end + 2;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

/// A character escape of GNU sed after its letter: the byte it stands for and how much of `rest` it took.
pub fn escape(letter: char, rest: &[u8]) -> Option<(u8, usize)> {
    let simple = match letter {
        'a' => 7,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'd' => return number(rest, 10, 3),
        'o' => return number(rest, 8, 3),
        'x' => return number(rest, 16, 2),
        'c' => {
            let c = rest.first()?.to_ascii_uppercase();
            return Some((c ^ 0x40, 1));
        }
        _ => return None,
    };
    Some((simple, 0))
}

fn number(rest: &[u8], radix: u32, most: usize) -> Option<(u8, usize)> {
    let digits = rest.iter().take(most).take_while(|b| char::from(**b).is_digit(radix)).count();
    if digits == 0 {
        return None;
    }
    let value = rest[..digits].iter().fold(0u32, |v, b| v * radix + char::from(*b).to_digit(radix).unwrap_or(0));
    Some((value as u8, digits))
}
