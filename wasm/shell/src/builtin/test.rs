//! test and [

use tidepool_syntax::ast::ConditionOperator;

use super::Call;
use super::number::integer;
use crate::execute::condition::{compare_files, compare_numbers};
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn bracket(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    match call.operands().split_last() {
        Some((last, operands)) if last == b"]" => evaluate(shell, call.name(), operands),
        _ => {
            shell.complain(b"[: missing `]'");
            Ok(2)
        }
    }
}

pub fn test(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    evaluate(shell, call.name(), call.operands())
}

/// What is wrong with the expression; its message is complete but for the name.
struct Fault(Bytes);

enum Problem {
    Fault(Fault),
    Flow(crate::shell::Unwind),
}

impl From<crate::shell::Unwind> for Problem {
    fn from(unwind: crate::shell::Unwind) -> Problem {
        Problem::Flow(unwind)
    }
}

type Tested = Result<bool, Problem>;

fn fault<T>(text: &[u8]) -> Result<T, Problem> {
    Err(Problem::Fault(Fault(text.to_vec())))
}

fn evaluate(shell: &mut Shell, name: &[u8], operands: &[Bytes]) -> Flow<i32> {
    match by_count(shell, operands) {
        Ok(holds) => Ok(i32::from(!holds)),
        Err(Problem::Fault(Fault(text))) => {
            shell.complain(&[name, b": ", &text].concat());
            Ok(2)
        }
        Err(Problem::Flow(unwind)) => Err(unwind),
    }
}

/// POSIX's rules by the number of arguments.
fn by_count(shell: &mut Shell, operands: &[Bytes]) -> Tested {
    match operands {
        [] => Ok(false),
        [one] => Ok(!one.is_empty()),
        [not, one] if not == b"!" => Ok(one.is_empty()),
        [operator, operand] => match unary_letter(operator) {
            Some(letter) => Ok(shell.unary_test(letter, operand)?),
            None => fault(&[&operator[..], b": unary operator expected"].concat()),
        },
        [left, operator, right] => three(shell, left, operator, right),
        [not, rest @ ..] if not == b"!" && rest.len() == 3 => Ok(!by_count(shell, rest)?),
        [open, middle @ .., close] if operands.len() == 4 && open == b"(" && close == b")" => by_count(shell, middle),
        _ => {
            let mut reader = Reader { operands, at: 0 };
            let holds = reader.or(shell)?;
            if reader.at < operands.len() {
                return fault(b"too many arguments");
            }
            Ok(holds)
        }
    }
}

fn three(shell: &mut Shell, left: &Bytes, operator: &Bytes, right: &Bytes) -> Tested {
    if is_binary(operator) {
        return binary(left, operator, right);
    }
    match operator.as_slice() {
        b"-a" => Ok(!left.is_empty() && !right.is_empty()),
        b"-o" => Ok(!left.is_empty() || !right.is_empty()),
        _ if left == b"!" => Ok(!by_count(shell, &[operator.clone(), right.clone()])?),
        _ if left == b"(" && right == b")" => Ok(!operator.is_empty()),
        _ => fault(&[&operator[..], b": binary operator expected"].concat()),
    }
}

fn unary_letter(operator: &[u8]) -> Option<u8> {
    match operator {
        [b'-', letter] if b"abcdefghknoprstuvwxzGLNORS".contains(letter) => Some(*letter),
        _ => None,
    }
}

fn number_operator(operator: &[u8]) -> Option<ConditionOperator> {
    Some(match operator {
        b"-eq" => ConditionOperator::Equal,
        b"-ne" => ConditionOperator::NotEqual,
        b"-lt" => ConditionOperator::LessThan,
        b"-le" => ConditionOperator::LessEqual,
        b"-gt" => ConditionOperator::GreaterThan,
        b"-ge" => ConditionOperator::GreaterEqual,
        _ => return None,
    })
}

fn file_operator(operator: &[u8]) -> Option<ConditionOperator> {
    Some(match operator {
        b"-nt" => ConditionOperator::NewerThan,
        b"-ot" => ConditionOperator::OlderThan,
        b"-ef" => ConditionOperator::SameFile,
        _ => return None,
    })
}

fn is_binary(operator: &[u8]) -> bool {
    matches!(operator, b"=" | b"==" | b"!=" | b"<" | b">")
        || number_operator(operator).is_some()
        || file_operator(operator).is_some()
}

fn binary(left: &[u8], operator: &[u8], right: &[u8]) -> Tested {
    if let Some(operator) = number_operator(operator) {
        return Ok(compare_numbers(operator, number(left)?, number(right)?));
    }
    if let Some(operator) = file_operator(operator) {
        return Ok(compare_files(operator, left, right));
    }
    Ok(match operator {
        b"!=" => left != right,
        b"<" => left < right,
        b">" => left > right,
        _ => left == right,
    })
}

fn number(text: &[u8]) -> Result<i64, Problem> {
    match integer(text) {
        Some(value) => Ok(value),
        None => fault(&[text, b": integer expression expected"].concat()),
    }
}

/// More than four arguments: `-o` over `-a` over `!` over primaries.
struct Reader<'a> {
    operands: &'a [Bytes],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self, distance: usize) -> Option<&Bytes> {
        self.operands.get(self.at + distance)
    }

    fn takes(&mut self, text: &[u8]) -> bool {
        let found = self.peek(0).is_some_and(|operand| operand == text);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self, shell: &mut Shell) -> Tested {
        let mut holds = self.and(shell)?;
        while self.takes(b"-o") {
            holds |= self.and(shell)?;
        }
        Ok(holds)
    }

    fn and(&mut self, shell: &mut Shell) -> Tested {
        let mut holds = self.term(shell)?;
        while self.takes(b"-a") {
            holds &= self.term(shell)?;
        }
        Ok(holds)
    }

    fn term(&mut self, shell: &mut Shell) -> Tested {
        let Some(first) = self.peek(0).cloned() else {
            return fault(b"argument expected");
        };
        let second = self.peek(1).cloned();
        if let (Some(operator), Some(right)) = (&second, self.peek(2).cloned())
            && is_binary(operator)
        {
            self.at += 3;
            return binary(&first, operator, &right);
        }
        if first == b"!" {
            self.at += 1;
            return Ok(!self.term(shell)?);
        }
        if first == b"(" {
            self.at += 1;
            let holds = self.or(shell)?;
            if !self.takes(b")") {
                return fault(b"`)' expected");
            }
            return Ok(holds);
        }
        if let (Some(letter), Some(operand)) = (unary_letter(&first), &second) {
            self.at += 2;
            return Ok(shell.unary_test(letter, operand)?);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }
}
