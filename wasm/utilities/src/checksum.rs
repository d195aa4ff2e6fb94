//! md5sum(1), sha1sum(1), sha224sum(1), sha256sum(1), sha384sum(1), sha512sum(1), b2sum(1), cksum(1): sums over files, and lists of
//! them checked.

use crate::options::{Parsed, Spec, parse};
use crate::report::{Failure, Outcome, complain, complain_of, failure, misuse, quote_bare};
use crate::stream::{Input, Output, trim};
use digest::{Digest, DynDigest};

const SPEC: Spec = Spec::new(
    "b,binary c,check l,length= tag t,text z,zero ignore-missing quiet status strict w,warn",
    "Usage: sha256sum [OPTION]... [FILE]...
Prints or checks sums.

  -b, --binary          marks names with *
  -c, --check           reads sums from FILEs and checks them
      --tag             in BSD's form
  -t, --text            marks names with a blank
  -z, --zero            lines end in NUL, without escapes
With -c:
      --ignore-missing  not what does not exist
      --quiet           no OK
      --status          nothing but the exit status
      --strict          fails for lines that are none
  -w, --warn            complains about them
",
);

const CKSUM: Spec = Spec::new(
    "a,algorithm= c,check l,length= tag untagged z,zero raw base64 b t ignore-missing quiet status strict w,warn debug",
    "Usage: cksum [OPTION]... [FILE]...
Prints the CRC of POSIX and the size of each FILE, or with -a another sum.

  -a, --algorithm=TYPE   crc, md5, sha1, sha224, sha256, sha384, sha512, blake2b
      --untagged         SUM  NAME instead of BSD's form
",
);

/// A sum's name in BSD's form, its digits, and how it begins.
struct Kind {
    name: &'static str,
    digits: usize,
    new: fn() -> Box<dyn DynDigest>,
}

fn fresh<D: Digest + DynDigest + 'static>() -> Box<dyn DynDigest> {
    Box::new(D::new())
}

static MD5: Kind = Kind { name: "MD5", digits: 32, new: fresh::<md5::Md5> };
static SHA1: Kind = Kind { name: "SHA1", digits: 40, new: fresh::<sha1::Sha1> };
static SHA224: Kind = Kind { name: "SHA224", digits: 56, new: fresh::<sha2::Sha224> };
static SHA256: Kind = Kind { name: "SHA256", digits: 64, new: fresh::<sha2::Sha256> };
static SHA384: Kind = Kind { name: "SHA384", digits: 96, new: fresh::<sha2::Sha384> };
static SHA512: Kind = Kind { name: "SHA512", digits: 128, new: fresh::<sha2::Sha512> };
static BLAKE2: Kind = Kind { name: "BLAKE2b", digits: 128, new: fresh::<blake2::Blake2b512> };

pub fn run_md5(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &MD5)
}
pub fn run_sha1(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &SHA1)
}
pub fn run_sha224(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &SHA224)
}
pub fn run_sha256(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &SHA256)
}
pub fn run_sha384(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &SHA384)
}
pub fn run_sha512(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &SHA512)
}
pub fn run_b2(args: Vec<Vec<u8>>) -> Outcome {
    run(args, &BLAKE2)
}

fn run(args: Vec<Vec<u8>>, kind: &'static Kind) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    if parsed.value("l").is_some_and(|length| length != b"512" && length != b"0") || (parsed.has("l") && kind.name != "BLAKE2b") {
        return Err(failure(1, "other lengths (-l) are not supported"));
    }
    if parsed.has("c") {
        if parsed.has("tag") {
            return Err(misuse(1, "the --tag option is meaningless when verifying checksums"));
        }
        return check(&parsed, &[kind]);
    }
    for option in ["ignore-missing", "quiet", "status", "strict"] {
        if parsed.has(option) {
            return Err(misuse(1, format!("the --{option} option is meaningful only when verifying checksums")));
        }
    }
    if parsed.has("w") {
        return Err(misuse(1, "the --warn option is meaningful only when verifying checksums"));
    }
    let binary = parsed.last_of(&["b", "t"]) == Some("b");
    if parsed.has("tag") && parsed.last_of(&["b", "t"]) == Some("t") {
        return Err(misuse(1, "--tag does not support --text mode"));
    }
    print_sums(&parsed, kind, parsed.has("tag"), binary)
}

