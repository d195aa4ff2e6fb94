//! sleep(1), timeout(1), date(1).

use crate::civil;
use crate::number::parse_duration;
use crate::options::{Parsed, Spec, choose, extra_operand, missing_operand, parse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote};
use crate::stream::{Input, Output, trim};
use std::time::{Duration, Instant};
use tidepool_system::{Disposition, Errno, Pid, Signal, Spawn, Status, Wait, getpid, kill, pending, set_signal, stat, wait};

const SLEEP: Spec = Spec::new(
    "",
    "Usage: sleep NUMBER[SUFFIX]...
Waits for the sum of NUMBERs: seconds, or with m, h, d minutes, hours, days.
",
);

const TIMEOUT: Spec = Spec::new(
    "foreground k,kill-after= preserve-status s,signal= v,verbose",
    "Usage: timeout [OPTION]... DURATION COMMAND [ARG]...
Runs COMMAND and sends it a signal (TERM) after DURATION; ends with 124 then.

      --foreground         COMMAND stays in this process group
  -k, --kill-after=DURATION   sends KILL so long after the signal
      --preserve-status    COMMAND's status, also then
  -s, --signal=SIGNAL      which signal
  -v, --verbose            says what is sent
",
)
.status(125)
.stop_at_operand();

const DATE: Spec = Spec::new(
    "d,date= debug f,file= I,iso-8601=? R,rfc-email rfc-2822 rfc-3339= r,reference= s,set= u,utc universal resolution",
    "Usage: date [OPTION]... [+FORMAT]
Prints the time, by FORMAT (strftime(3), %N and %s).

  -d, --date=STRING          the time STRING names: 2024-02-29 12:30, @SECONDS, yesterday, 2 days ago, next friday
  -f, --file=FILE            as -d for each line of FILE
  -I, --iso-8601[=UNIT]      date, hours, minutes, seconds, ns
  -R, --rfc-email            Mon, 14 Aug 2006 02:34:56 +0000
      --rfc-3339=UNIT        date, seconds, ns
  -r, --reference=FILE       the time of the last change of FILE
  -u, --utc                  UTC, whatever TZ says; no other zone is known
",
);

pub fn run_sleep(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SLEEP)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let mut total = 0.0;
    let mut wrong = Vec::new();
    for operand in &parsed.operands {
        match parse_duration(operand) {
            Some(seconds) => total += seconds,
            None => wrong.push(format!("invalid time interval {}", quote(operand))),
        }
    }
    if let Some(last) = wrong.pop() {
        wrong.iter().for_each(complain);
        return Err(misuse(1, last));
    }
    let end = Instant::now() + duration(total);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::sleep(left);
    }
    Ok(0)
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1 << 32)).min(Duration::from_secs(1 << 32))
}

pub fn run_timeout(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &TIMEOUT)?;
    let [text, command @ ..] = parsed.operands.as_slice() else { return Err(misuse(125, "")) };
    if command.is_empty() {
        return Err(misuse(125, ""));
    }
    let interval = |text: &[u8]| parse_duration(text).ok_or_else(|| misuse(125, format!("invalid time interval {}", quote(text))));
    let limit = interval(text)?;
    let kill_after = parsed.value("k").map(interval).transpose()?;
    let signal = match parsed.value("s") {
        Some(name) => {
            let signal = Signal::parse(&String::from_utf8_lossy(name));
            signal.ok_or_else(|| misuse(125, format!("{}: invalid signal", quote(name))))?
        }
        None => Signal::TERM,
    };
    let foreground = parsed.has("foreground");
    // A signal to timeout goes on to the command.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let _ = set_signal(signal, Disposition::Catch);
    }
    let spawned = Spawn::search(command).and_then(|spawn| if foreground { spawn.start() } else { spawn.group(Pid(0)).start() });
    let pid = spawned.map_err(|errno| {
        let status = if errno == Errno::ENOENT { 127 } else { 126 };
        failure(status, format!("failed to run command {}: {errno}", quote(&command[0])))
    })?;
    let watch = Watch { pid, foreground, verbose: parsed.has("v"), command: command[0].clone() };
    let begin = Instant::now();
    let mut ended = watch.until((limit > 0.0).then(|| begin + duration(limit)))?;
    let timed_out = ended.is_none();
    let mut killed = false;
    if timed_out {
        watch.send(signal);
        let deadline = kill_after.filter(|&after| after > 0.0).map(|after| Instant::now() + duration(after));
        ended = watch.until(deadline)?;
        if ended.is_none() {
            watch.send(Signal::KILL);
            killed = true;
            ended = watch.until(None)?;
        }
    }
    match (ended, timed_out) {
        // GNU's timeout sends the signal to its own group, so KILL ends it, too.
        (_, true) if !foreground && (killed || signal == Signal::KILL) => end_by(Signal::KILL),
        (Some(Status::Signaled(signal)), false) => end_by(signal),
        (Some(Status::Signaled(Signal::KILL)), true) => Ok(137),
        (_, true) if !parsed.has("preserve-status") => Ok(124),
        (ended, _) => Ok(ended.map_or(125, Status::code)),
    }
}

/// Ends by a signal, as the command did.
fn end_by(signal: Signal) -> Outcome {
    let _ = set_signal(signal, Disposition::Default);
    let _ = kill(getpid(), signal);
    Ok(128 + signal.0 as i32)
}

struct Watch {
    pid: Pid,
    foreground: bool,
    verbose: bool,
    command: Vec<u8>,
}

