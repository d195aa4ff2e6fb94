//! expr(1): arithmetic, comparison and patterns over words.

use crate::bre::Regex;
use crate::report::{Failure, Outcome, failure, misuse, quote};
use crate::stream::Output;

enum Value {
    Text(Vec<u8>),
    Number(i128),
}

impl Value {
    fn text(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string().into_bytes(),
        }
    }

    fn number(&self) -> Option<i128> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => {
                let digits = text.strip_prefix(b"-").unwrap_or(text);
                let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
                std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
            }
        }
    }

    fn integer(&self) -> Result<i128, Failure> {
        self.number().ok_or_else(|| failure(2, "non-integer argument"))
    }

    /// Neither empty nor zero.
    fn is_true(&self) -> bool {
        match self {
            Value::Number(number) => *number != 0,
            Value::Text(text) => {
                let digits = text.strip_prefix(b"-").unwrap_or(text);
                !(text.is_empty() || (!digits.is_empty() && digits.iter().all(|&byte| byte == b'0')))
            }
        }
    }
}

struct Parser<'a> {
    words: &'a [Vec<u8>],
    at: usize,
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let args = if args.first().is_some_and(|first| first == b"--") { &args[1..] } else { &args[..] };
    match args {
        [] => return Err(misuse(2, "missing operand")),
        [only] if only == b"--help" => {
            let mut out = Output::stdout();
            out.text("Usage: expr EXPRESSION\nPrints the value of EXPRESSION: | & < <= = != >= > + - * / % : match substr index length ( ).\n")?;
            return out.finish(0);
        }
        _ => {}
    }
    let mut parser = Parser { words: args, at: 0 };
    let value = parser.or(true)?;
    if let Some(extra) = args.get(parser.at) {
        return Err(failure(2, format!("syntax error: unexpected argument {}", quote(extra))));
    }
    let mut out = Output::stdout();
    out.put(&value.text())?;
    out.byte(b'\n')?;
    out.finish(i32::from(!value.is_true()))
}

