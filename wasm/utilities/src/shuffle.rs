//! shuf(1): lines in a random order.

use crate::number::parse_unsigned;
use crate::options::{Parsed, Spec, extra_operand, parse, refuse};
use crate::report::{Failure, Outcome, failure, misuse, quote, quote_bare};
use crate::stream::{Input, Output, trim};
use tidepool_system::{Open, open};

const SPEC: Spec = Spec::new(
    "e,echo i,input-range= n,head-count= o,output= random-source= r,repeat z,zero-terminated",
    "Usage: shuf [OPTION]... [FILE]
  or:  shuf -e [OPTION]... [ARG]...
  or:  shuf -i LO-HI [OPTION]...
Prints lines in a random order.

  -e, --echo              each ARG is a line
  -i, --input-range=LO-HI each number is a line
  -n, --head-count=COUNT  no more than COUNT lines
  -o, --output=FILE       writes into FILE
  -r, --repeat            lines may come again
  -z, --zero-terminated   lines end in NUL
",
);

/// Random numbers from the kernel's bytes.
struct Random {
    bytes: Vec<u8>,
}

impl Random {
    fn next(&mut self) -> u64 {
        if self.bytes.len() < 8 {
            self.bytes = crate::random::bytes(4096);
        }
        let rest = self.bytes.split_off(self.bytes.len() - 8);
        rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Below `bound`, each equally likely.
    fn below(&mut self, bound: u64) -> u64 {
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.next();
            if number < limit {
                return number % bound;
            }
        }
    }
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    refuse(&parsed, &["random-source"], 1)?;
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let lines = shuf_lines(&parsed, end)?;
    let most = match parsed.value("n") {
        Some(text) => parse_unsigned(text).ok_or_else(|| failure(1, format!("invalid line count: {}", quote(text))))?,
        None => u64::MAX,
    };
    let mut random = Random { bytes: Vec::new() };
    let mut out = match parsed.value("o") {
        Some(file) => Output::to(
            open(file, Open::write().create().truncate()).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(file))))?,
        ),
        None => Output::stdout(),
    };
    let mut put = |line: &[u8]| out.put(line).and_then(|()| out.byte(end));
    if parsed.has("r") {
        if lines.is_empty() && most > 0 {
            return Err(failure(1, "no lines to repeat"));
        }
        for _ in 0..most {
            put(&lines[random.below(lines.len() as u64) as usize])?;
        }
        return out.finish(0);
    }
    let mut lines = lines;
    let count = lines.len().min(usize::try_from(most).unwrap_or(usize::MAX));
    for at in 0..count {
        let other = at + random.below((lines.len() - at) as u64) as usize;
        lines.swap(at, other);
        put(&lines[at])?;
    }
    out.finish(0)
}

fn shuf_lines(parsed: &Parsed, end: u8) -> Result<Vec<Vec<u8>>, Failure> {
    if let Some(range) = parsed.value("i") {
        if parsed.has("e") {
            return Err(misuse(1, "cannot combine -e and -i options"));
        }
        if let Some(extra) = parsed.operands.first() {
            return Err(extra_operand(1, extra));
        }
        let bad = || failure(1, format!("invalid input range: {}", quote(range)));
        let dash = range.iter().position(|&byte| byte == b'-').ok_or_else(bad)?;
        let (low, high) = (parse_unsigned(&range[..dash]).ok_or_else(bad)?, parse_unsigned(&range[dash + 1..]).ok_or_else(bad)?);
        if low > high && low != high + 1 {
            return Err(bad());
        }
        return Ok((low..=high).map(|number| number.to_string().into_bytes()).collect());
    }
    if parsed.has("e") {
        return Ok(parsed.operands.clone());
    }
    if let Some(extra) = parsed.operands.get(1) {
        return Err(extra_operand(1, extra));
    }
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    let text = Input::open(name).and_then(|mut input| input.all());
    let text = text.map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(name))))?;
    Ok(text.split_inclusive(|&byte| byte == end).map(|line| trim(line, end).to_vec()).collect())
}
