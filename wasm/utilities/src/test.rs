//! test(1) and [(1): conditions. Up to four words as POSIX has them, more by precedence.

use crate::report::{Failure, Outcome, failure, quote};
use std::cmp::Ordering;
use tidepool_system::{Access, Fd, Stat, access, is_tty, lstat, stat};

type Truth = Result<bool, Failure>;

pub fn run_test(args: Vec<Vec<u8>>) -> Outcome {
    outcome(&args)
}

pub fn run_bracket(mut args: Vec<Vec<u8>>) -> Outcome {
    if args.last().is_none_or(|last| last != b"]") {
        return Err(failure(2, "missing ‘]’"));
    }
    args.pop();
    outcome(&args)
}

fn outcome(args: &[Vec<u8>]) -> Outcome {
    let words: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
    Ok(i32::from(!truth(&words)?))
}

fn truth(words: &[&[u8]]) -> Truth {
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        [b"!", rest @ ..] if rest.len() <= 3 => truth(rest).map(|truth| !truth),
        [operator, operand] => match unary(operator, operand) {
            Some(truth) => truth,
            None if operator.starts_with(b"-") && operator.len() == 2 => {
                Err(failure(2, format!("{}: unary operator expected", quote(operator))))
            }
            None => Err(failure(2, format!("missing argument after {}", quote(operand)))),
        },
        [one, operator, other] if is_binary(operator) => binary(one, operator, other),
        [b"(", word, b")"] => Ok(!word.is_empty()),
        [one, b"-a", other] => Ok(!one.is_empty() && !other.is_empty()),
        [one, b"-o", other] => Ok(!one.is_empty() || !other.is_empty()),
        [_, operator, _] => Err(failure(2, format!("{}: binary operator expected", quote(operator)))),
        [b"(", inner @ .., b")"] if inner.len() == 2 => truth(inner),
        _ => {
            let mut parser = Parser { words, at: 0 };
            let truth = parser.or()?;
            match words.get(parser.at) {
                Some(extra) => Err(failure(2, format!("extra argument {}", quote(extra)))),
                None => Ok(truth),
            }
        }
    }
}

/// `-o` below `-a` below `!`.
struct Parser<'a> {
    words: &'a [&'a [u8]],
    at: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Truth {
        let mut truth = self.and()?;
        while self.words.get(self.at) == Some(&&b"-o"[..]) {
            self.at += 1;
            truth |= self.and()?;
        }
        Ok(truth)
    }

    fn and(&mut self) -> Truth {
        let mut truth = self.not()?;
        while self.words.get(self.at) == Some(&&b"-a"[..]) {
            self.at += 1;
            truth &= self.not()?;
        }
        Ok(truth)
    }

    fn not(&mut self) -> Truth {
        let rest = &self.words[self.at..];
        match rest {
            [] => {
                let last = self.words.last().copied().unwrap_or_default();
                Err(failure(2, format!("missing argument after {}", quote(last))))
            }
            [one, operator, other, ..] if is_binary(operator) => {
                self.at += 3;
                binary(one, operator, other)
            }
            [b"!", ..] => {
                self.at += 1;
                Ok(!self.not()?)
            }
            [b"(", ..] => {
                self.at += 1;
                let truth = self.or()?;
                if self.words.get(self.at) != Some(&&b")"[..]) {
                    return Err(failure(2, "')' expected"));
                }
                self.at += 1;
                Ok(truth)
            }
            [operator, operand, ..] if is_unary(operator) => {
                self.at += 2;
                unary(operator, operand).unwrap_or(Ok(false))
            }
            [word, ..] => {
                self.at += 1;
                Ok(!word.is_empty())
            }
        }
    }
}

fn is_unary(operator: &[u8]) -> bool {
    matches!(operator, [b'-', letter] if b"bcdefgGhkLnNOprsStuwxz".contains(letter))
}

fn is_binary(operator: &[u8]) -> bool {
    let known: [&[u8]; 12] = [b"=", b"==", b"!=", b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge", b"-nt", b"-ot", b"-ef"];
    known.contains(&operator)
}

fn unary(operator: &[u8], operand: &[u8]) -> Option<Truth> {
    if !is_unary(operator) {
        return None;
    }
    let is = |kind: u32| stat(operand).is_ok_and(|stat| stat.kind() == kind);
    let has = |bit: u32| stat(operand).is_ok_and(|stat| stat.mode & bit != 0);
    Some(Ok(match operator[1] {
        b'b' => is(Stat::BLOCK),
        b'c' => is(Stat::CHAR),
        b'd' => is(Stat::DIR),
        b'e' => stat(operand).is_ok(),
        b'f' => is(Stat::FILE),
        b'g' => has(0o2000),
        b'k' => has(0o1000),
        b'u' => has(0o4000),
        b'h' | b'L' => lstat(operand).is_ok_and(|stat| stat.is_symlink()),
        b'n' => !operand.is_empty(),
        b'z' => operand.is_empty(),
        b'N' => stat(operand)
            .is_ok_and(|stat| (stat.mtime.seconds, stat.mtime.nanoseconds) > (stat.atime.seconds, stat.atime.nanoseconds)),
        b'O' | b'G' => stat(operand).is_ok(),
        b'p' => is(Stat::FIFO),
        b'S' => is(Stat::SOCKET),
        b's' => stat(operand).is_ok_and(|stat| stat.size > 0),
        b'r' => access(operand, Access::Read).is_ok(),
        b'w' => access(operand, Access::Write).is_ok(),
        b'x' => access(operand, Access::Execute).is_ok(),
        _ => match integer(operand) {
            Ok(number) => u32::try_from(number).is_ok_and(|number| is_tty(Fd(number))),
            Err(bad) => return Some(Err(bad)),
        },
    }))
}

fn integer(text: &[u8]) -> Result<i128, Failure> {
    let invalid = || failure(2, format!("invalid integer {}", quote(text)));
    let trimmed = std::str::from_utf8(text).map_err(|_| invalid())?.trim();
    trimmed.strip_prefix('+').unwrap_or(trimmed).parse().map_err(|_| invalid())
}

fn binary(one: &[u8], operator: &[u8], other: &[u8]) -> Truth {
    let numbers = || Ok::<Ordering, Failure>(integer(one)?.cmp(&integer(other)?));
    let times = || {
        let time = |path: &[u8]| stat(path).ok().map(|stat| (stat.mtime.seconds, stat.mtime.nanoseconds));
        (time(one), time(other))
    };
    Ok(match operator {
        b"=" | b"==" => one == other,
        b"!=" => one != other,
        b"-eq" => numbers()? == Ordering::Equal,
        b"-ne" => numbers()? != Ordering::Equal,
        b"-lt" => numbers()? == Ordering::Less,
        b"-le" => numbers()? != Ordering::Greater,
        b"-gt" => numbers()? == Ordering::Greater,
        b"-ge" => numbers()? != Ordering::Less,
        b"-nt" => times().0 > times().1,
        b"-ot" => times().0 < times().1,
        _ => crate::remove::same_file(one, other),
    })
}
