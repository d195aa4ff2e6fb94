//! xargs(1): commands from items of the input. Each is a process of its own; their statuses make xargs' one.

use crate::number::parse_unsigned;
use crate::options::{Parsed, Spec, parse};
use crate::report::{Failure, Outcome, complain, failure, quote};
use crate::stream::Input;
use tidepool_system::{Errno, Fd, Open, Pid, Spawn, Status, Wait, close, open, os_bytes, wait, write_all};

const SPEC: Spec = Spec::new(
    "0,null a,arg-file= d,delimiter= E= e,eof=? I= i,replace=? L,max-lines= l=? n,max-args= P,max-procs= p,interactive \
     process-slot-var= r,no-run-if-empty s,max-chars= show-limits t,verbose x,exit o,open-tty",
    "Usage: xargs [OPTION]... COMMAND [INITIAL-ARGS]...
Runs COMMAND (echo) with INITIAL-ARGS and more arguments from standard input.

  -0, --null                 items end in NUL; nothing else is special
  -a, --arg-file=FILE        items from FILE
  -d, --delimiter=CHARACTER  items end in CHARACTER; nothing else is special
  -E EOF                     an item that ends the items
  -I R                       R in INITIAL-ARGS becomes an item, which is a line
  -L, --max-lines=N          at most N lines of items for each COMMAND
  -n, --max-args=N           at most N items
  -P, --max-procs=N          up to N at once (0: many)
  -r, --no-run-if-empty      nothing when there are no items
  -s, --max-chars=N          at most N characters
  -t, --verbose              prints each command line first
  -x, --exit                 ends when -s does not suffice
",
)
.stop_at_operand();

/// How items are cut out of the input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Blanks, with quotes and backslashes; line ends count for -L.
    Words,
    /// Lines, with quotes and backslashes, without leading blanks (-I).
    Lines,
    At(u8),
}

struct Plan {
    command: Vec<Vec<u8>>,
    replace: Option<Vec<u8>>,
    most_args: usize,
    most_lines: usize,
    most_chars: usize,
    at_once: usize,
    no_run_if_empty: bool,
    verbose: bool,
    interactive: bool,
    exit: bool,
}

struct Item {
    text: Vec<u8>,
    /// The line ended behind it.
    ends_line: bool,
}

fn count(parsed: &Parsed, option: &str, least: u64) -> Result<Option<usize>, Failure> {
    let Some(text) = parsed.value(option) else { return Ok(None) };
    match parse_unsigned(text) {
        Some(number) if number < least => Err(failure(
            1,
            format!("value {number} for -{option} option should be >= {least}\nTry 'xargs --help' for more information."),
        )),
        Some(number) => Ok(Some(usize::try_from(number).unwrap_or(usize::MAX))),
        None => {
            let text = String::from_utf8_lossy(text);
            Err(failure(1, format!("invalid number \"{text}\" for -{option} option\nTry 'xargs --help' for more information.")))
        }
    }
}

fn delimiter(text: &[u8]) -> Result<u8, Failure> {
    match text {
        [byte] => Ok(*byte),
        [b'\\', ..] => {
            let (mut bytes, mut at) = (Vec::new(), 0);
            crate::printf::unescape(text, &mut at, false, &mut bytes);
            match bytes.as_slice() {
                [byte] if at == text.len() => Ok(*byte),
                _ => Err(bad_delimiter(text)),
            }
        }
        _ => Err(bad_delimiter(text)),
    }
}

