//! The expression applied to a file: tests, and actions with what they write.

use crate::date;
use crate::expression::{Action, Compare, Expression, Instant, Permission, Program, Test};
use crate::fail::{complain, quoted, shown};
use crate::format::{self, type_letter};
use crate::names;
use crate::run::Run;
use crate::walk::{Entry, Go, names as listing};
use tidepool_system::{Errno, Fd, Open, Stat, access, open, os_str, write_all};

const FULL: usize = 32 << 10;

/// An output file and what is not yet written to it.
struct Sink {
    fd: Fd,
    name: Vec<u8>,
    buffer: Vec<u8>,
}

pub struct Evaluator<'a> {
    expression: &'a Expression,
    runs: Vec<Run>,
    sinks: Vec<Sink>,
    now: Instant,
    go: Go,
    pub failed: bool,
}

impl<'a> Evaluator<'a> {
    /// Takes the commands of the program and opens its output files.
    pub fn new(program: &'a mut Program) -> Result<Evaluator<'a>, String> {
        let mut sinks = Vec::new();
        for name in &program.sinks {
            let fd = match name.as_slice() {
                b"/dev/stdout" => Fd::STDOUT,
                b"/dev/stderr" => Fd::STDERR,
                name => {
                    open(name, Open::write().create().truncate().cloexec()).map_err(|errno| format!("{}: {errno}", quoted(name)))?
                }
            };
            sinks.push(Sink { fd, name: name.clone(), buffer: Vec::new() });
        }
        let runs = std::mem::take(&mut program.runs);
        Ok(Evaluator { expression: &program.expression, runs, sinks, now: date::now(), go: Go::On, failed: false })
    }

    pub fn evaluate(&mut self, entry: &Entry) -> Go {
        self.go = Go::On;
        self.expression(self.expression, entry);
        self.go
    }

    /// Runs what `-exec … +` has gathered and writes what is left. At the end of the whole run.
    pub fn finish(&mut self) {
        self.flush();
        for run in &mut self.runs {
            self.failed |= !run.finish();
        }
    }

    pub fn flush(&mut self) {
        for sink in &mut self.sinks {
            if sink.buffer.is_empty() {
                continue;
            }
            if let Err(errno) = write_all(sink.fd, &sink.buffer) {
                let name = if sink.fd == Fd::STDOUT { "standard output".to_owned() } else { shown(&sink.name) };
                complain(&format!("‘{name}’: {errno}"));
                self.failed = true;
            }
            sink.buffer.clear();
        }
    }

    fn expression(&mut self, expression: &Expression, entry: &Entry) -> bool {
        match expression {
            Expression::And(parts) => parts.iter().all(|part| self.goes_on() && self.expression(part, entry)),
            Expression::Or(parts) => parts.iter().any(|part| self.goes_on() && self.expression(part, entry)),
            Expression::List(parts) => parts.iter().fold(false, |_, part| self.goes_on() && self.expression(part, entry)),
            Expression::Not(inner) => !self.expression(inner, entry),
            Expression::Test(test) => self.test(test, entry),
            Expression::Action(action) => self.act(action, entry),
        }
    }

    fn goes_on(&self) -> bool {
        self.go != Go::Quit
    }

    fn act(&mut self, action: &Action, entry: &Entry) -> bool {
        match action {
            Action::Print { sink, end } => {
                let buffer = &mut self.sinks[*sink].buffer;
                buffer.extend_from_slice(&entry.path);
                buffer.push(*end);
                self.written(*sink);
            }
            Action::Format { sink, format } => {
                format.write(entry, &mut self.sinks[*sink].buffer);
                self.written(*sink);
            }
            Action::List { sink } => {
                format::list(entry, self.now, &mut self.sinks[*sink].buffer);
                self.written(*sink);
            }
            Action::Delete => return self.delete(entry),
            Action::Prune => self.go = Go::Prune,
            Action::Quit => {
                self.go = Go::Quit;
                return true;
            }
            Action::Run(index) => return self.run(*index, entry),
        }
        true
    }

    fn written(&mut self, sink: usize) {
        if self.sinks[sink].buffer.len() >= FULL {
            self.flush();
        }
    }

    fn run(&mut self, index: usize, entry: &Entry) -> bool {
        if self.runs[index].many {
            // It is gathered and true; a failure counts at the end.
            self.flush();
            let succeeded = self.runs[index].gather(&entry.path, entry.folder(), entry.base());
            self.failed |= !succeeded;
            return true;
        }
        self.flush();
        self.runs[index].once(&entry.path, entry.folder(), entry.base())
    }

    fn delete(&mut self, entry: &Entry) -> bool {
        if entry.path == b"." {
            return true;
        }
        let path = os_str(&entry.path);
        let removed = if entry.stat().is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
        match removed {
            Ok(()) => true,
            Err(error) => {
                self.flush();
                complain(&format!("cannot delete {}: {}", quoted(&entry.path), Errno::of(&error)));
                self.failed = true;
                false
            }
        }
    }

    fn test(&mut self, test: &Test, entry: &Entry) -> bool {
        match test {
            Test::True => true,
            Test::False => false,
            Test::Name { pattern, fold } => fnmatch::matches(pattern, entry.base(), *fold),
            Test::Path { pattern, fold } => fnmatch::matches(pattern, &entry.path, *fold),
            Test::LinkName { pattern, fold } => entry.link_target().is_some_and(|target| fnmatch::matches(pattern, &target, *fold)),
            Test::Regex(regex) => match regex.is_match(&entry.path) {
                Ok(matches) => matches,
                Err(error) => {
                    complain(&error.to_string());
                    self.failed = true;
                    false
                }
            },
            Test::Type { letters, other_side: false } => letters.contains(&type_letter(entry.stat())),
            Test::Type { letters, other_side: true } => entry.other_side().is_ok_and(|stat| letters.contains(&type_letter(&stat))),
            Test::Access(kind) => access(&entry.path, *kind).is_ok(),
            Test::Empty => self.is_empty(entry),
            Test::NoUser => names::user_name(entry.stat().uid).is_none(),
            Test::NoGroup => names::group_name(entry.stat().gid).is_none(),
            Test::SameFile { dev, ino } => (entry.stat().dev, entry.stat().ino) == (*dev, *ino),
            other => stat_test(other, entry.stat()),
        }
    }

    fn is_empty(&mut self, entry: &Entry) -> bool {
        let stat = entry.stat();
        if !stat.is_dir() {
            return stat.is_file() && stat.size == 0;
        }
        match listing(&entry.path) {
            Ok(names) => names.is_empty(),
            Err(errno) => {
                self.flush();
                complain(&format!("{}: {errno}", quoted(&entry.path)));
                self.failed = true;
                false
            }
        }
    }
}

/// The tests that only need the stat.
fn stat_test(test: &Test, stat: &Stat) -> bool {
    match test {
        Test::Size { unit, count } => count.holds(&stat.size.div_ceil(*unit)),
        Test::Days { stamp, origin, count } => {
            let age = origin - date::of(stat, *stamp);
            count.holds(&(age.div_euclid(86_400 * date::NANOSECONDS) as i64))
        }
        Test::Minutes { stamp, origin, count } => {
            let age = (origin - date::of(stat, *stamp)) as f64 / 60e9;
            match count {
                Compare::More(n) => age > *n,
                Compare::Less(n) => age < *n,
                Compare::Equal(n) => age >= *n - 1.0 && age < *n,
            }
        }
        Test::Newer { stamp, than } => date::of(stat, *stamp) > *than,
        Test::Permission(Permission::Exactly(mode)) => stat.mode & 0o7777 == *mode,
        Test::Permission(Permission::All(mode)) => stat.mode & mode == *mode,
        Test::Permission(Permission::Any(mode)) => *mode == 0 || stat.mode & mode != 0,
        Test::Links(count) => count.holds(&u64::from(stat.nlink)),
        Test::Inode(count) => count.holds(&stat.ino),
        Test::User(count) => count.holds(&u64::from(stat.uid)),
        Test::Group(count) => count.holds(&u64::from(stat.gid)),
        Test::Used(count) => {
            let days = (stat.atime.seconds - stat.ctime.seconds).div_euclid(86_400);
            count.holds(&days)
        }
        _ => false,
    }
}
