//! Word expansion in POSIX's order: braces, tilde, parameters, commands and arithmetic, splitting, file names, with the
//! quoting of each part kept throughout.

mod arithmetic;
mod brace;
mod fields;
mod glob;
mod lookup;
mod parameter;
pub mod pattern;
pub mod substitution;
mod tilde;
mod transform;

use tidepool_syntax::Name;
use tidepool_syntax::ast::{Operation, Parameter, Part, Subscript, Target, Word};

pub use arithmetic::{format_number, is_decimal};
pub use fields::Mode;
use fields::{Field, Fields};
pub use glob::glob;
pub use transform::{
    ansi_quote, quote_for_reuse, quote_for_reuse_double, quote_for_trace, quote_where_needed, quote_with_backslashes,
};

use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

impl Shell {
    /// Words to arguments.
    pub fn expand_words<'a>(&mut self, words: impl IntoIterator<Item = &'a Word>) -> Flow<Vec<Bytes>> {
        let mut arguments = Vec::new();
        for word in words {
            self.expand_word_into(word, &mut arguments)?;
        }
        Ok(arguments)
    }

    pub fn expand_word_into(&mut self, word: &Word, arguments: &mut Vec<Bytes>) -> Flow {
        // The common cases need no field machinery.
        if let [Part::Quoted(text)] = word.parts.as_slice() {
            arguments.push(text.to_vec());
            return Ok(());
        }
        if let [Part::Literal(text)] = word.parts.as_slice()
            && !word.braces
            && !may_match(text, true)
        {
            arguments.push(text.to_vec());
            return Ok(());
        }
        if word.braces && self.options.braceexpand {
            for word in brace::expand(word) {
                self.expand_unbraced(&word, arguments)?;
            }
            return Ok(());
        }
        self.expand_unbraced(word, arguments)
    }

    fn expand_unbraced(&mut self, word: &Word, arguments: &mut Vec<Bytes>) -> Flow {
        let mut fields = Fields::new(Mode::Fields, self.ifs(), !self.options.noglob);
        self.expand_parts(&word.parts, false, &mut fields)?;
        for field in fields.finish() {
            self.push_field(field, arguments)?;
        }
        Ok(())
    }

    fn push_field(&mut self, field: Field, arguments: &mut Vec<Bytes>) -> Flow {
        let Some(pattern) = field.pattern.filter(|_| field.magic) else {
            arguments.push(field.text);
            return Ok(());
        };
        if !may_match(&pattern, self.shopts.extglob) {
            arguments.push(field.text);
            return Ok(());
        }
        let names = glob(&pattern, &self.shopts);
        if !names.is_empty() {
            arguments.extend(names);
        } else if self.shopts.failglob {
            return self.abort(&[b"no match: ", &field.text[..]].concat());
        } else if !self.shopts.nullglob {
            arguments.push(field.text);
        }
        Ok(())
    }

    /// One text, neither split nor matched: assignments, `case`, here-strings.
    pub fn expand_text(&mut self, word: &Word) -> Flow<Bytes> {
        match word.parts.as_slice() {
            [] => Ok(Vec::new()),
            [Part::Literal(text) | Part::Quoted(text)] => Ok(text.to_vec()),
            parts => self.expand_parts_as(parts, Mode::Text),
        }
    }

    /// A pattern in which quoted characters stand for themselves.
    pub fn expand_pattern(&mut self, word: &Word) -> Flow<Bytes> {
        self.expand_parts_as(&word.parts, Mode::Pattern)
    }

    pub fn expand_regex(&mut self, word: &Word) -> Flow<Bytes> {
        self.expand_parts_as(&word.parts, Mode::Regex)
    }

    fn expand_parts_as(&mut self, parts: &[Part], mode: Mode) -> Flow<Bytes> {
        let mut fields = Fields::new(mode, Vec::new(), false);
        self.expand_parts(parts, false, &mut fields)?;
        Ok(fields.finish_text())
    }

    fn expand_parts(&mut self, parts: &[Part], quoted: bool, fields: &mut Fields) -> Flow {
        for part in parts {
            self.expand_part(part, quoted, fields)?;
        }
        Ok(())
    }

    fn expand_part(&mut self, part: &Part, quoted: bool, fields: &mut Fields) -> Flow {
        match part {
            Part::Literal(text) if quoted => fields.quoted(text),
            Part::Literal(text) => fields.literal(text),
            Part::Quoted(text) => fields.quoted(text),
            Part::DoubleQuoted(inner) => {
                if !self.vanishes(inner) {
                    fields.start();
                }
                self.expand_parts(inner, true, fields)?;
            }
            Part::Variable(name) => self.expand_variable(*name, quoted, fields)?,
            Part::Parameter(parameter) => self.expand_parameter(parameter, quoted, fields)?,
            Part::Command(substitution) => {
                let text = self.substitute_command(substitution)?;
                put(fields, &text, quoted);
            }
            Part::Arithmetic(arithmetic) => {
                let value = self.evaluate(arithmetic)?;
                let mut digits = [0; 20];
                put(fields, format_number(value, &mut digits), quoted);
            }
            Part::Process(substitution) => {
                let name = self.substitute_process(substitution)?;
                fields.quoted(&name);
            }
            Part::Tilde(user) => {
                let home = self.expand_tilde(user);
                fields.quoted(&home);
            }
        }
        Ok(())
    }

    fn expand_variable(&mut self, name: Name, quoted: bool, fields: &mut Fields) -> Flow {
        if let Some(variable) = self.variables.get(name)
            && !variable.attributes.reference
            && let Some(text) = variable.scalar()
        {
            put(fields, text, quoted);
            return Ok(());
        }
        match self.variable_text(name)? {
            Some(text) => put(fields, &text, quoted),
            None => self.require_set(&name.text())?,
        }
        Ok(())
    }

    /// `set -u`: an unset parameter ends the shell.
    fn require_set(&mut self, name: &[u8]) -> Flow {
        if !self.options.nounset {
            return Ok(());
        }
        let status = if self.is_command_string { 127 } else { 1 };
        self.fatal(&[name, b": unbound variable"].concat(), status)
    }

    /// Whether double quotes around these parts make no field: `"$@"` without parameters.
    fn vanishes(&self, inner: &[Part]) -> bool {
        let [Part::Parameter(parameter)] = inner else {
            return false;
        };
        match &**parameter {
            Parameter {
                target: Target::Special(b'@'),
                indirect: false,
                operation: Operation::None | Operation::Substring { .. },
                ..
            } => true,
            Parameter { subscript: Some(Subscript::All), .. } => true,
            Parameter { operation: Operation::Names { separate: true }, .. } => true,
            Parameter { target: Target::Special(b'@'), operation, .. } => !matches!(operation, Operation::Length),
            _ => false,
        }
    }
}

/// Whether a text is a pattern at all: a bracket needs its end.
fn may_match(text: &[u8], extended: bool) -> bool {
    let open = text.iter().position(|byte| *byte == b'[');
    text.iter().any(|byte| matches!(byte, b'*' | b'?') || (extended && *byte == b'('))
        || open.is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(&b']')))
}

fn put(fields: &mut Fields, text: &[u8], quoted: bool) {
    if quoted { fields.quoted(text) } else { fields.expanded(text) }
}