fn bad_delimiter(text: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(text);
    failure(
        1,
        format!(
            "Invalid input delimiter specification {text}: the delimiter must be either a single character or an escape sequence starting with \\."
        ),
    )
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    if parsed.has("show-limits") || parsed.has("process-slot-var") {
        return Err(failure(1, "--show-limits and --process-slot-var are not supported"));
    }
    let mut replace = None;
    let (mut most_args, mut most_lines) = (usize::MAX, usize::MAX);
    // Of -I, -L and -n the last one counts.
    for (option, value) in &parsed.options {
        match *option {
            "I" | "i" => {
                if most_lines != usize::MAX {
                    exclusive("max-lines", "replace/-I/-i");
                }
                replace = Some(value.clone().unwrap_or_else(|| b"{}".to_vec()));
                (most_args, most_lines) = (usize::MAX, usize::MAX);
            }
            "L" | "l" => {
                if replace.is_some() {
                    exclusive_replace("max-lines");
                }
                most_lines = if value.is_some() { count(&parsed, option, 1)?.unwrap_or(1) } else { 1 };
                (most_args, replace) = (usize::MAX, None);
            }
            "n" => {
                most_args = count(&parsed, "n", 1)?.unwrap_or(usize::MAX);
                most_lines = usize::MAX;
                if replace.is_some() && most_args != 1 {
                    complain(
                        "warning: options --max-args and --replace/-I/-i are mutually exclusive, ignoring previous --replace value",
                    );
                    replace = None;
                }
            }
            _ => {}
        }
    }
    let cut = match parsed.last_of(&["0", "d"]) {
        Some("0") => Cut::At(0),
        Some(_) => Cut::At(delimiter(parsed.value("d").unwrap_or_default())?),
        None if replace.is_some() => Cut::Lines,
        None => Cut::Words,
    };
    let command = if parsed.operands.is_empty() { vec![b"echo".to_vec()] } else { parsed.operands.clone() };
    let plan = Plan {
        command,
        replace,
        most_args,
        most_lines,
        most_chars: count(&parsed, "s", 1)?.unwrap_or(128 * 1024),
        at_once: match count(&parsed, "P", 0)? {
            Some(0) => 32,
            Some(number) => number,
            None => 1,
        },
        no_run_if_empty: parsed.has("r"),
        verbose: parsed.has("t") || parsed.has("p"),
        interactive: parsed.has("p"),
        exit: parsed.has("x"),
    };
    let eof = parsed.value("E").or_else(|| parsed.value("e")).filter(|eof| !eof.is_empty());
    let file = parsed.value("a").unwrap_or(b"-");
    let input = Input::open(file).map_err(|errno| failure(1, format!("Cannot open input file {}: {errno}", quote(file))))?;
    // The commands do not read the items.
    let null = if file == b"-" { open(b"/dev/null", Open::read().cloexec()).ok() } else { None };
    let mut items = Items { input, cut, eof: eof.filter(|_| !matches!(cut, Cut::At(_))).map(<[u8]>::to_vec), ended: false };
    let mut runner = Runner { plan, null, running: Vec::new(), status: 0, ran: false };
    let done = runner.all(&mut items);
    let waited = runner.drain();
    if let Some(null) = runner.null {
        let _ = close(null);
    }
    match (done, waited) {
        (Ok(()), Ok(())) => Ok(runner.status),
        (Err(stop), _) | (_, Err(stop)) => Err(stop),
    }
}

fn exclusive(ignored: &str, option: &str) {
    complain(format!("warning: options --{ignored} and --{option} are mutually exclusive, ignoring previous --{ignored} value"));
}

fn exclusive_replace(option: &str) {
    complain(format!("warning: options --{option} and --replace/-I/-i are mutually exclusive, ignoring previous --replace value"));
}

struct Items {
    input: Input,
    cut: Cut,
    eof: Option<Vec<u8>>,
    ended: bool,
}

