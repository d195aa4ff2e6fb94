//! chmod(1), chown(1), chgrp(1).

use crate::directory::{join, names};
use crate::mode;
use crate::options::{Parsed, Spec, missing_operand, parse, refuse};
use crate::owners::Names;
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_bare, quote_name};
use crate::stream::Output;
use tidepool_system::{Errno, Follow, Stat, chmod, chown, lstat, mode_string, stat, umask};

const CHMOD: Spec = Spec::new(
    "c,changes f,silent quiet v,verbose R,recursive reference= preserve-root no-preserve-root",
    "Usage: chmod [OPTION]... MODE[,MODE]... FILE...
  or:  chmod [OPTION]... --reference=RFILE FILE...
Changes modes: octal, or [ugoa]*[-+=]([rwxXst]*|[ugo]) with commas.

  -c, --changes           says what is changed
  -f, --silent, --quiet   without most complaints
  -v, --verbose           says something about each file
  -R, --recursive         what is in directories, too
      --reference=RFILE   the mode of RFILE
",
);

const CHOWN: Spec = Spec::new(
    "c,changes f,silent quiet v,verbose h,no-dereference dereference R,recursive from= reference= H L P preserve-root no-preserve-root",
    "Usage: chown [OPTION]... [OWNER][:[GROUP]] FILE...
  or:  chgrp [OPTION]... GROUP FILE...
  or:  chown [OPTION]... --reference=RFILE FILE...
Changes owners and groups.

  -c, --changes           says what is changed
  -f, --silent, --quiet   without most complaints
  -v, --verbose           says something about each file
  -h, --no-dereference    links themselves
  -R, --recursive         what is in directories, too
      --reference=RFILE   owner and group of RFILE
",
);

/// `-w` and the like are modes, not options.
fn separate(args: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    let is_mode = |arg: &[u8]| arg.len() > 1 && arg[0] == b'-' && mode::is_valid(arg);
    let mut mode = None;
    let mut ended = false;
    let rest = args
        .into_iter()
        .filter(|arg| {
            ended |= arg == b"--";
            let taken = !ended && mode.is_none() && is_mode(arg);
            if taken {
                mode = Some(arg.clone());
            }
            !taken
        })
        .collect();
    (rest, mode)
}

struct Change<'a> {
    mode: &'a [u8],
    reference: Option<u32>,
    mask: u32,
    recursive: bool,
    changes: bool,
    verbose: bool,
    quiet: bool,
    out: Output,
    status: i32,
}

pub fn run_chmod(args: Vec<Vec<u8>>) -> Outcome {
    let (args, dashed) = separate(args);
    let parsed = parse(args, &CHMOD)?;
    let mut operands = parsed.operands.clone();
    let reference = reference(&parsed)?.map(|stat| stat.mode & 0o7777);
    let mode = match (dashed, reference) {
        (Some(mode), _) => mode,
        (None, Some(_)) => Vec::new(),
        (None, None) if operands.is_empty() => return Err(missing_operand(1)),
        (None, None) => operands.remove(0),
    };
    if operands.is_empty() {
        return Err(misuse(1, format!("missing operand after {}", quote(&mode))));
    }
    if reference.is_none() && !mode::is_valid(&mode) {
        return Err(misuse(1, format!("invalid mode: {}", quote(&mode))));
    }
    let mut change = Change {
        mode: &mode,
        reference,
        mask: umask(None),
        recursive: parsed.has("R"),
        changes: parsed.has("c"),
        verbose: parsed.has("v"),
        quiet: parsed.has("f") || parsed.has("quiet"),
        out: Output::stdout(),
        status: 0,
    };
    for operand in &operands {
        change.path(operand, true)?;
    }
    change.out.finish(change.status)
}

fn reference(parsed: &Parsed) -> Result<Option<Stat>, Failure> {
    let get =
        |path: &[u8]| stat(path).map_err(|errno| failure(1, format!("failed to get attributes of {}: {errno}", quote_name(path))));
    parsed.value("reference").map(get).transpose()
}

