//! split(1): a file in pieces.

use crate::number::{parse_size, parse_unsigned, size};
use crate::options::{Parsed, Spec, extra_operand, parse};
use crate::report::{Failure, Outcome, failure, misuse, quote, quote_bare, quote_name};
use crate::stream::Input;
use tidepool_system::{Errno, Fd, Open, close, open, write_all};

const SPEC: Spec = Spec::new(
    "a,suffix-length= additional-suffix= b,bytes= C,line-bytes= d numeric-suffixes=? x hex-suffixes=? e,elide-empty-files \
     filter= l,lines= n,number= t,separator= u,unbuffered verbose",
    "Usage: split [OPTION]... [FILE [PREFIX]]
Writes pieces of FILE into PREFIXaa, PREFIXab, ... (x; 1000 lines each).

  -a, --suffix-length=N     letters in suffixes (2)
      --additional-suffix=SUFFIX   behind each name
  -b, --bytes=SIZE          SIZE bytes a piece
  -C, --line-bytes=SIZE     at most SIZE bytes of whole lines
  -d, -x                    numbers, hexadecimal numbers instead of letters
  -e, --elide-empty-files   with -n, no empty pieces
  -l, --lines=NUMBER        NUMBER lines a piece
  -n, --number=CHUNKS       N pieces of one size; l/N of whole lines; r/N in turn; K/N, l/K/N, r/K/N prints only the Kth
  -t, --separator=SEP       instead of line feeds
      --verbose             says what is made
",
);

/// The names of the pieces.
struct Pieces {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    digits: &'static [u8],
    length: usize,
    fixed: bool,
    next: u64,
    verbose: bool,
    fd: Option<Fd>,
}

impl Pieces {
    /// Without a length of its own the suffix grows: after yz comes zaaa.
    fn name(&mut self) -> Result<Vec<u8>, Failure> {
        let base = self.digits.len() as u64;
        let (mut number, mut length, mut lead) = (self.next, self.length, 0);
        self.next += 1;
        if self.fixed {
            if number >= base.pow(length as u32) {
                return Err(failure(1, "output file suffixes exhausted"));
            }
        } else {
            // The last digit first on leads a longer name.
            loop {
                let room = (base - 1) * base.pow(length as u32 - 1);
                if number < room {
                    break;
                }
                number -= room;
                length += 1;
                lead += 1;
            }
        }
        let mut letters = vec![self.digits[0]; length];
        for letter in letters.iter_mut().rev() {
            *letter = self.digits[(number % base) as usize];
            number /= base;
        }
        let leading = vec![self.digits[base as usize - 1]; lead];
        Ok([&self.prefix[..], &leading, &letters, &self.suffix].concat())
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.end();
        let name = self.name()?;
        if self.verbose {
            let _ = write_all(Fd::STDOUT, format!("creating file {}\n", quote_name(&name)).as_bytes());
        }
        let fd = open(&name, Open::write().create().truncate())
            .map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(&name))))?;
        self.fd = Some(fd);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(fd) = self.fd.take() {
            let _ = close(fd);
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.fd.is_none() {
            self.begin()?;
        }
        let Some(fd) = self.fd else { return Ok(()) };
        write_all(fd, bytes).map_err(|errno| failure(1, format!("write error: {errno}")))
    }
}

/// `split -100`
fn modernise(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let old = |arg: &[u8]| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(u8::is_ascii_digit);
    args.into_iter().map(|arg| if old(&arg) { [b"-l", &arg[1..]].concat() } else { arg }).collect()
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    if let Some(extra) = parsed.operands.get(2) {
        return Err(extra_operand(1, extra));
    }
    if parsed.has("filter") {
        return Err(failure(1, "--filter is not supported"));
    }
    let ways = parsed.options.iter().filter(|(name, _)| ["b", "C", "l", "n"].contains(name)).count();
    if ways > 1 {
        return Err(misuse(1, "cannot split in more than one way"));
    }
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    let input = Input::open(name).map_err(|errno| failure(1, format!("cannot open {} for reading: {errno}", quote_name(name))))?;
    let end = match parsed.value("t") {
        Some(b"\\0") => 0,
        Some([byte]) => *byte,
        Some([]) => return Err(failure(1, "empty record separator")),
        Some(text) => return Err(failure(1, format!("multi-character separator {}", quote(text)))),
        None => b'\n',
    };
    let pieces = pieces(&parsed)?;
    let mut splitter = Splitter { input, name: name.to_vec(), pieces, end };
    match (parsed.value("b"), parsed.value("C"), parsed.value("n"), parsed.value("l")) {
        (Some(text), ..) => splitter.by_bytes(positive(text, "number of bytes")?),
        (_, Some(text), ..) => splitter.by_line_bytes(positive(text, "number of bytes")?),
        (_, _, Some(text), _) => splitter.by_number(text, parsed.has("e")),
        (_, _, _, text) => splitter.by_lines(text.map_or(Ok(1000), |text| positive(text, "number of lines"))?),
    }
}

fn positive(text: &[u8], what: &str) -> Result<u64, Failure> {
    match size(text, what)? {
        0 => Err(failure(1, format!("invalid {what}: {}: {}", quote(text), Errno::ERANGE))),
        number => Ok(number),
    }
}

