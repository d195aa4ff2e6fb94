//! JSON values with jq's rules: numbers are doubles, objects keep the order of insertion, and values of all kinds are
//! ordered (null, false, true, numbers, strings, arrays, objects). Errors are jq's texts.

use crate::dump::{dump, truncated};
use crate::paths;
use indexmap::IndexMap;
use jaq_core::box_iter::BoxIter;
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error as CoreError, Exn, ValX};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

pub type Error = CoreError<Val>;
pub type ValR = Result<Val, Error>;
pub type Map = IndexMap<Rc<String>, Val, foldhash::fast::FixedState>;

#[derive(Clone, Debug)]
pub enum Val {
    Null,
    Bool(bool),
    Num(f64),
    Str(Rc<String>),
    Arr(Rc<Vec<Val>>),
    Obj(Rc<Map>),
}

pub fn fail<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(Val::from(text.into())))
}

/// The contents of a shared value: moved out where this is the only owner.
pub fn unshare<T: Clone>(shared: Rc<T>) -> T {
    Rc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}

impl Val {
    pub fn arr(items: Vec<Val>) -> Val {
        Val::Arr(Rc::new(items))
    }

    pub fn obj(entries: impl IntoIterator<Item = (&'static str, Val)>) -> Val {
        Val::Obj(Rc::new(entries.into_iter().map(|(key, value)| (Rc::new(key.to_owned()), value)).collect()))
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Num(_) => "number",
            Val::Str(_) => "string",
            Val::Arr(_) => "array",
            Val::Obj(_) => "object",
        }
    }

    /// `number (5)`: how error texts name a value; long ones are cut.
    pub fn named(&self) -> String {
        format!("{} ({})", self.kind(), truncated(self, 11))
    }

    pub fn truthy(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Val::Str(s) = self { Some(s) } else { None }
    }

    /// The text of a string, else its JSON.
    pub fn to_text(&self) -> String {
        match self {
            Val::Str(s) => (**s).clone(),
            other => dump(other),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Val::Null => 0,
            Val::Bool(false) => 1,
            Val::Bool(true) => 2,
            Val::Num(_) => 3,
            Val::Str(_) => 4,
            Val::Arr(_) => 5,
            Val::Obj(_) => 6,
        }
    }

    /// jq's total order; nan is less than any number.
    pub fn compare(&self, other: &Val) -> Ordering {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => compare_numbers(*a, *b),
            (Val::Str(a), Val::Str(b)) => a.cmp(b),
            (Val::Arr(a), Val::Arr(b)) => {
                let different = a.iter().zip(b.iter()).map(|(x, y)| x.compare(y)).find(|o| o.is_ne());
                different.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Val::Obj(a), Val::Obj(b)) => compare_objects(a, b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn compare_numbers(a: f64, b: f64) -> Ordering {
    if a < b || a.is_nan() {
        Ordering::Less
    } else if a == b {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

pub fn sorted_keys(map: &Map) -> Vec<&Rc<String>> {
    let mut keys: Vec<_> = map.keys().collect();
    keys.sort();
    keys
}

pub fn at<'a>(map: &'a Map, key: &String) -> &'a Val {
    map.get(key).unwrap_or(&Val::Null)
}

fn compare_objects(a: &Map, b: &Map) -> Ordering {
    let (keys, others) = (sorted_keys(a), sorted_keys(b));
    keys.cmp(&others).then_with(|| {
        let pairs = keys.iter().map(|key| at(a, key).compare(at(b, key)));
        pairs.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    })
}

impl PartialEq for Val {
    fn eq(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => a == b,
            (Val::Str(a), Val::Str(b)) => a == b,
            (Val::Arr(a), Val::Arr(b)) => Rc::ptr_eq(a, b) || a == b,
            (Val::Obj(a), Val::Obj(b)) => Rc::ptr_eq(a, b) || a == b,
            _ => self.rank() == other.rank(),
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Val) -> Option<Ordering> {
        Some(self.compare(other))
    }
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dump(self))
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Val {
        Val::Bool(value)
    }
}

impl From<isize> for Val {
    fn from(value: isize) -> Val {
        Val::Num(value as f64)
    }
}

impl From<usize> for Val {
    fn from(value: usize) -> Val {
        Val::Num(value as f64)
    }
}

impl From<f64> for Val {
    fn from(value: f64) -> Val {
        Val::Num(value)
    }
}

impl From<String> for Val {
    fn from(value: String) -> Val {
        Val::Str(Rc::new(value))
    }
}

impl From<&str> for Val {
    fn from(value: &str) -> Val {
        Val::from(value.to_owned())
    }
}

impl From<Range<Val>> for Val {
    fn from(range: Range<Val>) -> Val {
        Val::obj([("start", range.start.unwrap_or(Val::Null)), ("end", range.end.unwrap_or(Val::Null))])
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(items: I) -> Val {
        Val::arr(items.into_iter().collect())
    }
}

fn refuse(left: &Val, right: &Val, what: &str) -> ValR {
    fail(format!("{} and {} cannot be {what}", left.named(), right.named()))
}

impl Add for Val {
    type Output = ValR;
    fn add(self, other: Val) -> ValR {
        Ok(match (self, other) {
            (Val::Null, value) | (value, Val::Null) => value,
            (Val::Num(a), Val::Num(b)) => Val::Num(a + b),
            (Val::Str(mut a), Val::Str(b)) => {
                Rc::make_mut(&mut a).push_str(&b);
                Val::Str(a)
            }
            (Val::Arr(mut a), Val::Arr(b)) => {
                Rc::make_mut(&mut a).extend(unshare(b));
                Val::Arr(a)
            }
            (Val::Obj(mut a), Val::Obj(b)) => {
                Rc::make_mut(&mut a).extend(unshare(b));
                Val::Obj(a)
            }
            (left, right) => return refuse(&left, &right, "added"),
        })
    }
}

impl Sub for Val {
    type Output = ValR;
    fn sub(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a - b)),
            (Val::Arr(mut a), Val::Arr(b)) => {
                Rc::make_mut(&mut a).retain(|x| !b.contains(x));
                Ok(Val::Arr(a))
            }
            (left, right) => refuse(&left, &right, "subtracted"),
        }
    }
}