impl Change<'_> {
    fn complain(&mut self, text: String) -> Result<(), Failure> {
        self.status = 1;
        if self.quiet {
            return Ok(());
        }
        self.out.flush()?;
        complain(text);
        Ok(())
    }

    fn path(&mut self, path: &[u8], operand: bool) -> Result<(), Failure> {
        let link = match lstat(path) {
            Ok(stat) => stat,
            Err(errno) => return self.complain(format!("cannot access {}: {errno}", quote_name(path))),
        };
        if link.is_symlink() && !operand {
            return Ok(());
        }
        let stat = match stat(path) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return self.complain(format!("cannot operate on dangling symlink {}", quote_name(path))),
            Err(errno) => return self.complain(format!("cannot access {}: {errno}", quote_name(path))),
        };
        self.change(path, &stat)?;
        if self.recursive && stat.is_dir() && !link.is_symlink() {
            match names(path) {
                Ok(found) => found.iter().try_for_each(|name| self.path(&join(path, name), false))?,
                Err(errno) => self.complain(format!("cannot read directory {}: {errno}", quote_name(path)))?,
            }
        }
        Ok(())
    }

    fn change(&mut self, path: &[u8], stat: &Stat) -> Result<(), Failure> {
        let old = stat.mode & 0o7777;
        let new = match self.reference {
            Some(mode) => mode,
            None => mode::apply(self.mode, old, stat.is_dir(), self.mask).unwrap_or(old),
        };
        if let Err(errno) = chmod(path, new, Follow::Yes) {
            return self.complain(format!("changing permissions of {}: {errno}", quote_name(path)));
        }
        let shown = |mode: u32| format!("{mode:04o} ({})", &mode_string(mode)[1..]);
        if old != new && (self.changes || self.verbose) {
            self.out.text(format!("mode of {} changed from {} to {}\n", quote_name(path), shown(old), shown(new)))?;
        } else if self.verbose {
            self.out.text(format!("mode of {} retained as {}\n", quote_name(path), shown(old)))?;
        }
        if self.mode.starts_with(b"-") && self.reference.is_none() {
            let meant = mode::apply(self.mode, old, stat.is_dir(), 0).unwrap_or(new);
            if meant != new {
                let shown = |mode: u32| mode_string(mode)[1..].to_owned();
                let name = quote_bare(path);
                return self.complain(format!("{name}: new permissions are {}, not {}", shown(new), shown(meant)));
            }
        }
        Ok(())
    }
}

pub fn run_chown(args: Vec<Vec<u8>>) -> Outcome {
    change_owner(args, false)
}

pub fn run_chgrp(args: Vec<Vec<u8>>) -> Outcome {
    change_owner(args, true)
}

struct Owner {
    uid: Option<u32>,
    gid: Option<u32>,
    follow: bool,
    recursive: bool,
    changes: bool,
    verbose: bool,
    quiet: bool,
    group_only: bool,
    /// Owner and group as they were given, for what is said.
    given: Option<String>,
    out: Output,
    status: i32,
}

fn change_owner(args: Vec<Vec<u8>>, group_only: bool) -> Outcome {
    let parsed = parse(args, &CHOWN)?;
    refuse(&parsed, &["from", "H", "L"], 1)?;
    let mut operands = parsed.operands.clone();
    let reference = reference(&parsed)?;
    if operands.is_empty() {
        return Err(missing_operand(1));
    }
    let mut given = None;
    let (uid, gid) = match &reference {
        Some(stat) => ((!group_only).then_some(stat.uid), Some(stat.gid)),
        None => {
            let spec = operands.remove(0);
            if operands.is_empty() {
                return Err(misuse(1, format!("missing operand after {}", quote(&spec))));
            }
            given = Some(String::from_utf8_lossy(&spec).into_owned()).filter(|spec| !spec.ends_with(':'));
            if group_only { (None, group(&spec, &spec)?) } else { owner(&spec)? }
        }
    };
    let mut owner = Owner {
        uid,
        gid,
        follow: !parsed.has("h"),
        recursive: parsed.has("R"),
        changes: parsed.has("c"),
        verbose: parsed.has("v"),
        quiet: parsed.has("f") || parsed.has("quiet"),
        group_only,
        given,
        out: Output::stdout(),
        status: 0,
    };
    for operand in &operands {
        owner.path(operand)?;
    }
    owner.out.finish(owner.status)
}

