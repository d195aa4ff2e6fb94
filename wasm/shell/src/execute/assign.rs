//! Assignments as the syntax has them: scalars, elements and whole arrays.

use std::collections::BTreeMap;

use tidepool_syntax::Name;
use tidepool_syntax::ast::{AssignedValue, Assignment, Element};

use crate::keyed::Keyed;
use crate::shell::{Flow, Shell};
use crate::variables::{Bytes, Value};

impl Shell {
    /// Carries out an assignment; false when the variable is readonly.
    pub fn run_assignment(&mut self, assignment: &Assignment) -> Flow<bool> {
        let name = assignment.name;
        match (&assignment.value, &assignment.subscript) {
            (AssignedValue::None, _) => Ok(true),
            (AssignedValue::Word(word), None) => {
                let text = self.expand_text(word)?;
                if self.options.xtrace {
                    self.trace_assignment(assignment, &text);
                }
                if assignment.append { self.append(name, &text) } else { self.assign(name, &text) }
            }
            (AssignedValue::Word(word), Some(subscript)) => {
                let key = self.subscript_key(name, subscript)?;
                let text = self.expand_text(word)?;
                if self.options.xtrace {
                    self.trace_assignment(assignment, &text);
                }
                self.assign_element(name, &key, &text, assignment.append)
            }
            (AssignedValue::Array(elements), None) => {
                if self.options.xtrace {
                    self.trace(&tidepool_syntax::print::assignment(assignment));
                }
                self.assign_array(name, elements, assignment.append)
            }
            (AssignedValue::Array(_), Some(_)) => {
                self.complain_about(&name.text(), b"cannot assign list to array member");
                self.status = 1;
                Ok(false)
            }
        }
    }

    /// `name+=text`: a sum for integers.
    pub fn append(&mut self, name: Name, text: &[u8]) -> Flow<bool> {
        let name = self.resolve(name);
        let integer = self.variables.get(name).is_some_and(|variable| variable.attributes.integer);
        let old = self.variables.scalar(name).unwrap_or_default().to_vec();
        if integer {
            let sum = self.evaluate_text(&old)?.wrapping_add(self.evaluate_text(text)?);
            return self.assign(name, sum.to_string().as_bytes());
        }
        self.assign(name, &[&old[..], text].concat())
    }

    /// `name[key]=text`, where `key` is an index already evaluated or a key.
    pub fn assign_element(&mut self, name: Name, key: &[u8], text: &[u8], append: bool) -> Flow<bool> {
        let name = self.resolve(name);
        if self.refuses(name) {
            return Ok(false);
        }
        let text = match self.converted(name, text)? {
            Some(text) => text,
            None => text.to_vec(),
        };
        let old = if append { self.element_text(name, key) } else { None };
        let text = [&old.unwrap_or_default()[..], &text].concat();
        let variable = self.variables.entry(name);
        if let Value::Associative(elements) = &mut variable.value {
            elements.set(key, text);
            return Ok(true);
        }
        let Some(index) = std::str::from_utf8(key).ok().and_then(|text| text.parse::<u64>().ok()) else {
            self.complain(&[&name.text()[..], b"[", key, b"]: bad array subscript"].concat());
            self.status = 1;
            return Ok(false);
        };
        indexed(&mut variable.value).insert(index, text);
        Ok(true)
    }

    /// `name=(…)`
    pub fn assign_array(&mut self, name: Name, elements: &[Element], append: bool) -> Flow<bool> {
        let name = self.resolve(name);
        if self.refuses(name) {
            return Ok(false);
        }
        if self.is_keyed(name) {
            return self.assign_keyed(name, elements, append);
        }
        // The old elements are still there while the new are expanded: a=("${a[@]}" x)
        let mut list = BTreeMap::new();
        let mut next = 0;
        if append {
            if let Some(variable) = self.variables.get_mut(name) {
                list = indexed(&mut variable.value).clone();
            }
            next = self.array_end(name);
        }
        for element in elements {
            match &element.subscript {
                None => {
                    for text in self.expand_words([&element.value])? {
                        let text = self.converted(name, &text)?.unwrap_or(text);
                        list.insert(next, text);
                        next += 1;
                    }
                }
                Some(subscript) => {
                    let key = self.subscript_key(name, subscript)?;
                    let index: u64 = std::str::from_utf8(&key).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
                    let text = self.expand_text(&element.value)?;
                    let text = self.converted(name, &text)?.unwrap_or(text);
                    let old = if element.append { list.get(&index).cloned().unwrap_or_default() } else { Vec::new() };
                    list.insert(index, [old, text].concat());
                    next = index + 1;
                }
            }
        }
        self.variables.entry(name).value = Value::Indexed(list);
        Ok(true)
    }

    fn assign_keyed(&mut self, name: Name, elements: &[Element], append: bool) -> Flow<bool> {
        let mut keyed = Keyed::default();
        if append && let Some(Value::Associative(old)) = self.variables.get(name).map(|variable| &variable.value) {
            keyed = old.clone();
        }
        let mut pending: Option<Bytes> = None;
        for element in elements {
            match &element.subscript {
                Some(subscript) => {
                    let key = self.subscript_key(name, subscript)?;
                    let text = self.expand_text(&element.value)?;
                    let old = if element.append { keyed.get(&key).unwrap_or_default().to_vec() } else { Vec::new() };
                    keyed.set(&key, [old, text].concat());
                }
                // Words in pairs: key, value.
                None => {
                    let text = self.expand_text(&element.value)?;
                    match pending.take() {
                        None => pending = Some(text),
                        Some(key) => keyed.set(&key, text),
                    }
                }
            }
        }
        if let Some(key) = pending {
            keyed.set(&key, Vec::new());
        }
        self.variables.entry(name).value = Value::Associative(keyed);
        Ok(true)
    }

    /// Makes a variable an indexed array with these elements.
    pub fn set_list(&mut self, name: Name, values: Vec<Bytes>) -> bool {
        let name = self.resolve(name);
        if self.refuses(name) {
            return false;
        }
        self.variables.entry(name).value = Value::Indexed((0u64..).zip(values).collect());
        true
    }

    pub fn unset_element(&mut self, name: Name, key: &[u8]) {
        let name = self.resolve(name);
        if let Some(variable) = self.variables.get_mut(name) {
            match &mut variable.value {
                Value::Associative(elements) => elements.remove(key),
                Value::Indexed(elements) => {
                    if let Some(index) = std::str::from_utf8(key).ok().and_then(|text| text.parse::<u64>().ok()) {
                        elements.remove(&index);
                    }
                }
                Value::Scalar(_) | Value::Unset => {}
            }
        }
    }
}

/// The value as an indexed array, which a scalar becomes.
pub fn indexed(value: &mut Value) -> &mut BTreeMap<u64, Bytes> {
    if !matches!(value, Value::Indexed(_)) {
        let old = std::mem::take(value);
        *value = Value::Indexed(match old {
            Value::Scalar(text) => BTreeMap::from([(0, text)]),
            _ => BTreeMap::new(),
        });
    }
    match value {
        Value::Indexed(elements) => elements,
        // Made one above.
        _ => unreachable!("the value was made an array"),
    }
}