impl Watch {
    /// Waits for the command; `None` when the deadline comes first.
    fn until(&self, deadline: Option<Instant>) -> Result<Option<Status>, Failure> {
        let mut pause = Duration::from_millis(1);
        loop {
            match wait(Wait::Pid(self.pid), deadline.is_some()) {
                Ok(Some((_, status))) => return Ok(Some(status)),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(failure(125, format!("error waiting for command: {errno}"))),
            }
            for caught in pending().iter() {
                self.send(caught);
            }
            let Some(deadline) = deadline else { continue };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(pause));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn send(&self, signal: Signal) {
        if self.verbose {
            let name = signal.name().map_or_else(|| signal.0.to_string(), str::to_owned);
            complain(format!("sending signal {name} to command {}", quote(&self.command)));
        }
        let _ = kill(self.pid, signal);
        if !self.foreground {
            let _ = kill(Pid(-self.pid.0), signal);
        }
    }
}

pub fn run_date(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &DATE)?;
    if parsed.has("resolution") {
        let mut out = Output::stdout();
        out.put(b"0.000000001\n")?;
        return out.finish(0);
    }
    let format = format_of(&parsed)?;
    if !parsed.has("u") && !parsed.has("universal") {
        check_zone()?;
    }
    if parsed.has("s") {
        return Err(failure(1, format!("cannot set date: {}", Errno::EPERM)));
    }
    let mut out = Output::stdout();
    if let Some(file) = parsed.value("f") {
        let mut status = 0;
        let mut input = Input::open(file).map_err(|errno| failure(1, format!("{}: {errno}", crate::report::quote_bare(file))))?;
        while let Some(line) = input.line(b'\n').map_err(|errno| failure(1, errno.message()))? {
            let line = trim(line, b'\n').to_vec();
            match moment(&line) {
                Ok((seconds, nanoseconds)) => out.text(civil::format(&format, seconds, nanoseconds) + "\n")?,
                Err(bad) => {
                    out.flush()?;
                    complain(bad.message);
                    status = 1;
                }
            }
        }
        return out.finish(status);
    }
    let (seconds, nanoseconds) = match (parsed.value("d"), parsed.value("r")) {
        (Some(text), _) => moment(text)?,
        (None, Some(file)) => {
            let found = stat(file).map_err(|errno| failure(1, format!("{}: {errno}", crate::report::quote_bare(file))))?;
            (found.mtime.seconds, found.mtime.nanoseconds)
        }
        (None, None) => civil::now(),
    };
    out.text(civil::format(&format, seconds, nanoseconds) + "\n")?;
    out.finish(0)
}

/// Another zone than UTC is said to be unknown rather than shown wrong.
fn check_zone() -> Result<(), Failure> {
    const UTC: [&str; 10] = ["", "UTC", "UTC0", "GMT", "GMT0", "UCT", "Zulu", "Universal", "Etc/UTC", "Etc/GMT"];
    let zone = std::env::var("TZ").unwrap_or_default();
    if UTC.contains(&zone.strip_prefix(':').unwrap_or(&zone)) {
        return Ok(());
    }
    Err(failure(1, format!("the time zone {} is not supported: only UTC is known here", quote(zone.as_bytes()))))
}

fn moment(text: &[u8]) -> Result<(i64, u32), Failure> {
    let found = crate::when::parse(&String::from_utf8_lossy(text), civil::now());
    found.ok_or_else(|| failure(1, format!("invalid date {}", quote(text))))
}

fn format_of(parsed: &Parsed) -> Result<String, Failure> {
    let mut format = None;
    for operand in &parsed.operands {
        match operand.strip_prefix(b"+") {
            Some(_) if format.is_some() => return Err(extra_operand(1, operand)),
            Some(text) => format = Some(String::from_utf8_lossy(text).into_owned()),
            None if operand.iter().all(u8::is_ascii_digit) => return Err(failure(1, format!("cannot set date: {}", Errno::EPERM))),
            None if parsed.has("d") || format.is_some() => {
                let hint = "the argument %s lacks a leading '+';\nwhen using an option to specify date(s), any non-option\nargument must be a format string beginning with '+'";
                return Err(misuse(1, hint.replace("%s", &quote(operand))));
            }
            None => return Err(failure(1, format!("invalid date {}", quote(operand)))),
        }
    }
    if let Some(format) = format {
        return Ok(format);
    }
    let iso = |unit: &str, between: &str| match unit {
        "hours" => format!("%Y-%m-%d{between}%H%:z"),
        "minutes" => format!("%Y-%m-%d{between}%H:%M%:z"),
        "seconds" => format!("%Y-%m-%d{between}%H:%M:%S%:z"),
        "ns" if between == "T" => "%Y-%m-%dT%H:%M:%S,%N%:z".to_owned(),
        "ns" => "%Y-%m-%d %H:%M:%S.%N%:z".to_owned(),
        _ => "%Y-%m-%d".to_owned(),
    };
    Ok(match parsed.last_of(&["I", "R", "rfc-2822", "rfc-3339"]) {
        Some("I") => {
            let unit = parsed.value("I").unwrap_or(b"date");
            iso(choose(unit, "--iso-8601", &["hours", "minutes", "date", "seconds", "ns"], 1)?, "T")
        }
        Some("rfc-3339") => {
            let unit = parsed.value("rfc-3339").unwrap_or_default();
            iso(choose(unit, "--rfc-3339", &["date", "seconds", "ns"], 1)?, " ")
        }
        Some(_) => "%a, %d %b %Y %H:%M:%S %z".to_owned(),
        None => "%a %b %e %H:%M:%S %Z %Y".to_owned(),
    })
}
