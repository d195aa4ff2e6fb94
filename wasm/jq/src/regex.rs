//! Regular expressions: Oniguruma's Perl syntax, as far as fancy-regex has it (look-around, back references, named groups).
//! Offsets and lengths count characters.

use crate::value::{Error, Map, Val, ValR, fail};
use fancy_regex::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    /// Compiled expressions: a filter uses the same for each input.
    static COMPILED: RefCell<HashMap<(String, String), Rc<Regex>>> = RefCell::default();
}

type Found<'t> = Captures<'t, str>;

struct Flags {
    global: bool,
    skip_empty: bool,
}

struct Query {
    regex: Rc<Regex>,
    flags: Flags,
}

fn query(expression: &Val, flags: &Val) -> Result<Query, Error> {
    let (expression, flags) = match (expression, flags) {
        (Val::Arr(both), Val::Null) => (both.first().unwrap_or(&Val::Null), both.get(1).unwrap_or(&Val::Null)),
        both => both,
    };
    let Some(pattern) = expression.as_str() else {
        return fail(format!("{} cannot be matched, as it is not a string", expression.named()));
    };
    let letters = match flags {
        Val::Null => "",
        Val::Str(letters) => letters,
        other => return fail(format!("{} is not a string", other.named())),
    };
    if letters.chars().any(|letter| !"gimnpslx".contains(letter)) {
        return fail(format!("{letters} is not a valid modifier string"));
    }
    let flags = Flags { global: letters.contains('g'), skip_empty: letters.contains('n') };
    let key = (pattern.to_owned(), letters.to_owned());
    if let Some(regex) = COMPILED.with_borrow(|compiled| compiled.get(&key).cloned()) {
        return Ok(Query { regex, flags });
    }
    let regex = RegexBuilder::new(&translated(pattern))
        .case_insensitive(letters.contains('i'))
        .dot_matches_new_line(letters.contains('p'))
        .ignore_whitespace(letters.contains('x'))
        .build();
    let regex = match regex {
        Ok(regex) => Rc::new(regex),
        Err(error) => return fail(format!("{pattern} (at offset 0) is not a valid regex: {error}")),
    };
    COMPILED.with_borrow_mut(|compiled| compiled.insert(key, regex.clone()));
    Ok(Query { regex, flags })
}

/// Oniguruma's `\h` and `\H` are hexadecimal digits.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut characters, mut in_class) = (pattern.chars(), false);
    while let Some(c) = characters.next() {
        match c {
            '\\' => match (characters.next(), in_class) {
                (Some('h'), false) => out.push_str("[0-9A-Fa-f]"),
                (Some('h'), true) => out.push_str("0-9A-Fa-f"),
                (Some('H'), false) => out.push_str("[^0-9A-Fa-f]"),
                (Some(other), _) => out.extend(['\\', other]),
                (None, _) => out.push('\\'),
            },
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

/// Counts characters up to ever later places of a text.
struct Counter<'t> {
    text: &'t str,
    at: usize,
    characters: usize,
}

impl Counter<'_> {
    fn to(&mut self, place: usize) -> usize {
        if place < self.at {
            return self.text[..place].chars().count();
        }
        self.characters += self.text[self.at..place].chars().count();
        self.at = place;
        self.characters
    }
}

fn each<'t>(query: &Query, text: &'t str, mut f: impl FnMut(Found<'t>) -> Result<(), Error>) -> Result<(), Error> {
    for found in query.regex.captures_iter(text) {
        let found = found.or_else(|error| fail(format!("Regex failure: {error}")))?;
        let empty = found.get(0).is_none_or(|whole| whole.start() == whole.end());
        if empty && query.flags.skip_empty {
            continue;
        }
        f(found)?;
        if !query.flags.global {
            break;
        }
    }
    Ok(())
}

fn subject(value: &Val) -> Result<&str, Error> {
    match value {
        Val::Str(text) => Ok(text),
        other => fail(format!("{} cannot be matched, as it is not a string", other.named())),
    }
}

/// The matches as objects, or with `test` whether there is one.
pub fn find(value: Val, expression: Val, flags: Val, test: Val) -> ValR {
    let text = subject(&value)?;
    let mut query = query(&expression, &flags)?;
    if test.truthy() {
        query.flags.global = false;
        let mut any = false;
        each(&query, text, |_| {
            any = true;
            Ok(())
        })?;
        return Ok(Val::Bool(any));
    }
    let mut counter = Counter { text, at: 0, characters: 0 };
    let mut matches = Vec::new();
    each(&query, text, |found| {
        matches.push(match_object(&query.regex, &found, &mut counter));
        Ok(())
    })?;
    Ok(Val::arr(matches))
}

fn match_object(regex: &Regex, found: &Found<'_>, counter: &mut Counter<'_>) -> Val {
    let mut part = |at: usize| match found.get(at) {
        Some(part) => {
            let offset = counter.to(part.start());
            [
                ("offset", Val::from(offset)),
                ("length", Val::from(part.as_str().chars().count())),
                ("string", Val::from(part.as_str())),
            ]
        }
        None => [("offset", Val::Num(-1.0)), ("string", Val::Null), ("length", Val::Num(0.0))],
    };
    let whole = part(0);
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    let captures = (1..found.len()).map(|at| {
        let name = names.get(at).copied().flatten().map_or(Val::Null, Val::from);
        Val::obj(part(at).into_iter().chain([("name", name)]))
    });
    let captures = captures.collect();
    Val::obj(whole.into_iter().chain([("captures", captures)]))
}

/// What `sub` works on: the texts between the matches, and for each match an object of its named captures.
pub fn edits(value: Val, expression: Val, flags: Val) -> ValR {
    let text = subject(&value)?;
    let query = query(&expression, &flags)?;
    let names: Vec<Option<String>> = query.regex.capture_names().map(|name| name.map(str::to_owned)).collect();
    let (mut out, mut from) = (Vec::new(), 0);
    each(&query, text, |found| {
        let Some(whole) = found.get(0) else { return Ok(()) };
        out.push(Val::from(&text[from..whole.start()]));
        from = whole.end();
        let mut captures = Map::default();
        for (at, name) in names.iter().enumerate() {
            let Some(name) = name else { continue };
            let part = found.get(at).map_or(Val::Null, |part| Val::from(part.as_str()));
            captures.insert(Rc::new(name.clone()), part);
        }
        out.push(Val::Obj(Rc::new(captures)));
        Ok(())
    })?;
    out.push(Val::from(&text[from..]));
    Ok(Val::arr(out))
}
