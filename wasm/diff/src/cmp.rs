//! cmp(1): the first byte in which two files differ, or with -l all of them.

use crate::file::read_all;
use crate::output::{Output, complain};
use crate::{DIFFERENT, SAME, TROUBLE};
use tidepool_getopt::{Long, Takes, parse};
use tidepool_system::{Errno, Fd, Open, close, open};

const HELP: &str = "Usage: cmp [OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]
Compare two files byte by byte.

  -b, --print-bytes          print differing bytes
  -i, --ignore-initial=SKIP  skip first SKIP bytes of both inputs
  -l, --verbose              output byte numbers and differing byte values
  -n, --bytes=LIMIT          compare at most LIMIT bytes
  -s, --quiet, --silent      suppress all normal output
      --help                 display this help and exit

Exit status is 0 if inputs are the same, 1 if different, 2 if trouble.
";
const LONG: &[Long] = &[
    ("bytes", Takes::Value, 'n'),
    ("help", Takes::Nothing, 'h'),
    ("ignore-initial", Takes::Value, 'i'),
    ("print-bytes", Takes::Nothing, 'b'),
    ("quiet", Takes::Nothing, 's'),
    ("silent", Takes::Nothing, 's'),
    ("verbose", Takes::Nothing, 'l'),
];

#[derive(Default)]
struct Options {
    all: bool,
    bytes: bool,
    silent: bool,
    skip: [usize; 2],
    limit: Option<usize>,
}

pub fn run(words: Vec<Vec<u8>>) -> u8 {
    match compare(words) {
        Ok(status) => status,
        Err(text) => {
            complain(&format!("cmp: {text}\ncmp: Try 'cmp --help' for more information.\n"));
            TROUBLE
        }
    }
}

fn compare(words: Vec<Vec<u8>>) -> Result<u8, String> {
    let parsed = parse(words, "bi:ln:s", LONG)?;
    let mut options = Options::default();
    let mut out = Output::default();
    for given in parsed.options {
        let value = given.value.unwrap_or_default();
        match given.key {
            'b' => options.bytes = true,
            'l' => options.all = true,
            's' => options.silent = true,
            'n' => options.limit = Some(number("--bytes", &value)?),
            'i' => options.skip = skips(&value)?,
            _ => {
                out.put(HELP.as_bytes());
                return Ok(if out.flush().is_ok() { SAME } else { TROUBLE });
            }
        }
    }
    let mut operands = parsed.operands.into_iter();
    let first = operands.next().ok_or("missing operand after 'cmp'")?;
    let second = operands.next().unwrap_or_else(|| b"-".to_vec());
    for (skip, text) in options.skip.iter_mut().zip(operands) {
        *skip = number("--ignore-initial", &text)?;
    }
    let (a, b) = match (read(&first), read(&second)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(errno), _) => return Ok(trouble(&first, errno, &options)),
        (_, Err(errno)) => return Ok(trouble(&second, errno, &options)),
    };
    let status = report(&options, (&first, &a), (&second, &b), &mut out);
    Ok(if out.flush().is_ok() { status } else { TROUBLE })
}

fn trouble(path: &[u8], errno: Errno, options: &Options) -> u8 {
    if !options.silent {
        complain(&format!("cmp: {}: {}\n", String::from_utf8_lossy(path), errno.message()));
    }
    TROUBLE
}

fn read(path: &[u8]) -> Result<Vec<u8>, Errno> {
    if path == b"-" {
        return read_all(Fd::STDIN);
    }
    let fd = open(path, Open::read())?;
    let bytes = read_all(fd);
    close(fd)?;
    bytes
}

fn number(option: &str, text: &[u8]) -> Result<usize, String> {
    let text = String::from_utf8_lossy(text);
    text.parse().map_err(|_| format!("invalid {option} value '{text}'"))
}

fn skips(text: &[u8]) -> Result<[usize; 2], String> {
    let mut parts = text.splitn(2, |&byte| byte == b':');
    let first = number("--ignore-initial", parts.next().unwrap_or_default())?;
    let second = parts.next().map_or(Ok(first), |text| number("--ignore-initial", text))?;
    Ok([first, second])
}

fn report(options: &Options, (a_name, a): (&[u8], &[u8]), (b_name, b): (&[u8], &[u8]), out: &mut Output) -> u8 {
    let part = |bytes: &[u8], skip: usize| {
        let rest = bytes.get(skip..).unwrap_or_default();
        rest[..options.limit.unwrap_or(rest.len()).min(rest.len())].to_vec()
    };
    let (a, b) = (part(a, options.skip[0]), part(b, options.skip[1]));
    let mut differing = a.iter().zip(&b).enumerate().filter(|(_, (x, y))| x != y);
    if options.silent {
        return if differing.next().is_some() || a.len() != b.len() { DIFFERENT } else { SAME };
    }
    let width = a.len().min(b.len()).max(1).ilog10() as usize + 1;
    let mut status = SAME;
    for (at, (&x, &y)) in differing {
        status = DIFFERENT;
        if options.all {
            out.line(&[listed(at + 1, width, x, y, options.bytes).as_bytes()]);
            continue;
        }
        let line = a[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let is = if options.bytes { format!(" is {x:3o} {} {y:3o} {}", shown(x), shown(y)) } else { String::new() };
        let text = format!(" differ: byte {}, line {line}{is}", at + 1);
        out.line(&[a_name, b" ", b_name, text.as_bytes()]);
        return status;
    }
    if a.len() == b.len() {
        return status;
    }
    let (short_name, short) = if a.len() < b.len() { (a_name, &a) } else { (b_name, &b) };
    end_of(short_name, short, options.all, out);
    DIFFERENT
}

fn listed(number: usize, width: usize, x: u8, y: u8, bytes: bool) -> String {
    if bytes {
        format!("{number:width$} {x:3o} {:<4} {y:3o} {}", shown(x), shown(y))
    } else {
        format!("{number:width$} {x:3o} {y:3o}")
    }
}

fn end_of(name: &[u8], bytes: &[u8], all: bool, out: &mut Output) {
    let name = String::from_utf8_lossy(name);
    let newlines = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let place = match bytes.last() {
        None => " which is empty".to_owned(),
        Some(_) if all => format!(" after byte {}", bytes.len()),
        Some(b'\n') => format!(" after byte {}, line {newlines}", bytes.len()),
        Some(_) => format!(" after byte {}, in line {}", bytes.len(), newlines + 1),
    };
    out.complain(&format!("cmp: EOF on {name}{place}\n"));
}

/// A byte as `cat -t` shows it.
fn shown(byte: u8) -> String {
    let (meta, low) = if byte >= 128 { ("M-", byte - 128) } else { ("", byte) };
    match low {
        0..32 => format!("{meta}^{}", char::from(low + 64)),
        127 => format!("{meta}^?"),
        _ => format!("{meta}{}", char::from(low)),
    }
}