/// Objects merged at all depths; the right one wins.
fn merge(mut left: Rc<Map>, right: Rc<Map>) -> Rc<Map> {
    let into = Rc::make_mut(&mut left);
    for (key, value) in unshare(right) {
        let merged = match (into.get_mut(&key), value) {
            (Some(Val::Obj(old)), Val::Obj(new)) => Val::Obj(merge(std::mem::take(old), new)),
            (_, value) => value,
        };
        into.insert(key, merged);
    }
    left
}

impl Mul for Val {
    type Output = ValR;
    fn mul(self, other: Val) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a * b)),
            (Val::Str(s), Val::Num(n)) | (Val::Num(n), Val::Str(s)) => match n {
                n if n.is_nan() || n < 1.0 => Ok(Val::Null),
                n if s.len() as f64 * n > 512e6 => fail("Repeat string result too long"),
                n => Ok(Val::from(s.repeat(n as usize))),
            },
            (Val::Obj(a), Val::Obj(b)) => Ok(Val::Obj(merge(a, b))),
            (left, right) => refuse(&left, &right, "multiplied"),
        }
    }
}

/// The pieces between the separators; an empty separator splits into characters, an empty text has no pieces.
pub fn split(text: &str, separator: &str) -> Val {
    match (text, separator) {
        ("", _) => Val::arr(Vec::new()),
        (_, "") => text.chars().map(|c| Val::from(c.to_string())).collect(),
        _ => text.split(separator).map(Val::from).collect(),
    }
}

impl Div for Val {
    type Output = ValR;
    fn div(self, other: Val) -> ValR {
        match (&self, &other) {
            (Val::Num(_), Val::Num(0.0)) => refuse(&self, &other, "divided because the divisor is zero"),
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a / b)),
            (Val::Str(a), Val::Str(b)) => Ok(split(a, b)),
            _ => refuse(&self, &other, "divided"),
        }
    }
}

impl Rem for Val {
    type Output = ValR;
    fn rem(self, other: Val) -> ValR {
        match (&self, &other) {
            (Val::Num(a), Val::Num(b)) if a.is_nan() || b.is_nan() => Ok(Val::Num(f64::NAN)),
            (Val::Num(a), Val::Num(b)) => match (*a as i64, (*b as i64).unsigned_abs()) {
                (_, 0) => refuse(&self, &other, "divided (remainder) because the divisor is zero"),
                (a, b) => {
                    let rest = (a.unsigned_abs() % b) as f64;
                    Ok(Val::Num(if a < 0 && rest != 0.0 { -rest } else { rest }))
                }
            },
            _ => refuse(&self, &other, "divided"),
        }
    }
}

