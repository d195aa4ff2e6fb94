//! Parts of values by key, index and slice: reading, setting and deleting, as jq's `getpath`, `setpath` and `delpaths`.

use crate::value::{Error, Map, Val, ValR, fail, unshare};
use std::rc::Rc;

/// `.[key]`.
pub fn get(value: &Val, key: &Val) -> ValR {
    match (value, key) {
        (Val::Obj(map), Val::Str(key)) => Ok(map.get(key).cloned().unwrap_or(Val::Null)),
        (Val::Arr(items), Val::Num(index)) => {
            Ok(position(*index, items.len()).and_then(|i| items.get(i)).cloned().unwrap_or(Val::Null))
        }
        (Val::Null, Val::Str(_) | Val::Num(_) | Val::Null) => Ok(Val::Null),
        (Val::Arr(_) | Val::Null | Val::Str(_), Val::Obj(range)) => slice(value, entry(range, "start"), entry(range, "end")),
        (Val::Arr(items), Val::Arr(wanted)) => Ok(positions(items, wanted)),
        _ => fail(cannot_index(value, key)),
    }
}

fn entry<'a>(map: &'a Map, key: &str) -> &'a Val {
    map.get(&key.to_owned()).unwrap_or(&Val::Null)
}

fn cannot_index(value: &Val, key: &Val) -> String {
    match key {
        Val::Str(key) => format!("Cannot index {} with string \"{key}\"", value.kind()),
        other => format!("Cannot index {} with {}", value.kind(), other.kind()),
    }
}

fn position(index: f64, length: usize) -> Option<usize> {
    if index.is_nan() {
        return None;
    }
    let index = index.floor();
    let index = if index < 0.0 { index + length as f64 } else { index };
    (index >= 0.0).then_some(index as usize)
}

/// Where the items of `wanted` stand one after another in `items`.
pub fn positions(items: &[Val], wanted: &[Val]) -> Val {
    if wanted.is_empty() {
        return Val::Null;
    }
    let found = items.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted);
    found.map(|(at, _)| Val::from(at)).collect()
}

/// The bounds of a slice within a length: the start rounds down, the end up, both are kept inside.
fn bounds(length: usize, start: &Val, end: &Val) -> Result<(usize, usize), Error> {
    let bound = |value: &Val, default: f64| match value {
        Val::Null => Ok(default),
        Val::Num(n) if *n < 0.0 => Ok(*n + length as f64),
        Val::Num(n) => Ok(*n),
        _ => fail("Start and end indices of an array slice must be numbers"),
    };
    let start = bound(start, 0.0)?.floor().clamp(0.0, length as f64) as usize;
    let end = bound(end, length as f64)?.ceil().clamp(0.0, length as f64) as usize;
    Ok((start, end.max(start)))
}

pub fn slice(value: &Val, start: &Val, end: &Val) -> ValR {
    match value {
        Val::Null => Ok(Val::Null),
        Val::Arr(items) => {
            let (start, end) = bounds(items.len(), start, end)?;
            Ok(items[start..end].iter().cloned().collect())
        }
        Val::Str(text) => {
            let length = if text.is_ascii() { text.len() } else { text.chars().count() };
            let (start, end) = bounds(length, start, end)?;
            if text.is_ascii() {
                return Ok(Val::from(&text[start..end]));
            }
            Ok(Val::from(text.chars().skip(start).take(end - start).collect::<String>()))
        }
        other => fail(format!("Cannot index {} with object", other.kind())),
    }
}

/// `.[key] = new`.
pub fn set(value: Val, key: &Val, new: Val) -> ValR {
    match (value, key) {
        (Val::Obj(mut map), Val::Str(key)) => {
            Rc::make_mut(&mut map).insert(key.clone(), new);
            Ok(Val::Obj(map))
        }
        (Val::Null, Val::Str(key)) => Ok(Val::Obj(Rc::new([(key.clone(), new)].into_iter().collect()))),
        (Val::Arr(items), Val::Num(index)) => set_item(items, *index, new),
        (Val::Null, Val::Num(index)) => set_item(Rc::default(), *index, new),
        (Val::Arr(items), Val::Obj(range)) => set_slice(items, range, new),
        (Val::Null, Val::Obj(range)) => set_slice(Rc::default(), range, new),
        (Val::Arr(_), Val::Arr(_)) => fail("Cannot update field at array index of array"),
        (value, key) => fail(cannot_index(&value, key)),
    }
}

fn set_item(mut items: Rc<Vec<Val>>, index: f64, new: Val) -> ValR {
    let Some(at) = position(index, items.len()) else {
        return fail("Out of bounds negative array index");
    };
    if at >= 1 << 29 {
        return fail("Array index too large");
    }
    let list = Rc::make_mut(&mut items);
    if at >= list.len() {
        list.resize(at + 1, Val::Null);
    }
    list[at] = new;
    Ok(Val::Arr(items))
}

