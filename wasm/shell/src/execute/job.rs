//! Children that run in the background, and waiting for them.

use tidepool_system::{Errno, Pid, Signal, Status, Wait, wait};

use crate::shell::Shell;
use crate::variables::Bytes;

#[derive(Debug)]
struct Stage {
    pid: Option<Pid>,
    status: Option<Status>,
    /// The status of a stage that could not start.
    code: i32,
}

#[derive(Debug)]
pub struct Job {
    pub number: usize,
    stages: Vec<Stage>,
    pub text: Bytes,
    notified: bool,
}

impl Job {
    pub fn is_done(&self) -> bool {
        self.stages.iter().all(|stage| stage.pid.is_none() || stage.status.is_some())
    }

    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        self.stages.iter().filter_map(|stage| stage.pid)
    }

    pub fn leader(&self) -> Option<Pid> {
        self.pids().next()
    }

    pub fn last(&self) -> Option<Pid> {
        self.pids().last()
    }

    pub fn code(&self) -> i32 {
        self.stages.last().map_or(0, |stage| stage.status.map_or(stage.code, Status::code))
    }

    pub fn status(&self) -> Option<Status> {
        self.stages.last().and_then(|stage| stage.status)
    }

    fn running(&self) -> Option<Pid> {
        self.stages.iter().find(|stage| stage.status.is_none()).and_then(|stage| stage.pid)
    }
}

#[derive(Debug, Default)]
pub struct Jobs {
    list: Vec<Job>,
    /// In a subshell: what its parent had, for `jobs` alone.
    inherited: Vec<Job>,
    /// Statuses of children that ended while another was waited for.
    strays: Vec<(Pid, Status)>,
    /// Jobs that were waited for: their numbers are free again, their statuses are remembered by pid.
    ended: Vec<(Pid, i32)>,
    ignored: Vec<Pid>,
}

impl Jobs {
    /// In a clone the parent's children are not its own.
    pub fn enter_subshell(&mut self) {
        let list = std::mem::take(&mut self.list);
        *self = Jobs { inherited: list, ..Jobs::default() };
    }

    /// Gives the pid that `$!` is.
    pub fn add(&mut self, pids: &[Option<Pid>], codes: &[i32], text: Bytes) -> Option<Pid> {
        let number = self.list.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let stages = pids.iter().zip(codes).map(|(pid, code)| Stage { pid: *pid, status: None, code: *code }).collect();
        let job = Job { number, stages, text, notified: false };
        let last = job.last();
        self.list.push(job);
        last
    }

    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.list.iter()
    }

    /// Nothing is left to tell.
    pub fn is_quiet(&self) -> bool {
        self.list.iter().all(|job| job.notified)
    }

    /// What `jobs` lists.
    pub fn listed(&self) -> impl Iterator<Item = &Job> + Clone {
        self.inherited.iter().chain(&self.list)
    }

    pub fn note(&mut self, pid: Pid, status: Status) {
        for job in &mut self.list {
            for stage in &mut job.stages {
                if stage.pid == Some(pid) && stage.status.is_none() {
                    stage.status = Some(status);
                    return;
                }
            }
        }
        if let Some(at) = self.ignored.iter().position(|ignored| *ignored == pid) {
            self.ignored.swap_remove(at);
            return;
        }
        self.strays.push((pid, status));
    }

    fn take_stray(&mut self, pid: Pid) -> Option<Status> {
        let at = self.strays.iter().position(|(stray, _)| *stray == pid)?;
        Some(self.strays.swap_remove(at).1)
    }

    /// A child whose status nobody will ask for.
    pub fn forget_later(&mut self, pid: Pid) {
        if self.take_stray(pid).is_none() {
            self.ignored.push(pid);
        }
    }

    fn has_children(&self) -> bool {
        !self.ignored.is_empty() || self.list.iter().any(|job| !job.is_done())
    }

    pub fn find_pid(&self, pid: Pid) -> Option<&Job> {
        self.list.iter().rev().find(|job| job.pids().any(|own| own == pid))
    }

    /// `%1`, `%+`, `%%`, `%-`, `%text`, `%?text`
    pub fn find(&self, text: &[u8]) -> Option<&Job> {
        let name = text.strip_prefix(b"%")?;
        match name {
            b"" | b"%" | b"+" => self.list.last(),
            b"-" => self.list.iter().rev().nth(1).or(self.list.last()),
            [b'?', part @ ..] => self.list.iter().find(|job| crate::expand::pattern::find(&job.text, part).is_some()),
            name => match std::str::from_utf8(name).ok().and_then(|text| text.parse::<usize>().ok()) {
                Some(number) => self.list.iter().find(|job| job.number == number),
                None => self.list.iter().find(|job| job.text.starts_with(name)),
            },
        }
    }

    pub fn remove(&mut self, number: usize) {
        self.list.retain(|job| job.number != number);
    }

    /// The job has been waited for or listed as ended.
    pub fn tell(&mut self, number: usize) {
        let Some(at) = self.list.iter().position(|job| job.number == number) else {
            return;
        };
        let job = self.list.remove(at);
        if let Some(pid) = job.last() {
            if self.ended.len() >= MAXIMUM_ENDED {
                self.ended.remove(0);
            }
            self.ended.push((pid, job.code()));
        }
    }

    pub fn ended(&self, pid: Pid) -> Option<i32> {
        self.ended.iter().rev().find(|(ended, _)| *ended == pid).map(|(_, code)| *code)
    }
}

