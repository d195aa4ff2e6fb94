//! Redirections. They are planned first (files opened, words expanded) as a list of dup2 and close; the plan is then given
//! to a spawn, or applied to the shell itself and undone later.

use tidepool_syntax::ast::{Descriptor, HereDocument, Redirection, RedirectionKind, Word};
use tidepool_system::{Errno, Fd, Open, close, dup_from, dup2, fstat, open, pipe, set_cloexec, stat, write_all};

use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Duplicate { from: Fd, to: Fd },
    Close(Fd),
}

#[derive(Debug, Default)]
pub struct Plan {
    pub actions: Vec<Action>,
    /// Descriptors that were opened for the plan alone.
    opened: Vec<Fd>,
}

impl Plan {
    pub fn close(self) {
        for fd in self.opened {
            // They are the shell's own: closing cannot fail in a way that matters.
            let _ = close(fd);
        }
    }

    pub fn add(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Whether the descriptor will be open once the plan is carried out.
    fn has(&self, fd: Fd) -> bool {
        for action in self.actions.iter().rev() {
            match action {
                Action::Duplicate { to, .. } if *to == fd => return true,
                Action::Close(closed) if *closed == fd => return false,
                _ => {}
            }
        }
        fstat(fd).is_ok()
    }
}

/// What the shell's descriptors were: the number, and a copy unless it was closed.
pub struct Saved(Vec<(Fd, Option<Fd>)>);

/// Saved copies and opened files stay clear of the numbers that scripts use.
const HIGH: u32 = 10;
/// A pipe holds this much without a reader.
pub const PIPE_SIZE: usize = 60 * 1024;

impl Shell {
    /// Runs with redirections that are undone afterwards. Status 1 when one fails.
    pub fn with_redirections(&mut self, redirections: &[Redirection], run: impl FnOnce(&mut Shell) -> Flow) -> Flow {
        if redirections.is_empty() {
            return run(self);
        }
        self.output.flush();
        let Some(plan) = self.plan_redirections(redirections)? else {
            self.status = 1;
            return Ok(());
        };
        let saved = self.apply(&plan.actions);
        plan.close();
        let captured = self.output.suspend_capture();
        let result = run(self);
        self.output.flush();
        self.output.resume_capture(captured);
        self.restore(saved);
        result
    }

    /// None when one of them fails; its message is written then.
    #[inline(never)]
    pub fn plan_redirections(&mut self, redirections: &[Redirection]) -> Flow<Option<Plan>> {
        let mut plan = Plan::default();
        for redirection in redirections {
            match self.plan_one(redirection, &mut plan) {
                Ok(true) => {}
                Ok(false) => {
                    plan.close();
                    return Ok(None);
                }
                Err(unwind) => {
                    plan.close();
                    return Err(unwind);
                }
            }
        }
        Ok(Some(plan))
    }

    fn plan_one(&mut self, redirection: &Redirection, plan: &mut Plan) -> Flow<bool> {
        let target = match redirection.descriptor {
            Descriptor::Default => Fd(default_descriptor(&redirection.operation)),
            Descriptor::Number(number) => Fd(number as u32),
            Descriptor::Variable(name) => return self.plan_variable(name, redirection),
        };
        self.plan_to(target, &redirection.operation, plan)
    }

    fn plan_to(&mut self, target: Fd, operation: &RedirectionKind, plan: &mut Plan) -> Flow<bool> {
        match operation {
            RedirectionKind::Read(word) => self.plan_file(word, target, Open::read(), plan),
            RedirectionKind::Write(word) => self.plan_write(word, target, plan),
            RedirectionKind::Clobber(word) => self.plan_file(word, target, Open::write().create().truncate(), plan),
            RedirectionKind::Append(word) => self.plan_file(word, target, Open::write().create().append(), plan),
            RedirectionKind::ReadWrite(word) => self.plan_file(word, target, Open::both().create(), plan),
            RedirectionKind::WriteBoth(word) => {
                let done = self.plan_write(word, Fd::STDOUT, plan)?;
                plan.add(Action::Duplicate { from: Fd::STDOUT, to: Fd::STDERR });
                Ok(done)
            }
            RedirectionKind::AppendBoth(word) => {
                let done = self.plan_file(word, Fd::STDOUT, Open::write().create().append(), plan)?;
                plan.add(Action::Duplicate { from: Fd::STDOUT, to: Fd::STDERR });
                Ok(done)
            }
            RedirectionKind::DuplicateInput(word) | RedirectionKind::DuplicateOutput(word) => {
                self.plan_duplicate(word, target, operation, plan)
            }
            RedirectionKind::HereString(word) => {
                let mut text = self.expand_text(word)?;
                text.push(b'\n');
                self.plan_text(&text, target, plan)
            }
            RedirectionKind::HereDocument(document) => {
                let text = self.document_text(document)?;
                self.plan_text(&text, target, plan)
            }
        }
    }