fn print_sums(parsed: &Parsed, kind: &Kind, tag: bool, binary: bool) -> Outcome {
    let zero = parsed.has("z");
    let end = if zero { 0 } else { b'\n' };
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        match sum(&file, kind) {
            Ok(digits) => {
                let (name, escaped) = if zero { (file.clone(), false) } else { escape(&file) };
                if escaped {
                    out.byte(b'\\')?;
                }
                if tag {
                    out.text(format!("{} (", kind.name))?;
                    out.put(&name)?;
                    out.text(format!(") = {digits}"))?;
                } else {
                    out.text(format!("{digits} {}", if binary { '*' } else { ' ' }))?;
                    out.put(&name)?;
                }
                out.byte(end)?;
            }
            Err(errno) => {
                out.flush()?;
                complain_of(&file, errno);
                status = 1;
            }
        }
    }
    out.finish(status)
}

/// A name on one line: `\n`, `\r` and `\\` as two characters.
fn escape(name: &[u8]) -> (Vec<u8>, bool) {
    let mut escaped = Vec::new();
    for &byte in name {
        match byte {
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            byte => escaped.push(byte),
        }
    }
    let changed = escaped.len() != name.len();
    (escaped, changed)
}

fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(other) => *other,
                None => b'\\',
            },
            byte => byte,
        });
    }
    plain
}

