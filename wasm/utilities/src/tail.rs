//! tail(1): the last lines or bytes of each file, or all from one on; -f goes on with what is appended.

use crate::number::{parse_duration, size};
use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, complain, complain_of, failure, quote, quote_name};
use crate::stream::{CHUNK, Input, Output, Trouble, file_error};
use std::collections::VecDeque;
use std::time::Duration;
use tidepool_system::{Errno, Fd, Pid, Result, Signal, Whence, fstat, kill, seek, stat};

const SPEC: Spec = Spec::new(
    "c,bytes= f follow=? F n,lines= pid= q,quiet silent retry s,sleep-interval= v,verbose z,zero-terminated",
    "Usage: tail [OPTION]... [FILE]...
Prints the last 10 lines of each FILE; with several, a header before each.

  -c, --bytes=[+]NUM         the last NUM bytes; with +, from byte NUM on
  -f, --follow[=name|descriptor]   goes on with what is appended
  -F                         as --follow=name --retry
  -n, --lines=[+]NUM         the last NUM lines; with +, from line NUM on
      --pid=PID              with -f, ends when the process PID is gone
  -q, --quiet, --silent      no headers
      --retry                waits for a file that cannot be opened
  -s, --sleep-interval=N     with -f, seconds between two looks (1.0)
  -v, --verbose              always headers
  -z, --zero-terminated      lines end in NUL
",
);

#[derive(Clone, Copy)]
enum Part {
    LastLines(u64),
    LastBytes(u64),
    FromLine(u64),
    FromByte(u64),
}

struct Follow {
    by_name: bool,
    retry: bool,
    interval: Duration,
    pid: Option<Pid>,
}

/// `tail -5`, `tail +5`, `tail -5f`: the old form, first on the line.
fn modernise(mut args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let Some([sign @ (b'-' | b'+'), old @ ..]) = args.first().map(Vec::as_slice) else { return args };
    let digits = old.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || !old[digits..].iter().all(|byte| b"bclf".contains(byte)) {
        return args;
    }
    let (number, letters) = old.split_at(digits);
    let plus: &[u8] = if *sign == b'+' { b"+" } else { b"" };
    let option: &[u8] = if letters.contains(&b'c') || letters.contains(&b'b') { b"-c" } else { b"-n" };
    let suffix: &[u8] = if letters.contains(&b'b') { b"b" } else { b"" };
    let mut first = vec![[option, plus, number, suffix].concat()];
    if letters.contains(&b'f') {
        first.push(b"-f".to_vec());
    }
    args.splice(0..1, first);
    args
}

fn part(value: &[u8], bytes: bool) -> std::result::Result<Part, Failure> {
    let (number, from) = match value.strip_prefix(b"+") {
        Some(number) => (number, true),
        None => (value.strip_prefix(b"-").unwrap_or(value), false),
    };
    let number = size(number, if bytes { "number of bytes" } else { "number of lines" })?;
    Ok(match (bytes, from) {
        (true, true) => Part::FromByte(number),
        (true, false) => Part::LastBytes(number),
        (false, true) => Part::FromLine(number),
        (false, false) => Part::LastLines(number),
    })
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(modernise(args), &SPEC)?;
    let mut wanted = Part::LastLines(10);
    for (option, value) in &parsed.options {
        if let (&"c" | &"n", Some(value)) = (option, value) {
            wanted = part(value, *option == "c")?;
        }
    }
    let files = parsed.files();
    let headers = match parsed.last_of(&["q", "silent", "v"]) {
        Some("v") => true,
        Some(_) => false,
        None => files.len() > 1,
    };
    let follow = follow_of(&parsed)?;
    let delimiter = if parsed.has("z") { 0 } else { b'\n' };
    let mut tails = Tails { out: Output::stdout(), headers, last: None, status: 0 };
    let mut followed = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let input = tails.first_part(index, file, wanted, delimiter)?;
        if follow.is_some() {
            followed.push(Followed { file: file.clone(), input });
        }
    }
    tails.out.flush()?;
    match follow {
        Some(follow) => tails.follow(followed, &follow),
        None => Ok(tails.status),
    }
}

fn follow_of(parsed: &crate::options::Parsed) -> std::result::Result<Option<Follow>, Failure> {
    let by_name = match parsed.value("follow") {
        Some(word) => crate::options::choose(word, "--follow", &["descriptor", "name"], 1)? == "name",
        None => false,
    };
    let interval = match parsed.value("s") {
        Some(text) => parse_duration(text).ok_or_else(|| failure(1, format!("invalid number of seconds: {}", quote(text))))?,
        None => 1.0,
    };
    let pid = match parsed.value("pid") {
        Some(text) => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            Some(Pid(number.ok_or_else(|| failure(1, format!("invalid PID: {}", quote(text))))?))
        }
        None => None,
    };
    let on = parsed.has("f") || parsed.has("F") || parsed.has("follow");
    let by_name = by_name || parsed.has("F");
    let retry = parsed.has("F") || parsed.has("retry");
    Ok(on.then_some(Follow { by_name, retry, interval: Duration::from_secs_f64(interval), pid }))
}

