//! wc(1): counts lines, words, characters, bytes and the widest line. Words and characters are those of UTF-8.

use crate::options::{Spec, extra_operand, parse};
use crate::report::{Failure, Outcome, complain, complain_of, failure, quote_bare};
use crate::stream::{Input, Output, Trouble, file_error};
use crate::width::width;
use tidepool_system::{Fd, Whence, fstat, seek, stat};

const SPEC: Spec = Spec::new(
    "c,bytes m,chars l,lines L,max-line-length w,words files0-from= total=",
    "Usage: wc [OPTION]... [FILE]...
Prints line, word and byte counts of each FILE, and a total of several.

  -c, --bytes            bytes
  -m, --chars            characters
  -l, --lines            line feeds
      --files0-from=F    the names in the file F, each ended by NUL
  -L, --max-line-length  columns of the widest line
  -w, --words            words
      --total=WHEN       auto, always, only, never
",
);

#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    words: u64,
    chars: u64,
    bytes: u64,
    widest: u64,
}

#[derive(Clone, Copy)]
struct Wanted {
    lines: bool,
    words: bool,
    chars: bool,
    bytes: bool,
    widest: bool,
}

impl Wanted {
    fn count(self) -> usize {
        [self.lines, self.words, self.chars, self.bytes, self.widest].iter().filter(|&&wanted| wanted).count()
    }
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let mut wanted = Wanted {
        lines: parsed.has("l"),
        words: parsed.has("w"),
        chars: parsed.has("m"),
        bytes: parsed.has("c"),
        widest: parsed.has("L"),
    };
    if wanted.count() == 0 {
        wanted = Wanted { lines: true, words: true, bytes: true, ..wanted };
    }
    let when = match parsed.value("total") {
        Some(word) => crate::options::choose(word, "--total", &["auto", "always", "only", "never"], 1)?,
        None => "auto",
    };
    let files = match parsed.value("files0-from") {
        Some(list) => names_of(list, &parsed.operands)?,
        None => parsed.operands.clone(),
    };
    let anonymous = files.is_empty() && !parsed.has("files0-from");
    let streamed = parsed.value("files0-from").is_some_and(|list| !stat(list).is_ok_and(|stat| stat.is_file()));
    let width = if when == "only" || streamed { 1 } else { number_width(&files, wanted) };
    let inputs = if anonymous { vec![b"-".to_vec()] } else { files };
    let mut out = Output::stdout();
    let (mut total, mut status) = (Counts::default(), 0);
    for file in &inputs {
        let mut counts = Counts::default();
        if let Err(errno) = file_error(count(file, wanted, &mut counts))? {
            out.flush()?;
            complain_of(file, errno);
            status = 1;
            if errno != tidepool_system::Errno::EISDIR {
                continue;
            }
        }
        add(&mut total, &counts);
        if when != "only" {
            print(&mut out, &counts, wanted, width, (!anonymous).then_some(file.as_slice()))?;
        }
    }
    let with_total = match when {
        "auto" => inputs.len() > 1,
        "never" => false,
        _ => true,
    };
    if with_total {
        print(&mut out, &total, wanted, width, (when != "only").then_some(b"total"))?;
    }
    out.finish(status)
}