fn sum(file: &[u8], kind: &Kind) -> tidepool_system::Result<String> {
    let mut input = Input::open(file)?;
    let mut digest = (kind.new)();
    loop {
        match input.chunk()? {
            [] => break,
            chunk => digest.update(chunk),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The tallies of one list.
#[derive(Default)]
struct Tally {
    lines: u64,
    wrong: u64,
    unread: u64,
    mismatched: u64,
    matched: u64,
}

fn check(parsed: &Parsed, kinds: &[&'static Kind]) -> Outcome {
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        let mut tally = Tally::default();
        let shown = if file == b"-" { "'standard input'".to_owned() } else { quote_bare(&file) };
        let mut input = match Input::open(&file) {
            Ok(input) => input,
            Err(errno) => {
                out.flush()?;
                complain_of(&file, errno);
                status = 1;
                continue;
            }
        };
        let mut number = 0;
        loop {
            let line = match input.line(b'\n') {
                Ok(Some(line)) => trim(line, b'\n').to_vec(),
                Ok(None) => break,
                Err(errno) => {
                    out.flush()?;
                    complain_of(&file, errno);
                    return out.finish(1);
                }
            };
            number += 1;
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.starts_with(b"#") || line.is_empty() {
                tally.wrong += u64::from(line.is_empty());
                continue;
            }
            match read_line(line, kinds) {
                Some((kind, digits, name)) => check_one(parsed, kind, &digits, &name, &mut tally, &mut out)?,
                None => {
                    tally.wrong += 1;
                    if parsed.has("w") {
                        out.flush()?;
                        let what = kinds.first().map_or("", |kind| kind.name);
                        complain(format!("{shown}: {number}: improperly formatted {what} checksum line"));
                    }
                }
            }
        }
        out.flush()?;
        status = status.max(conclude(parsed, &shown, &tally));
    }
    out.finish(status)
}

fn conclude(parsed: &Parsed, shown: &str, tally: &Tally) -> i32 {
    let quiet = parsed.has("status");
    if tally.lines == 0 {
        complain(format!("{shown}: no properly formatted checksum lines found"));
        return 1;
    }
    let plural = |count: u64, one: &str, many: &str| format!("WARNING: {count} {}", if count == 1 { one } else { many });
    if !quiet {
        if tally.wrong > 0 {
            complain(plural(tally.wrong, "line is improperly formatted", "lines are improperly formatted"));
        }
        if tally.unread > 0 {
            complain(plural(tally.unread, "listed file could not be read", "listed files could not be read"));
        }
        if tally.mismatched > 0 {
            complain(plural(tally.mismatched, "computed checksum did NOT match", "computed checksums did NOT match"));
        }
    }
    let none = parsed.has("ignore-missing") && tally.matched == 0;
    if none && !quiet {
        complain(format!("{shown}: no file was verified"));
    }
    let strict = parsed.has("strict") && tally.wrong > 0;
    i32::from(tally.mismatched > 0 || tally.unread > 0 || strict || none)
}

fn check_one(parsed: &Parsed, kind: &Kind, digits: &[u8], name: &[u8], tally: &mut Tally, out: &mut Output) -> Result<(), Failure> {
    tally.lines += 1;
    let (shown, escaped) = escape(name);
    let shown = [if escaped { &b"\\"[..] } else { b"" }, &shown].concat();
    let silent = parsed.has("status");
    let mut say = |text: &str| {
        out.put(&shown)?;
        out.text(format!(": {text}\n"))
    };
    match sum(name, kind) {
        Ok(found) if found.as_bytes().eq_ignore_ascii_case(digits) => {
            tally.matched += 1;
            if silent || parsed.has("quiet") { Ok(()) } else { say("OK") }
        }
        Ok(_) => {
            tally.mismatched += 1;
            if silent { Ok(()) } else { say("FAILED") }
        }
        Err(tidepool_system::Errno::ENOENT) if parsed.has("ignore-missing") => Ok(()),
        Err(errno) => {
            tally.unread += 1;
            if !silent {
                say("FAILED open or read")?;
            }
            out.flush()?;
            complain_of(name, errno);
            Ok(())
        }
    }
}

/// `SUM  NAME`, `SUM *NAME` or `SHA256 (NAME) = SUM`.
fn read_line(line: &[u8], kinds: &[&'static Kind]) -> Option<(&'static Kind, Vec<u8>, Vec<u8>)> {
    let (escaped, line) = line.strip_prefix(b"\\").map_or((false, line), |line| (true, line));
    let line = line.trim_ascii_start();
    let name = |name: &[u8]| if escaped { unescape(name) } else { name.to_vec() };
    for kind in kinds {
        if let Some(rest) = line.strip_prefix(kind.name.as_bytes()).and_then(|rest| rest.trim_ascii_start().strip_prefix(b"(")) {
            let close = rest.windows(3).rposition(|three| three == b") =")?;
            let digits = rest[close + 3..].trim_ascii();
            return is_sum(digits, kind).then(|| (*kind, digits.to_vec(), name(&rest[..close])));
        }
        let digits = line.get(..kind.digits).filter(|digits| is_sum(digits, kind));
        if let (Some(digits), Some([b' ', b' ' | b'*', file @ ..])) = (digits, line.get(kind.digits..))
            && !file.is_empty()
        {
            return Some((*kind, digits.to_vec(), name(file)));
        }
    }
    None
}

fn is_sum(digits: &[u8], kind: &Kind) -> bool {
    digits.len() == kind.digits && digits.iter().all(u8::is_ascii_hexdigit)
}

pub fn run_cksum(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &CKSUM)?;
    for option in ["raw", "base64", "l"] {
        if parsed.has(option) {
            return Err(failure(1, format!("the option for {option} is not supported")));
        }
    }
    let kinds: [&'static Kind; 7] = [&MD5, &SHA1, &SHA224, &SHA256, &SHA384, &SHA512, &BLAKE2];
    let words = ["bsd", "sysv", "crc", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sm3"];
    let algorithm = match parsed.value("a") {
        Some(word) => Some(crate::options::choose(word, "--algorithm", &words, 1)?),
        None => None,
    };
    let kind = kinds.iter().find(|kind| algorithm == Some(kind.name.to_lowercase().as_str()));
    match (kind, algorithm) {
        _ if parsed.has("c") => match kind {
            Some(kind) => check(&parsed, &[kind]),
            None => check(&parsed, &kinds),
        },
        (Some(kind), _) => print_sums(&parsed, kind, !parsed.has("untagged"), false),
        (None, None | Some("crc")) => crc_sums(&parsed),
        (None, Some(other)) => Err(failure(1, format!("the algorithm {other} is not supported"))),
    }
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 0x8000_0000 != 0 { value << 1 ^ 0x04c1_1db7 } else { value << 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

fn crc_step(crc: u32, byte: u8) -> u32 {
    crc << 8 ^ CRC[((crc >> 24) as u8 ^ byte) as usize]
}

fn crc_sums(parsed: &Parsed) -> Outcome {
    let mut out = Output::stdout();
    let mut status = 0;
    for file in parsed.files() {
        match crc(&file) {
            Ok((crc, size)) => {
                out.text(format!("{crc} {size}"))?;
                if !parsed.operands.is_empty() {
                    out.byte(b' ')?;
                    out.put(&file)?;
                }
                out.byte(b'\n')?;
            }
            Err(errno) => {
                out.flush()?;
                complain_of(&file, errno);
                status = 1;
            }
        }
    }
    out.finish(status)
}

fn crc(file: &[u8]) -> tidepool_system::Result<(u32, u64)> {
    let mut input = Input::open(file)?;
    let (mut crc, mut size) = (0, 0u64);
    loop {
        let chunk = input.chunk()?;
        if chunk.is_empty() {
            break;
        }
        size += chunk.len() as u64;
        crc = chunk.iter().fold(crc, |crc, &byte| crc_step(crc, byte));
    }
    let mut length = size;
    while length > 0 {
        crc = crc_step(crc, length as u8);
        length >>= 8;
    }
    Ok((!crc, size))
}
