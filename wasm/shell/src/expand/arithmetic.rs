//! Evaluation of arithmetic expressions. An expression whose expansions all yield plain integers is evaluated from its tree;
//! any other is expanded to text first and parsed again.

use tidepool_syntax::arithmetic::{
    ArithmeticError, Assign, Binary, BinaryOperator, Expression, Increment, OPERAND_MARK, Place, parse, parse_number,
};
use tidepool_syntax::ast::{Arithmetic, Compiled};

use crate::shell::{Flow, Shell};
use crate::variables::{Bytes, Value};

/// Variables whose values are expressions of variables whose values are expressions …
const MAXIMUM_DEPTH: u32 = 64;

struct Evaluation<'a> {
    operands: &'a [i64],
    depth: u32,
}

/// An error stops the evaluation; its message has been written when it is `Flow`'s.
enum Fault {
    At(ArithmeticError),
    Flow(crate::shell::Unwind),
}

impl From<crate::shell::Unwind> for Fault {
    fn from(unwind: crate::shell::Unwind) -> Fault {
        Fault::Flow(unwind)
    }
}

type Evaluated<T> = Result<T, Fault>;

impl Shell {
    pub fn evaluate(&mut self, arithmetic: &Arithmetic) -> Flow<i64> {
        if let Some(compiled) = &arithmetic.compiled {
            if compiled.operands.is_empty() {
                return self.run_expression(&compiled.expression, &compiled.source, &[], 0);
            }
            if let Some(value) = self.evaluate_compiled(compiled)? {
                return Ok(value);
            }
        }
        let text = self.expand_text(&arithmetic.text)?;
        self.evaluate_text(&text)
    }

    /// None when an operand is no plain integer. Commands in it run once: their text is then in the message's source.
    fn evaluate_compiled(&mut self, compiled: &Compiled) -> Flow<Option<i64>> {
        let mut texts = Vec::with_capacity(compiled.operands.len());
        for part in &compiled.operands {
            texts.push(self.expand_parts_as(std::slice::from_ref(part), super::Mode::Text)?);
        }
        let values: Option<Vec<i64>> = texts.iter().map(|text| is_decimal(text)).collect();
        match values {
            Some(values) => {
                let source = fill(&compiled.source, &texts);
                let positions_hold = source.len() == compiled.source.len();
                if positions_hold || !may_fail(&compiled.expression) {
                    return self.run_expression(&compiled.expression, &source, &values, 0).map(Some);
                }
                self.evaluate_text(&source).map(Some)
            }
            None => {
                let source = fill(&compiled.source, &texts);
                self.evaluate_text(&source).map(Some)
            }
        }
    }

    pub fn evaluate_text(&mut self, text: &[u8]) -> Flow<i64> {
        self.evaluate_nested(text, 0)
    }

    fn evaluate_nested(&mut self, text: &[u8], depth: u32) -> Flow<i64> {
        if let Some(value) = is_decimal(text) {
            return Ok(value);
        }
        match parse(text) {
            Ok(expression) => self.run_expression(&expression, text, &[], depth),
            Err(error) => self.arithmetic_error(text, &error),
        }
    }

    fn run_expression(&mut self, expression: &Expression, source: &[u8], operands: &[i64], depth: u32) -> Flow<i64> {
        let evaluation = Evaluation { operands, depth };
        match self.value_of(expression, &evaluation) {
            Ok(value) => Ok(value),
            Err(Fault::Flow(unwind)) => Err(unwind),
            Err(Fault::At(error)) => self.arithmetic_error(source, &error),
        }
    }

    fn arithmetic_error<T>(&mut self, source: &[u8], error: &ArithmeticError) -> Flow<T> {
        let shown = source.trim_ascii_start();
        let token = source.get(error.at..).unwrap_or_default();
        self.abort(
            &[self.arithmetic_speaker, shown, b": ", error.message.as_bytes(), b" (error token is \"", token, b"\")"].concat(),
        )
    }

