//! The built-ins that are Rust functions, by name and number of arguments.

use crate::program::{Data, signatures};
use crate::value::{Val, ValR, fail};
use crate::{arrays, dates, formats, math, paths, regex, session, strings};
use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::native::{Fun, bome, v};
use jaq_core::{Bind, Error, Exn, Native};

/// Natives whose arguments are values: a list of `NAME(arguments) => function`.
macro_rules! natives {
    ($($name:literal $args:tt => $function:expr,)*) => { vec![$(native!($name $args $function)),*] };
}

macro_rules! native {
    ($name:literal () $function:expr) => {
        ($name, v(0), Native::new(|cv| bome($function(cv.1))))
    };
    ($name:literal (a) $function:expr) => {
        (
            $name,
            v(1),
            Native::new(|mut cv| {
                let a = cv.0.pop_var();
                bome($function(cv.1, a))
            }),
        )
    };
    ($name:literal (a, b) $function:expr) => {
        (
            $name,
            v(2),
            Native::new(|mut cv| {
                let b = cv.0.pop_var();
                let a = cv.0.pop_var();
                bome($function(cv.1, a, b))
            }),
        )
    };
    ($name:literal (a, b, c) $function:expr) => {
        (
            $name,
            v(3),
            Native::new(|mut cv| {
                let c = cv.0.pop_var();
                let b = cv.0.pop_var();
                let a = cv.0.pop_var();
                bome($function(cv.1, a, b, c))
            }),
        )
    };
}

pub fn all() -> impl Iterator<Item = Fun<Data>> {
    let core = jaq_core::funs::<Data>().filter_map(|(name, args, native)| {
        let name = match name {
            "limit" => "_limit",
            "skip" => "_skip",
            "first" | "path" | "range" => name,
            _ => return None,
        };
        Some((name, args, native))
    });
    core.chain(values()).chain(with_filters()).chain(math::all())
}

fn values() -> Vec<Fun<Data>> {
    natives![
        "length"() => arrays::length,
        "utf8bytelength"() => strings::byte_length,
        "type"() => |value: Val| Ok(Val::from(value.kind())),
        "keys"() => arrays::keys,
        "keys_unsorted"() => arrays::keys_unsorted,
        "has"(a) => arrays::has,
        "contains"(a) => |value: Val, part: Val| arrays::contains(&value, &part).map(Val::Bool),
        "add"() => arrays::add,
        "sort"() => arrays::sort,
        "min"() => arrays::min,
        "max"() => arrays::max,
        "unique"() => arrays::unique,
        "reverse"() => arrays::reverse,
        "flatten"() => |value| arrays::flatten(value, Val::Num(1e9)),
        "flatten"(a) => arrays::flatten,
        "transpose"() => arrays::transpose,
        "join"(a) => arrays::join,
        "indices"(a) => arrays::indices,
        "_indices"(a) => arrays::indices,
        "index"(a) => |value, wanted| arrays::indices(value, wanted).map(|found| arrays::end_of(&found, false)),
        "rindex"(a) => |value, wanted| arrays::indices(value, wanted).map(|found| arrays::end_of(&found, true)),
        "setpath"(a, b) => |value, path, new| paths::set_path(value, &path, new),
        "delpaths"(a) => |value, list| paths::delete_paths(value, &list),
        "tojson"() => |value: Val| Ok(Val::from(crate::dump::dump(&value))),
        "tostring"() => |value: Val| Ok(jaq_core::ValT::into_string(value)),
        "fromjson"() => strings::from_json,
        "tonumber"() => strings::to_number,
        "ascii_downcase"() => strings::ascii_downcase,
        "ascii_upcase"() => strings::ascii_upcase,
        "explode"() => strings::explode,
        "implode"() => strings::implode,
        "startswith"(a) => strings::starts_with,
        "endswith"(a) => strings::ends_with,
        "ltrimstr"(a) => strings::trim_start_text,
        "rtrimstr"(a) => strings::trim_end_text,
        "trim"() => |value| strings::trim(value, true, true),
        "ltrim"() => |value| strings::trim(value, true, false),
        "rtrim"() => |value| strings::trim(value, false, true),
        "split"(a) => strings::split,
        "_match"(a, b, c) => regex::find,
        "_edits"(a, b) => regex::edits,
        "@text"() => |value: Val| Ok(Val::from(value.to_text())),
        "@json"() => |value: Val| Ok(Val::from(crate::dump::dump(&value))),
        "@csv"() => formats::csv,
        "@tsv"() => formats::tsv,
        "@html"() => formats::html,
        "@uri"() => formats::uri,
        "@urid"() => formats::from_uri,
        "@sh"() => formats::shell,
        "@base64"() => formats::base64,
        "@base64d"() => formats::from_base64,
        "@base32"() => formats::base32,
        "@base32d"() => formats::from_base32,
        "format"(a) => formats::named,
        "now"() => dates::now,
        "mktime"() => dates::mktime,
        "gmtime"() => dates::gmtime,
        "localtime"() => dates::localtime,
        "strftime"(a) => dates::strftime,
        "strflocaltime"(a) => dates::strflocaltime,
        "strptime"(a) => dates::strptime,
        "env"() => session::environment,
        "input_filename"() => session::input_filename,
        "input_line_number"() => session::input_line_number,
        "debug"() => session::debug,
        "stderr"() => session::stderr,
        "builtins"() => |_| Ok(signatures().into_iter().map(Val::from).collect()),
        "infinite"() => |_| Ok(Val::Num(f64::INFINITY)),
        "nan"() => |_| Ok(Val::Num(f64::NAN)),
        "isinfinite"() => |value| number_test(value, f64::is_infinite),
        "isnan"() => |value| number_test(value, f64::is_nan),
        "isnormal"() => |value| number_test(value, f64::is_normal),
    ]
}

