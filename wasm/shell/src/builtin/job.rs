//! wait jobs kill disown

use tidepool_syntax::{Name, is_name};
use tidepool_system::{Errno, Pid, Signal, Status};

use super::Call;
use super::number::integer;
use super::options::parse;
use crate::execute::job::Waited;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn wait(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"fnp:") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    shell.output.flush();
    if parsed.has(b'n') {
        return wait_next(shell, parsed.operands, parsed.value(b'p'));
    }
    if parsed.operands.is_empty() {
        return wait_all(shell);
    }
    let mut status = 0;
    for operand in parsed.operands {
        status = wait_one(shell, operand)?;
        if let Some(name) = parsed.value(b'p').filter(|name| is_name(name)) {
            shell.assign(Name::new(name), operand)?;
        }
    }
    Ok(status)
}

fn wait_all(shell: &mut Shell) -> Flow<i32> {
    let numbers: Vec<usize> = shell.jobs.iter().map(|job| job.number).collect();
    for number in numbers {
        if let Waited::Interrupted(signal) = shell.wait_for_job(number) {
            return interrupted(shell, signal);
        }
        shell.notify_jobs();
        shell.jobs.remove(number);
    }
    Ok(0)
}

fn interrupted(shell: &mut Shell, signal: Signal) -> Flow<i32> {
    shell.run_pending_traps()?;
    Ok(128 + signal.0 as i32)
}

fn wait_one(shell: &mut Shell, operand: &[u8]) -> Flow<i32> {
    let number = match job_number(shell, operand) {
        Found::Job(number) => number,
        Found::NoJob => {
            shell.complain(&[b"wait: ", operand, b": no such job"].concat());
            return Ok(127);
        }
        Found::Ended(code) => return Ok(code),
        Found::NoChild(pid) => {
            shell.complain(format!("wait: pid {pid} is not a child of this shell").as_bytes());
            return Ok(127);
        }
        Found::Nothing => {
            shell.complain(&[b"wait: `", operand, b"': not a pid or valid job spec"].concat());
            return Ok(1);
        }
    };
    match shell.wait_for_job(number) {
        Waited::Interrupted(signal) => interrupted(shell, signal),
        Waited::Status(status) => {
            shell.notify_jobs();
            shell.jobs.tell(number);
            Ok(status)
        }
    }
}

enum Found {
    Job(usize),
    /// It was waited for before.
    Ended(i32),
    NoJob,
    NoChild(i64),
    Nothing,
}

fn job_number(shell: &Shell, operand: &[u8]) -> Found {
    if operand.starts_with(b"%") {
        return shell.jobs.find(operand).map_or(Found::NoJob, |job| Found::Job(job.number));
    }
    match integer(operand) {
        Some(pid) if pid >= 0 => {
            let own = Pid(i32::try_from(pid).unwrap_or(-1));
            match (shell.jobs.find_pid(own), shell.jobs.ended(own)) {
                (Some(job), _) => Found::Job(job.number),
                (None, Some(code)) => Found::Ended(code),
                (None, None) => Found::NoChild(pid),
            }
        }
        _ => Found::Nothing,
    }
}

/// `wait -n`: the next job that ends, of those named or of all.
fn wait_next(shell: &mut Shell, operands: &[Bytes], variable: Option<&[u8]>) -> Flow<i32> {
    let numbers: Vec<usize> = if operands.is_empty() {
        shell.jobs.iter().map(|job| job.number).collect()
    } else {
        operands
            .iter()
            .filter_map(|operand| if let Found::Job(number) = job_number(shell, operand) { Some(number) } else { None })
            .collect()
    };
    let number = match shell.wait_for_any(&numbers) {
        Ok(Some(number)) => number,
        Ok(None) => return Ok(127),
        Err(signal) => return interrupted(shell, signal),
    };
    let found = shell.jobs.iter().find(|job| job.number == number).map(|job| (job.code(), job.last()));
    let (status, pid) = found.unwrap_or((127, None));
    if let (Some(name), Some(pid)) = (variable.filter(|name| is_name(name)), pid) {
        shell.assign(Name::new(name), pid.0.to_string().as_bytes())?;
    }
    shell.jobs.tell(number);
    Ok(status)
}

pub fn jobs(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"lnprs") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    shell.reap();
    let current = shell.jobs.listed().last().map(|job| job.number);
    let previous = shell.jobs.listed().rev_number(current);
    let mut rows = Vec::new();
    let mut ended = Vec::new();
    for job in shell.jobs.listed() {
        if (parsed.has(b'r') && job.is_done()) || (parsed.has(b's') && !job.is_done()) {
            continue;
        }
        if parsed.has(b'p') {
            rows.push(job.leader().map_or_else(Vec::new, |pid| format!("{}\n", pid.0).into_bytes()));
            continue;
        }
        let mark = if Some(job.number) == current {
            '+'
        } else if Some(job.number) == previous {
            '-'
        } else {
            ' '
        };
        let state = match (job.is_done(), job.status()) {
            (false, _) => "Running".to_owned(),
            (_, Some(Status::Signaled(signal))) => signal.message(),
            (_, _) if job.code() != 0 => format!("Exit {}", job.code()),
            _ => "Done".to_owned(),
        };
        let ampersand: &[u8] = if job.is_done() { b"" } else { b" &" };
        let pid = if parsed.has(b'l') { job.leader().map_or_else(String::new, |pid| format!("{} ", pid.0)) } else { String::new() };
        rows.push([format!("[{}]{mark}  {pid}{state:<24}", job.number).as_bytes(), &job.text, ampersand, b"\n"].concat());
        if job.is_done() {
            ended.push(job.number);
        }
    }
    rows.iter().for_each(|row| shell.output.write(row));
    ended.into_iter().for_each(|number| shell.jobs.tell(number));
    Ok(0)
}

