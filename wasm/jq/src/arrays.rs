//! Built-ins over arrays and objects: lengths, keys, order, groups, containment.

use crate::dump::dump;
use crate::paths::positions;
use crate::value::{Error, Val, ValR, fail, sorted_keys, unshare};
use jaq_core::Exn;
use std::cmp::Ordering;

pub fn length(value: Val) -> ValR {
    match value {
        Val::Null => Ok(Val::Num(0.0)),
        Val::Num(number) => Ok(Val::Num(number.abs())),
        Val::Str(text) => Ok(Val::from(text.chars().count())),
        Val::Arr(items) => Ok(Val::from(items.len())),
        Val::Obj(map) => Ok(Val::from(map.len())),
        other => fail(format!("{} has no length", other.named())),
    }
}

pub fn keys(value: Val) -> ValR {
    match &value {
        Val::Obj(map) => Ok(sorted_keys(map).into_iter().map(|key| Val::Str(key.clone())).collect()),
        _ => keys_unsorted(value),
    }
}

pub fn keys_unsorted(value: Val) -> ValR {
    match value {
        Val::Obj(map) => Ok(map.keys().map(|key| Val::Str(key.clone())).collect()),
        Val::Arr(items) => Ok((0..items.len()).map(Val::from).collect()),
        other => fail(format!("{} has no keys", other.named())),
    }
}

pub fn has(value: Val, key: Val) -> ValR {
    match (&value, &key) {
        (Val::Obj(map), Val::Str(key)) => Ok(Val::Bool(map.contains_key(key))),
        (Val::Arr(items), Val::Num(index)) => Ok(Val::Bool(*index >= 0.0 && *index < items.len() as f64)),
        _ => fail(format!("Cannot check whether {} has a {} key", value.kind(), key.kind())),
    }
}

pub fn contains(value: &Val, part: &Val) -> Result<bool, Error> {
    match (value, part) {
        (Val::Obj(map), Val::Obj(wanted)) => all(wanted.iter(), |(key, part)| match map.get(key) {
            Some(value) => contains(value, part),
            None => Ok(false),
        }),
        (Val::Arr(items), Val::Arr(wanted)) => all(wanted.iter(), |part| {
            let same = items.iter().filter(|item| item.kind() == part.kind());
            for item in same {
                if contains(item, part)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }),
        (Val::Str(text), Val::Str(part)) => Ok(text.contains(part.as_str())),
        _ if value.kind() == part.kind() => Ok(value == part),
        _ => fail(format!("{} and {} cannot have their containment checked", value.named(), part.named())),
    }
}

fn all<T>(mut items: impl Iterator<Item = T>, mut test: impl FnMut(T) -> Result<bool, Error>) -> Result<bool, Error> {
    items.try_fold(true, |holds, item| Ok(holds && test(item)?))
}

pub fn add(value: Val) -> ValR {
    jaq_core::ValT::values(value).try_fold(Val::Null, |sum, item| sum + item?)
}

fn array(value: Val, what: &str) -> Result<Vec<Val>, Error> {
    match value {
        Val::Arr(items) => Ok(unshare(items)),
        other => fail(format!("{} cannot be {what}, as it is not an array", other.named())),
    }
}

pub fn sort(value: Val) -> ValR {
    let mut items = array(value, "sorted")?;
    items.sort_by(Val::compare);
    Ok(Val::arr(items))
}

pub fn min(value: Val) -> ValR {
    let items = array(value, "searched for its minimum")?;
    Ok(items.into_iter().reduce(|a, b| if b.compare(&a).is_lt() { b } else { a }).unwrap_or(Val::Null))
}

pub fn max(value: Val) -> ValR {
    let items = array(value, "searched for its maximum")?;
    Ok(items.into_iter().reduce(|a, b| if b.compare(&a).is_lt() { a } else { b }).unwrap_or(Val::Null))
}

pub fn unique(value: Val) -> ValR {
    let mut items = array(value, "sorted")?;
    items.sort_by(Val::compare);
    items.dedup_by(|b, a| a == b);
    Ok(Val::arr(items))
}

/// Reversed as `[.[length - 1 - range(0; length)]]`: null gives nothing, texts and numbers cannot be indexed so.
pub fn reverse(value: Val) -> ValR {
    match value {
        Val::Arr(items) => Ok(unshare(items).into_iter().rev().collect()),
        Val::Null => Ok(Val::arr(Vec::new())),
        Val::Str(text) => Ok(Val::from(text.chars().rev().collect::<String>())),
        Val::Obj(map) if map.is_empty() => Ok(Val::arr(Vec::new())),
        Val::Num(0.0) => Ok(Val::arr(Vec::new())),
        other @ Val::Bool(_) => length(other),
        other => fail(format!("Cannot index {} with number", other.kind())),
    }
}

pub fn flatten(value: Val, depth: Val) -> ValR {
    let Val::Num(depth) = depth else {
        return fail("flatten depth must not be negative");
    };
    if depth < 0.0 {
        return fail("flatten depth must not be negative");
    }
    let mut out = Vec::new();
    for item in jaq_core::ValT::values(value) {
        flatten_into(&mut out, item?, depth);
    }
    Ok(Val::arr(out))
}

fn flatten_into(out: &mut Vec<Val>, item: Val, depth: f64) {
    match item {
        Val::Arr(items) if depth > 0.0 => unshare(items).into_iter().for_each(|item| flatten_into(out, item, depth - 1.0)),
        other => out.push(other),
    }
}

pub fn transpose(value: Val) -> ValR {
    let rows = array(value, "transposed")?;
    let mut width = 0;
    for row in &rows {
        match row {
            Val::Arr(items) => width = width.max(items.len()),
            other => return fail(format!("Cannot index {} with number", other.kind())),
        }
    }
    let cell = |row: &Val, at: usize| match row {
        Val::Arr(items) => items.get(at).cloned().unwrap_or(Val::Null),
        _ => Val::Null,
    };
    Ok((0..width).map(|at| rows.iter().map(|row| cell(row, at)).collect()).collect())
}

pub fn join(value: Val, separator: Val) -> ValR {
    let mut out: Option<Val> = None;
    for item in jaq_core::ValT::values(value) {
        let before = match out {
            None => Val::from(""),
            Some(text) => (text + separator.clone())?,
        };
        out = Some(
            (before
                + match item? {
                    Val::Null => Val::from(""),
                    number @ (Val::Num(_) | Val::Bool(_)) => Val::from(dump(&number)),
                    other => other,
                })?,
        );
    }
    Ok(out.unwrap_or_else(|| Val::from("")))
}

/// Where a text or a run of items begins; texts are counted in characters.
pub fn indices(value: Val, wanted: Val) -> ValR {
    match (&value, &wanted) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Arr(items), Val::Arr(part)) => Ok(positions(items, part)),
        (Val::Arr(items), part) => Ok(positions(items, std::slice::from_ref(part))),
        (Val::Str(text), Val::Str(part)) => Ok(text_positions(text, part)),
        (value, key) => crate::paths::get(value, key),
    }
}

