//! A filter's text made ready to run: parsed, given jq's meaning, joined with those definitions of the prelude that it
//! names (and those that they name), compiled. Errors are jq's compile errors, ready for stderr.

use crate::builtins;
use crate::rewrite::Rewriter;
use crate::syntax_error;
use crate::value::Val;
use jaq_core::compile::Undefined;
use jaq_core::data::JustLut;
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser};
use jaq_core::load::{Arena, File, Loader, parse};
use jaq_core::{Compiler, Filter};
use std::collections::{BTreeSet, HashMap};

pub type Data = JustLut<Val>;
pub type Program = Filter<Data>;

const PRELUDE: &str = include_str!("prelude.jq");

/// The name under which the program itself is defined, beside the prelude.
const MAIN: &str = "__main__";

/// Compiles `code` with global variables of the given names (with their `$`).
pub fn compile(code: &str, variables: &[String]) -> Result<Program, String> {
    let code = join_surrogates(code);
    let code = if is_blank(&code) { ".".to_owned() } else { code };
    let tokens = Lexer::new(&code).lex().map_err(|errors| syntax_error::of_lexer(&code, &errors))?;
    let term = Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| syntax_error::of_parser(&code, &errors))?;
    let body = Rewriter { code: &code }.term(term);
    let mut defs = prelude_for(&code);
    defs.push(Def { name: MAIN, args: Vec::new(), body });
    let arena = Arena::new();
    let modules = Loader::new(defs).load(&arena, File { code: MAIN, path: () });
    let modules = modules.map_err(|_| "jq: error: module loading is not supported\njq: 1 compile error\n".to_owned())?;
    let compiler = Compiler::default().with_funs(builtins::all()).with_global_vars(variables.iter().map(String::as_str));
    compiler.compile(modules).map_err(|errors| {
        let undefined: Vec<_> = errors.into_iter().flat_map(|(_, errors)| errors).collect();
        undefined_text(&code, &undefined)
    })
}

fn is_blank(code: &str) -> bool {
    code.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

/// Every name that occurs in a text, comments and strings included: a little more than it calls.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '@'))).filter(|word| !word.is_empty())
}

/// What operators and `..` mean in definitions of the prelude.
const OPERATORS: [(&str, &str); 8] = [
    ("|=", "_modify"),
    ("//=", "_modify_alt"),
    ("+=", "_modify_add"),
    ("-=", "_modify_sub"),
    ("*=", "_modify_mul"),
    ("/=", "_modify_div"),
    ("%=", "_modify_rem"),
    ("=", "_assign"),
];

/// The definitions that a program may need, in the prelude's order.
fn prelude_for(code: &str) -> Vec<Def<&'static str>> {
    let lines: Vec<&'static str> = PRELUDE.lines().filter(|line| line.starts_with("def ")).collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        let name = line[4..].split([':', '(']).next().unwrap_or_default();
        places.entry(name).or_default().push(place);
    }
    let mut wanted = BTreeSet::new();
    let mut waiting: Vec<&str> = vec!["empty", "error", "last"];
    waiting.extend(words(code));
    waiting.extend(OPERATORS.iter().filter(|(operator, _)| code.contains(operator)).map(|(_, name)| *name));
    if code.contains("$ENV") {
        waiting.push("env");
    }
    while let Some(word) = waiting.pop() {
        for place in places.remove(word).unwrap_or_default() {
            wanted.insert(place);
            waiting.extend(words(lines[place]));
        }
    }
    wanted.into_iter().filter_map(|place| definition(lines[place])).collect()
}

fn definition(line: &'static str) -> Option<Def<&'static str>> {
    let defs = parse(line, |p| p.defs())?;
    defs.into_iter().next().map(|def| Rewriter { code: line }.definition(def))
}

/// All names with their numbers of arguments, for `builtins`.
pub fn signatures() -> Vec<String> {
    let native = builtins::all().map(|(name, args, _)| (name.to_owned(), args.len()));
    let defined = PRELUDE.lines().filter(|line| line.starts_with("def ")).filter_map(definition);
    let all = native.chain(defined.map(|def| (def.name.to_owned(), def.args.len())));
    let mut names: Vec<_> =
        all.filter(|(name, _)| !name.starts_with(['_', '@'])).map(|(name, arity)| format!("{name}/{arity}")).collect();
    names.sort();
    names.dedup();
    names
}

/// The `break` of a label.
fn label_place<'s>(code: &'s str, name: &'s str) -> &'s str {
    let offset = (name.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    let start = code.get(..offset).and_then(|before| before.rfind("break"));
    start.map_or(name, |start| &code[start..])
}

fn undefined_text(code: &str, errors: &[(&str, Undefined)]) -> String {
    let mut out = String::new();
    for (name, undefined) in errors {
        let what = match undefined {
            Undefined::Filter(_) if name.starts_with('@') => format!("{} is not a valid format", &name[1..]),
            Undefined::Filter(arity) => format!("{name}/{arity} is not defined"),
            Undefined::Label => format!("$*label-{} is not defined", &name[1..]),
            _ => format!("{name} is not defined"),
        };
        let place = match undefined {
            Undefined::Label => label_place(code, name),
            _ => name,
        };
        out += &syntax_error::located(code, place, &what);
    }
    out + &syntax_error::count(errors.len())
}

/// Writes characters that are escaped as two surrogates as themselves: the lexer takes single escapes only.
fn join_surrogates(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("\\u") {
        let unit = |from: usize| rest.get(from..from + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let low = if rest.get(at + 6..at + 8) == Some("\\u") { unit(at + 8) } else { None };
        let odd = rest[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        let (joined, length) = match (unit(at + 2), low) {
            _ if odd => (None, 2),
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12)
            }
            (Some(0xd800..0xe000), _) => (Some(char::REPLACEMENT_CHARACTER), 6),
            _ => (None, 2),
        };
        out.push_str(&rest[..at]);
        match joined {
            Some(c) => out.push(c),
            None => out.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out + rest
}