    fn document_text(&mut self, document: &HereDocument) -> Flow<Bytes> {
        match document.body.get() {
            Some(body) => self.expand_text(body),
            None => Ok(Vec::new()),
        }
    }

    /// The one file name that a redirection's word must be.
    fn redirection_name(&mut self, word: &Word) -> Flow<Option<Bytes>> {
        let mut names = self.expand_words([word])?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(Some(name)),
            _ => {
                let text = tidepool_syntax::print::word(word);
                self.complain_about(&text, b"ambiguous redirect");
                Ok(None)
            }
        }
    }

    fn plan_write(&mut self, word: &Word, target: Fd, plan: &mut Plan) -> Flow<bool> {
        if !self.options.noclobber {
            return self.plan_file(word, target, Open::write().create().truncate(), plan);
        }
        let Some(name) = self.redirection_name(word)? else {
            return Ok(false);
        };
        match stat(&name) {
            Ok(stat) if stat.is_file() => {
                self.complain_about(&name, b"cannot overwrite existing file");
                Ok(false)
            }
            Ok(_) => self.plan_open(&name, target, Open::write(), plan),
            Err(_) => self.plan_open(&name, target, Open::write().create().exclusive(), plan),
        }
    }

    fn plan_file(&mut self, word: &Word, target: Fd, how: Open, plan: &mut Plan) -> Flow<bool> {
        match self.redirection_name(word)? {
            Some(name) => self.plan_open(&name, target, how, plan),
            None => Ok(false),
        }
    }

    fn plan_open(&mut self, name: &[u8], target: Fd, how: Open, plan: &mut Plan) -> Flow<bool> {
        let opened = open(name, how.cloexec()).and_then(lift);
        match opened {
            Ok(fd) => {
                plan.opened.push(fd);
                plan.add(Action::Duplicate { from: fd, to: target });
                Ok(true)
            }
            Err(errno) => {
                self.complain_about(name, errno.message().as_bytes());
                Ok(false)
            }
        }
    }

    fn plan_duplicate(&mut self, word: &Word, target: Fd, operation: &RedirectionKind, plan: &mut Plan) -> Flow<bool> {
        let Some(text) = self.redirection_name(word)? else {
            return Ok(false);
        };
        if text == b"-" {
            plan.add(Action::Close(target));
            return Ok(true);
        }
        let (digits, moves) = match text.strip_suffix(b"-") {
            Some(digits) => (digits, true),
            None => (&text[..], false),
        };
        let number =
            std::str::from_utf8(digits).ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(source) = number.and_then(|text| text.parse().ok()).map(Fd) else {
            return self.plan_odd_duplicate(word, &text, target, operation, plan);
        };
        if !plan.has(source) {
            self.complain_about(digits, b"Bad file descriptor");
            return Ok(false);
        }
        plan.add(Action::Duplicate { from: source, to: target });
        if moves && source != target {
            plan.add(Action::Close(source));
        }
        Ok(true)
    }

    /// `>&file` is `&>file`; anything else that is no number is an error.
    fn plan_odd_duplicate(
        &mut self,
        word: &Word,
        text: &[u8],
        target: Fd,
        operation: &RedirectionKind,
        plan: &mut Plan,
    ) -> Flow<bool> {
        if matches!(operation, RedirectionKind::DuplicateOutput(_)) && target == Fd::STDOUT && !text.is_empty() {
            let done = self.plan_write(word, Fd::STDOUT, plan)?;
            plan.add(Action::Duplicate { from: Fd::STDOUT, to: Fd::STDERR });
            return Ok(done);
        }
        let shown = tidepool_syntax::print::word(word);
        self.complain_about(&shown, b"ambiguous redirect");
        Ok(false)
    }

