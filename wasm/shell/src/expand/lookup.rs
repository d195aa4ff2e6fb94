//! What a parameter's value is: variables, elements, positional and special parameters, and those that the shell computes.

use std::collections::BTreeMap;

use tidepool_syntax::Name;
use tidepool_syntax::ast::{Operation, Parameter, Subscript, Target};

use super::parameter::shown_target;
use crate::shell::{Flow, Shell};
use crate::variables::{Bytes, Value};

/// What a parameter holds.
#[derive(Debug, Clone)]
pub enum Found {
    Unset,
    One(Bytes),
    /// `$@` and `a[@]`, or `$*` and `a[*]` when `joined`.
    Many {
        values: Vec<Bytes>,
        joined: bool,
    },
}

impl Shell {
    /// `$name`, computed where it is not stored.
    pub fn variable_text(&mut self, name: Name) -> Flow<Option<Bytes>> {
        let name = self.resolve_element(name)?;
        let name = match name {
            Resolved::Name(name) => name,
            Resolved::Element(text) => return Ok(text),
        };
        if let Some(text) = self.variables.scalar(name) {
            return Ok(Some(text.to_vec()));
        }
        if self.variables.get(name).is_some_and(|variable| variable.is_array()) {
            return Ok(None);
        }
        Ok(self.dynamic(name).or_else(|| self.dynamic_elements(name)?.remove(&0)))
    }

    /// A reference may name an array element: `declare -n r=a[1]`.
    fn resolve_element(&mut self, name: Name) -> Flow<Resolved> {
        let resolved = self.resolve(name);
        let text = resolved.text();
        if resolved != name
            && let Some(open) = text.iter().position(|byte| *byte == b'[')
            && text.last() == Some(&b']')
        {
            let base = Name::new(text.get(..open).unwrap_or_default());
            let key = text.get(open + 1..text.len() - 1).unwrap_or_default();
            let key = self.key_of_text(base, key)?;
            return Ok(Resolved::Element(self.element_text(base, &key)));
        }
        Ok(Resolved::Name(resolved))
    }

    /// The key for a subscript given as text: evaluated, unless the array is associative.
    pub fn key_of_text(&mut self, name: Name, text: &[u8]) -> Flow<Bytes> {
        let name = self.resolve(name);
        if self.is_keyed(name) {
            return Ok(text.to_vec());
        }
        let index = self.evaluate_text(text)?;
        self.index_key(name, index)
    }

    pub fn is_keyed(&self, name: Name) -> bool {
        self.variables.get(self.resolve(name)).is_some_and(|variable| matches!(variable.value, Value::Associative(_)))
    }

    /// The key that a subscript means for this variable; a negative index counts from the end.
    pub fn subscript_key(&mut self, name: Name, subscript: &Subscript) -> Flow<Bytes> {
        match subscript {
            Subscript::All => Ok(b"@".to_vec()),
            Subscript::Joined => Ok(b"*".to_vec()),
            Subscript::Index { key, index } => {
                let name = self.resolve(name);
                if self.is_keyed(name) {
                    return self.expand_text(key);
                }
                let value = self.evaluate(index)?;
                self.index_key(name, value)
            }
        }
    }

    fn index_key(&mut self, name: Name, index: i64) -> Flow<Bytes> {
        let index = if index < 0 { index + self.array_end(name) as i64 } else { index };
        if index < 0 {
            return self.abort(&[&name.text()[..], b": bad array subscript"].concat());
        }
        Ok(index.to_string().into_bytes())
    }

