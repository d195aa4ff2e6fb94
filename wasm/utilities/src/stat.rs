//! stat(1): what is known of a file, in GNU's layout or by a format.

use crate::civil;
use crate::options::{Spec, missing_operand, parse};
use crate::owners::Names;
use crate::printf::unescape;
use crate::report::{Outcome, complain, failure, quote_bare, quote_name};
use crate::stream::Output;
use tidepool_system::{Fd, Stat, Timestamp, fstat, lstat, mode_string, os_bytes, os_str, stat};

const SPEC: Spec = Spec::new(
    "L,dereference f,file-system cached= c,format= printf= t,terse",
    "Usage: stat [OPTION]... FILE...
Prints what is known of FILEs.

  -L, --dereference     follows links
  -c, --format=FORMAT   this, and a line feed
      --printf=FORMAT   this, with escapes and without a line feed
  -t, --terse           on one line
FORMAT: %a %A mode, %b %B blocks and their size, %C, %d %D device, %f raw mode, %F kind, %g %G group, %h links, %i inode,
%m mount point, %n %N name, %o I/O size, %s size, %t %T device type, %u %U user, %w %W birth, %x %X access, %y %Y modification,
%z %Z change (text, and seconds since 1970).
",
);

const LONG: &str = "  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: %Hd,%Ld\tInode: %-11i Links: %h\nAccess: (%04a/%10.10A)  \
Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n";
const TERSE: &str = "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o\n";

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    if parsed.has("f") {
        return Err(failure(1, "file systems are not supported (-f)"));
    }
    let (format, escapes) = match parsed.last_of(&["c", "printf"]) {
        Some("c") => ([parsed.value("c").unwrap_or_default(), b"\n"].concat(), false),
        Some(_) => (parsed.value("printf").unwrap_or_default().to_vec(), true),
        None => (if parsed.has("t") { TERSE } else { LONG }.as_bytes().to_vec(), false),
    };
    let long = parsed.last_of(&["c", "printf"]).is_none();
    let mut printer = Printer { out: Output::stdout(), users: Names::users(), groups: Names::groups(), long };
    let mut status = 0;
    for path in &parsed.operands {
        let found = match path.as_slice() {
            b"-" => fstat(Fd::STDIN),
            path if parsed.has("L") => stat(path),
            path => lstat(path),
        };
        match found {
            Ok(stat) => printer.print(path, &stat, &format, escapes)?,
            Err(errno) => {
                printer.out.flush()?;
                complain(format!("cannot statx {}: {errno}", quote_name(path)));
                status = 1;
            }
        }
    }
    printer.out.finish(status)
}

struct Printer {
    out: Output,
    users: Names,
    groups: Names,
    long: bool,
}

/// `%` with its flags, width and precision.
#[derive(Default)]
struct Field {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    hash: bool,
    width: usize,
    precision: Option<usize>,
}

