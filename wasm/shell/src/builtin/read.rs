//! read

use std::time::Instant;

use tidepool_syntax::{Name, is_name};
use tidepool_system::{Errno, Fd, Whence, is_tty, seek, write_all};

use super::Call;
use super::options::parse;
use crate::expand::pattern::character;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

/// What `read` was asked for.
struct Request {
    fd: Fd,
    raw: bool,
    delimiter: u8,
    /// `-n`: up to so many characters.
    most: Option<usize>,
    /// `-N`: exactly so many, whatever they are.
    exact: bool,
    deadline: Option<Instant>,
}

/// A line as it was read: its bytes, which of them were escaped, and whether the delimiter came.
struct Line {
    text: Bytes,
    escaped: Vec<bool>,
    complete: bool,
    timed_out: bool,
}

pub fn read(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"ersa:d:i:n:N:p:t:u:") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    let mut request = Request { fd: Fd::STDIN, raw: parsed.has(b'r'), delimiter: b'\n', most: None, exact: false, deadline: None };
    if let Some(text) = parsed.value(b'd') {
        request.delimiter = text.first().copied().unwrap_or(0);
    }
    if let Some(text) = parsed.value(b'u') {
        match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
            Some(number) if tidepool_system::fstat(Fd(number)).is_ok() => request.fd = Fd(number),
            _ => {
                shell.complain(&[b"read: ", text, b": invalid file descriptor: Bad file descriptor"].concat());
                return Ok(1);
            }
        }
    }
    for letter in [b'n', b'N'] {
        if let Some(text) = parsed.value(letter) {
            match super::number::integer(text) {
                Some(count) if count >= 0 => request.most = Some(count as usize),
                _ => {
                    shell.complain(&[b"read: ", text, b": invalid number"].concat());
                    return Ok(1);
                }
            }
            request.exact = letter == b'N';
        }
    }
    if let Some(text) = parsed.value(b't') {
        match super::number::seconds(text) {
            Some(wait) => request.deadline = Some(Instant::now() + wait),
            None => {
                shell.complain(&[b"read: ", text, b": invalid timeout specification"].concat());
                return Ok(1);
            }
        }
    }
    let bad = parsed.operands.iter().find(|name| !is_target(name));
    if let Some(name) = bad {
        shell.complain(&[b"read: `", &name[..], b"': not a valid identifier"].concat());
        return Ok(1);
    }
    shell.output.flush();
    if let Some(prompt) = parsed.value(b'p')
        && is_tty(request.fd)
    {
        // A prompt that cannot be shown does not stop the reading.
        let _ = write_all(Fd::STDERR, prompt);
    }
    let line = match read_line(shell, &request) {
        Ok(line) => line,
        Err(errno) => {
            shell.complain(
                &[b"read: read error: ", request.fd.0.to_string().as_bytes(), b": ", errno.message().as_bytes()].concat(),
            );
            return Ok(1);
        }
    };
    let assigned = store(shell, &line, parsed.operands, parsed.value(b'a'), request.exact)?;
    Ok(match (assigned, line.timed_out, line.complete) {
        (false, _, _) => 1,
        (_, true, _) => 142,
        (_, _, complete) => i32::from(!complete),
    })
}

/// A line into REPLY, as it is, for `select`; None at the end of the input.
pub fn read_answer(shell: &mut Shell) -> Flow<Option<Bytes>> {
    let request = Request { fd: Fd::STDIN, raw: false, delimiter: b'\n', most: None, exact: false, deadline: None };
    let Ok(line) = read_line(shell, &request) else {
        return Ok(None);
    };
    if !line.complete {
        return Ok(None);
    }
    let name = shell.names.reply;
    shell.assign(name, &line.text)?;
    Ok(Some(line.text))
}

fn is_target(text: &[u8]) -> bool {
    let base = match text.iter().position(|byte| *byte == b'[') {
        Some(open) if text.last() == Some(&b']') => text.get(..open).unwrap_or_default(),
        _ => text,
    };
    is_name(base)
}

/// Reads bytes one by one, or from a file in blocks whose rest is given back.
struct Input {
    fd: Fd,
    block: Vec<u8>,
    at: usize,
    seekable: bool,
}

impl Input {
    fn next(&mut self) -> Result<Option<u8>, Errno> {
        if self.at >= self.block.len() {
            self.block.resize(if self.seekable { 4096 } else { 1 }, 0);
            let count = tidepool_system::read(self.fd, &mut self.block)?;
            self.block.truncate(count);
            self.at = 0;
        }
        let byte = self.block.get(self.at).copied();
        self.at += 1;
        Ok(byte)
    }

    fn give_back(&self) {
        let rest = self.block.len().saturating_sub(self.at);
        if self.seekable && rest > 0 {
            // A file that could be asked for its offset can be set to it.
            let _ = seek(self.fd, -(rest as i64), Whence::Current);
        }
    }
}

fn read_line(shell: &mut Shell, request: &Request) -> Result<Line, Errno> {
    let seekable = seek(request.fd, 0, Whence::Current).is_ok();
    let mut input = Input { fd: request.fd, block: Vec::new(), at: 0, seekable };
    let mut line = Line { text: Vec::new(), escaped: Vec::new(), complete: false, timed_out: false };
    if request.most == Some(0) {
        line.complete = true;
        return Ok(line);
    }
    let result = fill(shell, request, &mut input, &mut line);
    input.give_back();
    result.map(|()| line)
}

