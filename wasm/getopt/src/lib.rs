//! Command-line options as GNU `getopt_long(3)` reads them: operands and options may be mixed, long names may be
//! cut short while they stay unambiguous, `--` ends the options. Errors are getopt's texts without the program name.

use std::ffi::OsString;
use std::fmt::Write as _;

/// Whether an option takes an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    Nothing,
    Value,
    MayValue,
}

/// A long option: its name, what it takes, and the key it is reported under (that of its short form, if it has one).
pub type Long = (&'static str, Takes, char);

/// One option as given. `word` is the index of the argument it stood in: `-12` is two options of one word.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    pub key: char,
    pub value: Option<Vec<u8>>,
    pub word: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub options: Vec<Given>,
    pub operands: Vec<Vec<u8>>,
}

/// The arguments of this process as bytes, without the program's name.
pub fn arguments() -> Vec<Vec<u8>> {
    std::env::args_os().skip(1).map(OsString::into_encoded_bytes).collect()
}

/// Reads `words`. `short` is getopt's string: a letter, then `:` for a value, `::` for one that may follow directly;
/// a leading `+` stops at the first operand.
pub fn parse(words: Vec<Vec<u8>>, short: &str, long: &[Long]) -> Result<Parsed, String> {
    let (stop_at_operand, short) = match short.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, short),
    };
    let mut parsed = Parsed::default();
    let mut words = words.into_iter().enumerate();
    while let Some((index, word)) = words.next() {
        if word == b"--" {
            break;
        }
        if let Some(name) = word.strip_prefix(b"--") {
            let given = long_option(name, index, long, &mut words)?;
            parsed.options.push(given);
        } else if word.len() > 1 && word[0] == b'-' {
            short_options(&word[1..], index, short, &mut words, &mut parsed.options)?;
        } else {
            parsed.operands.push(word);
            if stop_at_operand {
                break;
            }
        }
    }
    parsed.operands.extend(words.map(|(_, word)| word));
    Ok(parsed)
}

type Words = std::iter::Enumerate<std::vec::IntoIter<Vec<u8>>>;

fn long_option(text: &[u8], word: usize, long: &[Long], words: &mut Words) -> Result<Given, String> {
    let (name, mut value) = match text.iter().position(|&b| b == b'=') {
        Some(at) => (&text[..at], Some(text[at + 1..].to_vec())),
        None => (text, None),
    };
    let shown = String::from_utf8_lossy(name);
    let (full, takes, key) = find_long(name, &shown, long)?;
    match takes {
        Takes::Nothing if value.is_some() => return Err(format!("option '--{full}' doesn't allow an argument")),
        Takes::Value if value.is_none() => match words.next() {
            Some((_, next)) => value = Some(next),
            None => return Err(format!("option '--{full}' requires an argument")),
        },
        _ => {}
    }
    Ok(Given { key, value, word })
}

fn find_long(name: &[u8], shown: &str, long: &[Long]) -> Result<Long, String> {
    if let Some(exact) = long.iter().find(|l| l.0.as_bytes() == name) {
        return Ok(*exact);
    }
    let near: Vec<&Long> = long.iter().filter(|l| l.0.as_bytes().starts_with(name)).collect();
    match near.as_slice() {
        [] => Err(format!("unrecognized option '--{shown}'")),
        [first, rest @ ..] if rest.iter().all(|l| l.1 == first.1 && l.2 == first.2) => Ok(**first),
        _ => {
            let mut text = format!("option '--{shown}' is ambiguous; possibilities:");
            for l in near {
                let _ = write!(text, " '--{}'", l.0);
            }
            Err(text)
        }
    }
}

fn short_options(letters: &[u8], word: usize, short: &str, words: &mut Words, into: &mut Vec<Given>) -> Result<(), String> {
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        at += 1;
        let key = char::from(letter);
        let found = if letter == b':' || !letter.is_ascii() { None } else { short.find(key) };
        let Some(place) = found else {
            return Err(format!("invalid option -- '{}'", shown_letter(letters, at - 1)));
        };
        let after = &short[place + 1..];
        if !after.starts_with(':') {
            into.push(Given { key, value: None, word });
            continue;
        }
        let attached = (at < letters.len()).then(|| letters[at..].to_vec());
        let value = match attached {
            None if !after.starts_with("::") => match words.next() {
                Some((_, next)) => Some(next),
                None => return Err(format!("option requires an argument -- '{key}'")),
            },
            attached => attached,
        };
        into.push(Given { key, value, word });
        return Ok(());
    }
    Ok(())
}

fn shown_letter(letters: &[u8], at: usize) -> String {
    String::from_utf8_lossy(&letters[at..=at]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &[Long] = &[
        ("color", Takes::MayValue, 'C'),
        ("colour", Takes::MayValue, 'C'),
        ("count", Takes::Nothing, 'c'),
        ("regexp", Takes::Value, 'e'),
    ];

    fn run(words: &[&str]) -> Result<(String, String), String> {
        let parsed = parse(words.iter().map(|w| w.as_bytes().to_vec()).collect(), "ce:5", LONG)?;
        let options: Vec<String> = parsed
            .options
            .iter()
            .map(|g| {
                format!("{}{}", g.key, g.value.as_ref().map(|v| format!("={}", String::from_utf8_lossy(v))).unwrap_or_default())
            })
            .collect();
        let operands: Vec<String> = parsed.operands.iter().map(|o| String::from_utf8_lossy(o).into_owned()).collect();
        Ok((options.join(" "), operands.join(" ")))
    }

    #[test]
    fn options_and_operands_mix() {
        assert_eq!(run(&["a", "-ce", "x", "b", "--", "-c"]), Ok(("c e=x".into(), "a b -c".into())));
        assert_eq!(run(&["-ex", "--regexp=y", "--reg", "z", "-"]), Ok(("e=x e=y e=z".into(), "-".into())));
    }

    #[test]
    fn long_names_may_be_cut_short() {
        assert_eq!(run(&["--col"]), Ok(("C".into(), String::new())));
        assert_eq!(run(&["--co"]), Err("option '--co' is ambiguous; possibilities: '--color' '--colour' '--count'".into()));
    }

    #[test]
    fn errors_are_those_of_getopt() {
        assert_eq!(run(&["--x"]), Err("unrecognized option '--x'".into()));
        assert_eq!(run(&["-x"]), Err("invalid option -- 'x'".into()));
        assert_eq!(run(&["-e"]), Err("option requires an argument -- 'e'".into()));
        assert_eq!(run(&["--count=3"]), Err("option '--count' doesn't allow an argument".into()));
    }
}
