//! head(1): the first lines or bytes of each file, or all but the last.

use crate::number::size;
use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain, quote_name};
use crate::stream::{Input, Output, Trouble, file_error};
use std::collections::VecDeque;
use tidepool_system::{Fd, Whence, seek};

const SPEC: Spec = Spec::new(
    "c,bytes= n,lines= q,quiet silent v,verbose z,zero-terminated",
    "Usage: head [OPTION]... [FILE]...
Prints the first 10 lines of each FILE; with several, a header before each.

  -c, --bytes=[-]NUM       the first NUM bytes; with -, all but the last NUM
  -n, --lines=[-]NUM       the first NUM lines; with -, all but the last NUM
  -q, --quiet, --silent    no headers
  -v, --verbose            always headers
  -z, --zero-terminated    lines end in NUL
NUM may have a suffix: b 512, kB 1000, K 1024, MB, M, and so on.
",
);

#[derive(Clone, Copy)]
enum Part {
    Lines(u64),
    Bytes(u64),
    AllButLines(u64),
    AllButBytes(u64),
}

/// `head -5`, `head -5c file`: the old form, first on the line.
fn modernise(mut args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let Some([b'-', old @ ..]) = args.first().map(Vec::as_slice) else { return args };
    let digits = old.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return args;
    }
    let (number, letters) = old.split_at(digits);
    let bytes = letters.contains(&b'c');
    let mut first = vec![[if bytes { b"-c" } else { b"-n" }, number].concat()];
    let others: Vec<u8> = letters.iter().copied().filter(|letter| !b"cl".contains(letter)).collect();
    if !others.is_empty() {
        first.push([b"-", &others[..]].concat());
    }
    args.splice(0..1, first);
    args
}

fn part(value: &[u8], bytes: bool) -> std::result::Result<Part, Failure> {
    let (number, but) = match value.strip_prefix(b"-") {
        Some(number) => (number, true),
        None => (value.strip_prefix(b"+").unwrap_or(value), false),
    };
    let what = if bytes { "number of bytes" } else { "number of lines" };
    let number = size(number, what)?;
    Ok(match (bytes, but) {
        (true, true) => Part::AllButBytes(number),
        (true, false) => Part::Bytes(number),
        (false, true) => Part::AllButLines(number),
        (false, false) => Part::Lines(number),
    })
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    let mut wanted = Part::Lines(10);
    for (option, value) in &parsed.options {
        if let (&"c" | &"n", Some(value)) = (option, value) {
            wanted = part(value, *option == "c")?;
        }
    }
    let delimiter = if parsed.has("z") { 0 } else { b'\n' };
    let files = parsed.files();
    let headers = match parsed.last_of(&["q", "silent", "v"]) {
        Some("v") => true,
        Some(_) => false,
        None => files.len() > 1,
    };
    let mut out = Output::stdout();
    let (mut status, mut first) = (0, true);
    for file in &files {
        let mut input = match Input::open(file) {
            Ok(input) => input,
            Err(errno) => {
                out.flush()?;
                complain(format!("cannot open {} for reading: {errno}", quote_name(file)));
                status = 1;
                continue;
            }
        };
        if headers {
            let name = if file == b"-" { b"standard input" } else { file.as_slice() };
            out.put(if first { b"==> " } else { b"\n==> " })?;
            out.put(name)?;
            out.put(b" <==\n")?;
        }
        first = false;
        if let Err(errno) = file_error(copy(&mut input, wanted, delimiter, &mut out))? {
            out.flush()?;
            complain(format!("error reading {}: {errno}", quote_name(file)));
            status = 1;
        }
    }
    out.finish(status)
}

type Copied = std::result::Result<(), Trouble>;

fn copy(input: &mut Input, wanted: Part, delimiter: u8, out: &mut Output) -> Copied {
    match wanted {
        Part::Lines(count) => copy_lines(input, count, delimiter, out),
        Part::Bytes(count) => copy_bytes(input, count, out),
        Part::AllButLines(count) => copy_but_lines(input, count, delimiter, out),
        Part::AllButBytes(count) => copy_but_bytes(input, count, out),
    }
}

/// Gives back to the file what was read beyond the part, so that a following reader of the same descriptor goes on there.
fn unread(fd: Fd, count: usize) {
    if count > 0 {
        let _ = seek(fd, -(count as i64), Whence::Current);
    }
}

fn copy_lines(input: &mut Input, mut count: u64, delimiter: u8, out: &mut Output) -> Copied {
    let fd = input.fd();
    while count > 0 {
        let chunk = match input.chunk()? {
            [] => break,
            chunk => chunk,
        };
        let mut end = 0;
        for at in memchr::memchr_iter(delimiter, chunk) {
            end = at + 1;
            count -= 1;
            if count == 0 {
                break;
            }
        }
        if count > 0 {
            end = chunk.len();
        }
        out.put(&chunk[..end])?;
        unread(fd, chunk.len() - end);
    }
    Ok(())
}

fn copy_bytes(input: &mut Input, mut count: u64, out: &mut Output) -> Copied {
    let fd = input.fd();
    while count > 0 {
        let chunk = match input.chunk()? {
            [] => break,
            chunk => chunk,
        };
        let take = usize::try_from(count).map_or(chunk.len(), |count| count.min(chunk.len()));
        out.put(&chunk[..take])?;
        unread(fd, chunk.len() - take);
        count -= take as u64;
    }
    Ok(())
}

fn copy_but_lines(input: &mut Input, count: u64, delimiter: u8, out: &mut Output) -> Copied {
    let mut held = VecDeque::new();
    loop {
        match input.line(delimiter)? {
            None => return Ok(()),
            Some(line) => held.push_back(line.to_vec()),
        }
        if held.len() as u64 > count
            && let Some(line) = held.pop_front()
        {
            out.put(&line)?;
        }
    }
}

fn copy_but_bytes(input: &mut Input, count: u64, out: &mut Output) -> Copied {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut held: Vec<u8> = Vec::new();
    loop {
        match input.chunk()? {
            [] => return Ok(()),
            chunk => held.extend_from_slice(chunk),
        }
        if held.len() > count {
            out.put(&held[..held.len() - count])?;
            held.drain(..held.len() - count);
        }
    }
}