struct Followed {
    file: Vec<u8>,
    input: Option<Input>,
}

/// What is shared by the files: output, headers, status.
struct Tails {
    out: Output,
    headers: bool,
    /// Whose header was printed last.
    last: Option<usize>,
    status: i32,
}

fn pretty(file: &[u8]) -> &[u8] {
    if file == b"-" { b"standard input" } else { file }
}

impl Tails {
    fn header(&mut self, index: usize, file: &[u8]) -> std::result::Result<(), Failure> {
        if !self.headers || self.last == Some(index) {
            return Ok(());
        }
        self.out.put(if self.last.is_none() { b"==> " } else { b"\n==> " })?;
        self.last = Some(index);
        self.out.put(pretty(file))?;
        self.out.put(b" <==\n")
    }

    fn first_part(
        &mut self,
        index: usize,
        file: &[u8],
        wanted: Part,
        delimiter: u8,
    ) -> std::result::Result<Option<Input>, Failure> {
        let mut input = match Input::open(file) {
            Ok(input) => input,
            Err(errno) => {
                self.out.flush()?;
                complain(format!("cannot open {} for reading: {errno}", quote_name(file)));
                self.status = 1;
                return Ok(None);
            }
        };
        self.header(index, file)?;
        if let Err(errno) = file_error(copy(&mut input, wanted, delimiter, &mut self.out))? {
            self.out.flush()?;
            complain(format!("error reading {}: {errno}", quote_name(pretty(file))));
            self.status = 1;
            return Ok(None);
        }
        Ok(Some(input))
    }

    fn follow(&mut self, mut followed: Vec<Followed>, follow: &Follow) -> Outcome {
        loop {
            if !follow.retry && followed.iter().all(|one| one.input.is_none()) {
                complain("no files remaining");
                return Ok(1);
            }
            for (index, one) in followed.iter_mut().enumerate() {
                if follow.by_name || (follow.retry && one.input.is_none()) {
                    reopen(one, follow);
                }
                self.copy_new(index, one)?;
            }
            self.out.flush()?;
            if follow.pid.is_some_and(|pid| kill(pid, Signal(0)) == Err(Errno::ESRCH)) {
                return Ok(self.status);
            }
            std::thread::sleep(follow.interval);
        }
    }

    fn copy_new(&mut self, index: usize, one: &mut Followed) -> std::result::Result<(), Failure> {
        let Some(input) = &mut one.input else { return Ok(()) };
        if is_truncated(input.fd()) {
            complain(format!("{}: file truncated", crate::report::quote_bare(&one.file)));
            let _ = seek(input.fd(), 0, Whence::Start);
        }
        let mut failed = None;
        let mut first = true;
        loop {
            input.resume();
            match input.chunk() {
                Ok([]) => break,
                Ok(chunk) => {
                    let chunk = chunk.to_vec();
                    if std::mem::take(&mut first) {
                        self.header(index, &one.file)?;
                    }
                    self.out.put(&chunk)?;
                }
                Err(errno) => {
                    failed = Some(errno);
                    break;
                }
            }
        }
        if let Some(errno) = failed {
            complain_of(&one.file, errno);
            self.status = 1;
            one.input = None;
        }
        Ok(())
    }
}

fn is_truncated(fd: Fd) -> bool {
    match (fstat(fd), seek(fd, 0, Whence::Current)) {
        (Ok(stat), Ok(position)) => stat.is_file() && stat.size < position,
        _ => false,
    }
}

/// Follows the name: a file that was replaced is begun anew.
fn reopen(one: &mut Followed, follow: &Follow) {
    let name = quote_name(&one.file);
    let now = stat(&one.file).ok();
    let before = one.input.as_ref().and_then(|input| fstat(input.fd()).ok());
    match (now, before) {
        (Some(now), Some(before)) if now.ino == before.ino && now.dev == before.dev => {}
        (Some(_), before) => {
            if let Ok(input) = Input::open(&one.file) {
                let text =
                    if before.is_some() { "has been replaced;  following new file" } else { "has appeared;  following new file" };
                complain(format!("{name} {text}"));
                one.input = Some(input);
            }
        }
        (None, Some(_)) => {
            complain(format!("{name} has become inaccessible: {}", Errno::ENOENT));
            if !follow.retry || follow.by_name {
                one.input = None;
            }
        }
        (None, None) => {}
    }
}

