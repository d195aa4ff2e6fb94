//! The operations of `${…}` on what a parameter holds.

use tidepool_syntax::Name;
use tidepool_syntax::ast::{Operation, Parameter, Subscript, Target, Word};

use super::Mode;
use super::fields::Fields;
use super::lookup::Found;
use super::transform::{change_case, character_count, remove_prefix, remove_suffix, replace, substring, transform};
use crate::shell::{Flow, Shell};
use crate::variables::{Bytes, Value};

impl Shell {
    pub(super) fn expand_parameter(&mut self, parameter: &Parameter, quoted: bool, fields: &mut Fields) -> Flow {
        match &parameter.operation {
            // An unknown transformation ends the shell.
            Operation::Bad if parameter.text.contains(&b'@') => {
                return self.fatal(&[&parameter.text[..], b": bad substitution"].concat(), 127);
            }
            Operation::Bad => return self.abort(&[&parameter.text[..], b": bad substitution"].concat()),
            Operation::Length => return self.expand_length(parameter, quoted, fields),
            Operation::Names { separate } => {
                let values = self.names_with(parameter);
                return self.put_many(values, !separate, quoted, fields);
            }
            Operation::Keys => {
                if let Target::Variable(name) = parameter.target {
                    let values = self.keys(name);
                    let joined = matches!(parameter.subscript, Some(Subscript::Joined));
                    return self.put_many(values, joined, quoted, fields);
                }
            }
            _ => {}
        }
        let found = if parameter.indirect {
            self.find_indirect(parameter)?
        } else {
            self.find(parameter.target, parameter.subscript.as_ref())?
        };
        self.apply_operation(parameter, found, quoted, fields)
    }

    fn apply_operation(&mut self, parameter: &Parameter, found: Found, quoted: bool, fields: &mut Fields) -> Flow {
        let is_null = |found: &Found, colon: bool| match found {
            Found::Unset => true,
            Found::One(text) => colon && text.is_empty(),
            Found::Many { values, .. } => {
                values.is_empty() || (colon && values.len() == 1 && values.first().is_some_and(Vec::is_empty))
            }
        };
        match &parameter.operation {
            Operation::Default { colon, word } if is_null(&found, *colon) => self.expand_word_in_place(word, quoted, fields),
            Operation::Alternative { colon, word } if !is_null(&found, *colon) => self.expand_word_in_place(word, quoted, fields),
            Operation::Alternative { .. } => Ok(()),
            Operation::Assign { colon, word } if is_null(&found, *colon) => {
                let text = self.assign_default(parameter, word)?;
                super::put(fields, &text, quoted);
                Ok(())
            }
            Operation::Error { colon, word } if is_null(&found, *colon) => self.parameter_error(parameter, *colon, word),
            Operation::Substring { offset, length } if matches!(found, Found::Many { .. }) => {
                let (offset, length) = (self.evaluate(offset)?, self.evaluate_length(length.as_deref())?);
                let (values, joined) = self.slice(parameter, found, offset, length)?;
                self.put_many(values, joined, quoted, fields)
            }
            Operation::Transform(letter) => self.expand_transform(parameter, *letter, found, quoted, fields),
            operation => {
                if matches!(found, Found::Unset) {
                    self.require_set(&shown_target(parameter))?;
                    return Ok(());
                }
                let operator = self.prepare(operation)?;
                match found {
                    Found::Unset => Ok(()),
                    Found::One(text) => {
                        let text = self.operate(&operator, text)?;
                        super::put(fields, &text, quoted);
                        Ok(())
                    }
                    Found::Many { values, joined } => {
                        let values = values.into_iter().map(|text| self.operate(&operator, text)).collect::<Flow<Vec<_>>>()?;
                        self.put_many(values, joined, quoted, fields)
                    }
                }
            }
        }
    }

    fn evaluate_length(&mut self, length: Option<&tidepool_syntax::ast::Arithmetic>) -> Flow<Option<i64>> {
        length.map(|length| self.evaluate(length)).transpose()
    }

    /// A word inside `${x-word}` keeps its own quotes; the rest is quoted as the whole is.
    fn expand_word_in_place(&mut self, word: &Word, quoted: bool, fields: &mut Fields) -> Flow {
        for part in &word.parts {
            match part {
                tidepool_syntax::ast::Part::Literal(text) if !quoted && fields.mode() == Mode::Fields => fields.expanded(text),
                part => self.expand_part(part, quoted, fields)?,
            }
        }
        Ok(())
    }

    fn assign_default(&mut self, parameter: &Parameter, word: &Word) -> Flow<Bytes> {
        let text = self.expand_text(word)?;
        let Target::Variable(name) = parameter.target else {
            return self.abort(&[b"$", &shown_target(parameter)[..], b": cannot assign in this way"].concat());
        };
        let assigned = match &parameter.subscript {
            None => self.assign(name, &text)?,
            Some(subscript) => {
                let key = self.subscript_key(name, subscript)?;
                self.assign_element(name, &key, &text, false)?
            }
        };
        if !assigned {
            self.status = 1;
            return Err(crate::shell::Unwind::Abort);
        }
        Ok(self.variable_text(name)?.filter(|_| parameter.subscript.is_none()).unwrap_or(text))
    }

