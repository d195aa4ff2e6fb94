//! The command line as glibc's `getopt_long` reads it, with its texts: grouped short options, abbreviated long ones, operands
//! anywhere.
//!
//! A program names its options in one text, `"n,number c,bytes= z"`: short and long name, `=` when it takes a value, `=?` when the
//! value may be left out (then it must stand in the same word). An option is known by its short name, or by its long one when it
//! has no short one. `--help` and `--version` are every program's.

use crate::report::{Failure, failure, misuse, name};
use tidepool_system::{Fd, write_all};

pub struct Spec {
    pub options: &'static str,
    /// What `--help` prints.
    pub help: &'static str,
    /// The exit status of a wrong command line.
    pub status: i32,
    /// Whether the first operand ends the options (`env`, `xargs`: the rest is a command's).
    pub stop_at_operand: bool,
}

impl Spec {
    pub const fn new(options: &'static str, help: &'static str) -> Spec {
        Spec { options, help, status: 1, stop_at_operand: false }
    }
    pub const fn status(self, status: i32) -> Spec {
        Spec { status, ..self }
    }
    pub const fn stop_at_operand(self) -> Spec {
        Spec { stop_at_operand: true, ..self }
    }
}

pub struct Parsed {
    /// In the order of the command line.
    pub options: Vec<(&'static str, Option<Vec<u8>>)>,
    pub operands: Vec<Vec<u8>>,
}

impl Parsed {
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == option)
    }
    /// The value of the last one.
    pub fn value(&self, option: &str) -> Option<&[u8]> {
        self.options.iter().rev().find(|(name, _)| *name == option).and_then(|(_, value)| value.as_deref())
    }
    /// Which of these stands last, for options that override one another.
    pub fn last_of(&self, options: &[&str]) -> Option<&'static str> {
        self.options.iter().rev().map(|(name, _)| *name).find(|name| options.contains(name))
    }
    /// Operands, or `-` when there are none.
    pub fn files(&self) -> Vec<Vec<u8>> {
        if self.operands.is_empty() { vec![b"-".to_vec()] } else { self.operands.clone() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Maybe,
    Value,
}

struct Item {
    short: Option<&'static str>,
    long: Option<&'static str>,
    takes: Takes,
}

impl Item {
    fn key(&self) -> &'static str {
        self.short.or(self.long).unwrap_or("")
    }
}

fn item(text: &'static str) -> Item {
    let (names, takes) = match text.strip_suffix("=?") {
        Some(names) => (names, Takes::Maybe),
        None => text.strip_suffix('=').map_or((text, Takes::Nothing), |names| (names, Takes::Value)),
    };
    match names.split_once(',') {
        Some((short, long)) => Item { short: Some(short), long: Some(long), takes },
        None if names.len() == 1 => Item { short: Some(names), long: None, takes },
        None => Item { short: None, long: Some(names), takes },
    }
}

/// Reads `args` (without `argv[0]`).
pub fn parse(args: Vec<Vec<u8>>, spec: &Spec) -> Result<Parsed, Failure> {
    let items: Vec<Item> = spec.options.split_ascii_whitespace().map(item).collect();
    let mut parsed = Parsed { options: Vec::new(), operands: Vec::new() };
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        match arg.as_slice() {
            b"--" => {
                parsed.operands.extend(rest);
                break;
            }
            [b'-', b'-', long @ ..] => parse_long(long, spec, &items, &mut rest, &mut parsed)?,
            [b'-', shorts @ ..] if !shorts.is_empty() => parse_shorts(shorts, spec, &items, &mut rest, &mut parsed)?,
            _ => {
                parsed.operands.push(arg);
                if spec.stop_at_operand {
                    parsed.operands.extend(rest);
                    break;
                }
            }
        }
    }
    Ok(parsed)
}

type Rest = std::vec::IntoIter<Vec<u8>>;

fn parse_shorts(shorts: &[u8], spec: &Spec, items: &[Item], rest: &mut Rest, parsed: &mut Parsed) -> Result<(), Failure> {
    for (at, &byte) in shorts.iter().enumerate() {
        let letter = char::from(byte);
        let item = items.iter().find(|item| item.short.is_some_and(|short| short.as_bytes() == [byte]));
        let Some(item) = item else {
            let shown = if byte.is_ascii() { letter.to_string() } else { String::from_utf8_lossy(&[byte]).into_owned() };
            return Err(misuse(spec.status, format!("invalid option -- '{shown}'")));
        };
        let tail = &shorts[at + 1..];
        let value = match item.takes {
            Takes::Nothing => {
                parsed.options.push((item.key(), None));
                continue;
            }
            Takes::Maybe => (!tail.is_empty()).then(|| tail.to_vec()),
            Takes::Value if !tail.is_empty() => Some(tail.to_vec()),
            Takes::Value => match rest.next() {
                Some(value) => Some(value),
                None => return Err(misuse(spec.status, format!("option requires an argument -- '{letter}'"))),
            },
        };
        parsed.options.push((item.key(), value));
        break;
    }
    Ok(())
}

fn parse_long(word: &[u8], spec: &Spec, items: &[Item], rest: &mut Rest, parsed: &mut Parsed) -> Result<(), Failure> {
    let (given, value) = match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], Some(word[at + 1..].to_vec())),
        None => (word, None),
    };
    let Some((long, found)) = find_long(given, spec, items)? else {
        return Err(misuse(spec.status, format!("unrecognized option '--{}'", String::from_utf8_lossy(word))));
    };
    let takes = found.map_or(Takes::Nothing, |item| item.takes);
    if takes == Takes::Nothing && value.is_some() {
        return Err(misuse(spec.status, format!("option '--{long}' doesn't allow an argument")));
    }
    let value = match (takes, value) {
        (Takes::Value, None) => match rest.next() {
            Some(value) => Some(value),
            None => return Err(misuse(spec.status, format!("option '--{long}' requires an argument"))),
        },
        (_, value) => value,
    };
    match found {
        Some(item) => parsed.options.push((item.key(), value)),
        None if long == "help" => return Err(show(spec.help)),
        None => return Err(show(&format!("{} (Tidepool) {}\n", name(), env!("CARGO_PKG_VERSION")))),
    }
    Ok(())
}

