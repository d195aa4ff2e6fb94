//! declare typeset local export readonly unset

use std::collections::BTreeMap;
use std::rc::Rc;

use tidepool_syntax::ast::{Argument, AssignedValue, Assignment};
use tidepool_syntax::{Name, is_name};

use super::Call;
use super::options::parse;
use crate::expand::quote_for_reuse_double;
use crate::keyed::Keyed;
use crate::shell::{DefinedFunction, Flow, Shell};
use crate::variables::{Attributes, Bytes, Value, Variable};

/// In a command's arguments, an assignment whose value is an array or whose place is an element stands as this byte and
/// its position in the command.
const MARK: u8 = 0;

impl Shell {
    /// `a=b` as an argument; what is no plain text stays in the syntax tree and is marked.
    pub fn assignment_as_argument(&mut self, assignment: &Assignment) -> Flow<Bytes> {
        let name = assignment.name.text();
        match (&assignment.value, &assignment.subscript) {
            (AssignedValue::Word(word), None) => {
                let text = self.expand_text(word)?;
                let operator: &[u8] = if assignment.append { b"+=" } else { b"=" };
                Ok([&name[..], operator, &text].concat())
            }
            _ => Ok([&[MARK][..], &name].concat()),
        }
    }
}

/// One operand of a declaration.
struct Operand<'a> {
    name: Name,
    text: Option<&'a [u8]>,
    append: bool,
    /// The marked assignment.
    assignment: Option<&'a Assignment>,
}

#[derive(Default, Clone, Copy)]
struct Changes {
    on: Attributes,
    off: Attributes,
    indexed: bool,
    associative: bool,
    global: bool,
}

fn operand<'a>(call: &Call<'a>, text: &'a [u8]) -> Option<Operand<'a>> {
    if let [MARK, name @ ..] = text {
        let name = Name::new(name);
        let words = call.simple.map(|simple| simple.words.as_slice()).unwrap_or_default();
        let assignment = words.iter().find_map(|word| match word {
            Argument::Assignment(assignment) if assignment.name == name && !is_plain(assignment) => Some(assignment),
            _ => None,
        });
        return Some(Operand { name, text: None, append: false, assignment });
    }
    let (name, value, append) = match text.iter().position(|byte| *byte == b'=') {
        None => (text, None, false),
        Some(at) => {
            let head = text.get(..at).unwrap_or_default();
            let value = text.get(at + 1..);
            match head.strip_suffix(b"+") {
                Some(name) => (name, value, true),
                None => (head, value, false),
            }
        }
    };
    is_name(name).then(|| Operand { name: Name::new(name), text: value, append, assignment: None })
}

fn is_plain(assignment: &Assignment) -> bool {
    matches!((&assignment.value, &assignment.subscript), (AssignedValue::Word(_), None))
}

fn not_identifier(shell: &mut Shell, call: &Call<'_>, text: &[u8]) -> i32 {
    shell.complain(&[call.name(), b": `", text, b"': not a valid identifier"].concat());
    1
}

pub fn export(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"fnp") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'f') {
        return Ok(export_functions(shell, parsed.operands, !parsed.has(b'n')));
    }
    if parsed.operands.is_empty() {
        list(shell, |variable| variable.attributes.exported);
        return Ok(0);
    }
    let attributes = Attributes { exported: true, ..Attributes::default() };
    let changes = if parsed.has(b'n') {
        Changes { off: attributes, ..Changes::default() }
    } else {
        Changes { on: attributes, ..Changes::default() }
    };
    change_all(shell, call, parsed.operands, changes, false)
}

fn export_functions(shell: &mut Shell, names: &[Bytes], exported: bool) -> i32 {
    let mut status = 0;
    for name in names {
        let Some(defined) = shell.functions.get(name) else {
            shell.complain(&[b"export: ", &name[..], b": not a function"].concat());
            status = 1;
            continue;
        };
        let changed = DefinedFunction { function: defined.function.clone(), source: defined.source.clone(), exported };
        shell.functions.insert(name.clone(), Rc::new(changed));
    }
    status
}

