//! Variables with attributes and dynamic scope. Each name has one slot that holds the binding now visible; a function's
//! `local` keeps the binding before in its scope and puts it back on return, so that looking up is indexing.

use std::collections::BTreeMap;

use tidepool_syntax::Name;

use crate::keyed::Keyed;

pub type Bytes = Vec<u8>;

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Declared, but without a value.
    #[default]
    Unset,
    Scalar(Bytes),
    Indexed(BTreeMap<u64, Bytes>),
    Associative(Keyed),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    pub exported: bool,
    pub readonly: bool,
    pub integer: bool,
    pub lower: bool,
    pub upper: bool,
    pub reference: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Variable {
    pub value: Value,
    pub attributes: Attributes,
}

impl Variable {
    /// What `$x` is: an array's element 0.
    pub fn scalar(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Unset => None,
            Value::Scalar(text) => Some(text),
            Value::Indexed(elements) => elements.get(&0).map(Vec::as_slice),
            Value::Associative(elements) => elements.get(b"0"),
        }
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value, Value::Indexed(_) | Value::Associative(_))
    }
}

#[derive(Default)]
struct Scope {
    /// Bindings that this scope hides, with their names, in the order of hiding.
    hidden: Vec<(Name, Option<Variable>)>,
    /// A function's scope, where `local` declares; else only assignments before a command.
    function: bool,
}

#[derive(Default)]
pub struct Variables {
    slots: Vec<Option<Variable>>,
    scopes: Vec<Scope>,
}

impl Variables {
    pub fn get(&self, name: Name) -> Option<&Variable> {
        self.slots.get(name.index()).and_then(Option::as_ref)
    }

    pub fn scalar(&self, name: Name) -> Option<&[u8]> {
        self.get(name).and_then(Variable::scalar)
    }

    fn slot(&mut self, name: Name) -> &mut Option<Variable> {
        let index = name.index();
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        &mut self.slots[index]
    }

    pub fn get_mut(&mut self, name: Name) -> Option<&mut Variable> {
        self.slots.get_mut(name.index()).and_then(Option::as_mut)
    }

    /// The variable, made if there is none.
    pub fn entry(&mut self, name: Name) -> &mut Variable {
        self.slot(name).get_or_insert_default()
    }

    /// Assigns without asking attributes.
    pub fn set(&mut self, name: Name, text: &[u8]) {
        let variable = self.entry(name);
        match &mut variable.value {
            Value::Scalar(old) => {
                old.clear();
                old.extend_from_slice(text);
            }
            value => *value = Value::Scalar(text.to_vec()),
        }
    }

    pub fn remove(&mut self, name: Name) {
        *self.slot(name) = None;
    }

    pub fn push_scope(&mut self, function: bool) {
        self.scopes.push(Scope { hidden: Vec::new(), function });
    }

    pub fn pop_scope(&mut self) {
        if let Some(scope) = self.scopes.pop() {
            for (name, old) in scope.hidden.into_iter().rev() {
                *self.slot(name) = old;
            }
        }
    }

    /// Hides the binding of `name` in the innermost scope, once; says whether it was not hidden there before.
    pub fn hide(&mut self, name: Name) -> bool {
        self.hide_in(name, self.scopes.len().wrapping_sub(1))
    }

    /// Hides in the innermost function's scope, for `local`.
    pub fn hide_local(&mut self, name: Name) -> bool {
        let Some(at) = self.scopes.iter().rposition(|scope| scope.function) else {
            return false;
        };
        self.hide_in(name, at)
    }

    fn hide_in(&mut self, name: Name, at: usize) -> bool {
        match self.scopes.get(at) {
            Some(scope) if !scope.hidden.iter().any(|(hidden, _)| *hidden == name) => {}
            _ => return false,
        }
        let old = self.slot(name).take();
        if let Some(scope) = self.scopes.get_mut(at) {
            scope.hidden.push((name, old));
        }
        true
    }

    /// Whether the innermost function declared `name` local.
    pub fn is_local(&self, name: Name) -> bool {
        self.scopes
            .iter()
            .rev()
            .find(|scope| scope.function)
            .is_some_and(|scope| scope.hidden.iter().any(|(hidden, _)| *hidden == name))
    }

    /// The global binding, through every scope that hides it.
    pub fn global(&mut self, name: Name) -> &mut Option<Variable> {
        let found = self
            .scopes
            .iter()
            .enumerate()
            .find_map(|(depth, scope)| scope.hidden.iter().position(|(hidden, _)| *hidden == name).map(|at| (depth, at)));
        match found {
            Some((depth, at)) => &mut self.scopes[depth].hidden[at].1,
            None => self.slot(name),
        }
    }

    pub fn in_function(&self) -> bool {
        self.scopes.iter().any(|scope| scope.function)
    }

    /// All that exist, in the order of their names.
    pub fn sorted(&self) -> Vec<(Name, &Variable)> {
        let mut all: Vec<(Name, &Variable)> = self.iter().collect();
        all.sort_by_cached_key(|(name, _)| name.text());
        all
    }

    pub fn iter(&self) -> impl Iterator<Item = (Name, &Variable)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| slot.as_ref().map(|variable| (Name::from_index(index), variable)))
    }

    /// `NAME=value` of what is exported.
    pub fn environment(&self) -> Vec<Bytes> {
        self.iter()
            .filter(|(_, variable)| variable.attributes.exported)
            .filter_map(|(name, variable)| variable.scalar().map(|text| [&name.text()[..], b"=", text].concat()))
            .collect()
    }
}