fn number_test(value: Val, test: fn(f64) -> bool) -> ValR {
    match value {
        Val::Num(number) => Ok(Val::Bool(test(number))),
        other => fail(format!("{} number required", other.named())),
    }
}

type Item<'a> = Result<Val, Exn<'a, Val>>;

/// Natives that take filters, halt, or read inputs.
fn with_filters() -> Vec<Fun<Data>> {
    let f = || -> Box<[Bind]> { Box::new([Bind::Fun(())]) };
    vec![
        (
            "error",
            v(0),
            Native::new(|cv| bome(Err(Error::new(cv.1)))).with_paths(|cv| box_once(Err(Exn::from(Error::new(cv.1.0))))),
        ),
        (
            "getpath",
            v(1),
            Native::new(|mut cv| {
                let path = cv.0.pop_var();
                bome(paths::get_path(&cv.1, &path))
            })
            .with_paths(|mut cv| {
                let path = cv.0.pop_var();
                let (value, at) = cv.1;
                let found = paths::get_path(&value, &path).map_err(Exn::from);
                let keys = if let Val::Arr(keys) = path { crate::value::unshare(keys) } else { Vec::new() };
                box_once(found.map(|found| (found, at.extend(keys))))
            }),
        ),
        (
            "_modify",
            Box::new([Bind::Fun(()), Bind::Fun(())]),
            Native::new(|mut cv| {
                let (update, update_ctx) = cv.0.pop_fun();
                let (paths, paths_ctx) = cv.0.pop_fun();
                let found = paths.paths((paths_ctx, (cv.1.clone(), Default::default())));
                let found: Result<Vec<Vec<Val>>, _> = found
                    .map(|item| {
                        let mut path: Vec<Val> = item?.1.iter().cloned().collect();
                        path.reverse();
                        Ok(path)
                    })
                    .collect();
                box_once(found.and_then(|found| {
                    crate::paths::modify(cv.1, found, |old| update.run((update_ctx.clone(), old)).next().transpose())
                }))
            }),
        ),
        (
            "sort_by",
            f(),
            Native::new(|mut cv| {
                let (f, ctx) = cv.0.pop_fun();
                box_once(arrays::sort_by(cv.1, |value| f.run((ctx.clone(), value)).collect::<Item>()))
            }),
        ),
        (
            "group_by",
            f(),
            Native::new(|mut cv| {
                let (f, ctx) = cv.0.pop_fun();
                box_once(arrays::group_by(cv.1, |value| f.run((ctx.clone(), value)).collect::<Item>()))
            }),
        ),
        (
            "unique_by",
            f(),
            Native::new(|mut cv| {
                let (f, ctx) = cv.0.pop_fun();
                box_once(arrays::unique_by(cv.1, |value| f.run((ctx.clone(), value)).collect::<Item>()))
            }),
        ),
        (
            "min_by",
            f(),
            Native::new(|mut cv| {
                let (f, ctx) = cv.0.pop_fun();
                box_once(arrays::extreme_by(cv.1, false, |value| f.run((ctx.clone(), value)).collect::<Item>()))
            }),
        ),
        (
            "max_by",
            f(),
            Native::new(|mut cv| {
                let (f, ctx) = cv.0.pop_fun();
                box_once(arrays::extreme_by(cv.1, true, |value| f.run((ctx.clone(), value)).collect::<Item>()))
            }),
        ),
        ("input", v(0), Native::new(|_| bome(session::input()))),
        ("inputs", v(0), Native::new(|_| inputs())),
        ("halt", v(0), Native::new(|_| box_once(Err(Exn::halt(0))))),
        (
            "halt_error",
            v(1),
            Native::new(|mut cv| {
                let status = cv.0.pop_var();
                box_once(session::halt_error(cv.1, status))
            }),
        ),
    ]
}

fn inputs<'a>() -> BoxIter<'a, Item<'a>> {
    Box::new(std::iter::from_fn(|| session::next_input().map(|input| input.map_err(Exn::from))))
}