fn set_slice(items: Rc<Vec<Val>>, range: &Map, new: Val) -> ValR {
    let Val::Arr(new) = new else {
        return fail("A slice of an array can only be assigned another array");
    };
    let (start, end) = bounds(items.len(), entry(range, "start"), entry(range, "end"))?;
    let mut items = unshare(items);
    items.splice(start..end, unshare(new));
    Ok(Val::arr(items))
}

/// `del(.[key])`.
pub fn delete(value: Val, key: &Val) -> ValR {
    match (value, key) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Obj(mut map), Val::Str(key)) => {
            if map.contains_key(key) {
                Rc::make_mut(&mut map).shift_remove(key);
            }
            Ok(Val::Obj(map))
        }
        (Val::Arr(mut items), Val::Num(index)) => {
            if let Some(at) = position(*index, items.len()).filter(|at| *at < items.len()) {
                Rc::make_mut(&mut items).remove(at);
            }
            Ok(Val::Arr(items))
        }
        (Val::Arr(items), Val::Obj(range)) => {
            let (start, end) = bounds(items.len(), entry(range, "start"), entry(range, "end"))?;
            let mut items = unshare(items);
            items.drain(start..end);
            Ok(Val::arr(items))
        }
        (value, key) => fail(cannot_delete(&value, key)),
    }
}

fn cannot_delete(value: &Val, key: &Val) -> String {
    match (value, key) {
        (Val::Obj(_), _) => format!("Cannot delete {} field of object", key.kind()),
        (Val::Arr(_), _) => format!("Cannot delete {} element of array", key.kind()),
        _ => format!("Cannot delete fields from {}", value.kind()),
    }
}

fn keys_of(path: &Val) -> Result<&[Val], Error> {
    match path {
        Val::Arr(keys) => Ok(keys),
        _ => fail("Path must be specified as an array"),
    }
}

/// `getpath(path)`: null from the first null on.
pub fn get_path(value: &Val, path: &Val) -> ValR {
    let mut at = value.clone();
    for key in keys_of(path)? {
        if matches!(at, Val::Null) {
            return Ok(Val::Null);
        }
        at = get(&at, key)?;
    }
    Ok(at)
}

/// Replaces the part at a path by what `f` makes of it; it is taken out first, so that an update in place copies nothing.
fn modify_path<E: From<Error>>(mut value: Val, path: &[Val], f: &mut dyn FnMut(Val) -> Result<Val, E>) -> Result<Val, E> {
    let Some((key, rest)) = path.split_first() else {
        return f(value);
    };
    let old = take(&mut value, key)?;
    let new = modify_path(old, rest, f)?;
    Ok(set(value, key, new)?)
}

/// Moves a part out of its place where nobody else sees that, else copies it.
fn take(value: &mut Val, key: &Val) -> ValR {
    match (&mut *value, key) {
        (Val::Obj(map), Val::Str(key)) => {
            if let Some(map) = Rc::get_mut(map) {
                return Ok(map.get_mut(key).map_or(Val::Null, |part| std::mem::replace(part, Val::Null)));
            }
        }
        (Val::Arr(items), Val::Num(index)) => {
            let at = position(*index, items.len());
            if let (Some(items), Some(at)) = (Rc::get_mut(items), at) {
                return Ok(items.get_mut(at).map_or(Val::Null, |part| std::mem::replace(part, Val::Null)));
            }
        }
        _ => {}
    }
    get(value, key)
}

pub fn set_path(value: Val, path: &Val, new: Val) -> ValR {
    let mut new = Some(new);
    modify_path::<Error>(value, keys_of(path)?, &mut |_| Ok(new.take().unwrap_or(Val::Null)))
}

/// `paths |= f`: the first output of `f` for each path; parts without output are deleted in the end.
pub fn modify<E: From<Error>>(
    mut value: Val,
    paths: Vec<Vec<Val>>,
    mut f: impl FnMut(Val) -> Result<Option<Val>, E>,
) -> Result<Val, E> {
    let mut deleted = Vec::new();
    for path in paths {
        let mut gone = false;
        value = modify_path::<E>(value, &path, &mut |old| {
            let new = f(old)?;
            gone = new.is_none();
            Ok(new.unwrap_or(Val::Null))
        })?;
        if gone {
            deleted.push(Val::arr(path));
        }
    }
    if deleted.is_empty() { Ok(value) } else { Ok(delete_paths(value, &Val::arr(deleted))?) }
}

/// `delpaths(paths)`: the last path first, so that the others stay right.
pub fn delete_paths(value: Val, paths: &Val) -> ValR {
    let Val::Arr(paths) = paths else {
        return fail("Paths must be specified as an array");
    };
    let mut sorted: Vec<&Val> = paths.iter().collect();
    sorted.sort_by(|a, b| b.compare(a));
    sorted.into_iter().try_fold(value, |value, path| delete_path(value, keys_of(path)?))
}

fn delete_path(mut value: Val, path: &[Val]) -> ValR {
    match path {
        [] => Ok(Val::Null),
        [key] => delete(value, key),
        [key, rest @ ..] => {
            if matches!(get(&value, key)?, Val::Null) {
                return Ok(value);
            }
            let old = take(&mut value, key)?;
            set(value, key, delete_path(old, rest)?)
        }
    }
}