    fn value_of(&mut self, expression: &Expression, on: &Evaluation<'_>) -> Evaluated<i64> {
        Ok(match expression {
            Expression::Number(value) => *value,
            Expression::Operand(number) => on.operands.get(*number).copied().unwrap_or(0),
            Expression::Variable(place) => self.read_place(place, on)?,
            Expression::Negate(inner) => self.value_of(inner, on)?.wrapping_neg(),
            Expression::Not(inner) => i64::from(self.value_of(inner, on)? == 0),
            Expression::Complement(inner) => !self.value_of(inner, on)?,
            Expression::Binary(binary) => self.binary(binary, on)?,
            Expression::And(both) => i64::from(self.value_of(&both.0, on)? != 0 && self.value_of(&both.1, on)? != 0),
            Expression::Or(both) => i64::from(self.value_of(&both.0, on)? != 0 || self.value_of(&both.1, on)? != 0),
            Expression::Conditional(three) => {
                let chosen = if self.value_of(&three.0, on)? != 0 { &three.1 } else { &three.2 };
                self.value_of(chosen, on)?
            }
            Expression::Assign(assign) => self.assign_place(assign, on)?,
            Expression::Increment(increment) => self.increment(increment, on)?,
            Expression::Comma(both) => {
                self.value_of(&both.0, on)?;
                self.value_of(&both.1, on)?
            }
        })
    }

    fn binary(&mut self, binary: &Binary, on: &Evaluation<'_>) -> Evaluated<i64> {
        let left = self.value_of(&binary.left, on)?;
        let right = self.value_of(&binary.right, on)?;
        operate(binary.operator, left, right).map_err(|message| Fault::At(ArithmeticError { message, at: binary.right_at }))
    }

    fn increment(&mut self, increment: &Increment, on: &Evaluation<'_>) -> Evaluated<i64> {
        let old = self.read_place(&increment.place, on)?;
        let new = old.wrapping_add(increment.by);
        self.write_place(&increment.place, new, on)?;
        Ok(if increment.prefix { new } else { old })
    }

    fn assign_place(&mut self, assign: &Assign, on: &Evaluation<'_>) -> Evaluated<i64> {
        let value = match assign.operator {
            None => self.value_of(&assign.value, on)?,
            Some(operator) => {
                let left = self.read_place(&assign.place, on)?;
                let right = self.value_of(&assign.value, on)?;
                operate(operator, left, right).map_err(|message| Fault::At(ArithmeticError { message, at: assign.value_at }))?
            }
        };
        self.write_place(&assign.place, value, on)?;
        Ok(value)
    }

    fn read_place(&mut self, place: &Place, on: &Evaluation<'_>) -> Evaluated<i64> {
        let name = self.resolve(place.name);
        if place.element.is_none()
            && let Some(text) = self.variables.scalar(name)
            && let Some(value) = is_decimal(text)
        {
            return Ok(value);
        }
        let text = match &place.element {
            None => self.variable_text(name)?,
            Some(_) => {
                let key = self.element_key(place, on)?;
                self.element_text(name, &key)
            }
        };
        let Some(text) = text else {
            if self.options.nounset && place.element.is_none() {
                let status = if self.is_command_string { 127 } else { 1 };
                return Ok(self.fatal(&[&name.text()[..], b": unbound variable"].concat(), status)?);
            }
            return Ok(0);
        };
        if on.depth >= MAXIMUM_DEPTH {
            return Err(Fault::At(ArithmeticError { message: "expression recursion level exceeded", at: 0 }));
        }
        Ok(self.evaluate_nested(&text, on.depth + 1)?)
    }

    fn write_place(&mut self, place: &Place, value: i64, on: &Evaluation<'_>) -> Evaluated<()> {
        let mut digits = [0; 20];
        let text = format_number(value, &mut digits);
        let assigned = if place.element.is_some() {
            let key = self.element_key(place, on)?;
            self.assign_element(place.name, &key, text, false)?
        } else {
            self.assign(place.name, text)?
        };
        if assigned { Ok(()) } else { Err(Fault::Flow(self.readonly_abort())) }
    }

