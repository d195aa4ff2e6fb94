//! The gzip format (RFC 1952): members of a header, deflated data and a trailer with checksum and size.

use crate::input::Input;
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use tidepool_system::{Errno, Fd, write_all};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const UNIX: u8 = 3;
const CHUNK: usize = 64 * 1024;

const HAS_CRC: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// Why a stream cannot be read; `Trailing` is a warning, since all members before it are whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    NotGzip,
    UnexpectedEnd,
    Format,
    Crc,
    Length,
    Trailing,
    Method(u8),
    Read(Errno),
    Write(Errno),
}

impl Problem {
    pub fn text(&self) -> String {
        match self {
            Problem::NotGzip => "not in gzip format".into(),
            Problem::UnexpectedEnd => "unexpected end of file".into(),
            Problem::Format => "invalid compressed data--format violated".into(),
            Problem::Crc => "invalid compressed data--crc error".into(),
            Problem::Length => "invalid compressed data--length error".into(),
            Problem::Trailing => "decompression OK, trailing garbage ignored".into(),
            Problem::Method(method) => format!("unknown method {method} -- not supported"),
            Problem::Read(errno) | Problem::Write(errno) => errno.message(),
        }
    }
}

/// What the first header says, and how many bytes header and trailer take.
#[derive(Default, Clone)]
pub struct Header {
    pub name: Vec<u8>,
    /// Seconds since the epoch; 0 when unknown.
    pub time: u32,
    pub bytes: u64,
}

#[derive(Default)]
pub struct Totals {
    pub header: Header,
    pub compressed: u64,
    pub plain: u64,
    /// Of the last member.
    pub crc: u32,
}

/// Compresses all of `input` into one member.
pub fn compress(input: &mut Input, output: Fd, level: u32, name: &[u8], time: u32) -> Result<Totals, Problem> {
    let header = Header { name: name.to_vec(), time, bytes: head_of(level, name, time).len() as u64 + 8 };
    write_all(output, &head_of(level, name, time)).map_err(Problem::Write)?;
    let mut crc = Crc::new();
    let mut deflate = Compress::new(Compression::new(level), false);
    let mut room = vec![0; CHUNK];
    loop {
        let bytes = input.peek().map_err(Problem::Read)?;
        let flush = if bytes.is_empty() { FlushCompress::Finish } else { FlushCompress::None };
        let (was_in, was_out) = (deflate.total_in(), deflate.total_out());
        let status = deflate.compress(bytes, &mut room, flush).map_err(|_| Problem::Format)?;
        let used = (deflate.total_in() - was_in) as usize;
        crc.update(&bytes[..used]);
        input.take(used);
        write_all(output, &room[..(deflate.total_out() - was_out) as usize]).map_err(Problem::Write)?;
        if status == Status::StreamEnd {
            break;
        }
    }
    let trailer = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
    write_all(output, &trailer).map_err(Problem::Write)?;
    Ok(Totals { compressed: header.bytes + deflate.total_out(), plain: deflate.total_in(), crc: crc.sum(), header })
}

fn head_of(level: u32, name: &[u8], time: u32) -> Vec<u8> {
    let effort = match level {
        1 => 4,
        9 => 2,
        _ => 0,
    };
    let mut head = vec![MAGIC[0], MAGIC[1], DEFLATE, if name.is_empty() { 0 } else { HAS_NAME }];
    head.extend(time.to_le_bytes());
    head.extend([effort, UNIX]);
    if !name.is_empty() {
        head.extend_from_slice(name);
        head.push(0);
    }
    head
}

/// Decompresses every member; what was read before a problem has been written. Without `output` the data is only checked.
pub fn decompress(input: &mut Input, output: Option<Fd>) -> Result<Totals, Problem> {
    let mut totals = Totals { header: read_header(input)?, ..Totals::default() };
    loop {
        let (crc, plain) = inflate(input, output)?;
        if u32_of(input)? != crc {
            return Err(Problem::Crc);
        }
        if u32_of(input)? != plain as u32 {
            return Err(Problem::Length);
        }
        totals.crc = crc;
        totals.plain += plain;
        totals.compressed = input.taken;
        if !next_member(input)? {
            return Ok(totals);
        }
    }
}

