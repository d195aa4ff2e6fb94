//! Signals: names, numbers, dispositions. A caught signal runs nothing by itself: the program asks `pending()` at a place of
//! its choice, and calls that wait answer EINTR.

use crate::{Result, sys};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Signal(pub u32);

const NAMES: [&str; 32] = [
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",
    "SYS",
];

const TEXTS: [&str; 32] = [
    "",
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

impl Signal {
    pub const HUP: Signal = Signal(1);
    pub const INT: Signal = Signal(2);
    pub const QUIT: Signal = Signal(3);
    pub const ABRT: Signal = Signal(6);
    pub const KILL: Signal = Signal(9);
    pub const USR1: Signal = Signal(10);
    pub const USR2: Signal = Signal(12);
    pub const PIPE: Signal = Signal(13);
    pub const ALRM: Signal = Signal(14);
    pub const TERM: Signal = Signal(15);
    pub const CHLD: Signal = Signal(17);
    pub const CONT: Signal = Signal(18);
    pub const STOP: Signal = Signal(19);

    /// `TERM`, `SIGTERM`, `term`, `15`; `None` for anything else. `EXIT` and `0` are signal 0.
    pub fn parse(text: &str) -> Option<Signal> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|&number| number <= 64).map(Signal);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let name = match name {
            "IOT" => "ABRT",
            "CLD" => "CHLD",
            "IO" => "POLL",
            name => name,
        };
        NAMES.iter().position(|&known| known == name).map(|number| Signal(number as u32))
    }

    /// `TERM`; `None` for a number without a name.
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(self.0 as usize).copied()
    }

    /// glibc's `strsignal`.
    pub fn message(self) -> String {
        match TEXTS.get(self.0 as usize) {
            Some(text) if !text.is_empty() => (*text).to_owned(),
            _ => format!("Unknown signal {}", self.0),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    Default,
    Ignore,
    /// It becomes pending and makes waiting calls return EINTR.
    Catch,
}

impl Disposition {
    pub(crate) fn number(self) -> i32 {
        match self {
            Disposition::Default => 0,
            Disposition::Ignore => 1,
            Disposition::Catch => 2,
        }
    }

    pub(crate) fn from_number(number: i32) -> Disposition {
        match number {
            1 => Disposition::Ignore,
            2 => Disposition::Catch,
            _ => Disposition::Default,
        }
    }
}

/// The caught signals that were pending, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pending(pub u64);

impl Pending {
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn contains(self, signal: Signal) -> bool {
        signal.0 < 64 && self.0 & (1 << signal.0) != 0
    }
    /// In ascending order.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        (1..64).map(Signal).filter(move |&signal| self.contains(signal))
    }
}

/// `sigaction(2)`; gives the disposition before. EINVAL for KILL and STOP.
pub fn set_signal(signal: Signal, disposition: Disposition) -> Result<Disposition> {
    sys::sig_action(signal.0, disposition.number()).map(Disposition::from_number)
}

/// Takes and clears the caught signals that are pending.
pub fn pending() -> Pending {
    Pending(sys::sig_pending())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use crate::{Status, Wait, clone, exit, getpid, kill, wait};

    #[test]
    fn a_signal_has_a_name_with_and_without_sig() {
        assert_eq!(Signal::parse("SIGTERM"), Some(Signal(15)));
        assert_eq!(Signal::parse("term"), Some(Signal(15)));
        assert_eq!(Signal::parse("9"), Some(Signal(9)));
        assert_eq!(Signal::parse("NOSUCH"), None);
        assert_eq!(Signal(15).name(), Some("TERM"));
        assert_eq!(Signal(9).message(), "Killed");
    }

    #[test]
    #[cfg(unix)]
    fn a_caught_signal_is_pending_once() {
        let child = clone(|| {
            let before = set_signal(Signal::USR1, Disposition::Catch);
            let sent = kill(getpid(), Signal::USR1);
            let (first, second) = (pending(), pending());
            let right = before == Ok(Disposition::Default) && sent.is_ok() && first.contains(Signal::USR1) && second.is_empty();
            exit(if right { 0 } else { 1 })
        })
        .expect("clone");
        assert_eq!(wait(Wait::Pid(child), false), Ok(Some((child, Status::Exited(0)))));
    }
}