fn text_positions(text: &str, part: &str) -> Val {
    if part.is_empty() {
        return Val::Null;
    }
    let (mut found, mut from, mut characters) = (Vec::new(), 0, 0);
    for (at, _) in text.char_indices().filter(|(at, _)| text[*at..].starts_with(part)) {
        characters += text[from..at].chars().count();
        from = at;
        found.push(Val::from(characters));
    }
    Val::arr(found)
}

/// The first or last of some positions, null of none.
pub fn end_of(found: &Val, last: bool) -> Val {
    match found {
        Val::Arr(items) => if last { items.last() } else { items.first() }.cloned().unwrap_or(Val::Null),
        _ => Val::Null,
    }
}

type Keyed<'a> = Result<Vec<(Val, Val)>, Exn<'a, Val>>;
type Out<'a> = Result<Val, Exn<'a, Val>>;

/// The items with their keys, sorted by these.
fn keyed<'a>(value: Val, what: &str, mut key: impl FnMut(Val) -> Out<'a>) -> Keyed<'a> {
    let items = match value {
        Val::Arr(items) => items,
        Val::Obj(_) => return Ok(array(value, what).map(|_| Vec::new())?),
        other => return jaq_core::ValT::values(other).map(|item| Ok((Val::Null, item?))).collect(),
    };
    unshare(items).into_iter().map(|item| Ok((key(item.clone())?, item))).collect()
}

fn sorted<'a>(value: Val, what: &str, key: impl FnMut(Val) -> Out<'a>) -> Keyed<'a> {
    let mut items = keyed(value, what, key)?;
    items.sort_by(|(a, _), (b, _)| a.compare(b));
    Ok(items)
}

pub fn sort_by<'a>(value: Val, key: impl FnMut(Val) -> Out<'a>) -> Out<'a> {
    Ok(sorted(value, "sorted", key)?.into_iter().map(|(_, item)| item).collect())
}

fn groups<'a>(value: Val, key: impl FnMut(Val) -> Out<'a>) -> Result<Vec<Vec<Val>>, Exn<'a, Val>> {
    let mut groups: Vec<(Val, Vec<Val>)> = Vec::new();
    for (key, item) in sorted(value, "grouped", key)? {
        match groups.last_mut() {
            Some((last, group)) if last.compare(&key) == Ordering::Equal => group.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

pub fn group_by<'a>(value: Val, key: impl FnMut(Val) -> Out<'a>) -> Out<'a> {
    Ok(groups(value, key)?.into_iter().map(Val::arr).collect())
}

pub fn unique_by<'a>(value: Val, key: impl FnMut(Val) -> Out<'a>) -> Out<'a> {
    Ok(groups(value, key)?.into_iter().filter_map(|group| group.into_iter().next()).collect())
}

/// The first least or the last greatest item.
pub fn extreme_by<'a>(value: Val, greatest: bool, key: impl FnMut(Val) -> Out<'a>) -> Out<'a> {
    let items = keyed(value, "searched", key)?.into_iter();
    let best = items.reduce(|best, next| if next.0.compare(&best.0).is_lt() == greatest { best } else { next });
    Ok(best.map_or(Val::Null, |(_, item)| item))
}