fn fill(shell: &mut Shell, request: &Request, input: &mut Input, line: &mut Line) -> Result<(), Errno> {
    let mut escape = false;
    let mut count = 0;
    loop {
        if let Some(deadline) = request.deadline
            && !input.seekable
            && input.at >= input.block.len()
            && !tidepool_system::wait_readable(request.fd, deadline)?
        {
            line.timed_out = true;
            return Ok(());
        }
        let byte = match input.next() {
            Ok(Some(byte)) => byte,
            Ok(None) => return Ok(()),
            Err(Errno::EINTR) if shell.peek_trapped_signal().is_none() => continue,
            Err(errno) => return Err(errno),
        };
        if escape {
            escape = false;
            if byte == b'\n' {
                continue;
            }
            line.text.push(byte);
            line.escaped.push(true);
        } else if byte == b'\\' && !request.raw {
            escape = true;
            continue;
        } else if byte == request.delimiter && !request.exact {
            line.complete = true;
            return Ok(());
        } else if byte == 0 {
            continue;
        } else {
            line.text.push(byte);
            line.escaped.push(false);
        }
        if let Some(most) = request.most {
            let pending = line.text.get(count..).unwrap_or_default();
            if is_whole(pending) {
                count = line.text.len();
            }
            if count == line.text.len() && characters(&line.text) >= most {
                line.complete = true;
                return Ok(());
            }
        }
    }
}

/// Whether the bytes end with a whole character.
fn is_whole(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_some(),
    }
}

fn characters(text: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        at += character(text.get(at..).unwrap_or_default()).1;
        count += 1;
    }
    count
}

fn store(shell: &mut Shell, line: &Line, names: &[Bytes], array: Option<&[u8]>, exact: bool) -> Flow<bool> {
    let ifs = shell.ifs();
    if let Some(name) = array {
        if !is_name(name) {
            shell.complain(&[b"read: `", name, b"': not a valid identifier"].concat());
            return Ok(false);
        }
        let fields = Splitter { line, ifs: &ifs, at: 0 }.all();
        return Ok(shell.set_list(Name::new(name), fields));
    }
    if names.is_empty() {
        let name = shell.names.reply;
        return shell.assign(name, &line.text);
    }
    if exact {
        let mut done = put(shell, &names[0], &line.text)?;
        for name in names.get(1..).unwrap_or_default() {
            done &= put(shell, name, b"")?;
        }
        return Ok(done);
    }
    let mut splitter = Splitter { line, ifs: &ifs, at: 0 };
    let mut done = true;
    for (at, name) in names.iter().enumerate() {
        let text = if at + 1 == names.len() { splitter.rest() } else { splitter.field().unwrap_or_default() };
        done &= put(shell, name, &text)?;
    }
    Ok(done)
}

fn put(shell: &mut Shell, target: &[u8], text: &[u8]) -> Flow<bool> {
    match target.iter().position(|byte| *byte == b'[') {
        None => shell.assign(Name::new(target), text),
        Some(open) => {
            let name = Name::new(target.get(..open).unwrap_or_default());
            let key = target.get(open + 1..target.len() - 1).unwrap_or_default();
            let key = shell.key_of_text(name, key)?;
            shell.assign_element(name, &key, text, false)
        }
    }
}

/// Splits a line at IFS; escaped characters never split.
struct Splitter<'a> {
    line: &'a Line,
    ifs: &'a [u8],
    at: usize,
}

impl Splitter<'_> {
    fn splits(&self, at: usize) -> Option<u8> {
        let byte = self.line.text.get(at).copied()?;
        (self.ifs.contains(&byte) && self.line.escaped.get(at) == Some(&false)).then_some(byte)
    }

    fn is_blank(&self, at: usize) -> bool {
        matches!(self.splits(at), Some(b' ' | b'\t' | b'\n'))
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(self.at) {
            self.at += 1;
        }
    }

    fn field(&mut self) -> Option<Bytes> {
        self.skip_blanks();
        if self.at >= self.line.text.len() {
            return None;
        }
        let start = self.at;
        while self.at < self.line.text.len() && self.splits(self.at).is_none() {
            self.at += 1;
        }
        let text = self.line.text.get(start..self.at).unwrap_or_default().to_vec();
        self.skip_delimiter();
        Some(text)
    }

    /// Blanks, one other delimiter, blanks.
    fn skip_delimiter(&mut self) {
        self.skip_blanks();
        if self.splits(self.at).is_some() {
            self.at += 1;
            self.skip_blanks();
        }
    }

    /// All that is left for the last name: without blanks at its end, and without a delimiter if it is the only one.
    fn rest(&mut self) -> Bytes {
        self.skip_blanks();
        let start = self.at;
        let mut end = self.line.text.len();
        while end > start && self.is_blank(end - 1) {
            end -= 1;
        }
        let whole = self.line.text.get(start..end).unwrap_or_default().to_vec();
        // One field with its delimiter: the delimiter goes.
        let first = self.field();
        if self.at >= self.line.text.len() { first.unwrap_or_default() } else { whole }
    }

    fn all(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.field()).collect()
    }
}
