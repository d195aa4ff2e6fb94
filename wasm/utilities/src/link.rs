//! ln(1), link(1), readlink(1), realpath(1).

use crate::directory::join;
use crate::names::{base, parent};
use crate::options::{Parsed, Spec, extra_operand, missing_operand, parse, refuse};
use crate::remove::{confirmed, same_file};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_bare, quote_name};
use crate::stream::Output;
use tidepool_system::{Errno, Result, getcwd, lstat, os_bytes, os_str, stat, symlink};

const LN: Spec = Spec::new(
    "b backup=? d,directory F f,force i,interactive L,logical n,no-dereference P,physical r,relative s,symbolic S,suffix= \
     t,target-directory= T,no-target-directory v,verbose",
    "Usage: ln [OPTION]... [-T] TARGET LINK_NAME
  or:  ln [OPTION]... TARGET
  or:  ln [OPTION]... TARGET... DIRECTORY
  or:  ln [OPTION]... -t DIRECTORY TARGET...
Makes links: hard ones, or with -s symbolic ones.

  -b, -S SUFFIX                 keeps what was there, as NAME~
  -f, --force                   removes what is in the way
  -i, --interactive             asks before
  -L, --logical                 follows TARGETs that are links
  -n, --no-dereference          a LINK_NAME that is a link to a directory is a file
  -r, --relative                with -s, links relative to where they are
  -s, --symbolic                symbolic links
  -t, --target-directory=DIR    in DIR
  -T, --no-target-directory     LINK_NAME is no directory
  -v, --verbose                 says what is linked
",
);

const LINK: Spec = Spec::new("", "Usage: link FILE1 FILE2\nMakes FILE2 a hard link to FILE1.\n");

const READLINK: Spec = Spec::new(
    "f,canonicalize e,canonicalize-existing m,canonicalize-missing n,no-newline q,quiet s,silent v,verbose z,zero",
    "Usage: readlink [OPTION]... FILE...
Prints what a symbolic link says, or the canonical name.

  -f, --canonicalize            follows every link; the last part may be missing
  -e, --canonicalize-existing   every part must exist
  -m, --canonicalize-missing    any part may be missing
  -n, --no-newline              no line feed at the end
  -v, --verbose                 complains
  -z, --zero                    lines end in NUL
",
);

const REALPATH: Spec = Spec::new(
    "e,canonicalize-existing m,canonicalize-missing L,logical P,physical q,quiet relative-to= relative-base= s,strip no-symlinks z,zero",
    "Usage: realpath [OPTION]... FILE...
Prints the canonical absolute name.

  -e, --canonicalize-existing   every part must exist
  -m, --canonicalize-missing    any part may be missing
  -q, --quiet                   no complaints
      --relative-to=DIR         relative to DIR
      --relative-base=DIR       relative below DIR
  -s, --strip, --no-symlinks    follows no links
  -z, --zero                    lines end in NUL
",
);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Never,
    Last,
    Any,
}

/// The absolute name without links, `.` and `..`.
pub fn canonical(path: &[u8], missing: Missing, follow: bool) -> Result<Vec<u8>> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let mut done = if path.starts_with(b"/") { Vec::new() } else { getcwd()? };
    if done == b"/" {
        done.clear();
    }
    let mut rest: Vec<Vec<u8>> = path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                let end = done.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                done.truncate(end);
                continue;
            }
            _ => {}
        }
        let next = [&done[..], b"/", &part[..]].concat();
        let more = rest.iter().any(|part| !part.is_empty());
        match lstat(&next) {
            Ok(stat) if stat.is_symlink() && follow => {
                links += 1;
                if links > 40 {
                    return if missing == Missing::Any { Ok(next) } else { Err(Errno::ELOOP) };
                }
                let target = std::fs::read_link(os_str(&next)).map_err(Errno::from)?;
                let target = os_bytes(&target).to_vec();
                if target.starts_with(b"/") {
                    done.clear();
                }
                rest.extend(target.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec));
                continue;
            }
            Ok(stat) if !stat.is_dir() && more && missing != Missing::Any && !stat.is_symlink() => return Err(Errno::ENOTDIR),
            Ok(_) => {}
            Err(Errno::ENOENT) if missing == Missing::Any || (missing == Missing::Last && !more) => {}
            Err(_) if missing == Missing::Any => {}
            Err(errno) => return Err(errno),
        }
        done = next;
    }
    Ok(if done.is_empty() { b"/".to_vec() } else { done })
}