/// Whether another member follows. Zeroes at the end are padding; other bytes are garbage.
fn next_member(input: &mut Input) -> Result<bool, Problem> {
    while let Some(first) = input.peek().map_err(Problem::Read)?.first().copied() {
        if first == MAGIC[0] {
            return match read_header(input) {
                Ok(_) => Ok(true),
                Err(Problem::NotGzip) => Err(Problem::Trailing),
                Err(problem) => Err(problem),
            };
        }
        if first != 0 {
            return Err(Problem::Trailing);
        }
        input.take(1);
    }
    Ok(false)
}

fn read_header(input: &mut Input) -> Result<Header, Problem> {
    let before = input.taken;
    let first = byte_of(input)?;
    if first != MAGIC[0] || byte_of(input)? != MAGIC[1] {
        return Err(Problem::NotGzip);
    }
    let method = byte_of(input)?;
    if method != DEFLATE {
        return Err(Problem::Method(method));
    }
    let flags = byte_of(input)?;
    let time = u32_of(input)?;
    byte_of(input)?;
    byte_of(input)?;
    if flags & HAS_EXTRA != 0 {
        let length = u16::from_le_bytes([byte_of(input)?, byte_of(input)?]);
        for _ in 0..length {
            byte_of(input)?;
        }
    }
    let name = if flags & HAS_NAME != 0 { text_of(input)? } else { Vec::new() };
    if flags & HAS_COMMENT != 0 {
        text_of(input)?;
    }
    if flags & HAS_CRC != 0 {
        byte_of(input)?;
        byte_of(input)?;
    }
    Ok(Header { name, time, bytes: input.taken - before + 8 })
}

/// One deflated stream: its checksum and its size.
fn inflate(input: &mut Input, output: Option<Fd>) -> Result<(u32, u64), Problem> {
    let mut crc = Crc::new();
    let mut inflate = Decompress::new(false);
    let mut room = vec![0; CHUNK];
    loop {
        let bytes = input.peek().map_err(Problem::Read)?;
        if bytes.is_empty() {
            return Err(Problem::UnexpectedEnd);
        }
        let (was_in, was_out) = (inflate.total_in(), inflate.total_out());
        let result = inflate.decompress(bytes, &mut room, FlushDecompress::None);
        let made = &room[..(inflate.total_out() - was_out) as usize];
        input.take((inflate.total_in() - was_in) as usize);
        crc.update(made);
        if let Some(output) = output {
            write_all(output, made).map_err(Problem::Write)?;
        }
        match result {
            Ok(Status::StreamEnd) => return Ok((crc.sum(), inflate.total_out())),
            Ok(_) => {}
            Err(_) => return Err(Problem::Format),
        }
    }
}

fn byte_of(input: &mut Input) -> Result<u8, Problem> {
    input.byte().map_err(Problem::Read)?.ok_or(Problem::UnexpectedEnd)
}

fn u32_of(input: &mut Input) -> Result<u32, Problem> {
    Ok(u32::from_le_bytes([byte_of(input)?, byte_of(input)?, byte_of(input)?, byte_of(input)?]))
}

/// Bytes up to a NUL, which is taken too.
fn text_of(input: &mut Input) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    loop {
        match byte_of(input)? {
            0 => return Ok(text),
            byte => text.push(byte),
        }
    }
}

/// The first header alone.
pub fn header(input: &mut Input) -> Result<Header, Problem> {
    read_header(input)
}

/// `zcat -f`: what is no gzip stream passes through unchanged.
pub fn decompress_or_copy(input: &mut Input, output: Fd) -> Result<Totals, Problem> {
    if input.peek().map_err(Problem::Read)?.starts_with(&MAGIC) {
        return decompress(input, Some(output));
    }
    loop {
        let bytes = input.peek().map_err(Problem::Read)?;
        let count = bytes.len();
        if count == 0 {
            return Ok(Totals { compressed: input.taken, plain: input.taken, ..Totals::default() });
        }
        write_all(output, bytes).map_err(Problem::Write)?;
        input.take(count);
    }
}
