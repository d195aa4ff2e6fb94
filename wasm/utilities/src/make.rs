//! mkdir(1), touch(1), mktemp(1), truncate(1), mkfifo's absence: making files and directories.

use crate::civil;
use crate::mode;
use crate::names::parent;
use crate::number::parse_size;
use crate::options::{Spec, choose, missing_operand, parse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_name};
use crate::stream::Output;
use tidepool_system::{
    Errno, Follow, Open, Result, SetTime, Timestamp, chmod, close, lstat, open, os_bytes, os_str, set_times, stat, umask,
};

const MKDIR: Spec = Spec::new(
    "m,mode= p,parents v,verbose Z context=?",
    "Usage: mkdir [OPTION]... DIRECTORY...
Makes directories.

  -m, --mode=MODE   their mode, as in chmod
  -p, --parents     makes parents, too; no complaint about what exists
  -v, --verbose     says what is made
",
);

const TOUCH: Spec = Spec::new(
    "a c,no-create d,date= f h,no-dereference m r,reference= t= time=",
    "Usage: touch [OPTION]... FILE...
Makes FILEs that do not exist, and sets their times to now.

  -a                      the access time only
  -c, --no-create         makes no files
  -d, --date=STRING       this time: 2024-02-29 12:30:00, @SECONDS, now, yesterday, 2 days ago
  -h, --no-dereference    links themselves
  -m                      the modification time only
  -r, --reference=FILE    the times of FILE
  -t [[CC]YY]MMDDhhmm[.ss]   this time
      --time=WORD         access, atime, use (-a), modify, mtime (-m)
",
);

const MKTEMP: Spec = Spec::new(
    "d,directory u,dry-run q,quiet suffix= p,tmpdir=? t",
    "Usage: mktemp [OPTION]... [TEMPLATE]
Makes a file with a new name and prints it; the last Xs of TEMPLATE (tmp.XXXXXXXXXX) become other characters.

  -d, --directory       a directory
  -u, --dry-run         only a name
  -q, --quiet           no complaints
      --suffix=SUFFIX   behind the name
  -p DIR, --tmpdir[=DIR]   in DIR (TMPDIR, else /tmp)
  -t                    TEMPLATE is a name in that directory
",
);

const TRUNCATE: Spec = Spec::new(
    "c,no-create o,io-blocks r,reference= s,size=",
    "Usage: truncate OPTION... FILE...
Cuts or lengthens FILEs to a size.

  -c, --no-create        makes no files
  -r, --reference=RFILE  the size of RFILE
  -s, --size=SIZE        a size; + - < > / % before it: more, less, at most, at least, rounded down, up
",
);

pub fn run_mkdir(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &MKDIR)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let wanted = parsed.value("m");
    if let Some(text) = wanted.filter(|text| !mode::is_valid(text)) {
        return Err(failure(1, format!("invalid mode {}", quote(text))));
    }
    let mut maker = Maker { parents: parsed.has("p"), verbose: parsed.has("v"), out: Output::stdout() };
    let mut status = 0;
    for path in &parsed.operands {
        let made = maker.make(path, false)?;
        let made = made.and_then(|new| match (wanted, new) {
            (Some(text), true) => chmod(path, mode::apply(text, 0o777, true, umask(None)).unwrap_or(0o777), Follow::Yes),
            _ => Ok(()),
        });
        if let Err(errno) = made {
            maker.out.flush()?;
            complain(format!("cannot create directory {}: {errno}", quote(maker.failed(path))));
            status = 1;
        }
    }
    maker.out.finish(status)
}

struct Maker {
    parents: bool,
    verbose: bool,
    out: Output,
}

