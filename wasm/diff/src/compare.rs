//! Which files are compared with which, and what is said when they differ.

use crate::file::{File, exists, is_folder, key};
use crate::format::{self, Change};
use crate::options::{Options, Style};
use crate::output::Output;
use crate::{DIFFERENT, SAME, TROUBLE};
use imara_diff::{Algorithm, Diff, InternedInput};
use std::collections::BTreeSet;
use tidepool_system::{Errno, os_bytes, os_str};

pub fn run(options: &Options, out: &mut Output) -> u8 {
    let (from, to) = (&options.from, &options.to);
    match (folder(from, options, out), folder(to, options, out)) {
        (Some(true), Some(true)) => folders(from, to, options, out),
        (Some(true), Some(false)) => pair(&join(from, base(to)), to, options, out),
        (Some(false), Some(true)) => pair(from, &join(to, base(from)), options, out),
        (Some(false), Some(false)) => pair(from, to, options, out),
        _ => TROUBLE,
    }
}

/// Whether the path is a folder; none when that cannot be told, which has then been said.
fn folder(path: &[u8], options: &Options, out: &mut Output) -> Option<bool> {
    match is_folder(path) {
        Ok(is) => Some(is),
        Err(Errno::ENOENT) if options.new_file => Some(false),
        Err(errno) => {
            trouble(path, errno, out);
            None
        }
    }
}

fn trouble(path: &[u8], errno: Errno, out: &mut Output) -> u8 {
    out.complain(&format!("diff: {}: {}\n", String::from_utf8_lossy(path), errno.message()));
    TROUBLE
}

fn folders(from: &[u8], to: &[u8], options: &Options, out: &mut Output) -> u8 {
    let (left, right) = match (names(from, options), names(to, options)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(errno), _) => return trouble(from, errno, out),
        (_, Err(errno)) => return trouble(to, errno, out),
    };
    let mut status = SAME;
    for name in left.union(&right) {
        let (a, b) = (join(from, name), join(to, name));
        let is_left = left.contains(name);
        let is_only = !(is_left && right.contains(name));
        if is_only && !options.new_file {
            out.line(&[b"Only in ", if is_left { from } else { to }, b": ", name]);
            status = status.max(DIFFERENT);
            continue;
        }
        status = status.max(entry(&a, &b, options, out));
    }
    status
}

/// Two things of the same name in two folders.
fn entry(a: &[u8], b: &[u8], options: &Options, out: &mut Output) -> u8 {
    let is_folder = |path: &[u8]| is_folder(path).unwrap_or(false);
    let (left, right) = (exists(a) && is_folder(a), exists(b) && is_folder(b));
    match (left, right) {
        (true, true) if options.recursive => folders(a, b, options, out),
        (true, true) => {
            out.line(&[b"Common subdirectories: ", a, b" and ", b]);
            SAME
        }
        (false, false) => pair_in_folder(a, b, options, out),
        _ if options.new_file && options.recursive && !(exists(a) && exists(b)) => folders(a, b, options, out),
        (true, false) => kinds_differ((a, "directory"), (b, "regular file"), out),
        (false, true) => kinds_differ((a, "regular file"), (b, "directory"), out),
    }
}

fn kinds_differ((a, a_kind): (&[u8], &str), (b, b_kind): (&[u8], &str), out: &mut Output) -> u8 {
    out.line(&[b"File ", a, b" is a ", a_kind.as_bytes(), b" while file ", b, b" is a ", b_kind.as_bytes()]);
    DIFFERENT
}

fn pair_in_folder(a: &[u8], b: &[u8], options: &Options, out: &mut Output) -> u8 {
    let mut head = b"diff".to_vec();
    for word in &options.words {
        head.push(b' ');
        head.extend_from_slice(word);
    }
    head.extend([b" ", a, b" ", b, b"\n"].concat());
    compare(a, b, &head, options, out)
}

fn pair(a: &[u8], b: &[u8], options: &Options, out: &mut Output) -> u8 {
    compare(a, b, b"", options, out)
}

fn compare(a: &[u8], b: &[u8], head: &[u8], options: &Options, out: &mut Output) -> u8 {
    let read = |path: &[u8]| match File::read(path) {
        Err(Errno::ENOENT) if options.new_file => Ok(File::missing(path)),
        other => other,
    };
    let (left, right) = match (read(a), read(b)) {
        (Ok(left), Ok(right)) => (left, right),
        (left, right) => {
            for (path, errno) in [(a, left.err()), (b, right.err())] {
                if let Some(errno) = errno {
                    trouble(path, errno, out);
                }
            }
            return TROUBLE;
        }
    };
    let is_same = left.bytes == right.bytes;
    if !is_same && !options.text && (left.is_binary() || right.is_binary()) {
        out.line(&[if options.style == Style::Brief { b"Files " } else { b"Binary files " }, a, b" and ", b, b" differ"]);
        return DIFFERENT;
    }
    let changes = if is_same { Vec::new() } else { changes(&left, &right, options) };
    if changes.is_empty() {
        if options.report_same {
            out.line(&[b"Files ", a, b" and ", b, b" are identical"]);
        }
        return SAME;
    }
    if options.style == Style::Brief {
        out.line(&[b"Files ", a, b" and ", b, b" differ"]);
    } else {
        out.put(head);
        format::print(&left, &right, &changes, options, out);
    }
    DIFFERENT
}

/// The runs of lines that differ, in order. With -B a run of blank lines only is none.
fn changes(left: &File, right: &File, options: &Options) -> Vec<Change> {
    let keys = |file: &File| file.lines().into_iter().map(|line| key(line, options)).collect::<Vec<_>>();
    let mut input = InternedInput::default();
    input.update_before(keys(left).into_iter());
    input.update_after(keys(right).into_iter());
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_no_heuristic(&input);
    let to_range = |range: std::ops::Range<u32>| range.start as usize..range.end as usize;
    let found = diff.hunks().map(|hunk| Change { from: to_range(hunk.before), to: to_range(hunk.after) });
    if !options.ignore_blank_lines {
        return found.collect();
    }
    let (a, b) = (left.lines(), right.lines());
    let is_blank = |line: &&[u8]| line.iter().all(|&byte| byte == b'\n');
    found.filter(|change| !(a[change.from.clone()].iter().all(is_blank) && b[change.to.clone()].iter().all(is_blank))).collect()
}

fn names(path: &[u8], options: &Options) -> Result<BTreeSet<Vec<u8>>, Errno> {
    if options.new_file && !exists(path) {
        return Ok(BTreeSet::new());
    }
    let entries = std::fs::read_dir(os_str(path)).map_err(|error| Errno::of(&error))?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(|error| Errno::of(&error))?.file_name();
        if !options.exclude.iter().any(|excluded| excluded == os_bytes(&name)) {
            names.insert(os_bytes(&name).to_vec());
        }
    }
    Ok(names)
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.ends_with(b"/") { b"" } else { b"/" };
    [folder, slash, name].concat()
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').find(|part| !part.is_empty()).unwrap_or(path)
}