type Copied = std::result::Result<(), Trouble>;

fn copy(input: &mut Input, wanted: Part, delimiter: u8, out: &mut Output) -> Copied {
    let seekable = fstat(input.fd()).is_ok_and(|stat| stat.is_file()) && seek(input.fd(), 0, Whence::Current).is_ok();
    match wanted {
        Part::FromLine(line) => copy_from_line(input, line.saturating_sub(1), delimiter, out),
        Part::FromByte(byte) => copy_from_byte(input, byte.saturating_sub(1), out),
        Part::LastLines(0) | Part::LastBytes(0) => {
            if seekable {
                let _ = seek(input.fd(), 0, Whence::End);
            }
            Ok(())
        }
        Part::LastLines(count) if seekable => {
            seek_to_last_lines(input.fd(), count, delimiter)?;
            copy_rest(input, out)
        }
        Part::LastLines(count) => copy_last_lines(input, count, delimiter, out),
        Part::LastBytes(count) => copy_last_bytes(input, count, seekable, out),
    }
}

fn copy_rest(input: &mut Input, out: &mut Output) -> Copied {
    loop {
        match input.chunk()? {
            [] => return Ok(()),
            chunk => {
                out.put(chunk)?;
                out.flush()?;
            }
        }
    }
}

fn copy_from_line(input: &mut Input, mut skip: u64, delimiter: u8, out: &mut Output) -> Copied {
    while skip > 0 {
        match input.line(delimiter)? {
            None => return Ok(()),
            Some(_) => skip -= 1,
        }
    }
    copy_rest(input, out)
}

fn copy_from_byte(input: &mut Input, mut skip: u64, out: &mut Output) -> Copied {
    while skip > 0 {
        match input.chunk()? {
            [] => return Ok(()),
            chunk if (chunk.len() as u64) <= skip => skip -= chunk.len() as u64,
            chunk => {
                out.put(&chunk[skip as usize..])?;
                skip = 0;
            }
        }
    }
    copy_rest(input, out)
}

/// Puts the offset before the last lines, reading backwards.
fn seek_to_last_lines(fd: Fd, count: u64, delimiter: u8) -> Result<()> {
    let begin = seek(fd, 0, Whence::Current)?;
    let end = seek(fd, 0, Whence::End)?;
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut found) = (end.max(begin), 0);
    while at > begin {
        let from = begin.max(at.saturating_sub(CHUNK as u64));
        let length = (at - from) as usize;
        seek(fd, from as i64, Whence::Start)?;
        read_exactly(fd, &mut buffer[..length])?;
        for position in memchr::memrchr_iter(delimiter, &buffer[..length]) {
            if from + position as u64 + 1 == end {
                continue;
            }
            found += 1;
            if found == count {
                seek(fd, (from + position as u64 + 1) as i64, Whence::Start)?;
                return Ok(());
            }
        }
        at = from;
    }
    seek(fd, begin as i64, Whence::Start).map(drop)
}

fn read_exactly(fd: Fd, mut buffer: &mut [u8]) -> Result<()> {
    while !buffer.is_empty() {
        match tidepool_system::read(fd, buffer)? {
            0 => return Err(Errno::EIO),
            count => buffer = &mut buffer[count..],
        }
    }
    Ok(())
}

fn copy_last_lines(input: &mut Input, count: u64, delimiter: u8, out: &mut Output) -> Copied {
    let mut held: VecDeque<Vec<u8>> = VecDeque::new();
    loop {
        match input.line(delimiter)? {
            None => break,
            Some(line) => {
                let mut kept = if held.len() as u64 == count { held.pop_front().unwrap_or_default() } else { Vec::new() };
                kept.clear();
                kept.extend_from_slice(line);
                held.push_back(kept);
            }
        }
    }
    held.iter().try_for_each(|line| out.put(line))?;
    Ok(())
}

fn copy_last_bytes(input: &mut Input, count: u64, seekable: bool, out: &mut Output) -> Copied {
    if seekable {
        let back = fstat(input.fd()).map_or(0, |stat| stat.size).min(count);
        seek(input.fd(), -(back as i64), Whence::End)?;
        return copy_rest(input, out);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut held: Vec<u8> = Vec::new();
    loop {
        match input.chunk()? {
            [] => break,
            chunk => held.extend_from_slice(chunk),
        }
        if held.len() / 2 > count {
            held.drain(..held.len() - count);
        }
    }
    out.put(&held[held.len().saturating_sub(count)..])?;
    Ok(())
}