pub fn readonly(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"aAfp") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.operands.is_empty() {
        list(shell, |variable| variable.attributes.readonly);
        return Ok(0);
    }
    let changes = Changes {
        on: Attributes { readonly: true, ..Attributes::default() },
        indexed: parsed.has(b'a'),
        associative: parsed.has(b'A'),
        ..Changes::default()
    };
    change_all(shell, call, parsed.operands, changes, false)
}

pub fn local(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    if !shell.variables.in_function() {
        shell.complain_about(call.name(), b"can only be used in a function");
        return Ok(1);
    }
    declare_or_local(shell, call, true)
}

pub fn declare(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    declare_or_local(shell, call, shell.variables.in_function())
}

/// Splits `-x` and `+x` options from operands.
fn read_changes<'a>(shell: &mut Shell, call: &Call<'a>) -> Result<(Changes, Vec<u8>, &'a [Bytes]), i32> {
    let mut changes = Changes::default();
    let mut others = Vec::new();
    let mut at = 1;
    while let Some(argument) = call.arguments.get(at) {
        let (on, letters) = match argument.as_slice() {
            [b'-', letters @ ..] if !letters.is_empty() => (true, letters),
            [b'+', letters @ ..] if !letters.is_empty() => (false, letters),
            _ => break,
        };
        at += 1;
        if argument == b"--" {
            break;
        }
        for letter in letters {
            let attributes = if on { &mut changes.on } else { &mut changes.off };
            match letter {
                b'x' => attributes.exported = true,
                b'r' => attributes.readonly = true,
                b'i' => attributes.integer = true,
                b'l' => attributes.lower = true,
                b'u' => attributes.upper = true,
                b'n' => attributes.reference = true,
                b'a' => changes.indexed = on,
                b'A' => changes.associative = on,
                b'g' => changes.global = on,
                b'p' | b'f' | b'F' | b'I' | b't' => others.push(*letter),
                _ => return Err(shell.invalid_option(call.name(), &[if on { b'-' } else { b'+' }, *letter])),
            }
        }
    }
    Ok((changes, others, call.arguments.get(at..).unwrap_or_default()))
}

fn declare_or_local(shell: &mut Shell, call: &Call<'_>, local: bool) -> Flow<i32> {
    let (changes, others, operands) = match read_changes(shell, call) {
        Ok(read) => read,
        Err(status) => return Ok(status),
    };
    if others.contains(&b'f') || others.contains(&b'F') {
        return Ok(print_functions(shell, operands, others.contains(&b'F')));
    }
    if others.contains(&b'p') {
        return Ok(print_named(shell, call, operands, changes));
    }
    if operands.is_empty() {
        if changes.on == Attributes::default() && !changes.indexed && !changes.associative {
            print_all(shell);
        } else {
            list(shell, move |variable| has(variable, changes));
        }
        return Ok(0);
    }
    change_all(shell, call, operands, changes, local && !changes.global)
}

fn has(variable: &Variable, changes: Changes) -> bool {
    let (on, its) = (changes.on, variable.attributes);
    (!on.exported || its.exported)
        && (!on.readonly || its.readonly)
        && (!on.integer || its.integer)
        && (!on.reference || its.reference)
        && (!changes.indexed || matches!(variable.value, Value::Indexed(_)))
        && (!changes.associative || matches!(variable.value, Value::Associative(_)))
}

fn change_all(shell: &mut Shell, call: &Call<'_>, operands: &[Bytes], changes: Changes, local: bool) -> Flow<i32> {
    let mut status = 0;
    for text in operands {
        status |= match operand(call, text) {
            Some(operand) => i32::from(!change_one(shell, call, &operand, changes, local)?),
            None => not_identifier(shell, call, text),
        };
    }
    Ok(status)
}