impl Maker {
    /// True when it did not exist; `inner` for the parent of what was asked for. The outer result is stdout's.
    fn make(&mut self, path: &[u8], inner: bool) -> std::result::Result<Result<bool>, Failure> {
        if path.is_empty() {
            return Ok(Err(Errno::ENOENT));
        }
        if self.parents {
            if stat(path).is_ok_and(|stat| stat.is_dir()) {
                return Ok(Ok(false));
            }
            let above = parent(path);
            if above != path
                && !above.is_empty()
                && let Err(errno) = self.make(above, true)?
            {
                return Ok(Err(errno));
            }
        }
        match std::fs::create_dir(os_str(path)).map_err(Errno::from) {
            Ok(()) => {}
            Err(Errno::EEXIST) if self.parents && stat(path).is_ok_and(|stat| stat.is_dir()) => return Ok(Ok(false)),
            Err(Errno::EEXIST) if self.parents && inner => return Ok(Err(Errno::ENOTDIR)),
            Err(errno) => return Ok(Err(errno)),
        }
        if self.verbose {
            self.out.text(format!("{}: created directory {}\n", crate::report::name(), quote_name(path)))?;
        }
        Ok(Ok(true))
    }

    /// The part of the path that could not be made: with -p, the first that is no directory.
    fn failed<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        let above = parent(path);
        if !self.parents || above == path || stat(above).is_ok_and(|stat| stat.is_dir()) { path } else { self.failed(above) }
    }
}

pub fn run_touch(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &TOUCH)?;
    let (mut atime, mut mtime) = (parsed.has("a"), parsed.has("m"));
    if let Some(word) = parsed.value("time") {
        match choose(word, "--time", &["atime", "access", "use", "mtime", "modify"], 1)? {
            "mtime" | "modify" => mtime = true,
            _ => atime = true,
        }
    }
    if !atime && !mtime {
        (atime, mtime) = (true, true);
    }
    let follow = if parsed.has("h") { Follow::No } else { Follow::Yes };
    let (mut access, mut modification) = (SetTime::Now, SetTime::Now);
    if let Some(file) = parsed.value("r") {
        let found = if follow == Follow::No { lstat(file) } else { stat(file) };
        let found = found.map_err(|errno| failure(1, format!("failed to get attributes of {}: {errno}", quote_name(file))))?;
        (access, modification) = (SetTime::To(found.atime), SetTime::To(found.mtime));
    }
    if let Some(text) = parsed.value("t") {
        let time = stamp(text).ok_or_else(|| failure(1, format!("invalid date format {}", quote(text))))?;
        (access, modification) = (SetTime::To(time), SetTime::To(time));
    } else if let Some(text) = parsed.value("d") {
        let now = match modification {
            SetTime::To(time) => (time.seconds, time.nanoseconds),
            _ => civil::now(),
        };
        let time = crate::when::parse(&String::from_utf8_lossy(text), now);
        let (seconds, nanoseconds) = time.ok_or_else(|| failure(1, format!("invalid date format {}", quote(text))))?;
        (access, modification) = (SetTime::To(Timestamp { seconds, nanoseconds }), SetTime::To(Timestamp { seconds, nanoseconds }));
    }
    if parsed.operands.is_empty() {
        return Err(misuse(1, "missing file operand"));
    }
    let access = if atime { access } else { SetTime::Keep };
    let modification = if mtime { modification } else { SetTime::Keep };
    let mut status = 0;
    for path in &parsed.operands {
        if let Err((what, errno)) = touch(path, access, modification, follow, parsed.has("c")) {
            complain(format!("{what} {}: {errno}", quote_name(path)));
            status = 1;
        }
    }
    Ok(status)
}

fn touch(
    path: &[u8],
    atime: SetTime,
    mtime: SetTime,
    follow: Follow,
    keep: bool,
) -> std::result::Result<(), (&'static str, Errno)> {
    let found = if follow == Follow::No { lstat(path) } else { stat(path) };
    if found == Err(Errno::ENOENT) {
        if keep {
            return Ok(());
        }
        if follow == Follow::No {
            return Err(("setting times of", Errno::ENOENT));
        }
        let fd = open(path, Open::write().create()).map_err(|errno| ("cannot touch", errno))?;
        let _ = close(fd);
        if (atime, mtime) == (SetTime::Now, SetTime::Now) {
            return Ok(());
        }
    } else if let Err(errno) = found {
        return Err(("cannot touch", errno));
    }
    set_times(path, atime, mtime, follow).map_err(|errno| ("setting times of", errno))
}