impl Printer {
    fn print(&mut self, path: &[u8], stat: &Stat, format: &[u8], escapes: bool) -> Result<(), crate::report::Failure> {
        let mut at = 0;
        while at < format.len() {
            match format[at] {
                b'%' => self.directive(path, stat, format, &mut at)?,
                b'\\' if escapes => {
                    let mut bytes = Vec::new();
                    unescape(format, &mut at, false, &mut bytes);
                    self.out.put(&bytes)?;
                }
                byte => {
                    self.out.byte(byte)?;
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn directive(&mut self, path: &[u8], stat: &Stat, format: &[u8], at: &mut usize) -> Result<(), crate::report::Failure> {
        let field = field(format, at);
        let mut letter = format.get(*at).copied();
        let mut prefix = None;
        if let Some(b'H' | b'L') = letter
            && let Some(b'd' | b'r') = format.get(*at + 1)
        {
            prefix = letter;
            *at += 1;
            letter = format.get(*at).copied();
        }
        *at = (*at + 1).min(format.len());
        let Some(letter) = letter else { return self.out.byte(b'%') };
        if letter == b'%' {
            return self.out.byte(b'%');
        }
        match self.value(path, stat, letter, prefix, &field) {
            Some(Value::Text(text)) => {
                let cut = field.precision.map_or(text.len(), |precision| precision.min(text.len()));
                self.pad(&text[..cut], &field, b' ')
            }
            Some(Value::Number(number)) => self.pad(number.as_bytes(), &field, if field.zero && !field.left { b'0' } else { b' ' }),
            None => self.out.byte(b'?'),
        }
    }

    fn pad(&mut self, text: &[u8], field: &Field, fill: u8) -> Result<(), crate::report::Failure> {
        let missing = vec![fill; field.width.saturating_sub(text.len())];
        if field.left {
            self.out.put(text)?;
            return self.out.put(&missing);
        }
        self.out.put(&missing)?;
        self.out.put(text)
    }

    fn value(&self, path: &[u8], stat: &Stat, letter: u8, prefix: Option<u8>, field: &Field) -> Option<Value> {
        let signed = |number: i64| {
            let sign = if number >= 0 && field.plus {
                "+"
            } else if number >= 0 && field.space {
                " "
            } else {
                ""
            };
            Value::Number(format!("{sign}{number}"))
        };
        let number = |number: u64| Value::Number(number.to_string());
        let text = |text: String| Value::Text(text.into_bytes());
        // Linux packs major and minor numbers so.
        let major = (stat.dev >> 8 & 0xfff) | (stat.dev >> 32 & !0xfff);
        let minor = (stat.dev & 0xff) | (stat.dev >> 12 & !0xff);
        Some(match letter {
            b'a' => Value::Number(format!("{}{:o}", if field.hash { "0" } else { "" }, stat.mode & 0o7777)),
            b'A' => text(mode_string(stat.mode)),
            b'b' => number(stat.blocks),
            b'B' => number(512),
            b'C' => text("?".to_owned()),
            b'd' => match prefix {
                Some(b'H') => number(major),
                Some(_) => number(minor),
                None => number(stat.dev),
            },
            b'D' => Value::Number(format!("{:x}", stat.dev)),
            b'f' => Value::Number(format!("{:x}", stat.mode)),
            b'F' => text(kind(stat).to_owned()),
            b'g' => number(u64::from(stat.gid)),
            b'G' => text(self.groups.name(stat.gid).unwrap_or("UNKNOWN").to_owned()),
            b'h' => number(u64::from(stat.nlink)),
            b'i' => number(stat.ino),
            b'm' => text("/".to_owned()),
            b'n' => Value::Text(path.to_vec()),
            b'N' => text(self.quoted(path, stat)),
            b'o' => number(4096),
            b's' => number(stat.size),
            b't' | b'T' | b'r' | b'R' => number(0),
            b'u' => number(u64::from(stat.uid)),
            b'U' => text(self.users.name(stat.uid).unwrap_or("UNKNOWN").to_owned()),
            b'w' => text("-".to_owned()),
            b'W' => number(0),
            b'x' => text(shown(stat.atime)),
            b'X' => epoch(stat.atime, field, &signed),
            b'y' => text(shown(stat.mtime)),
            b'Y' => epoch(stat.mtime, field, &signed),
            b'z' => text(shown(stat.ctime)),
            b'Z' => epoch(stat.ctime, field, &signed),
            _ => return None,
        })
    }

    /// `'link' -> 'target'`; the long form quotes only what must be.
    fn quoted(&self, path: &[u8], stat: &Stat) -> String {
        let quote = if self.long { quote_bare } else { quote_name };
        if !stat.is_symlink() {
            return quote(path);
        }
        let target = std::fs::read_link(os_str(path)).map(|target| os_bytes(&target).to_vec()).unwrap_or_default();
        format!("{} -> {}", quote(path), quote(&target))
    }
}

enum Value {
    Text(Vec<u8>),
    Number(String),
}

fn epoch(time: Timestamp, field: &Field, signed: &dyn Fn(i64) -> Value) -> Value {
    match field.precision {
        None => signed(time.seconds),
        Some(precision) => {
            let digits = if precision == 0 { 9 } else { precision };
            let fraction = format!("{:09}", time.nanoseconds);
            let fraction = format!("{fraction:0<digits$}");
            Value::Number(format!("{}.{}", time.seconds, &fraction[..digits]))
        }
    }
}

fn shown(time: Timestamp) -> String {
    civil::format("%Y-%m-%d %H:%M:%S.%N %z", time.seconds, time.nanoseconds)
}

fn kind(stat: &Stat) -> &'static str {
    match stat.kind() {
        Stat::DIR => "directory",
        Stat::SYMLINK => "symbolic link",
        Stat::FIFO => "fifo",
        Stat::CHAR => "character special file",
        Stat::BLOCK => "block special file",
        Stat::SOCKET => "socket",
        _ if stat.size == 0 => "regular empty file",
        _ => "regular file",
    }
}

fn field(format: &[u8], at: &mut usize) -> Field {
    let mut field = Field::default();
    *at += 1;
    while let Some(flag) = format.get(*at) {
        match flag {
            b'-' => field.left = true,
            b'0' => field.zero = true,
            b'+' => field.plus = true,
            b' ' => field.space = true,
            b'#' => field.hash = true,
            b'\'' => {}
            _ => break,
        }
        *at += 1;
    }
    field.width = digits(format, at).unwrap_or(0);
    if format.get(*at) == Some(&b'.') {
        *at += 1;
        field.precision = Some(digits(format, at).unwrap_or(0));
    }
    field
}

fn digits(format: &[u8], at: &mut usize) -> Option<usize> {
    let count = format[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&format[*at..*at + count]).ok()?.parse().ok();
    *at += count;
    number
}