fn change_one(shell: &mut Shell, call: &Call<'_>, operand: &Operand<'_>, changes: Changes, local: bool) -> Flow<bool> {
    let name = if changes.on.reference { operand.name } else { target_name(shell, operand.name, local) };
    if local {
        if shell.variables.get(name).is_some_and(|variable| variable.attributes.readonly) && !shell.variables.is_local(name) {
            shell.complain(&[call.name(), b": ", &name.text(), b": readonly variable"].concat());
            return Ok(false);
        }
        let exported = shell.variables.get(name).is_some_and(|variable| variable.attributes.exported);
        if shell.variables.hide_local(name) {
            // An exported variable's local is exported too.
            shell.variables.entry(name).attributes.exported = exported;
        }
    }
    if changes.global {
        return change_global(shell, operand, changes);
    }
    let has_value = operand.text.is_some() || operand.assignment.is_some();
    let readonly = shell.variables.get(name).is_some_and(|variable| variable.attributes.readonly);
    if readonly && (has_value || changes.off.readonly) {
        shell.complain(&[call.name(), b": ", &name.text(), b": readonly variable"].concat());
        return Ok(false);
    }
    let variable = shell.variables.entry(name);
    let had_array = variable.is_array();
    shape(variable, changes);
    apply(&mut variable.attributes, changes, false);
    let mut done = true;
    if let Some(text) = operand.text {
        done = if changes.on.reference {
            shell.variables.set(name, text);
            true
        } else if operand.append {
            shell.append(name, text)?
        } else if had_array && text.starts_with(b"(") && text.ends_with(b")") {
            assign_list_text(shell, name, text)?
        } else {
            shell.assign(name, text)?
        };
    } else if let Some(assignment) = operand.assignment {
        done = shell.run_assignment(assignment)?;
    }
    apply(&mut shell.variables.entry(name).attributes, changes, true);
    Ok(done)
}

/// `declare -a a; declare "a=(1 2)"`: the text is read as a list.
fn assign_list_text(shell: &mut Shell, name: Name, text: &[u8]) -> Flow<bool> {
    let script = [&name.text()[..], b"=", text].concat();
    let line = shell.line;
    shell.run_text(&script, line)?;
    Ok(shell.status == 0)
}

/// A reference is followed, except by `local`, which makes a variable of its own.
fn target_name(shell: &Shell, name: Name, local: bool) -> Name {
    if local { name } else { shell.resolve(name) }
}

fn shape(variable: &mut Variable, changes: Changes) {
    if changes.associative && !matches!(variable.value, Value::Associative(_)) {
        variable.value = Value::Associative(Keyed::default());
    } else if changes.indexed && !variable.is_array() {
        let elements = match std::mem::take(&mut variable.value) {
            Value::Scalar(text) => BTreeMap::from([(0, text)]),
            _ => BTreeMap::new(),
        };
        variable.value = Value::Indexed(elements);
    }
}

/// `readonly` last: the value must be assigned before.
fn apply(attributes: &mut Attributes, changes: Changes, last: bool) {
    let (on, off) = (changes.on, changes.off);
    if last {
        attributes.readonly |= on.readonly;
        return;
    }
    attributes.exported = (attributes.exported || on.exported) && !off.exported;
    attributes.integer = (attributes.integer || on.integer) && !off.integer;
    attributes.reference = (attributes.reference || on.reference) && !off.reference;
    if on.lower || on.upper {
        attributes.lower = on.lower;
        attributes.upper = on.upper && !on.lower;
    }
    attributes.lower &= !off.lower;
    attributes.upper &= !off.upper;
}