    /// One past the last index.
    pub fn array_end(&self, name: Name) -> u64 {
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Indexed(elements)) => elements.last_key_value().map_or(0, |(last, _)| last + 1),
            Some(Value::Scalar(_)) => 1,
            _ => 0,
        }
    }

    pub fn element_text(&mut self, name: Name, key: &[u8]) -> Option<Bytes> {
        let name = self.resolve(name);
        let index: Option<u64> = std::str::from_utf8(key).ok().and_then(|text| text.parse().ok());
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Associative(elements)) => elements.get(key).map(<[u8]>::to_vec),
            Some(Value::Indexed(elements)) => elements.get(&index?).cloned(),
            Some(Value::Scalar(text)) => (index == Some(0)).then(|| text.clone()),
            Some(Value::Unset) => None,
            None => self.dynamic_elements(name)?.get(&index?).cloned(),
        }
    }

    /// Arrays that the shell computes.
    fn dynamic_elements(&self, name: Name) -> Option<BTreeMap<u64, Bytes>> {
        let functions = || self.frames.iter().rev().filter(|frame| frame.is_function);
        let values: Vec<Bytes> = if name == self.names.funcname {
            let mut names: Vec<Bytes> = functions().map(|frame| frame.name.to_vec()).collect();
            if !names.is_empty() && !self.is_command_string {
                names.push(b"main".to_vec());
            }
            names
        } else if name == self.names.bash_source {
            let mut sources: Vec<Bytes> = self.frames.iter().rev().map(|frame| frame.source.to_vec()).collect();
            if !self.is_command_string {
                sources.push(self.name0.clone());
            }
            sources
        } else if name == self.names.bash_lineno {
            let mut lines: Vec<Bytes> = self.frames.iter().rev().map(|frame| frame.call_line.to_string().into_bytes()).collect();
            lines.push(b"0".to_vec());
            lines
        } else if name == self.names.pipestatus {
            self.pipe_status.iter().map(|status| status.to_string().into_bytes()).collect()
        } else if name == self.names.groups {
            vec![b"1000".to_vec()]
        } else if name == self.names.dirstack {
            let mut stack = vec![self.get(self.names.pwd).unwrap_or_default().to_vec()];
            stack.extend(self.directories.iter().rev().cloned());
            stack
        } else {
            return None;
        };
        Some((0u64..).zip(values).collect())
    }

    pub fn elements(&self, name: Name) -> Vec<Bytes> {
        let name = self.resolve(name);
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Indexed(elements)) => elements.values().cloned().collect(),
            Some(Value::Associative(elements)) => elements.sorted().into_iter().map(|(_, value)| value.clone()).collect(),
            Some(Value::Scalar(text)) => vec![text.clone()],
            Some(Value::Unset) => Vec::new(),
            None => self.dynamic_elements(name).map(|elements| elements.into_values().collect()).unwrap_or_default(),
        }
    }

    pub fn keys(&self, name: Name) -> Vec<Bytes> {
        let name = self.resolve(name);
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Indexed(elements)) => elements.keys().map(|index| index.to_string().into_bytes()).collect(),
            Some(Value::Associative(elements)) => elements.sorted().into_iter().map(|(key, _)| key.clone()).collect(),
            Some(Value::Scalar(_)) => vec![b"0".to_vec()],
            Some(Value::Unset) => Vec::new(),
            None => self
                .dynamic_elements(name)
                .map(|elements| elements.keys().map(|key| key.to_string().into_bytes()).collect())
                .unwrap_or_default(),
        }
    }

    fn positional(&self, number: usize) -> Found {
        match number.checked_sub(1).and_then(|at| self.positional.get(at)) {
            Some(text) => Found::One(text.clone()),
            None => Found::Unset,
        }
    }

    fn special(&self, byte: u8) -> Found {
        Found::One(match byte {
            b'@' | b'*' => return Found::Many { values: self.positional.clone(), joined: byte == b'*' },
            b'#' => self.positional.len().to_string().into_bytes(),
            b'?' => self.status.to_string().into_bytes(),
            b'$' => self.pid.0.to_string().into_bytes(),
            b'!' => match self.last_background {
                Some(pid) => pid.0.to_string().into_bytes(),
                None => return Found::Unset,
            },
            b'-' => self.dash(),
            _ => self.name0.clone(),
        })
    }

    /// `$-`
    pub fn dash(&self) -> Bytes {
        let mut letters = self.options.letters();
        letters.push(if self.is_command_string { b'c' } else { b's' });
        letters
    }

    pub(super) fn find(&mut self, target: Target, subscript: Option<&Subscript>) -> Flow<Found> {
        Ok(match (target, subscript) {
            (Target::Positional(number), _) => self.positional(number),
            (Target::Special(byte), _) => self.special(byte),
            (Target::Variable(name), None) => match self.variable_text(name)? {
                Some(text) => Found::One(text),
                None => Found::Unset,
            },
            (Target::Variable(name), Some(Subscript::All | Subscript::Joined)) => {
                Found::Many { values: self.elements(name), joined: matches!(subscript, Some(Subscript::Joined)) }
            }
            (Target::Variable(name), Some(subscript)) => {
                let key = self.subscript_key(name, subscript)?;
                match self.element_text(name, &key) {
                    Some(text) => Found::One(text),
                    None => Found::Unset,
                }
            }
        })
    }

    /// `${!x}`: the parameter that the value of `x` names.
    pub(super) fn find_indirect(&mut self, parameter: &Parameter) -> Flow<Found> {
        if let Target::Variable(name) = parameter.target
            && parameter.subscript.is_none()
            && let Some(variable) = self.variables.get(name)
            && variable.attributes.reference
        {
            return Ok(variable.scalar().map_or(Found::Unset, |target| Found::One(target.to_vec())));
        }
        let text = match self.find(parameter.target, parameter.subscript.as_ref())? {
            Found::One(text) => text,
            Found::Unset => {
                return self.abort(&[&shown_target(parameter), &b": invalid indirect expansion"[..]].concat());
            }
            Found::Many { values, .. } => values.join(&b' '),
        };
        self.find_named(&text)
    }

    /// The parameter that a text names: `x`, `a[1]`, `a[@]`, `1`, `@`.
    fn find_named(&mut self, text: &[u8]) -> Flow<Found> {
        let script = [b"${", text, b"}"].concat();
        let mut parser = tidepool_syntax::Parser::from_text(&[b"x=", &script[..]].concat(), self.line);
        let parsed = parser.next_command().ok().flatten();
        let part = parsed.as_ref().and_then(first_assigned_part);
        match part {
            Some(tidepool_syntax::ast::Part::Variable(name)) => self.find(Target::Variable(*name), None),
            Some(tidepool_syntax::ast::Part::Parameter(inner))
                if !text.is_empty() && matches!(inner.operation, Operation::None) && !inner.indirect =>
            {
                self.find(inner.target, inner.subscript.as_ref())
            }
            _ => self.abort(&[text, b": invalid variable name"].concat()),
        }
    }
}

enum Resolved {
    Name(Name),
    Element(Option<Bytes>),
}

fn first_assigned_part(list: &tidepool_syntax::ast::List) -> Option<&tidepool_syntax::ast::Part> {
    use tidepool_syntax::ast::{AssignedValue, CommandKind};
    let command = list.items.first()?.chain.first.commands.first()?;
    let CommandKind::Simple(simple) = &command.kind else {
        return None;
    };
    match &simple.assignments.first()?.value {
        AssignedValue::Word(word) if word.parts.len() == 1 => word.parts.first(),
        _ => None,
    }
}