impl Items {
    fn next(&mut self) -> Result<Option<Item>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let item = match self.cut {
            Cut::At(byte) => self.read_line(byte)?.map(|text| Item { text, ends_line: true }),
            Cut::Words | Cut::Lines => self.quoted()?,
        };
        match item {
            Some(item) if self.eof.as_ref().is_some_and(|eof| *eof == item.text) => {
                self.ended = true;
                Ok(None)
            }
            item => Ok(item),
        }
    }

    fn read_line(&mut self, end: u8) -> Result<Option<Vec<u8>>, Failure> {
        let line = self.input.line(end).map_err(|errno| failure(1, format!("read error: {errno}")))?;
        Ok(line.map(|line| crate::stream::trim(line, end).to_vec()))
    }

    fn byte(&mut self) -> Result<Option<u8>, Failure> {
        self.input.byte().map_err(|errno| failure(1, format!("read error: {errno}")))
    }

    /// An item with quotes and backslashes. A line that ends in a blank goes on for -L.
    fn quoted(&mut self) -> Result<Option<Item>, Failure> {
        let blank = |byte: u8| byte == b' ' || byte == b'\t';
        let (mut text, mut open, mut quote, mut previous) = (Vec::new(), false, None, 0);
        loop {
            let Some(byte) = self.byte()? else {
                self.ended = true;
                if let Some(mark) = quote {
                    return Err(unmatched(mark));
                }
                return Ok(open.then_some(Item { text, ends_line: true }));
            };
            match (byte, quote) {
                (b'\n', Some(mark)) => return Err(unmatched(mark)),
                (byte, Some(mark)) if byte == mark => quote = None,
                (byte, Some(_)) => text.push(byte),
                (b'\'' | b'"', None) => (quote, open) = (Some(byte), true),
                (b'\\', None) => {
                    open = true;
                    text.extend(self.byte()?);
                }
                (b'\n', None) => {
                    if open {
                        return Ok(Some(Item { text, ends_line: !blank(previous) }));
                    }
                }
                (byte, None) if blank(byte) && !open => {}
                (byte, None) if blank(byte) && self.cut == Cut::Words => {
                    let ends_line = self.skip_blanks()?;
                    return Ok(Some(Item { text, ends_line }));
                }
                (byte, None) => {
                    open = true;
                    text.push(byte);
                }
            }
            previous = byte;
        }
    }

    /// Behind an item and a blank: whether nothing more stands on the line. A trailing blank continues it, as in POSIX.
    fn skip_blanks(&mut self) -> Result<bool, Failure> {
        while let Some(byte) = self.input.peek().map_err(|errno| failure(1, format!("read error: {errno}")))? {
            if byte != b' ' && byte != b'\t' {
                break;
            }
            self.byte()?;
        }
        Ok(false)
    }
}

fn unmatched(mark: u8) -> Failure {
    let kind = if mark == b'"' { "double" } else { "single" };
    failure(1, format!("unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"))
}

struct Runner {
    plan: Plan,
    null: Option<Fd>,
    running: Vec<Pid>,
    status: i32,
    ran: bool,
}

impl Runner {
    fn all(&mut self, items: &mut Items) -> Result<(), Failure> {
        if let Some(mark) = self.plan.replace.clone() {
            while let Some(item) = items.next()? {
                let command = self.plan.command.iter().map(|word| replaced(word, &mark, &item.text)).collect();
                self.run(command)?;
            }
            return Ok(());
        }
        let fixed: usize = self.plan.command.iter().map(|word| word.len() + 1).sum();
        if fixed > self.plan.most_chars {
            return Err(failure(1, "cannot fit single argument within argument list size limit"));
        }
        let (mut taken, mut lines, mut chars): (Vec<Vec<u8>>, usize, usize) = (Vec::new(), 0, fixed);
        while let Some(item) = self.next_item(items, &mut taken)? {
            let length = item.text.len() + 1;
            if fixed + length > self.plan.most_chars {
                return Err(failure(1, "argument line too long"));
            }
            if chars + length > self.plan.most_chars {
                if self.plan.exit {
                    return Err(failure(1, "argument list too long"));
                }
                self.run_with(&mut taken)?;
                (lines, chars) = (0, fixed);
            }
            chars += length;
            lines += usize::from(item.ends_line);
            taken.push(item.text);
            if taken.len() >= self.plan.most_args || lines >= self.plan.most_lines {
                self.run_with(&mut taken)?;
                (lines, chars) = (0, fixed);
            }
        }
        if !taken.is_empty() || (!self.ran && !self.plan.no_run_if_empty) {
            self.run_with(&mut taken)?;
        }
        Ok(())
    }