/// The number of the job before the current one.
trait Previous {
    fn rev_number(self, current: Option<usize>) -> Option<usize>;
}

impl<'a, I: Iterator<Item = &'a crate::execute::job::Job>> Previous for I {
    fn rev_number(self, current: Option<usize>) -> Option<usize> {
        self.map(|job| job.number).filter(|number| Some(*number) != current).last()
    }
}

/// fg and bg, in a shell that is not interactive
pub fn no_job_control(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    shell.complain_about(call.name(), b"no job control");
    Ok(1)
}

pub fn disown(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"har") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'a') || parsed.has(b'r') {
        let numbers: Vec<usize> = shell.jobs.iter().map(|job| job.number).collect();
        numbers.into_iter().for_each(|number| shell.jobs.remove(number));
        return Ok(0);
    }
    let operands = if parsed.operands.is_empty() { vec![b"%%".to_vec()] } else { parsed.operands.to_vec() };
    let mut status = 0;
    for operand in operands {
        match job_number(shell, &operand) {
            Found::Job(number) => shell.jobs.remove(number),
            _ => {
                let shown: &[u8] = if parsed.operands.is_empty() { b"current" } else { &operand };
                shell.complain(&[b"disown: ", shown, b": no such job"].concat());
                status = 1;
            }
        }
    }
    Ok(status)
}

pub fn kill(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let mut operands = call.operands();
    let mut signal = Signal::TERM;
    if let Some(first) = operands.first().filter(|first| first.starts_with(b"-") && first.len() > 1) {
        let letters = first.get(1..).unwrap_or_default().to_vec();
        operands = operands.get(1..).unwrap_or_default();
        match letters.as_slice() {
            b"l" | b"L" => return Ok(list_signals(shell, operands)),
            b"-" => {}
            b"s" | b"n" => {
                let Some((name, rest)) = operands.split_first() else {
                    shell.complain(&[b"kill: -", &letters[..], b": option requires an argument"].concat());
                    return Ok(1);
                };
                operands = rest;
                match parse_signal(name) {
                    Some(found) => signal = found,
                    None => return Ok(bad_signal(shell, name)),
                }
            }
            name => match parse_signal(name) {
                Some(found) => signal = found,
                None => return Ok(bad_signal(shell, name)),
            },
        }
        if operands.first().is_some_and(|first| first == b"--") {
            operands = operands.get(1..).unwrap_or_default();
        }
    }
    if operands.is_empty() {
        return Ok(shell.usage(call.name()));
    }
    shell.output.flush();
    shell.has_killed = true;
    let mut status = 0;
    for operand in operands {
        status |= i32::from(!send(shell, operand, signal));
    }
    Ok(status)
}

fn bad_signal(shell: &mut Shell, name: &[u8]) -> i32 {
    shell.complain(&[b"kill: ", name, b": invalid signal specification"].concat());
    1
}

fn parse_signal(text: &[u8]) -> Option<Signal> {
    Signal::parse(std::str::from_utf8(text).ok()?)
}

fn send(shell: &mut Shell, operand: &[u8], signal: Signal) -> bool {
    let pids: Vec<Pid> = if operand.starts_with(b"%") {
        match shell.jobs.find(operand) {
            Some(job) => job.pids().collect(),
            None => {
                shell.complain(&[b"kill: ", operand, b": no such job"].concat());
                return false;
            }
        }
    } else {
        match integer(operand).and_then(|pid| i32::try_from(pid).ok()) {
            Some(pid) => vec![Pid(pid)],
            None => {
                shell.complain(&[b"kill: ", operand, b": arguments must be process or job IDs"].concat());
                return false;
            }
        }
    };
    let mut done = true;
    for pid in pids {
        if let Err(errno) = tidepool_system::kill(pid, signal) {
            let message = if errno == Errno::ESRCH { "No such process".to_owned() } else { errno.message() };
            shell.complain(format!("kill: ({}) - {message}", pid.0).as_bytes());
            done = false;
        }
    }
    done
}

fn list_signals(shell: &mut Shell, operands: &[Bytes]) -> i32 {
    if operands.is_empty() {
        print_signals(shell);
        return 0;
    }
    let mut status = 0;
    for operand in operands {
        let found = match integer(operand) {
            // The status of a command that a signal ended names the signal too.
            Some(number) => u32::try_from(if number > 128 { number - 128 } else { number })
                .ok()
                .and_then(|number| Signal(number).name())
                .map(str::to_owned),
            None => parse_signal(operand).map(|signal| signal.0.to_string()),
        };
        match found {
            Some(text) => shell.output.write(format!("{text}\n").as_bytes()),
            None => status = bad_signal(shell, operand),
        }
    }
    status
}

/// The table of `kill -l`.
pub fn print_signals(shell: &mut Shell) {
    let mut names: Vec<(u32, String)> =
        (1..32).filter_map(|number| Signal(number).name().map(|name| (number, format!("SIG{name}")))).collect();
    for number in 34..=64u32 {
        let name = match number {
            34 => "SIGRTMIN".to_owned(),
            35..=49 => format!("SIGRTMIN+{}", number - 34),
            64 => "SIGRTMAX".to_owned(),
            _ => format!("SIGRTMAX-{}", 64 - number),
        };
        names.push((number, name));
    }
    for (at, (number, name)) in names.iter().enumerate() {
        let end = if (at + 1) % 5 == 0 || at + 1 == names.len() { "\n" } else { "\t" };
        shell.output.write(format!("{number:2}) {name}{end}").as_bytes());
    }
}