fn pieces(parsed: &Parsed) -> Result<Pieces, Failure> {
    let (mut digits, mut next): (&'static [u8], u64) = (b"abcdefghijklmnopqrstuvwxyz", 0);
    let mut started = false;
    for (option, value) in &parsed.options {
        match *option {
            "d" | "numeric-suffixes" => digits = b"0123456789",
            "x" | "hex-suffixes" => digits = b"0123456789abcdef",
            _ => continue,
        }
        if let Some(text) = value {
            next = parse_unsigned(text)
                .ok_or_else(|| failure(1, format!("{}: invalid start value for numerical suffix", quote(text))))?;
            started = true;
        }
    }
    let length = match parsed.value("a") {
        Some(text) => parse_unsigned(text).ok_or_else(|| failure(1, format!("invalid suffix length: {}", quote(text))))? as usize,
        None => 0,
    };
    let suffix = parsed.value("additional-suffix").unwrap_or_default();
    if suffix.contains(&b'/') {
        return Err(misuse(1, format!("invalid suffix {}, contains directory separator", quote(suffix))));
    }
    // A number of pieces that is known says how long suffixes must be.
    let wanted = parsed.value("n").and_then(|text| text.rsplit(|&byte| byte == b'/').next()).and_then(parse_unsigned);
    let needed = wanted.map_or(2, |count| {
        let mut digits_needed = 1;
        while (digits.len() as u64).pow(digits_needed) < count {
            digits_needed += 1;
        }
        digits_needed.max(2) as usize
    });
    Ok(Pieces {
        prefix: parsed.operands.get(1).cloned().unwrap_or_else(|| b"x".to_vec()),
        suffix: suffix.to_vec(),
        digits,
        length: if length == 0 { needed } else { length },
        fixed: length > 0 || wanted.is_some() || started,
        next,
        verbose: parsed.has("verbose"),
        fd: None,
    })
}

struct Splitter {
    input: Input,
    name: Vec<u8>,
    pieces: Pieces,
    end: u8,
}

impl Splitter {
    fn fail(&self, errno: Errno) -> Failure {
        failure(1, format!("{}: {errno}", quote_bare(&self.name)))
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let line = self.input.line(self.end).map(|line| line.map(<[u8]>::to_vec));
        line.map_err(|errno| self.fail(errno))
    }

    fn by_lines(&mut self, count: u64) -> Outcome {
        let mut written = 0;
        while let Some(line) = self.line()? {
            if written == count {
                self.pieces.end();
                written = 0;
            }
            self.pieces.put(&line)?;
            written += 1;
        }
        Ok(0)
    }

    fn by_bytes(&mut self, count: u64) -> Outcome {
        let mut left = count;
        loop {
            let chunk = self.input.chunk().map(<[u8]>::to_vec).map_err(|errno| self.fail(errno))?;
            if chunk.is_empty() {
                return Ok(0);
            }
            let mut rest = chunk.as_slice();
            while !rest.is_empty() {
                if left == 0 {
                    self.pieces.end();
                    left = count;
                }
                let take = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.pieces.put(&rest[..take])?;
                left -= take as u64;
                rest = &rest[take..];
            }
        }
    }

    fn by_line_bytes(&mut self, count: u64) -> Outcome {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut left = count;
        while let Some(line) = self.line()? {
            if line.len() > left && left < count {
                self.pieces.end();
                left = count;
            }
            // A line that is too long is cut.
            for part in line.chunks(count) {
                if left == 0 {
                    self.pieces.end();
                    left = count;
                }
                self.pieces.put(part)?;
                left -= part.len();
            }
        }
        Ok(0)
    }

    fn by_number(&mut self, text: &[u8], elide: bool) -> Outcome {
        let bad = || failure(1, format!("invalid number of chunks: {}", quote(text)));
        let mut parts: Vec<&[u8]> = text.split(|&byte| byte == b'/').collect();
        let way = match parts.first().copied() {
            Some(b"l") => b'l',
            Some(b"r") => b'r',
            _ => b'b',
        };
        if way != b'b' {
            parts.remove(0);
        }
        let number = |text: &[u8]| parse_size(text).filter(|&number| number > 0).ok_or_else(bad);
        let (only, count) = match parts.as_slice() {
            [count] => (None, number(count)?),
            [only, count] => (Some(number(only)?), number(count)?),
            _ => return Err(bad()),
        };
        if only.is_some_and(|only| only > count) {
            let text = parts.first().copied().unwrap_or_default();
            return Err(failure(1, format!("invalid chunk number: {}", quote(text))));
        }
        let all = self.input.all().map_err(|errno| self.fail(errno))?;
        let chunks = chunks(&all, way, count as usize, self.end);
        if let Some(only) = only {
            let done = write_all(Fd::STDOUT, &chunks[only as usize - 1]);
            return done.map(|()| 0).map_err(|errno| failure(1, format!("write error: {errno}")));
        }
        for chunk in chunks {
            if elide && chunk.is_empty() {
                continue;
            }
            self.pieces.begin()?;
            self.pieces.put(&chunk)?;
        }
        Ok(0)
    }
}

fn chunks(all: &[u8], way: u8, count: usize, end: u8) -> Vec<Vec<u8>> {
    if way == b'r' {
        let mut chunks = vec![Vec::new(); count];
        for (index, line) in all.split_inclusive(|&byte| byte == end).enumerate() {
            chunks[index % count].extend_from_slice(line);
        }
        return chunks;
    }
    let border = |at: usize| all.len() * at / count;
    let size = all.len() / count;
    // GNU gives every piece the same size and the last one the rest.
    let plain = |at: usize| if at == count { all.len() } else { size * at + (all.len() % count).min(at) };
    if way == b'b' {
        return (0..count).map(|at| all[plain(at)..plain(at + 1)].to_vec()).collect();
    }
    let mut chunks = vec![Vec::new(); count];
    let (mut at, mut chunk) = (0, 0);
    for line in all.split_inclusive(|&byte| byte == end) {
        while chunk + 1 < count && at >= border(chunk + 1) {
            chunk += 1;
        }
        chunks[chunk].extend_from_slice(line);
        at += line.len();
    }
    chunks
}