    /// `{name}>file`: the shell keeps the descriptor, the variable its number.
    fn plan_variable(&mut self, name: tidepool_syntax::Name, redirection: &Redirection) -> Flow<bool> {
        let closes = match &redirection.operation {
            RedirectionKind::DuplicateInput(word) | RedirectionKind::DuplicateOutput(word) => word.as_literal() == Some(b"-"),
            _ => false,
        };
        if closes {
            let number = self.variable_text(name)?.and_then(|text| crate::expand::is_decimal(&text));
            let closed = number.is_some_and(|number| close(Fd(number as u32)).is_ok());
            if !closed {
                self.complain_about(&name.text(), b"Bad file descriptor");
            }
            return Ok(closed);
        }
        // Plan it for a number that nothing else has, then keep it.
        let free = match dup_from(Fd::STDERR, HIGH, false).or_else(|_| dup_from(Fd::STDIN, HIGH, false)) {
            Ok(fd) => fd,
            Err(errno) => {
                self.complain_about(&name.text(), errno.message().as_bytes());
                return Ok(false);
            }
        };
        let mut own = Plan::default();
        let done = self.plan_to(free, &redirection.operation, &mut own)?;
        if done {
            self.output.flush();
            apply_all(&own.actions);
            self.assign(name, free.0.to_string().as_bytes())?;
        } else {
            let _ = close(free);
        }
        own.close();
        Ok(done)
    }

    /// A descriptor from which `text` can be read: a pipe, or a file that has no name when it is long.
    fn plan_text(&mut self, text: &[u8], target: Fd, plan: &mut Plan) -> Flow<bool> {
        let made = if text.len() <= PIPE_SIZE { text_in_pipe(text) } else { text_in_file(text) };
        match made.and_then(lift) {
            Ok(fd) => {
                plan.opened.push(fd);
                plan.add(Action::Duplicate { from: fd, to: target });
                Ok(true)
            }
            Err(errno) => {
                self.complain(&[b"cannot create temp file for here-document: ", errno.message().as_bytes()].concat());
                Ok(false)
            }
        }
    }

    /// Carries a plan out in the shell, remembering what it replaces.
    pub fn apply(&mut self, actions: &[Action]) -> Saved {
        self.output.flush();
        let mut saved: Vec<(Fd, Option<Fd>)> = Vec::new();
        for action in actions {
            let target = match action {
                Action::Duplicate { to, .. } => *to,
                Action::Close(fd) => *fd,
            };
            if !saved.iter().any(|(fd, _)| *fd == target) {
                saved.push((target, dup_from(target, HIGH, true).ok()));
            }
            carry_out(*action);
        }
        Saved(saved)
    }

    pub fn restore(&mut self, saved: Saved) {
        self.output.flush();
        for (fd, copy) in saved.0.into_iter().rev() {
            match copy {
                Some(copy) => {
                    let _ = dup2(copy, fd, false);
                    let _ = close(copy);
                }
                None => {
                    let _ = close(fd);
                }
            }
        }
    }

    /// `exec >file`
    pub fn apply_for_good(&mut self, plan: &Plan) {
        self.output.flush();
        apply_all(&plan.actions);
    }
}

fn apply_all(actions: &[Action]) {
    actions.iter().for_each(|action| carry_out(*action));
}

fn carry_out(action: Action) {
    // The plan has checked that the source is open; a target beyond the limit stays as it is.
    match action {
        Action::Duplicate { from, to } if from == to => {
            let _ = set_cloexec(to, false);
        }
        Action::Duplicate { from, to } => {
            let _ = dup2(from, to, false);
        }
        Action::Close(fd) => {
            let _ = close(fd);
        }
    }
}

/// Moves a descriptor out of the range that scripts use.
fn lift(fd: Fd) -> Result<Fd, Errno> {
    if fd.0 >= HIGH {
        return Ok(fd);
    }
    let high = dup_from(fd, HIGH, true);
    close(fd)?;
    high
}

fn text_in_pipe(text: &[u8]) -> Result<Fd, Errno> {
    let (reader, writer) = pipe(true)?;
    let written = write_all(writer, text);
    close(writer)?;
    written.map(|()| reader)
}

fn text_in_file(text: &[u8]) -> Result<Fd, Errno> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let name = format!("/tmp/.shell-document-{}-{clock}", tidepool_system::getpid().0).into_bytes();
    let writer = open(&name, Open::write().create().exclusive().mode(0o600).cloexec())?;
    let written = write_all(writer, text);
    close(writer)?;
    let reader = written.and_then(|()| open(&name, Open::read().cloexec()));
    // Only the descriptor is needed from here on.
    let _ = std::fs::remove_file(tidepool_system::os_str(&name));
    reader
}

fn default_descriptor(operation: &RedirectionKind) -> u32 {
    match operation {
        RedirectionKind::Read(_)
        | RedirectionKind::ReadWrite(_)
        | RedirectionKind::DuplicateInput(_)
        | RedirectionKind::HereDocument(_)
        | RedirectionKind::HereString(_) => 0,
        RedirectionKind::Write(_)
        | RedirectionKind::Clobber(_)
        | RedirectionKind::Append(_)
        | RedirectionKind::WriteBoth(_)
        | RedirectionKind::AppendBoth(_)
        | RedirectionKind::DuplicateOutput(_) => 1,
    }
}
