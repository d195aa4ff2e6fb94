//! getopts

use tidepool_syntax::{Name, is_name};

use super::Call;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn getopts(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let operands = call.operands();
    let operands =
        if operands.first().is_some_and(|first| first == b"--") { operands.get(1..).unwrap_or_default() } else { operands };
    let [letters, name, rest @ ..] = operands else {
        return Ok(shell.usage(call.name()));
    };
    let words = if rest.is_empty() { shell.positional.clone() } else { rest.to_vec() };
    let index = shell.get(shell.names.optind).and_then(super::number::integer).map_or(1, |index| index.max(1) as usize);
    let (silent, letters) = match letters.strip_prefix(b":") {
        Some(letters) => (true, letters),
        None => (false, &letters[..]),
    };
    let step = next(shell, &words, index, letters);
    let option_index = shell.names.optind;
    // The place in a group of letters survives this assignment.
    let place = step.place;
    shell.assign(option_index, step.index.to_string().as_bytes())?;
    shell.option_letter = place;
    report(shell, name, step.outcome, silent)
}

enum Outcome {
    Option(u8, Option<Bytes>),
    Unknown(u8),
    MissingArgument(u8),
    End,
}

struct Step {
    outcome: Outcome,
    index: usize,
    /// Where in its word the next letter stands; 0: the next word.
    place: usize,
}

fn next(shell: &Shell, words: &[Bytes], index: usize, letters: &[u8]) -> Step {
    let end = |index| Step { outcome: Outcome::End, index, place: 0 };
    let place = shell.option_letter.max(1);
    let Some(word) = words.get(index - 1) else {
        return end(index);
    };
    if !word.starts_with(b"-") || word.len() < 2 {
        return end(index);
    }
    if word == b"--" {
        return end(index + 1);
    }
    let Some(&letter) = word.get(place) else {
        return end(index + 1);
    };
    let is_last = place + 1 >= word.len();
    let (after, after_place) = if is_last { (index + 1, 0) } else { (index, place + 1) };
    let known = letters.iter().position(|known| *known == letter && letter != b':');
    let Some(at) = known else {
        return Step { outcome: Outcome::Unknown(letter), index: after, place: after_place };
    };
    if letters.get(at + 1) != Some(&b':') {
        return Step { outcome: Outcome::Option(letter, None), index: after, place: after_place };
    }
    if !is_last {
        let value = word.get(place + 1..).unwrap_or_default().to_vec();
        return Step { outcome: Outcome::Option(letter, Some(value)), index: index + 1, place: 0 };
    }
    match words.get(index) {
        Some(value) => Step { outcome: Outcome::Option(letter, Some(value.clone())), index: index + 2, place: 0 },
        None => Step { outcome: Outcome::MissingArgument(letter), index: index + 1, place: 0 },
    }
}

fn report(shell: &mut Shell, name: &[u8], outcome: Outcome, silent: bool) -> Flow<i32> {
    let talks = !silent && shell.get(shell.names.opterr) != Some(b"0");
    let argument = shell.names.optarg;
    let (text, value, status) = match outcome {
        Outcome::Option(letter, value) => (letter, value, 0),
        Outcome::End => (b'?', None, 1),
        Outcome::Unknown(letter) | Outcome::MissingArgument(letter) => {
            let missing = matches!(outcome, Outcome::MissingArgument(_));
            if talks {
                let text: &[u8] = if missing { b": option requires an argument -- " } else { b": illegal option -- " };
                let line = [&shell.name0.clone()[..], text, &[letter]].concat();
                shell.message(&line);
            }
            let shown = if missing && silent { b':' } else { b'?' };
            (shown, silent.then(|| vec![letter]), 0)
        }
    };
    match value {
        Some(value) => {
            shell.assign(argument, &value)?;
        }
        None => shell.variables.remove(argument),
    }
    if !is_name(name) {
        shell.complain(&[b"getopts: `", name, b"': not a valid identifier"].concat());
        return Ok(1);
    }
    shell.assign(Name::new(name), &[text])?;
    Ok(status)
}