/// The long option that `given` names or abbreviates; an item of `None` is `--help` or `--version`.
fn find_long<'a>(given: &[u8], spec: &Spec, items: &'a [Item]) -> Result<Option<(&'static str, Option<&'a Item>)>, Failure> {
    let own = items.iter().filter_map(|item| item.long.map(|long| (long, Some(item))));
    let all = own.chain([("help", None), ("version", None)]);
    let fitting: Vec<_> = all.filter(|(long, _)| long.as_bytes().starts_with(given)).collect();
    if let Some(exact) = fitting.iter().find(|(long, _)| long.as_bytes() == given) {
        return Ok(Some(*exact));
    }
    match fitting.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => {
            let given = String::from_utf8_lossy(given);
            let names: Vec<_> = several.iter().map(|(long, _)| format!("'--{long}'")).collect();
            Err(misuse(spec.status, format!("option '--{given}' is ambiguous; possibilities: {}", names.join(" "))))
        }
    }
}

/// Prints to stdout and ends with status 0.
fn show(text: &str) -> Failure {
    match write_all(Fd::STDOUT, text.as_bytes()) {
        Ok(()) => failure(0, ""),
        Err(errno) => failure(1, format!("write error: {errno}")),
    }
}

/// `missing operand`, or `missing … operand after ‘x’`.
pub fn missing_operand(status: i32) -> Failure {
    misuse(status, "missing operand")
}

pub fn extra_operand(status: i32, operand: &[u8]) -> Failure {
    misuse(status, format!("extra operand {}", crate::report::quote(operand)))
}

/// Options that are GNU's and are not done here: said, not ignored.
pub fn refuse(parsed: &Parsed, options: &[&str], status: i32) -> Result<(), Failure> {
    match options.iter().find(|option| parsed.has(option)) {
        Some(option) => {
            let dashes = if option.len() == 1 { "-" } else { "--" };
            Err(failure(status, format!("option '{dashes}{option}' is not supported")))
        }
        None => Ok(()),
    }
}

/// For programs whose messages name operands with plain quotes.
pub fn misplaced(operand: &[u8]) -> Failure {
    misuse(1, format!("extra operand {}", crate::report::quote_name(operand)))
}

/// `-40` as the value of an option: `fold -40`, `expand -4`.
pub fn modernise_number(args: Vec<Vec<u8>>, option: &[u8]) -> Vec<Vec<u8>> {
    let old = |arg: &[u8]| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(|byte| byte.is_ascii_digit() || *byte == b',');
    args.into_iter().map(|arg| if old(&arg) { [option, &arg[1..]].concat() } else { arg }).collect()
}

/// The word among `words` that `given` names or abbreviates, with GNU's complaint about any other.
pub fn choose(given: &[u8], option: &str, words: &[&'static str], status: i32) -> Result<&'static str, Failure> {
    if let Some(exact) = words.iter().find(|word| word.as_bytes() == given) {
        return Ok(exact);
    }
    let fitting: Vec<_> = words.iter().filter(|word| !given.is_empty() && word.as_bytes().starts_with(given)).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        several => {
            let what = if several.is_empty() { "invalid" } else { "ambiguous" };
            let valid: Vec<_> = words.iter().map(|word| format!("  - ‘{word}’")).collect();
            let given = crate::report::quote(given);
            Err(misuse(status, format!("{what} argument {given} for ‘{option}’\nValid arguments are:\n{}", valid.join("\n"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec::new("n,number c,bytes= color=? bytewise z", "");

    fn read(args: &[&str]) -> Result<Parsed, String> {
        let args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        parse(args, &SPEC).map_err(|failure| failure.message)
    }

    #[test]
    fn short_options_group_and_take_values() {
        let parsed = read(&["-nzc5", "x", "-c", "6", "--", "-n"]).ok().expect("valid");
        let names: Vec<_> = parsed.options.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["n", "z", "c", "c"]);
        assert_eq!(parsed.value("c"), Some(&b"6"[..]));
        assert_eq!(parsed.operands, [b"x".to_vec(), b"-n".to_vec()]);
    }

    #[test]
    fn long_options_may_be_abbreviated() {
        let parsed = read(&["--num", "--bytes=3", "--color"]).ok().expect("valid");
        assert!(parsed.has("n"));
        assert_eq!(parsed.value("c"), Some(&b"3"[..]));
        assert_eq!(parsed.value("color"), None);
    }

    #[test]
    fn complaints_are_getopts() {
        let complaint = |args: &[&str]| read(args).err().unwrap_or_default().lines().next().unwrap_or("").to_owned();
        assert_eq!(complaint(&["-q"]), "invalid option -- 'q'");
        assert_eq!(complaint(&["-c"]), "option requires an argument -- 'c'");
        assert_eq!(complaint(&["--bogus=1"]), "unrecognized option '--bogus=1'");
        assert_eq!(complaint(&["--number=1"]), "option '--number' doesn't allow an argument");
        assert_eq!(complaint(&["--byte"]), "option '--byte' is ambiguous; possibilities: '--bytes' '--bytewise'");
    }
}
