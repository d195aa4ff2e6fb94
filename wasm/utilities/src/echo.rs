//! echo(1), yes(1): words.

use crate::printf::escapes;
use crate::report::Outcome;
use crate::stream::Output;

/// `-n`, `-e`, `-E` and their groups are options only before the first word that is none.
pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let is_option = |arg: &&Vec<u8>| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(|letter| b"neE".contains(letter));
    let options = args.iter().take_while(is_option).count();
    let letters = || args[..options].iter().flat_map(|arg| arg[1..].iter().copied());
    let newline = !letters().any(|letter| letter == b'n');
    let escaped = letters().rfind(|&letter| letter != b'n') == Some(b'e');
    let mut out = Output::stdout();
    for (index, word) in args[options..].iter().enumerate() {
        if index > 0 {
            out.byte(b' ')?;
        }
        if !escaped {
            out.put(word)?;
            continue;
        }
        let (bytes, stop) = escapes(word);
        out.put(&bytes)?;
        if stop {
            return out.finish(0);
        }
    }
    if newline {
        out.byte(b'\n')?;
    }
    out.finish(0)
}

pub fn run_yes(args: Vec<Vec<u8>>) -> Outcome {
    let words = match args.first().map(Vec::as_slice) {
        None => vec![b"y".to_vec()],
        Some(b"--") => args[1..].to_vec(),
        Some(_) => args,
    };
    let line = [words.join(&b' '), vec![b'\n']].concat();
    let block = line.repeat((16 * 1024 / line.len()).max(1));
    let mut out = Output::stdout();
    loop {
        out.put(&block)?;
        out.flush()?;
    }
}