impl Neg for Val {
    type Output = ValR;
    fn neg(self) -> ValR {
        match self {
            Val::Num(n) => Ok(Val::Num(-n)),
            other => fail(format!("{} cannot be negated", other.named())),
        }
    }
}

fn cannot_iterate(value: &Val) -> Error {
    Error::new(Val::from(format!("Cannot iterate over {}", value.named())))
}

/// The first output of an update, none when the part is to be deleted.
fn updated<'a, I: Iterator<Item = ValX<'a, Val>>>(mut outputs: I) -> Result<Option<Val>, Exn<'a, Val>> {
    outputs.next().transpose()
}

impl jaq_core::ValT for Val {
    fn from_num(text: &str) -> ValR {
        match text.parse() {
            Ok(number) => Ok(Val::Num(number)),
            Err(_) => fail(format!("{text} is not a number")),
        }
    }

    fn from_map<I: IntoIterator<Item = (Val, Val)>>(entries: I) -> ValR {
        let mut map = Map::default();
        for (key, value) in entries {
            let Val::Str(key) = key else {
                return fail(format!("Cannot use {} as object key", key.named()));
            };
            map.insert(key, value);
        }
        Ok(Val::Obj(Rc::new(map)))
    }

    fn key_values(self) -> BoxIter<'static, Result<(Val, Val), Error>> {
        match self {
            Val::Arr(items) => Box::new(unshare(items).into_iter().enumerate().map(|(i, v)| Ok((Val::from(i), v)))),
            Val::Obj(map) => Box::new(unshare(map).into_iter().map(|(k, v)| Ok((Val::Str(k), v)))),
            other => Box::new(std::iter::once(Err(cannot_iterate(&other)))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        match self {
            Val::Arr(items) => match Rc::try_unwrap(items) {
                Ok(items) => Box::new(items.into_iter().map(Ok)),
                Err(items) => Box::new((0..items.len()).map(move |i| Ok(items[i].clone()))),
            },
            Val::Obj(map) => match Rc::try_unwrap(map) {
                Ok(map) => Box::new(map.into_values().map(Ok)),
                Err(map) => Box::new((0..map.len()).map(move |i| Ok(map[i].clone()))),
            },
            other => Box::new(std::iter::once(Err(cannot_iterate(&other)))),
        }
    }

    fn index(self, index: &Val) -> ValR {
        paths::get(&self, index)
    }

    fn range(self, range: Range<&Val>) -> ValR {
        paths::slice(&self, range.start.unwrap_or(&Val::Null), range.end.unwrap_or(&Val::Null))
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Val>>>(self, opt: Opt, f: impl Fn(Val) -> I) -> ValX<'a, Val> {
        match self {
            Val::Arr(items) => {
                let kept = unshare(items).into_iter().filter_map(|item| updated(f(item)).transpose());
                kept.collect()
            }
            Val::Obj(map) => {
                let kept = unshare(map).into_iter().filter_map(|(key, item)| Some(updated(f(item)).transpose()?.map(|v| (key, v))));
                Ok(Val::Obj(Rc::new(kept.collect::<Result<_, _>>()?)))
            }
            other => opt.fail(other, |v| Exn::from(cannot_iterate(&v))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Val>>>(self, index: &Val, opt: Opt, f: impl Fn(Val) -> I) -> ValX<'a, Val> {
        match paths::get(&self, index) {
            Err(error) => opt.fail(self, |_| Exn::from(error)),
            Ok(old) => Ok(match updated(f(old))? {
                Some(new) => paths::set(self, index, new)?,
                None => paths::delete(self, index)?,
            }),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Val>>>(self, range: Range<&Val>, opt: Opt, f: impl Fn(Val) -> I) -> ValX<'a, Val> {
        let index = Val::from(range.start.cloned()..range.end.cloned());
        self.map_index(&index, opt, f)
    }

    fn as_bool(&self) -> bool {
        self.truthy()
    }

    fn into_string(self) -> Val {
        match self {
            Val::Str(_) => self,
            other => Val::from(dump(&other)),
        }
    }
}