fn group(text: &[u8], whole: &[u8]) -> Result<Option<u32>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = Names::groups().id(&String::from_utf8_lossy(text));
    id.map(Some).ok_or_else(|| failure(1, format!("invalid group: {}", quote(whole))))
}

/// `OWNER`, `OWNER:GROUP`, `:GROUP`, `OWNER:` (the owner's own group, which has its number).
fn owner(spec: &[u8]) -> Result<(Option<u32>, Option<u32>), Failure> {
    let users = Names::users();
    let user = |text: &[u8]| match text {
        b"" => Ok(None),
        text => {
            let id = users.id(&String::from_utf8_lossy(text));
            id.map(Some).ok_or_else(|| failure(1, format!("invalid user: {}", quote(spec))))
        }
    };
    match spec.iter().position(|&byte| byte == b':') {
        None => Ok((user(spec)?, None)),
        Some(colon) if colon + 1 == spec.len() => {
            let uid = user(&spec[..colon])?;
            Ok((uid, uid))
        }
        Some(colon) => Ok((user(&spec[..colon])?, group(&spec[colon + 1..], spec)?)),
    }
}

impl Owner {
    fn complain(&mut self, text: String) -> Result<(), Failure> {
        self.status = 1;
        if self.quiet {
            return Ok(());
        }
        self.out.flush()?;
        complain(text);
        Ok(())
    }

    fn path(&mut self, path: &[u8]) -> Result<(), Failure> {
        let found = if self.follow && !self.recursive { stat(path) } else { lstat(path) };
        let stat = match found {
            Ok(stat) => stat,
            Err(errno) => return self.complain(format!("cannot access {}: {errno}", quote_name(path))),
        };
        self.change(path, &stat)?;
        if self.recursive && stat.is_dir() {
            match names(path) {
                Ok(found) => found.iter().try_for_each(|name| self.path(&join(path, name)))?,
                Err(errno) => self.complain(format!("cannot read directory {}: {errno}", quote_name(path)))?,
            }
        }
        Ok(())
    }

    fn change(&mut self, path: &[u8], stat: &Stat) -> Result<(), Failure> {
        let follow = if self.follow && !stat.is_symlink() { Follow::Yes } else { Follow::No };
        if let Err(errno) = chown(path, self.uid, self.gid, follow) {
            let what = if self.group_only { "group" } else { "ownership" };
            return self.complain(format!("changing {what} of {}: {errno}", quote_name(path)));
        }
        let (uid, gid) = (self.uid.unwrap_or(stat.uid), self.gid.unwrap_or(stat.gid));
        let changed = uid != stat.uid || gid != stat.gid;
        if !(self.verbose || self.changes && changed) {
            return Ok(());
        }
        let (users, groups) = (Names::users(), Names::groups());
        let shown = |uid: u32, gid: u32| match (self.group_only, self.uid, self.gid) {
            (true, ..) => groups.shown(gid),
            (_, Some(_), None) => users.shown(uid),
            (_, None, Some(_)) => format!(":{}", groups.shown(gid)),
            _ => format!("{}:{}", users.shown(uid), groups.shown(gid)),
        };
        let what = if self.group_only { "group" } else { "ownership" };
        let new = self.given.clone().unwrap_or_else(|| shown(uid, gid));
        let text = if changed {
            format!("changed {what} of {} from {} to {new}\n", quote_name(path), shown(stat.uid, stat.gid))
        } else {
            format!("{what} of {} retained as {new}\n", quote_name(path))
        };
        self.out.text(text)
    }
}