/// `[[CC]YY]MMDDhhmm[.ss]`
fn stamp(text: &[u8]) -> Option<Timestamp> {
    let (digits, second) = match text.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&text[..dot], two(&text[dot + 1..])?),
        None => (text, 0),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (year, rest) = match digits.len() {
        8 => (civil::from_seconds(civil::now().0).year, digits),
        10 => {
            let short = i64::from(two(&digits[..2])?);
            (if short < 69 { 2000 + short } else { 1900 + short }, &digits[2..])
        }
        12 => (i64::from(two(&digits[..2])?) * 100 + i64::from(two(&digits[2..4])?), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute] = [two(&rest[..2])?, two(&rest[2..4])?, two(&rest[4..6])?, two(&rest[6..8])?];
    let valid =
        (1..=12).contains(&month) && day >= 1 && day <= civil::month_days(year, month) && hour < 24 && minute < 60 && second <= 60;
    let moment = civil::Civil { year, month, day, hour, minute, second, weekday: 0, yearday: 0 };
    valid.then(|| Timestamp { seconds: civil::seconds(&moment), nanoseconds: 0 })
}

fn two(text: &[u8]) -> Option<u32> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0')),
        _ => None,
    }
}

pub fn run_mktemp(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(split_tmpdir(args), &MKTEMP)?;
    let operand = parsed.operands.first().map(Vec::as_slice);
    if parsed.operands.len() > 1 {
        return Err(misuse(1, "too many templates"));
    }
    let quiet = parsed.has("q");
    let fail = |message: String| failure(1, if quiet { String::new() } else { message });
    let template = operand.unwrap_or(b"tmp.XXXXXXXXXX");
    let (template, suffix) = match parsed.value("suffix") {
        Some(suffix) if !template.ends_with(b"X") => {
            let text = format!("with --suffix, template {} must end in X", quote(template));
            return Err(fail(if suffix.is_empty() { text.clone() } else { text }));
        }
        Some(suffix) => (template, suffix),
        None => {
            let end = template.iter().rposition(|&byte| byte == b'X').map_or(template.len(), |last| last + 1);
            (&template[..end], &template[end..])
        }
    };
    if suffix.contains(&b'/') {
        return Err(fail(format!("invalid suffix {}, contains directory separator", quote(suffix))));
    }
    let count = template.iter().rev().take_while(|&&byte| byte == b'X').count();
    if count < 3 {
        return Err(fail(format!("too few X's in template {}", quote(operand.unwrap_or(template)))));
    }
    let in_folder = operand.is_none() || parsed.has("p") || parsed.has("t");
    let mut stem = template[..template.len() - count].to_vec();
    if in_folder {
        if operand.is_some_and(|operand| operand.starts_with(b"/")) && parsed.has("p") {
            return Err(fail(format!("invalid template, {}; with --tmpdir, it may not be absolute", quote(template))));
        }
        let variable = std::env::var_os("TMPDIR").filter(|value| !value.is_empty()).unwrap_or_else(|| "/tmp".into());
        let given = parsed.value("p").filter(|given| !given.is_empty());
        stem = crate::directory::join(given.unwrap_or(os_bytes(&variable)), &stem);
    }
    let path = create_new(&stem, count, suffix, parsed.has("d"), parsed.has("u")).map_err(|errno| {
        let what = if parsed.has("d") { "directory" } else { "file" };
        let shown = [&stem[..], "X".repeat(count).as_bytes(), suffix].concat();
        fail(format!("failed to create {what} via template {}: {errno}", quote(&shown)))
    })?;
    let mut out = Output::stdout();
    out.put(&path)?;
    out.byte(b'\n')?;
    out.finish(0)
}

/// `-p DIR` is two words, `--tmpdir` one.
fn split_tmpdir(args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut joined: Vec<Vec<u8>> = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let short = arg.len() > 1 && arg[0] == b'-' && arg[1] != b'-' && arg.ends_with(b"p");
        match (short, short.then(|| args.next()).flatten()) {
            (true, Some(folder)) => joined.push([&arg[..], &folder[..]].concat()),
            _ => joined.push(arg),
        }
    }
    joined
}