impl Parser<'_> {
    fn take(&mut self, operators: &[&str]) -> Option<&'static str> {
        const ALL: [&str; 14] = ["|", "&", "<", "<=", "=", "==", "!=", ">=", ">", "+", "-", "*", "/", "%"];
        let word = self.words.get(self.at)?;
        let found = ALL.iter().find(|operator| operators.contains(operator) && operator.as_bytes() == word.as_slice())?;
        self.at += 1;
        Some(found)
    }

    /// `live` is false in a part whose value does not count.
    fn or(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.and(live)?;
        while self.take(&["|"]).is_some() {
            let right = self.and(live && !left.is_true())?;
            if !left.is_true() {
                left = if right.is_true() { right } else { Value::Number(0) };
            }
        }
        Ok(left)
    }

    fn and(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.comparison(live)?;
        while self.take(&["&"]).is_some() {
            let right = self.comparison(live && left.is_true())?;
            if !(left.is_true() && right.is_true()) {
                left = Value::Number(0);
            }
        }
        Ok(left)
    }

    fn comparison(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.sum(live)?;
        while let Some(operator) = self.take(&["<", "<=", "=", "==", "!=", ">=", ">"]) {
            let right = self.sum(live)?;
            let order = match (left.number(), right.number()) {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => left.text().cmp(&right.text()),
            };
            let truth = match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                _ => order.is_gt(),
            };
            left = Value::Number(i128::from(truth));
        }
        Ok(left)
    }

    fn sum(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.product(live)?;
        while let Some(operator) = self.take(&["+", "-"]) {
            let right = self.product(live)?;
            if live {
                let (one, other) = (left.integer()?, right.integer()?);
                let result = if operator == "+" { one.checked_add(other) } else { one.checked_sub(other) };
                left = Value::Number(result.ok_or_else(|| failure(3, "integer result too large"))?);
            }
        }
        Ok(left)
    }

    fn product(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.matching(live)?;
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            let right = self.matching(live)?;
            if !live {
                continue;
            }
            let (one, other) = (left.integer()?, right.integer()?);
            if other == 0 && operator != "*" {
                return Err(failure(2, "division by zero"));
            }
            let result = match operator {
                "*" => one.checked_mul(other),
                "/" => one.checked_div(other),
                _ => one.checked_rem(other),
            };
            left = Value::Number(result.ok_or_else(|| failure(3, "integer result too large"))?);
        }
        Ok(left)
    }

    fn matching(&mut self, live: bool) -> Result<Value, Failure> {
        let mut left = self.primary(live)?;
        while self.words.get(self.at).is_some_and(|word| word == b":") {
            self.at += 1;
            let right = self.primary(live)?;
            if live {
                left = matched(&left.text(), &right.text())?;
            }
        }
        Ok(left)
    }

    fn argument(&mut self) -> Result<Vec<u8>, Failure> {
        let after = self.words.get(self.at.wrapping_sub(1)).cloned().unwrap_or_default();
        let word =
            self.words.get(self.at).ok_or_else(|| failure(2, format!("syntax error: missing argument after {}", quote(&after))))?;
        self.at += 1;
        Ok(word.clone())
    }

    fn primary(&mut self, live: bool) -> Result<Value, Failure> {
        let word = self.argument()?;
        let more = self.at < self.words.len();
        Ok(match word.as_slice() {
            b"(" => {
                let value = self.or(live)?;
                match self.words.get(self.at) {
                    Some(word) if word == b")" => self.at += 1,
                    Some(word) => return Err(failure(2, format!("syntax error: expecting ')' instead of {}", quote(word)))),
                    None => {
                        let last = self.words.last().cloned().unwrap_or_default();
                        return Err(failure(2, format!("syntax error: expecting ')' after {}", quote(&last))));
                    }
                }
                value
            }
            b")" => return Err(failure(2, "syntax error: unexpected ')'")),
            b"+" if more => Value::Text(self.argument()?),
            b"length" if more => {
                let text = self.primary(live)?.text();
                Value::Number(characters(&text).len() as i128)
            }
            b"match" if more => {
                let text = self.primary(live)?.text();
                let pattern = self.primary(live)?.text();
                if live { matched(&text, &pattern)? } else { Value::Number(0) }
            }
            b"index" if more => {
                let text = self.primary(live)?.text();
                let wanted = self.primary(live)?.text();
                let wanted = characters(&wanted);
                let at = characters(&text).iter().position(|character| wanted.contains(character));
                Value::Number(at.map_or(0, |at| at as i128 + 1))
            }
            b"substr" if more => {
                let text = self.primary(live)?.text();
                let (first, count) = (self.primary(live)?, self.primary(live)?);
                Value::Text(substring(&text, first.number(), count.number()))
            }
            _ => Value::Text(word),
        })
    }
}

/// Characters of UTF-8; a byte that is part of none stands for itself.
fn characters(text: &[u8]) -> Vec<&[u8]> {
    let mut characters = Vec::new();
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            characters.push(&text[at..at + character.len_utf8()]);
            at += character.len_utf8();
        }
        for _ in chunk.invalid() {
            characters.push(&text[at..=at]);
            at += 1;
        }
    }
    characters
}

fn substring(text: &[u8], first: Option<i128>, count: Option<i128>) -> Vec<u8> {
    match (first, count) {
        (Some(first @ 1..), Some(count @ 1..)) => {
            let (skip, take) = (usize::try_from(first - 1).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(usize::MAX));
            characters(text).into_iter().skip(skip).take(take).collect::<Vec<_>>().concat()
        }
        _ => Vec::new(),
    }
}

/// A basic regular expression at the beginning: its first group, or how many characters match.
fn matched(text: &[u8], pattern: &[u8]) -> Result<Value, Failure> {
    let pattern = pattern.strip_prefix(b"^").unwrap_or(pattern);
    let regex = Regex::new(&String::from_utf8_lossy(pattern)).map_err(|reason| failure(2, reason))?;
    let text: Vec<char> = String::from_utf8_lossy(text).chars().collect();
    let found = regex.find(&text);
    if regex.groups == 0 {
        return Ok(Value::Number(found.map_or(0, |found| found.end as i128)));
    }
    let group = found.and_then(|found| found.first).map(|(begin, end)| text[begin..end].iter().collect::<String>());
    Ok(Value::Text(group.unwrap_or_default().into_bytes()))
}