/// `declare -g` changes the binding outside of all functions.
fn change_global(shell: &mut Shell, operand: &Operand<'_>, changes: Changes) -> Flow<bool> {
    let name = operand.name;
    let inner = shell.variables.get(name).cloned();
    let outer = shell.variables.global(name).take();
    let same = !shell.variables.is_local(name);
    let put = |shell: &mut Shell, variable: Option<Variable>| match variable {
        Some(variable) => *shell.variables.entry(name) = variable,
        None => shell.variables.remove(name),
    };
    put(shell, if same { inner.clone() } else { outer });
    let call = Call { arguments: &[], simple: None };
    let plain = Changes { global: false, ..changes };
    let done = change_one(shell, &call, operand, plain, false);
    if !same {
        let result = shell.variables.get(name).cloned();
        put(shell, inner);
        *shell.variables.global(name) = result;
    }
    done
}

pub fn attribute_letters(variable: &Variable) -> Bytes {
    let its = variable.attributes;
    let rows = [
        (matches!(variable.value, Value::Indexed(_)), b'a'),
        (matches!(variable.value, Value::Associative(_)), b'A'),
        (its.integer, b'i'),
        (its.reference, b'n'),
        (its.readonly, b'r'),
        (its.exported, b'x'),
        (its.lower, b'l'),
        (its.upper, b'u'),
    ];
    rows.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter).collect()
}

/// `declare -x name="value"`, as `declare -p` prints it; without its newline.
fn described(name: Name, variable: &Variable) -> Bytes {
    let letters = attribute_letters(variable);
    let letters = if letters.is_empty() { b"-".to_vec() } else { letters };
    let head = [b"declare -", &letters[..], b" ", &name.text()].concat();
    match value_text(variable) {
        Some(value) => [&head[..], b"=", &value].concat(),
        None => head,
    }
}

fn value_text(variable: &Variable) -> Option<Bytes> {
    let pairs = |pairs: Vec<(Bytes, &Bytes)>, space: &[u8]| {
        let all: Vec<Bytes> =
            pairs.iter().map(|(key, value)| [b"[", &key[..], b"]=", &quote_for_reuse_double(value)].concat()).collect();
        [b"(", &all.join(&b' ')[..], space, b")"].concat()
    };
    Some(match &variable.value {
        Value::Unset => return None,
        Value::Scalar(text) => quote_for_reuse_double(text),
        Value::Indexed(elements) => {
            pairs(elements.iter().map(|(index, value)| (index.to_string().into_bytes(), value)).collect(), b"")
        }
        Value::Associative(elements) => {
            let rows: Vec<(Bytes, &Bytes)> = elements.sorted().into_iter().map(|(key, value)| (key_text(key), value)).collect();
            let space: &[u8] = if rows.is_empty() { b"" } else { b" " };
            pairs(rows, space)
        }
    })
}

/// A key is quoted where it must be.
fn key_text(key: &[u8]) -> Bytes {
    let plain = key.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',' | b'=')
    });
    if plain && !key.is_empty() { key.to_vec() } else { quote_for_reuse_double(key) }
}

/// `${x@A}`
pub fn declaration(shell: &Shell, name: Name, many: bool) -> Bytes {
    let Some(variable) = shell.variables.get(name) else {
        return Vec::new();
    };
    if !many && attribute_letters(variable).is_empty() {
        let text = variable.scalar().unwrap_or_default();
        return [&name.text()[..], b"=", &crate::expand::quote_for_reuse(text)].concat();
    }
    described(name, variable)
}

fn list(shell: &mut Shell, wanted: impl Fn(&Variable) -> bool) {
    let lines: Vec<Bytes> = shell
        .variables
        .sorted()
        .into_iter()
        .filter(|(_, variable)| wanted(variable))
        .map(|(name, variable)| described(name, variable))
        .collect();
    for line in lines {
        shell.output.write(&line);
        shell.output.write(b"\n");
    }
}