/// `path` as seen from `from`; both canonical.
pub fn relative(path: &[u8], from: &[u8]) -> Vec<u8> {
    let parts =
        |path: &[u8]| path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (path, from) = (parts(path), parts(from));
    let common = path.iter().zip(&from).take_while(|(one, other)| one == other).count();
    let up = from[common..].iter().map(|_| b"..".to_vec());
    let all: Vec<Vec<u8>> = up.chain(path[common..].iter().cloned()).collect();
    if all.is_empty() { b".".to_vec() } else { all.join(&b'/') }
}

pub fn run_ln(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &LN)?;
    let pairs = pairs(&parsed)?;
    let mut out = Output::stdout();
    let mut status = 0;
    for (target, name) in pairs {
        match make(&target, &name, &parsed, &mut out)? {
            Ok(()) => {}
            Err(text) => {
                out.flush()?;
                complain(text);
                status = 1;
            }
        }
    }
    out.finish(status)
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Each target and the name it gets.
fn pairs(parsed: &Parsed) -> std::result::Result<Pairs, Failure> {
    let mut operands = parsed.operands.clone();
    let follow = !parsed.has("n");
    let is_folder =
        |path: &[u8]| if follow { stat(path).is_ok_and(|stat| stat.is_dir()) } else { lstat(path).is_ok_and(|stat| stat.is_dir()) };
    let into = |targets: Vec<Vec<u8>>, folder: &[u8]| {
        targets.into_iter().map(|target| (target.clone(), join(folder, base(&target)))).collect()
    };
    if operands.is_empty() {
        return Err(misuse(1, "missing file operand"));
    }
    if let Some(folder) = parsed.value("t") {
        if !is_folder(folder) {
            let errno = stat(folder).err().unwrap_or(Errno::ENOTDIR);
            return Err(failure(1, format!("target directory {}: {errno}", quote_name(folder))));
        }
        return Ok(into(operands, folder));
    }
    if parsed.has("T") {
        return match operands.as_slice() {
            [target, name] => Ok(vec![(target.clone(), name.clone())]),
            [target] => Err(misuse(1, format!("missing destination file operand after {}", quote_name(target)))),
            [_, _, extra, ..] => Err(crate::options::misplaced(extra)),
            [] => Ok(Vec::new()),
        };
    }
    if let [target] = operands.as_slice() {
        return Ok(vec![(target.clone(), base(target).to_vec())]);
    }
    let last = operands.pop().unwrap_or_default();
    match operands.as_slice() {
        _ if is_folder(&last) => Ok(into(operands, &last)),
        [target] => Ok(vec![(target.clone(), last)]),
        _ => {
            let errno = stat(&last).err().unwrap_or(Errno::ENOTDIR);
            Err(failure(1, format!("target {}: {errno}", quote_name(&last))))
        }
    }
}

type Made = std::result::Result<std::result::Result<(), String>, Failure>;

fn make(target: &[u8], name: &[u8], parsed: &Parsed, out: &mut Output) -> Made {
    let symbolic = parsed.has("s");
    if !symbolic {
        match lstat(target) {
            Err(errno) => return Ok(Err(format!("failed to access {}: {errno}", quote_name(target)))),
            Ok(stat) if stat.is_dir() => return Ok(Err(format!("{}: hard link not allowed for directory", quote_bare(target)))),
            Ok(_) => {}
        }
    }
    if let Ok(existing) = lstat(name) {
        let force = parsed.has("f");
        if parsed.has("i") && !force {
            out.flush()?;
            if !confirmed(&format!("replace {}?", quote_name(name))) {
                return Ok(Ok(()));
            }
        }
        if parsed.has("b") || parsed.has("backup") || parsed.has("S") {
            let kept = [name, parsed.value("S").unwrap_or(b"~")].concat();
            let _ = std::fs::rename(os_str(name), os_str(&kept));
        } else if force || parsed.has("i") {
            if existing.is_dir() {
                return Ok(Err(format!("{}: cannot overwrite directory", quote_bare(name))));
            }
            if !symbolic && same_file(target, name) && !existing.is_symlink() {
                return Ok(Err(format!("{} and {} are the same file", quote_name(target), quote_name(name))));
            }
            if let Err(error) = std::fs::remove_file(os_str(name)) {
                return Ok(Err(format!("cannot remove {}: {}", quote_name(name), Errno::from(error))));
            }
        }
    }
    let text = if symbolic && parsed.has("r") { relative_target(target, name) } else { target.to_vec() };
    let made = if symbolic {
        symlink(&text, name)
    } else {
        let source = if parsed.has("L") {
            canonical(target, Missing::Never, true).unwrap_or_else(|_| target.to_vec())
        } else {
            target.to_vec()
        };
        std::fs::hard_link(os_str(&source), os_str(name)).map_err(Errno::from)
    };
    if let Err(errno) = made {
        let arrow = if symbolic && errno != Errno::EEXIST && errno != Errno::ENOENT {
            format!(" -> {}", quote_name(&text))
        } else {
            String::new()
        };
        let arrow = if symbolic {
            arrow
        } else if errno == Errno::EEXIST {
            String::new()
        } else {
            format!(" => {}", quote_name(target))
        };
        let what = if symbolic { "symbolic" } else { "hard" };
        return Ok(Err(format!("failed to create {what} link {}{arrow}: {errno}", quote_name(name))));
    }
    if parsed.has("v") {
        let arrow = if symbolic { "->" } else { "=>" };
        out.text(format!("{} {arrow} {}\n", quote_name(name), quote_name(&text)))?;
    }
    Ok(Ok(()))
}