fn create_new(stem: &[u8], count: usize, suffix: &[u8], folder: bool, dry: bool) -> Result<Vec<u8>> {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut failed = Errno::EEXIST;
    for _ in 0..100 {
        let random = crate::random::bytes(count);
        let letters: Vec<u8> = random.iter().map(|byte| LETTERS[usize::from(*byte) % 62]).collect();
        let path = [stem, &letters, suffix].concat();
        let made = match (dry, folder) {
            (true, _) => lstat(&path).map_or(Ok(()), |_| Err(Errno::EEXIST)),
            (_, true) => std::fs::create_dir(os_str(&path)).map_err(Errno::from).and_then(|()| chmod(&path, 0o700, Follow::Yes)),
            _ => open(&path, Open::both().create().exclusive().mode(0o600)).and_then(close),
        };
        match made {
            Ok(()) => return Ok(path),
            Err(Errno::EEXIST) => {}
            Err(errno) => {
                failed = errno;
                break;
            }
        }
    }
    Err(failed)
}

#[derive(Clone, Copy)]
enum Resize {
    To,
    More,
    Less,
    AtMost,
    AtLeast,
    Down,
    Up,
}

pub fn run_truncate(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &TRUNCATE)?;
    if !parsed.has("s") && !parsed.has("r") {
        return Err(misuse(1, "you must specify either ‘--size’ or ‘--reference’"));
    }
    let (how, amount) = match parsed.value("s") {
        Some(text) => resize(text).ok_or_else(|| failure(1, format!("Invalid number: {}", quote(text))))?,
        None => (Resize::More, 0),
    };
    if parsed.operands.is_empty() {
        return Err(misuse(1, "missing file operand"));
    }
    let base_size = match parsed.value("r") {
        Some(file) => Some(stat(file).map_err(|errno| failure(1, format!("cannot stat {}: {errno}", quote_name(file))))?.size),
        None => None,
    };
    let mut status = 0;
    for path in &parsed.operands {
        if let Err((what, errno)) = truncate(path, how, amount, base_size, parsed.has("c")) {
            let how = if what == "cannot open" { " for writing" } else { "" };
            complain(format!("{what} {}{how}: {errno}", quote_name(path)));
            status = 1;
        }
    }
    Ok(status)
}

fn resize(text: &[u8]) -> Option<(Resize, u64)> {
    let (how, rest) = match text.trim_ascii_start() {
        [b'+', rest @ ..] => (Resize::More, rest),
        [b'-', rest @ ..] => (Resize::Less, rest),
        [b'<', rest @ ..] => (Resize::AtMost, rest),
        [b'>', rest @ ..] => (Resize::AtLeast, rest),
        [b'/', rest @ ..] => (Resize::Down, rest),
        [b'%', rest @ ..] => (Resize::Up, rest),
        rest => (Resize::To, rest),
    };
    let amount = parse_size(rest)?;
    if matches!(how, Resize::Down | Resize::Up) && amount == 0 {
        return None;
    }
    Some((how, amount))
}

fn truncate(
    path: &[u8],
    how: Resize,
    amount: u64,
    base_size: Option<u64>,
    keep: bool,
) -> std::result::Result<(), (&'static str, Errno)> {
    let exists = stat(path);
    if exists == Err(Errno::ENOENT) && keep {
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(!keep).truncate(false).open(os_str(path));
    let file = file.map_err(|error| ("cannot open", Errno::from(error)))?;
    let size = base_size.unwrap_or_else(|| exists.map_or(0, |stat| stat.size));
    let size = match how {
        Resize::To => amount,
        Resize::More => size.saturating_add(amount),
        Resize::Less => size.saturating_sub(amount),
        Resize::AtMost => size.min(amount),
        Resize::AtLeast => size.max(amount),
        Resize::Down => size / amount * amount,
        Resize::Up => size.div_ceil(amount).saturating_mul(amount),
    };
    file.set_len(size).map_err(|error| ("failed to truncate", Errno::from(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_a_moment() {
        assert_eq!(stamp(b"202002291230.15").map(|time| time.seconds), Some(1_582_979_415));
        assert_eq!(stamp(b"202002301230"), None);
    }
}