/// How many statuses are remembered for a later `wait pid`.
const MAXIMUM_ENDED: usize = 1024;

/// How a wait ended.
pub enum Waited {
    Status(i32),
    /// A trapped signal came first.
    Interrupted(Signal),
}

impl Shell {
    /// Collects children that have ended, so that they do not fill the process table.
    pub fn reap(&mut self) {
        while self.jobs.has_children() {
            match wait(Wait::Any, true) {
                Ok(Some((pid, status))) => self.jobs.note(pid, status),
                _ => break,
            }
        }
    }

    /// Waits for a child of the foreground, whatever signals come.
    pub fn wait_foreground(&mut self, pid: Pid) -> Status {
        if let Some(status) = self.jobs.take_stray(pid) {
            return status;
        }
        loop {
            match wait(Wait::Pid(pid), false) {
                Ok(Some((_, status))) => return status,
                Err(Errno::EINTR) | Ok(None) => {}
                Err(_) => return Status::Exited(127),
            }
        }
    }

    /// bash tells when a program of the foreground was killed, except by INT or PIPE.
    pub fn report_signal(&mut self, pid: Pid, status: Status, command: &[u8]) {
        match killed_by(status) {
            None => {}
            Some(Signal::TERM) => self.message(b"Terminated"),
            Some(_) => self.complain(&job_line(pid, status, command)),
        }
    }

    /// The same for a pipeline whose last stage was killed: a line for each stage.
    pub fn report_pipeline(&mut self, stages: &[(Option<Pid>, Status)], commands: &[Bytes]) {
        match stages.last().and_then(|(_, status)| killed_by(*status)) {
            None => return,
            Some(Signal::TERM) => return self.message(b"Terminated"),
            Some(_) => {}
        }
        let mut text = Vec::new();
        for (at, ((pid, status), command)) in stages.iter().zip(commands).enumerate() {
            if at > 0 {
                text.extend_from_slice(b"\n     ");
            }
            let bar: &[u8] = if at > 0 { b"| " } else { b"" };
            text.extend_from_slice(&job_line(pid.unwrap_or(Pid(0)), *status, &[bar, command].concat()));
        }
        self.complain(&text);
    }

    /// Tells of background jobs that were killed, once.
    #[inline(never)]
    pub fn notify_jobs(&mut self) {
        self.reap();
        let killed = self.jobs.list.iter_mut().filter(|job| !job.notified && job.is_done()).filter_map(|job| {
            job.notified = true;
            let status = job.status().filter(|status| !matches!(killed_by(*status), None | Some(Signal::TERM)))?;
            Some(job_line(job.last()?, status, &job.text))
        });
        for line in killed.collect::<Vec<_>>() {
            self.complain(&line);
        }
    }

    /// Waits for a background job to end.
    pub fn wait_for_job(&mut self, number: usize) -> Waited {
        loop {
            let Some(job) = self.jobs.list.iter().find(|job| job.number == number) else {
                return Waited::Status(127);
            };
            let Some(pid) = job.running() else {
                return Waited::Status(job.code());
            };
            match wait(Wait::Pid(pid), false) {
                Ok(Some((pid, status))) => self.jobs.note(pid, status),
                Ok(None) => {}
                Err(Errno::EINTR) => {
                    if let Some(signal) = self.peek_trapped_signal() {
                        return Waited::Interrupted(signal);
                    }
                }
                // It was collected elsewhere.
                Err(_) => self.jobs.note(pid, Status::Exited(127)),
            }
        }
    }

    /// Waits until any of these jobs ends; gives its number.
    pub fn wait_for_any(&mut self, numbers: &[usize]) -> Result<Option<usize>, Signal> {
        loop {
            let ended = self.jobs.list.iter().find(|job| numbers.contains(&job.number) && job.is_done());
            if let Some(job) = ended {
                return Ok(Some(job.number));
            }
            if !self.jobs.list.iter().any(|job| numbers.contains(&job.number) && !job.is_done()) {
                return Ok(None);
            }
            match wait(Wait::Any, false) {
                Ok(Some((pid, status))) => self.jobs.note(pid, status),
                Ok(None) => {}
                Err(Errno::EINTR) => {
                    if let Some(signal) = self.peek_trapped_signal() {
                        return Err(signal);
                    }
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

/// The signal that ended a process, if bash tells of it.
fn killed_by(status: Status) -> Option<Signal> {
    match status {
        Status::Signaled(signal) if signal != Signal::INT && signal != Signal::PIPE => Some(signal),
        _ => None,
    }
}

/// `  123 Killed                  sleep 5`
fn job_line(pid: Pid, status: Status, command: &[u8]) -> Bytes {
    let state = match status {
        Status::Signaled(signal) => signal.message(),
        Status::Exited(0) => "Done".to_owned(),
        Status::Exited(code) => format!("Exit {code}"),
    };
    [format!("{:>5} {state:<24}", pid.0).as_bytes(), command].concat()
}