    fn parameter_error(&mut self, parameter: &Parameter, colon: bool, word: &Word) -> Flow {
        let mut text = self.expand_text(word)?;
        if text.is_empty() {
            text = if colon { b"parameter null or not set".to_vec() } else { b"parameter not set".to_vec() };
        }
        let status = if self.is_command_string { 127 } else { 1 };
        self.fatal(&[&shown_target(parameter)[..], b": ", &text].concat(), status)
    }

    fn expand_length(&mut self, parameter: &Parameter, quoted: bool, fields: &mut Fields) -> Flow {
        let found = match parameter.target {
            Target::Special(b'@' | b'*') => return self.put_number(self.positional.len(), quoted, fields),
            target => self.find(target, parameter.subscript.as_ref())?,
        };
        let length = match found {
            Found::Unset => {
                self.require_set(&shown_target(parameter))?;
                0
            }
            Found::One(text) => character_count(&text),
            Found::Many { values, .. } => values.len(),
        };
        self.put_number(length, quoted, fields)
    }

    fn put_number(&mut self, number: usize, quoted: bool, fields: &mut Fields) -> Flow {
        super::put(fields, number.to_string().as_bytes(), quoted);
        Ok(())
    }

    fn names_with(&self, parameter: &Parameter) -> Vec<Bytes> {
        let Target::Variable(prefix) = parameter.target else {
            return Vec::new();
        };
        let prefix = prefix.text();
        let names = self.variables.sorted().into_iter().filter(|(_, variable)| variable.value != Value::Unset);
        names.map(|(name, _)| name.text().to_vec()).filter(|name| name.starts_with(&prefix)).collect()
    }

    /// `${@:o:l}` and `${a[@]:o:l}`.
    fn slice(&mut self, parameter: &Parameter, found: Found, offset: i64, length: Option<i64>) -> Flow<(Vec<Bytes>, bool)> {
        let Found::Many { values, joined } = found else {
            return Ok((Vec::new(), false));
        };
        let all = match parameter.target {
            Target::Variable(name) => self.indexed_from(name, values, offset),
            _ => {
                // `$0` is element 0 of `$@` here.
                let mut all = vec![self.name0.clone()];
                all.extend(values);
                from_offset(all, offset)
            }
        };
        let count = match length {
            None => all.len(),
            Some(length) if length < 0 => {
                return self.abort(&[length.to_string().as_bytes(), b": substring expression < 0"].concat());
            }
            Some(length) => length as usize,
        };
        Ok((all.into_iter().take(count).collect(), joined))
    }

    /// The elements from index `offset` on; a negative one counts from the end.
    fn indexed_from(&self, name: Name, values: Vec<Bytes>, offset: i64) -> Vec<Bytes> {
        let name = self.resolve(name);
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Indexed(elements)) => {
                let start = if offset < 0 { offset + self.array_end(name) as i64 } else { offset };
                if start < 0 {
                    return Vec::new();
                }
                elements.range(start as u64..).map(|(_, value)| value.clone()).collect()
            }
            _ => from_offset(values, offset),
        }
    }

    /// Elements into fields: apart, or joined with the first character of IFS.
    fn put_many(&mut self, values: Vec<Bytes>, joined: bool, quoted: bool, fields: &mut Fields) -> Flow {
        if quoted && !joined {
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    fields.quoted_boundary();
                }
                fields.quoted(value);
            }
            return Ok(());
        }
        let single = fields.mode() != Mode::Fields;
        if quoted || (single && joined) {
            let ifs = self.ifs();
            let separator = ifs.first().map(std::slice::from_ref).unwrap_or_default();
            let text = values.join(separator);
            super::put(fields, &text, quoted);
            return Ok(());
        }
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                fields.boundary();
            }
            fields.expanded(value);
        }
        Ok(())
    }

    fn expand_transform(&mut self, parameter: &Parameter, letter: u8, found: Found, quoted: bool, fields: &mut Fields) -> Flow {
        if matches!(letter, b'a' | b'A' | b'K' | b'k')
            && let Target::Variable(name) = parameter.target
        {
            let is_many = matches!(found, Found::Many { .. });
            let text = self.describe(name, letter, is_many, found);
            super::put(fields, &text, quoted);
            return Ok(());
        }
        match found {
            Found::Unset => self.require_set(&shown_target(parameter)),
            Found::One(text) => {
                super::put(fields, &transform(letter, &text), quoted);
                Ok(())
            }
            Found::Many { values, joined } => {
                let values = values.iter().map(|text| transform(letter, text)).collect();
                self.put_many(values, joined, quoted, fields)
            }
        }
    }

    /// `${x@a}`, `${x@A}`, `${a[@]@K}`.
    fn describe(&mut self, name: Name, letter: u8, many: bool, found: Found) -> Bytes {
        let name = self.resolve(name);
        match (letter, found) {
            (b'a', _) => self.variables.get(name).map(crate::builtin::attribute_letters).unwrap_or_default(),
            (b'A', Found::Unset) => Vec::new(),
            (b'A', found) => crate::builtin::declaration(self, name, many || matches!(found, Found::Many { .. })),
            (_, Found::Many { .. }) => {
                let pairs = self.keys(name).into_iter().zip(self.elements(name));
                let shown: Vec<Bytes> =
                    pairs.map(|(key, value)| [&key[..], b" ", &super::quote_for_reuse_double(&value)].concat()).collect();
                let end: &[u8] = if self.is_keyed(name) { b" " } else { b"" };
                [&shown.join(&b' ')[..], end].concat()
            }
            (_, Found::One(text)) => super::quote_for_reuse(&text),
            _ => Vec::new(),
        }
    }
}

