//! `[[ … ]]`, and the file tests that it shares with `test`.

use tidepool_syntax::ast::{Condition, ConditionOperator, Word};
use tidepool_system::{Access, Fd, Stat, access, is_tty, lstat, stat};

use crate::shell::{Flow, Shell, Unwind};
use crate::variables::Bytes;

impl Shell {
    pub(super) fn run_condition(&mut self, condition: &Condition, line: u32) -> Flow {
        self.line = line;
        match self.holds(condition) {
            Ok(holds) => self.status = i32::from(!holds),
            Err(Unwind::Abort) if self.condition_failed => {
                self.condition_failed = false;
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn holds(&mut self, condition: &Condition) -> Flow<bool> {
        Ok(match condition {
            Condition::NotEmpty(word) => {
                let text = self.expand_text(word)?;
                self.trace_condition(&[b"-n", &self.traced(&text)]);
                !text.is_empty()
            }
            Condition::Unary(letter, word) => {
                let text = self.expand_text(word)?;
                self.trace_condition(&[&[b'-', *letter], &self.traced(&text)]);
                self.unary_test(*letter, &text)?
            }
            Condition::Binary(operator, left, right) => self.compare(*operator, left, right)?,
            Condition::Not(inner) => !self.holds(inner)?,
            Condition::And(left, right) => self.holds(left)? && self.holds(right)?,
            Condition::Or(left, right) => self.holds(left)? || self.holds(right)?,
            Condition::Nested(inner) => self.holds(inner)?,
        })
    }

    fn traced(&self, text: &[u8]) -> Bytes {
        if text.is_empty() { b"''".to_vec() } else { text.to_vec() }
    }

    fn trace_condition(&mut self, words: &[&[u8]]) {
        if self.options.xtrace {
            self.trace(&[b"[[ ", &words.join(&b' ')[..], b" ]]"].concat());
        }
    }

    fn compare(&mut self, operator: ConditionOperator, left: &Word, right: &Word) -> Flow<bool> {
        use ConditionOperator::*;
        let text = self.expand_text(left)?;
        if self.options.xtrace {
            let shown = self.expand_pattern(right)?;
            let name = tidepool_syntax::print::condition_operator(operator);
            let left = self.traced(&text);
            self.trace_condition(&[&left, name.as_bytes(), &shown]);
        }
        match operator {
            Match | NotMatch => {
                let pattern = self.expand_pattern(right)?;
                let matches = crate::expand::pattern::Pattern::new(&pattern, true, self.shopts.nocasematch).matches(&text);
                Ok(matches == (operator == Match))
            }
            Regex => {
                let regex = self.expand_regex(right)?;
                self.match_regex(&text, &regex)
            }
            Before | After => {
                let other = self.expand_text(right)?;
                Ok(if operator == Before { text < other } else { text > other })
            }
            NewerThan | OlderThan | SameFile => {
                let other = self.expand_text(right)?;
                Ok(compare_files(operator, &text, &other))
            }
            Equal | NotEqual | LessThan | LessEqual | GreaterThan | GreaterEqual => {
                let other = self.expand_text(right)?;
                self.arithmetic_speaker = b"[[: ";
                let values = self.evaluate_text(&text).and_then(|left| Ok((left, self.evaluate_text(&other)?)));
                self.arithmetic_speaker = b"";
                let (left, right) = values.inspect_err(|_| self.condition_failed = true)?;
                Ok(compare_numbers(operator, left, right))
            }
        }
    }

    fn match_regex(&mut self, text: &[u8], regex: &[u8]) -> Flow<bool> {
        match crate::regex::find(regex, text, self.shopts.nocasematch) {
            Ok(groups) => {
                let matched = groups.is_some();
                let values = groups.unwrap_or_default();
                let name = self.names.rematch;
                self.set_list(name, values);
                Ok(matched)
            }
            Err(crate::regex::BadExpression) => {
                self.status = 2;
                self.condition_failed = true;
                Err(Unwind::Abort)
            }
        }
    }

    /// `-f file`, `-n text`, `-v name`, `-o option` …
    pub fn unary_test(&mut self, letter: u8, text: &[u8]) -> Flow<bool> {
        Ok(match letter {
            b'n' => !text.is_empty(),
            b'z' => text.is_empty(),
            b'v' => self.is_set(text)?,
            b'R' => {
                let name = tidepool_syntax::Name::new(text);
                self.variables.get(name).is_some_and(|variable| variable.attributes.reference)
            }
            b'o' => crate::options::by_name(text).is_some_and(|row| (row.get)(&self.options)),
            b't' => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).is_some_and(|fd| is_tty(Fd(fd))),
            letter => file_test(letter, text),
        })
    }

    /// Whether a name, an element `a[i]`, or `a[@]` has a value.
    pub fn is_set(&mut self, text: &[u8]) -> Flow<bool> {
        if let Some(number) = crate::expand::is_decimal(text) {
            return Ok(usize::try_from(number).is_ok_and(|number| number == 0 || number <= self.positional.len()));
        }
        let Some(open) = text.iter().position(|byte| *byte == b'[').filter(|_| text.last() == Some(&b']')) else {
            return Ok(self.variable_text(tidepool_syntax::Name::new(text))?.is_some());
        };
        let name = tidepool_syntax::Name::new(text.get(..open).unwrap_or_default());
        let key = text.get(open + 1..text.len() - 1).unwrap_or_default();
        if matches!(key, b"@" | b"*") {
            return Ok(!self.elements(name).is_empty());
        }
        let key = self.key_of_text(name, key)?;
        Ok(self.element_text(name, &key).is_some())
    }
}

fn file_test(letter: u8, path: &[u8]) -> bool {
    if path.is_empty() {
        return false;
    }
    let is = |kind: u32| stat(path).is_ok_and(|stat| stat.kind() == kind);
    let mode = |bit: u32| stat(path).is_ok_and(|stat| stat.mode & bit != 0);
    match letter {
        b'a' | b'e' => stat(path).is_ok(),
        b'b' => is(Stat::BLOCK),
        b'c' => is(Stat::CHAR),
        b'd' => is(Stat::DIR),
        b'f' => is(Stat::FILE),
        b'g' => mode(0o2000),
        b'h' | b'L' => lstat(path).is_ok_and(|stat| stat.is_symlink()),
        b'k' => mode(0o1000),
        b'p' => is(Stat::FIFO),
        b'r' => access(path, Access::Read).is_ok(),
        b's' => stat(path).is_ok_and(|stat| stat.size > 0),
        b'u' => mode(0o4000),
        b'w' => access(path, Access::Write).is_ok(),
        b'x' => access(path, Access::Execute).is_ok(),
        b'G' | b'O' => stat(path).is_ok(),
        b'N' => {
            stat(path).is_ok_and(|stat| (stat.mtime.seconds, stat.mtime.nanoseconds) > (stat.atime.seconds, stat.atime.nanoseconds))
        }
        b'S' => is(Stat::SOCKET),
        _ => false,
    }
}

pub fn compare_files(operator: ConditionOperator, left: &[u8], right: &[u8]) -> bool {
    let (left, right) = (stat(left).ok(), stat(right).ok());
    let time = |stat: &Stat| (stat.mtime.seconds, stat.mtime.nanoseconds);
    match (operator, left, right) {
        (ConditionOperator::SameFile, Some(left), Some(right)) => (left.dev, left.ino) == (right.dev, right.ino),
        (ConditionOperator::NewerThan, Some(left), Some(right)) => time(&left) > time(&right),
        (ConditionOperator::NewerThan, Some(_), None) => true,
        (ConditionOperator::OlderThan, Some(left), Some(right)) => time(&left) < time(&right),
        (ConditionOperator::OlderThan, None, Some(_)) => true,
        _ => false,
    }
}

pub fn compare_numbers(operator: ConditionOperator, left: i64, right: i64) -> bool {
    match operator {
        ConditionOperator::Equal => left == right,
        ConditionOperator::NotEqual => left != right,
        ConditionOperator::LessThan => left < right,
        ConditionOperator::LessEqual => left <= right,
        ConditionOperator::GreaterThan => left > right,
        _ => left >= right,
    }
}
