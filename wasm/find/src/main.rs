//! find as GNU findutils 4.9 in C.UTF-8. Entries of a directory come in the order in which the kernel lists it, which in a
//! cell is the order of their making. Exit status 1 when anything went wrong.

mod date;
mod evaluate;
mod expression;
mod fail;
mod format;
mod mode;
mod names;
mod parse;
mod run;
mod walk;

use evaluate::Evaluator;
use fail::complain;
use parse::Parser;
use std::process::ExitCode;
use tidepool_system::{Fd, write_all};
use walk::{Links, Walk};

const HELP: &str = include_str!("help.txt");

fn main() -> ExitCode {
    tidepool_system::start();
    match run(tidepool_getopt::arguments()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<bool, String> {
    write_all(Fd::STDOUT, text.as_bytes()).map_err(|errno| format!("‘standard output’: {errno}"))?;
    Ok(true)
}

fn run(words: Vec<Vec<u8>>) -> Result<bool, String> {
    if words.iter().any(|w| matches!(w.as_slice(), b"-help" | b"--help")) {
        return print(HELP);
    }
    if words.iter().any(|w| matches!(w.as_slice(), b"-version" | b"--version")) {
        return print("find (Tidepool), compatible with GNU findutils 4.9.0\n");
    }
    let mut words = words.into_iter().peekable();
    let mut links = Links::Never;
    while let Some(word) = words.peek() {
        match word.as_slice() {
            b"-P" => links = Links::Never,
            b"-H" => links = Links::CommandLine,
            b"-L" => links = Links::Always,
            b"--" => {
                words.next();
                break;
            }
            b"-D" => {
                words.next();
                if words.peek().is_none() {
                    return Err("Missing argument after the -D option.\nTry 'find --help' for more information.".to_owned());
                }
            }
            [b'-', b'O', level @ ..] if level.iter().all(u8::is_ascii_digit) && !level.is_empty() => {}
            [b'-', b'O', ..] => return Err("The -O option must be immediately followed by a decimal integer".to_owned()),
            _ => break,
        }
        words.next();
    }
    let mut roots = Vec::new();
    while let Some(word) = words.next_if(|word| !begins_expression(word)) {
        roots.push(word);
    }
    if roots.is_empty() {
        roots.push(b".".to_vec());
    }
    let (mut program, follow) = Parser::new(words.collect(), links == Links::Always).parse()?;
    if follow {
        links = Links::Always;
    }
    let settings = std::mem::replace(
        &mut program.settings,
        expression::Settings { depth_first: false, min_depth: 0, max_depth: 0, one_file_system: false },
    );
    let mut evaluator = Evaluator::new(&mut program)?;
    let mut walk = Walk { settings: &settings, links, failed: false };
    for root in &roots {
        if !walk.tree(root, &mut evaluator) {
            break;
        }
    }
    evaluator.finish();
    Ok(!walk.failed && !evaluator.failed)
}

/// Whether a word ends the list of paths.
fn begins_expression(word: &[u8]) -> bool {
    word.len() > 1 && word.starts_with(b"-") || matches!(word, b"(" | b"!")
}
