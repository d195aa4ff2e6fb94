//! kill(1): signals to processes.

use crate::options::missing_operand;
use crate::report::{Outcome, complain, failure};
use crate::stream::Output;
use tidepool_system::{Pid, Signal, kill};

/// `kill -9 PID`, `kill -s TERM PID`, `kill -l`
pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let mut words: Vec<String> = args.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let mut signal = Signal::TERM;
    let unknown = |name: &str| failure(1, format!("unknown signal {name}; valid signals:\n{}", signal_names().join(" ")));
    match words.first().map(String::as_str) {
        None => return Err(failure(1, "not enough arguments")),
        Some("-l" | "--list" | "-L" | "--table") => return list_signals(words.get(1).map(String::as_str)),
        Some("-s" | "--signal") => {
            let name = words.get(1).cloned().ok_or_else(|| failure(1, "not enough arguments"))?;
            signal = Signal::parse(&name).ok_or_else(|| unknown(&name))?;
            words.drain(..2);
        }
        Some("--") => {}
        Some(option) if option.starts_with('-') && option.len() > 1 => {
            let name = option[1..].to_owned();
            signal = Signal::parse(&name).ok_or_else(|| unknown(&name))?;
            words.remove(0);
        }
        Some(_) => {}
    }
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(missing_operand(1));
    }
    let mut status = 0;
    for word in words {
        let Ok(pid) = word.parse() else {
            complain(format!("failed to parse argument: '{word}'"));
            status = 1;
            continue;
        };
        if let Err(errno) = kill(Pid(pid), signal) {
            complain(format!("({pid}): {errno}"));
            status = 1;
        }
    }
    Ok(status)
}

fn signal_names() -> Vec<&'static str> {
    (1..32).filter_map(|number| Signal(number).name()).collect()
}

fn list_signals(wanted: Option<&str>) -> Outcome {
    let mut out = Output::stdout();
    match wanted {
        None => out.text(signal_names().join(" ") + "\n")?,
        Some(word) => {
            let number = word.parse::<u32>().ok().map(|number| if number > 128 { number - 128 } else { number });
            let shown = match number {
                Some(number) => Signal(number).name().map(str::to_owned),
                None => Signal::parse(word).map(|signal| signal.0.to_string()),
            };
            let shown = shown.ok_or_else(|| failure(1, format!("unknown signal name {word}")))?;
            out.text(shown + "\n")?;
        }
    }
    out.finish(0)
}