fn relative_target(target: &[u8], name: &[u8]) -> Vec<u8> {
    let folder = canonical(parent(name), Missing::Any, true);
    let full = canonical(target, Missing::Any, true);
    match (full, folder) {
        (Ok(full), Ok(folder)) => relative(&full, &folder),
        _ => target.to_vec(),
    }
}

pub fn run_link(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &LINK)?;
    match parsed.operands.as_slice() {
        [] => Err(missing_operand(1)),
        [one] => Err(misuse(1, format!("missing operand after {}", quote(one)))),
        [one, other] => match std::fs::hard_link(os_str(one), os_str(other)).map_err(Errno::from) {
            Ok(()) => Ok(0),
            Err(errno) => Err(failure(1, format!("cannot create link {} to {}: {errno}", quote_name(other), quote_name(one)))),
        },
        [_, _, extra, ..] => Err(extra_operand(1, extra)),
    }
}

pub fn run_readlink(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &READLINK)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let missing = match parsed.last_of(&["f", "e", "m"]) {
        Some("e") => Some(Missing::Never),
        Some("m") => Some(Missing::Any),
        Some(_) => Some(Missing::Last),
        None => None,
    };
    let bare = parsed.has("n") && parsed.operands.len() == 1;
    let mut out = Output::stdout();
    let mut status = 0;
    for path in &parsed.operands {
        let found = match missing {
            Some(missing) => canonical(path, missing, true),
            None => std::fs::read_link(os_str(path)).map(|target| os_bytes(&target).to_vec()).map_err(Errno::from),
        };
        match found {
            Ok(found) => {
                out.put(&found)?;
                if !bare {
                    out.byte(if parsed.has("z") { 0 } else { b'\n' })?;
                }
            }
            Err(errno) => {
                status = 1;
                if parsed.has("v") {
                    out.flush()?;
                    complain(format!("{}: {errno}", quote_bare(path)));
                }
            }
        }
    }
    out.finish(status)
}

pub fn run_realpath(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &REALPATH)?;
    refuse(&parsed, &["L"], 1)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let missing = match parsed.last_of(&["e", "m"]) {
        Some("e") => Missing::Never,
        Some(_) => Missing::Any,
        None => Missing::Last,
    };
    let follow = !(parsed.has("s") || parsed.has("no-symlinks"));
    let folder = |option: &str| -> std::result::Result<Option<Vec<u8>>, Failure> {
        let get =
            |path: &[u8]| canonical(path, missing, follow).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(path))));
        parsed.value(option).map(get).transpose()
    };
    let (to, below) = (folder("relative-to")?, folder("relative-base")?);
    let is_below = |path: &[u8], folder: &[u8]| path == folder || path.starts_with(&join(folder, b""));
    let mut out = Output::stdout();
    let mut status = 0;
    for path in &parsed.operands {
        match canonical(path, missing, follow) {
            Ok(found) => {
                let shown = match (&to, &below) {
                    (_, Some(base)) if !is_below(&found, base) || to.as_ref().is_some_and(|to| !is_below(to, base)) => found,
                    (Some(to), _) => relative(&found, to),
                    (None, Some(base)) => relative(&found, base),
                    (None, None) => found,
                };
                out.put(&shown)?;
                out.byte(if parsed.has("z") { 0 } else { b'\n' })?;
            }
            Err(errno) => {
                status = 1;
                if !parsed.has("q") {
                    out.flush()?;
                    complain(format!("{}: {errno}", quote_bare(path)));
                }
            }
        }
    }
    out.finish(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_another() {
        assert_eq!(relative(b"/a/b/c", b"/a/x"), b"../b/c");
        assert_eq!(relative(b"/a", b"/a"), b".");
    }
}