/// `set` and `declare` without operands: `name=value`.
pub fn print_all(shell: &mut Shell) {
    let rows: Vec<Bytes> = shell
        .variables
        .sorted()
        .into_iter()
        .filter_map(|(name, variable)| {
            let value = match &variable.value {
                Value::Unset => return None,
                Value::Scalar(text) if text.is_empty() => Vec::new(),
                Value::Scalar(text) => crate::expand::quote_where_needed(text),
                _ => value_text(variable)?,
            };
            Some([&name.text()[..], b"=", &value, b"\n"].concat())
        })
        .collect();
    rows.iter().for_each(|row| shell.output.write(row));
}

fn print_named(shell: &mut Shell, call: &Call<'_>, operands: &[Bytes], changes: Changes) -> i32 {
    if operands.is_empty() {
        list(shell, move |variable| has(variable, changes));
        return 0;
    }
    let mut status = 0;
    for operand in operands {
        let name = Name::new(operand);
        let line = match shell.variables.get(name) {
            Some(variable) => Some(described(name, variable)),
            None => shell.dynamic(name).map(|text| [b"declare -- ", &operand[..], b"=", &quote_for_reuse_double(&text)].concat()),
        };
        match line {
            Some(line) => shell.output.write(&[&line[..], b"\n"].concat()),
            None => {
                shell.complain(&[call.name(), b": ", operand, b": not found"].concat());
                status = 1;
            }
        }
    }
    status
}

fn print_functions(shell: &mut Shell, operands: &[Bytes], names_only: bool) -> i32 {
    let mut names: Vec<Bytes> = if operands.is_empty() { shell.functions.keys().cloned().collect() } else { operands.to_vec() };
    names.sort();
    let mut status = 0;
    for name in names {
        let Some(defined) = shell.functions.get(&name).cloned() else {
            status = 1;
            continue;
        };
        let text = match (names_only, operands.is_empty()) {
            (true, true) => [b"declare -f ", &name[..]].concat(),
            (true, false) => name,
            _ => tidepool_syntax::print::function(&defined.function),
        };
        shell.output.write(&[&text[..], b"\n"].concat());
    }
    status
}

pub fn unset(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"fvn") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let mut status = 0;
    for operand in parsed.operands {
        if parsed.has(b'f') {
            shell.functions.remove(operand);
        } else {
            status |= i32::from(!unset_variable(shell, operand, parsed.has(b'v'), parsed.has(b'n'))?);
        }
    }
    Ok(status)
}

fn unset_variable(shell: &mut Shell, operand: &[u8], only_variables: bool, reference: bool) -> Flow<bool> {
    let (base, key) = match operand.iter().position(|byte| *byte == b'[') {
        Some(open) if operand.last() == Some(&b']') => {
            (operand.get(..open).unwrap_or_default(), operand.get(open + 1..operand.len() - 1))
        }
        _ => (operand, None),
    };
    if !is_name(base) {
        if !only_variables && shell.functions.remove(operand).is_some() {
            return Ok(true);
        }
        if only_variables {
            shell.complain(&[b"unset: `", operand, b"': not a valid identifier"].concat());
        }
        return Ok(!only_variables);
    }
    let name = if reference { Name::new(base) } else { shell.resolve(Name::new(base)) };
    if shell.variables.get(name).is_some_and(|variable| variable.attributes.readonly) {
        shell.complain(&[b"unset: ", base, b": cannot unset: readonly variable"].concat());
        return Ok(false);
    }
    match key {
        Some(b"@" | b"*") => shell.variables.remove(name),
        Some(key) => {
            let key = unquoted(key);
            let key = shell.key_of_text(name, &key)?;
            shell.unset_element(name, &key);
        }
        None if shell.variables.get(name).is_none() && !only_variables => {
            shell.functions.remove(operand);
        }
        None => shell.variables.remove(name),
    }
    if name == shell.names.path {
        shell.hashed.clear();
    }
    Ok(true)
}

fn unquoted(key: &[u8]) -> Bytes {
    key.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\'')).collect()
}