fn names_of(list: &[u8], operands: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
    if let Some(operand) = operands.first() {
        let extra = extra_operand(1, operand);
        let message = extra.message.replacen('\n', "\nfile operands cannot be combined with --files0-from\n", 1);
        return Err(failure(1, message));
    }
    let all = Input::open(list).and_then(|mut input| input.all());
    let all = all.map_err(|errno| failure(1, format!("cannot open {} for reading: {errno}", crate::report::quote_name(list))))?;
    let mut names = Vec::new();
    for name in all.split_inclusive(|&byte| byte == 0) {
        let name = crate::stream::trim(name, 0);
        if name.is_empty() {
            complain(format!("{}: invalid zero-length file name", quote_bare(list)));
        } else {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

fn add(total: &mut Counts, counts: &Counts) {
    total.lines += counts.lines;
    total.words += counts.words;
    total.chars += counts.chars;
    total.bytes += counts.bytes;
    total.widest = total.widest.max(counts.widest);
}

fn print(out: &mut Output, counts: &Counts, wanted: Wanted, width: usize, name: Option<&[u8]>) -> Result<(), Failure> {
    let columns = [
        (wanted.lines, counts.lines),
        (wanted.words, counts.words),
        (wanted.chars, counts.chars),
        (wanted.bytes, counts.bytes),
        (wanted.widest, counts.widest),
    ];
    let columns: Vec<_> = columns.iter().filter(|(wanted, _)| *wanted).map(|(_, number)| format!("{number:width$}")).collect();
    out.text(columns.join(" "))?;
    if let Some(name) = name {
        out.byte(b' ')?;
        if name.contains(&b'\n') { out.text(quote_bare(name))? } else { out.put(name)? }
    }
    out.byte(b'\n')
}

/// As wide as the sum of the sizes; 7 at least when one of them is no regular file; 1 for a single number.
fn number_width(files: &[Vec<u8>], wanted: Wanted) -> usize {
    if files.len() <= 1 && wanted.count() == 1 {
        return 1;
    }
    let (mut minimum, mut total) = (1, 0u64);
    let stats: Vec<_> = if files.is_empty() {
        vec![fstat(Fd::STDIN)]
    } else {
        files.iter().map(|file| if file == b"-" { fstat(Fd::STDIN) } else { stat(file) }).collect()
    };
    for stat in stats.into_iter().flatten() {
        if stat.is_file() {
            total += stat.size;
        } else {
            minimum = 7;
        }
    }
    total.to_string().len().max(minimum)
}

fn count(file: &[u8], wanted: Wanted, counts: &mut Counts) -> Result<(), Trouble> {
    let mut input = Input::open(file)?;
    if wanted.count() == 1 && wanted.bytes {
        return count_bytes(&mut input, counts);
    }
    let mut scan = Scan::default();
    loop {
        let chunk = input.chunk()?;
        if chunk.is_empty() {
            break;
        }
        counts.bytes += chunk.len() as u64;
        if wanted.words || wanted.chars || wanted.widest {
            scan.feed(chunk, wanted, counts);
        } else {
            counts.lines += memchr::memchr_iter(b'\n', chunk).count() as u64;
        }
    }
    scan.finish(counts);
    Ok(())
}

/// The size of a regular file is known without reading it.
fn count_bytes(input: &mut Input, counts: &mut Counts) -> Result<(), Trouble> {
    if let (Ok(stat), Ok(position)) = (fstat(input.fd()), seek(input.fd(), 0, Whence::Current))
        && stat.is_file()
        && stat.size > 0
    {
        counts.bytes = stat.size.saturating_sub(position);
        let _ = seek(input.fd(), 0, Whence::End);
        return Ok(());
    }
    loop {
        match input.chunk()? {
            [] => return Ok(()),
            chunk => counts.bytes += chunk.len() as u64,
        }
    }
}

const SPACE: u8 = 0;
const PRINTED: u8 = 1;
const CONTROL: u8 = 2;
const WIDE: u8 = 3;

/// The class of each byte: what it does to words.
const CLASSES: [u8; 256] = {
    let mut classes = [WIDE; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b' ' | b'\t'..=b'\r' => SPACE,
            b'!'..=b'~' => PRINTED,
            _ => CONTROL,
        };
        byte += 1;
    }
    classes
};

/// What goes on from one chunk to the next.
#[derive(Default)]
struct Scan {
    in_word: bool,
    column: u64,
    /// The beginning of a character that the chunk cut.
    partial: Vec<u8>,
}

impl Scan {
    fn feed(&mut self, chunk: &[u8], wanted: Wanted, counts: &mut Counts) {
        if !self.partial.is_empty() {
            let joined = [std::mem::take(&mut self.partial).as_slice(), chunk].concat();
            return self.feed(&joined, wanted, counts);
        }
        if wanted.words && !wanted.chars && !wanted.widest && chunk.is_ascii() {
            return self.feed_ascii(chunk, counts);
        }
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            if byte < 0x80 {
                self.ascii(byte, counts);
                rest = &rest[1..];
                continue;
            }
            match decode(rest) {
                Decoded::Char(character) => {
                    self.wide(character, counts);
                    rest = &rest[character.len_utf8()..];
                }
                Decoded::Invalid => rest = &rest[1..],
                Decoded::Cut => {
                    self.partial = rest.to_vec();
                    break;
                }
            }
        }
    }

    fn feed_ascii(&mut self, chunk: &[u8], counts: &mut Counts) {
        counts.lines += memchr::memchr_iter(b'\n', chunk).count() as u64;
        let mut in_word = self.in_word;
        let mut words = 0;
        for &byte in chunk {
            let class = CLASSES[usize::from(byte)];
            words += u64::from(!in_word & (class == PRINTED));
            in_word = (class == PRINTED) | (in_word & (class != SPACE));
        }
        self.in_word = in_word;
        counts.words += words;
        counts.chars += chunk.len() as u64;
    }

    fn in_word_now(&mut self, counts: &mut Counts) {
        counts.words += u64::from(!self.in_word);
        self.in_word = true;
    }

    fn end_line(&mut self, counts: &mut Counts) {
        counts.widest = counts.widest.max(self.column);
        self.column = 0;
    }

    fn ascii(&mut self, byte: u8, counts: &mut Counts) {
        counts.chars += 1;
        match byte {
            b'\n' => counts.lines += 1,
            b'\t' => self.column += 8 - self.column % 8,
            b' '..=b'~' => self.column += 1,
            _ => {}
        }
        if matches!(byte, b'\n' | b'\r' | 0x0c) {
            self.end_line(counts);
        }
        match CLASSES[usize::from(byte)] {
            SPACE => self.in_word = false,
            PRINTED => self.in_word_now(counts),
            _ => {}
        }
    }

    fn wide(&mut self, character: char, counts: &mut Counts) {
        counts.chars += 1;
        if character.is_control() {
            return;
        }
        self.column += width(character) as u64;
        if character.is_whitespace() { self.in_word = false } else { self.in_word_now(counts) }
    }

    fn finish(&mut self, counts: &mut Counts) {
        self.end_line(counts);
    }
}

enum Decoded {
    Char(char),
    Invalid,
    /// The bytes end inside a character.
    Cut,
}

fn decode(bytes: &[u8]) -> Decoded {
    let head = &bytes[..bytes.len().min(4)];
    match std::str::from_utf8(head) {
        Ok(text) => text.chars().next().map_or(Decoded::Invalid, Decoded::Char),
        Err(error) if error.valid_up_to() > 0 => {
            let valid = String::from_utf8_lossy(&head[..error.valid_up_to()]);
            valid.chars().next().map_or(Decoded::Invalid, Decoded::Char)
        }
        Err(error) if error.error_len().is_none() && bytes.len() < 4 => Decoded::Cut,
        Err(_) => Decoded::Invalid,
    }
}