    fn readonly_abort(&mut self) -> crate::shell::Unwind {
        self.status = 1;
        crate::shell::Unwind::Abort
    }

    /// The key, or the index as text.
    fn element_key(&mut self, place: &Place, on: &Evaluation<'_>) -> Evaluated<Bytes> {
        let Some(element) = &place.element else {
            return Ok(b"0".to_vec());
        };
        let name = self.resolve(place.name);
        let is_keyed = self.variables.get(name).is_some_and(|variable| matches!(variable.value, Value::Associative(_)));
        match &element.index {
            Some(index) if !is_keyed => {
                let inner = Evaluation { operands: on.operands, depth: on.depth };
                Ok(self.value_of(index, &inner)?.to_string().into_bytes())
            }
            _ if is_keyed => Ok(element.key.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\'')).collect()),
            _ => Ok(self.evaluate_nested(&element.key, on.depth + 1)?.to_string().into_bytes()),
        }
    }
}

/// Whether the expression can fail with a message that quotes its source.
fn may_fail(expression: &Expression) -> bool {
    match expression {
        Expression::Number(_) | Expression::Operand(_) => false,
        Expression::Variable(place) => place.element.is_some(),
        Expression::Negate(inner) | Expression::Not(inner) | Expression::Complement(inner) => may_fail(inner),
        Expression::Binary(binary) => {
            matches!(binary.operator, BinaryOperator::Divide | BinaryOperator::Remainder | BinaryOperator::Power)
                || may_fail(&binary.left)
                || may_fail(&binary.right)
        }
        Expression::And(both) | Expression::Or(both) | Expression::Comma(both) => may_fail(&both.0) || may_fail(&both.1),
        Expression::Conditional(three) => may_fail(&three.0) || may_fail(&three.1) || may_fail(&three.2),
        Expression::Assign(_) | Expression::Increment(_) => true,
    }
}

/// The source with each mark replaced by its operand's text.
fn fill(source: &[u8], operands: &[Bytes]) -> Bytes {
    let mut text = Vec::with_capacity(source.len());
    let mut next = operands.iter();
    for byte in source {
        match byte {
            &OPERAND_MARK => text.extend_from_slice(next.next().map_or(b"", Vec::as_slice)),
            byte => text.push(*byte),
        }
    }
    text
}

fn operate(operator: BinaryOperator, left: i64, right: i64) -> Result<i64, &'static str> {
    use BinaryOperator::*;
    Ok(match operator {
        Multiply => left.wrapping_mul(right),
        Divide | Remainder if right == 0 => return Err("division by 0"),
        Divide => left.wrapping_div(right),
        Remainder => left.wrapping_rem(right),
        Power if right < 0 => return Err("exponent less than 0"),
        Power => power(left, right),
        Add => left.wrapping_add(right),
        Subtract => left.wrapping_sub(right),
        ShiftLeft => left.wrapping_shl(right as u32),
        ShiftRight => left.wrapping_shr(right as u32),
        Less => i64::from(left < right),
        LessEqual => i64::from(left <= right),
        Greater => i64::from(left > right),
        GreaterEqual => i64::from(left >= right),
        Equal => i64::from(left == right),
        NotEqual => i64::from(left != right),
        BitAnd => left & right,
        BitXor => left ^ right,
        BitOr => left | right,
    })
}

fn power(base: i64, exponent: i64) -> i64 {
    let (mut result, mut base, mut exponent) = (1i64, base, exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

/// The value of a text that is a plain integer (blanks around it allowed, no octal or other base).
pub fn is_decimal(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let digits = match text {
        [b'-', rest @ ..] => rest,
        rest => rest,
    };
    match digits {
        [] => return None,
        [b'0', _, ..] => return None,
        _ if digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) => {
            return if digits.iter().all(u8::is_ascii_digit) && digits.len() == text.len() {
                parse_number(digits).ok()
            } else {
                None
            };
        }
        _ => {}
    }
    let value = digits.iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(if digits.len() == text.len() { value } else { -value })
}

/// A number's decimal digits, without an allocation.
pub fn format_number(value: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}