    /// What was taken before a mistake in the input is run.
    fn next_item(&mut self, items: &mut Items, taken: &mut Vec<Vec<u8>>) -> Result<Option<Item>, Failure> {
        let item = items.next();
        if item.is_err() && !taken.is_empty() {
            self.run_with(taken)?;
        }
        item
    }

    fn run_with(&mut self, taken: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
        let command = self.plan.command.iter().cloned().chain(std::mem::take(taken)).collect();
        self.run(command)
    }

    fn run(&mut self, command: Vec<Vec<u8>>) -> Result<(), Failure> {
        self.ran = true;
        if self.plan.verbose {
            let shown: Vec<String> = command.iter().map(|word| crate::report::quote_bare(word)).collect();
            let end = if self.plan.interactive { " ?..." } else { "\n" };
            let _ = write_all(Fd::STDERR, format!("{}{end}", shown.join(" ")).as_bytes());
        }
        if self.plan.interactive && !agreed() {
            return Ok(());
        }
        while self.running.len() >= self.plan.at_once {
            self.wait_one()?;
        }
        let spawned = Spawn::search(&command).and_then(|spawn| {
            let spawn = match self.null {
                Some(null) => spawn.dup2(null, Fd::STDIN),
                None => spawn,
            };
            match spawn.start() {
                Err(Errno::ENOEXEC) => script(&command, self.null),
                result => result,
            }
        });
        match spawned {
            Ok(pid) => {
                self.running.push(pid);
                if self.plan.at_once == 1 { self.wait_one() } else { Ok(()) }
            }
            Err(errno) => {
                let status = if errno == Errno::ENOENT { 127 } else { 126 };
                Err(failure(status, format!("{}: {errno}", crate::report::quote_bare(&command[0]))))
            }
        }
    }

    fn wait_one(&mut self) -> Result<(), Failure> {
        let Some(&first) = self.running.first() else { return Ok(()) };
        let which = if self.plan.at_once == 1 { Wait::Pid(first) } else { Wait::Any };
        let (pid, status) = match wait(which, false) {
            Ok(Some(ended)) => ended,
            Ok(None) | Err(Errno::EINTR) => return Ok(()),
            Err(errno) => return Err(failure(1, format!("error waiting for child process: {errno}"))),
        };
        self.running.retain(|&known| known != pid);
        let command = String::from_utf8_lossy(&self.plan.command[0]).into_owned();
        match status {
            Status::Exited(0) => Ok(()),
            Status::Exited(255) => Err(failure(124, format!("{command}: exited with status 255; aborting"))),
            Status::Exited(_) => {
                self.status = 123;
                Ok(())
            }
            Status::Signaled(signal) => Err(failure(125, format!("{command}: terminated by signal {}", signal.0))),
        }
    }

    fn drain(&mut self) -> Result<(), Failure> {
        let mut first = Ok(());
        while !self.running.is_empty() {
            let waited = self.wait_one();
            first = first.and(waited);
        }
        first
    }
}

fn agreed() -> bool {
    let Ok(tty) = open(b"/dev/tty", Open::read().cloexec()) else { return false };
    let mut input = Input::from(tty);
    matches!(input.line(b'\n'), Ok(Some([b'y' | b'Y', ..])))
}

/// A text without `#!` is a shell's, as execvp has it.
fn script(command: &[Vec<u8>], null: Option<Fd>) -> tidepool_system::Result<Pid> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = tidepool_system::find_program(&command[0], os_bytes(&path))?;
    let words: Vec<&[u8]> = [&b"/bin/sh"[..], &program].into_iter().chain(command[1..].iter().map(Vec::as_slice)).collect();
    let spawn = Spawn::new(b"/bin/sh").args(&words);
    null.map_or(spawn.clone(), |null| spawn.dup2(null, Fd::STDIN)).start()
}

fn replaced(word: &[u8], mark: &[u8], item: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut at = 0;
    for found in memchr::memmem::find_iter(word, mark) {
        result.extend_from_slice(&word[at..found]);
        result.extend_from_slice(item);
        at = found + mark.len();
    }
    result.extend_from_slice(&word[at..]);
    result
}