/// An operation with its words expanded, ready to be applied to each element.
enum Operator {
    Keep,
    RemovePrefix(super::pattern::Pattern, bool),
    RemoveSuffix(super::pattern::Pattern, bool),
    Replace(tidepool_syntax::ast::ReplacePlace, super::pattern::Pattern, Vec<super::transform::Piece>),
    Case(tidepool_syntax::ast::CaseChange, bool, Option<super::pattern::Pattern>),
    Substring(i64, Option<i64>),
}

impl Shell {
    pub fn pattern(&self, text: &[u8], ignore_case: bool) -> super::pattern::Pattern {
        super::pattern::Pattern::new(text, self.shopts.extglob, ignore_case)
    }

    fn prepare(&mut self, operation: &Operation) -> Flow<Operator> {
        Ok(match operation {
            Operation::RemovePrefix { longest, pattern } => {
                let text = self.expand_pattern(pattern)?;
                Operator::RemovePrefix(self.pattern(&text, false), *longest)
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let text = self.expand_pattern(pattern)?;
                Operator::RemoveSuffix(self.pattern(&text, false), *longest)
            }
            Operation::Replace { place, pattern, replacement } => {
                let text = self.expand_pattern(pattern)?;
                let pieces = match replacement {
                    Some(word) => self.expand_replacement(word)?,
                    None => Vec::new(),
                };
                Operator::Replace(*place, self.pattern(&text, self.shopts.nocasematch), pieces)
            }
            Operation::ChangeCase { change, all, pattern } => {
                let pattern = match pattern {
                    Some(word) => {
                        let text = self.expand_pattern(word)?;
                        Some(self.pattern(&text, false))
                    }
                    None => None,
                };
                Operator::Case(*change, *all, pattern)
            }
            Operation::Substring { offset, length } => {
                Operator::Substring(self.evaluate(offset)?, self.evaluate_length(length.as_deref())?)
            }
            _ => Operator::Keep,
        })
    }

    /// In a replacement an unquoted `&` is what was matched; quoted characters and `\&` are text.
    fn expand_replacement(&mut self, word: &Word) -> Flow<Vec<super::transform::Piece>> {
        let text = self.expand_parts_as(&word.parts, Mode::Replacement)?;
        Ok(super::transform::replacement_pieces(&text, self.shopts.patsub_replacement))
    }

    fn operate(&mut self, operator: &Operator, text: Bytes) -> Flow<Bytes> {
        Ok(match operator {
            Operator::Keep => text,
            Operator::RemovePrefix(pattern, longest) => remove_prefix(&text, pattern, *longest),
            Operator::RemoveSuffix(pattern, longest) => remove_suffix(&text, pattern, *longest),
            Operator::Replace(place, pattern, pieces) => replace(&text, *place, pattern, pieces),
            Operator::Case(change, all, pattern) => change_case(&text, *change, *all, pattern.as_ref()),
            Operator::Substring(offset, length) => match substring(&text, *offset, *length) {
                Some(piece) => piece,
                None => return self.abort(&[length.unwrap_or(0).to_string().as_bytes(), b": substring expression < 0"].concat()),
            },
        })
    }
}

fn from_offset(values: Vec<Bytes>, offset: i64) -> Vec<Bytes> {
    let start = if offset < 0 { offset + values.len() as i64 } else { offset };
    if start < 0 { Vec::new() } else { values.into_iter().skip(start as usize).collect() }
}

/// The parameter's name, for messages.
pub(super) fn shown_target(parameter: &Parameter) -> Bytes {
    let text = &parameter.text;
    let inner = text.strip_prefix(b"${").unwrap_or(text.strip_prefix(b"$").unwrap_or(text));
    let inner = inner.strip_prefix(b"#").filter(|rest| !rest.is_empty() && rest != b"}").unwrap_or(inner);
    let inner = inner.strip_prefix(b"!").filter(|_| parameter.indirect).unwrap_or(inner);
    let end = match parameter.target {
        Target::Variable(name) => {
            let mut end = name.text().len();
            if parameter.subscript.is_some()
                && let Some(close) = inner.iter().position(|byte| *byte == b']')
            {
                end = close + 1;
            }
            end
        }
        Target::Positional(number) => number.to_string().len(),
        Target::Special(_) => 1,
    };
    if !text.starts_with(b"${") && !matches!(parameter.target, Target::Variable(_)) {
        return text.to_vec();
    }
    inner.get(..end).unwrap_or(inner).to_vec()
}
