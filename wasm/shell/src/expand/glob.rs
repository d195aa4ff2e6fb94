//! File name generation: a pattern with slashes against the directory tree, sorted.

use std::fs::read_dir;

use tidepool_system::{lstat, os_bytes, os_str, stat};

use super::pattern::Pattern;
use crate::options::Shopts;
use crate::variables::Bytes;

struct Piece {
    text: Bytes,
    /// None: a plain name, which need only exist.
    pattern: Option<Pattern>,
    recursive: bool,
}

/// The names that match, sorted; empty when none does.
pub fn glob(pattern: &[u8], shopts: &Shopts) -> Vec<Bytes> {
    let mut prefix = Vec::new();
    let mut rest = pattern;
    while let [b'/', tail @ ..] = rest {
        prefix.push(b'/');
        rest = tail;
    }
    let pieces: Vec<Piece> = split(rest).into_iter().map(|text| piece(text, shopts)).collect();
    let mut found = Vec::new();
    walk(&prefix, &pieces, shopts, &mut found);
    found.sort();
    found.dedup();
    found
}

/// Splits at slashes outside of escapes; empty pieces (from `//`) keep their slashes with the piece after.
fn split(pattern: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut parentheses = 0usize;
    while let Some(byte) = pattern.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => parentheses += 1,
            b')' => parentheses = parentheses.saturating_sub(1),
            b'/' if parentheses == 0 => {
                pieces.push(pattern.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push(pattern.get(start..).unwrap_or_default());
    pieces
}

fn piece(text: &[u8], shopts: &Shopts) -> Piece {
    let recursive = shopts.globstar && text == b"**";
    let compiled = Pattern::new(text, shopts.extglob, shopts.nocaseglob);
    match compiled.literal() {
        Some(plain) => Piece { text: plain.to_vec(), pattern: None, recursive: false },
        None => Piece { text: text.to_vec(), pattern: Some(compiled), recursive },
    }
}

fn walk(prefix: &[u8], pieces: &[Piece], shopts: &Shopts, found: &mut Vec<Bytes>) {
    let Some((piece, rest)) = pieces.split_first() else {
        return;
    };
    if piece.recursive {
        return walk_recursive(prefix, rest, shopts, found);
    }
    let Some(pattern) = &piece.pattern else {
        return walk_plain(prefix, &piece.text, rest, shopts, found);
    };
    let shows_dots = shopts.dotglob || pattern.begins_with_dot();
    for name in names(prefix) {
        let hidden = name.first() == Some(&b'.');
        let is_shown = !hidden || (shows_dots && name != b"." && name != b"..");
        if !is_shown || !pattern.matches(&name) {
            continue;
        }
        let path = [prefix, &name].concat();
        descend(path, rest, shopts, found);
    }
}

fn descend(path: Bytes, rest: &[Piece], shopts: &Shopts, found: &mut Vec<Bytes>) {
    if rest.is_empty() {
        found.push(path);
        return;
    }
    if stat(&path).is_ok_and(|stat| stat.is_dir()) {
        walk(&[&path[..], b"/"].concat(), rest, shopts, found);
    }
}

fn walk_plain(prefix: &[u8], name: &[u8], rest: &[Piece], shopts: &Shopts, found: &mut Vec<Bytes>) {
    let path = [prefix, name].concat();
    if name.is_empty() {
        // A trailing slash, or a doubled one.
        if rest.is_empty() {
            found.push(path);
        } else {
            walk(&[&path[..], b"/"].concat(), rest, shopts, found);
        }
        return;
    }
    if lstat(&path).is_ok() {
        descend(path, rest, shopts, found);
    }
}

/// `**`: this directory and all below it, or as the last piece everything below.
fn walk_recursive(prefix: &[u8], rest: &[Piece], shopts: &Shopts, found: &mut Vec<Bytes>) {
    if rest.is_empty() {
        if !prefix.is_empty() {
            found.push(prefix.to_vec());
        }
    } else {
        walk(prefix, rest, shopts, found);
    }
    for name in names(prefix) {
        if name.first() == Some(&b'.') && !shopts.dotglob {
            continue;
        }
        let path = [prefix, &name].concat();
        let is_dir = lstat(&path).is_ok_and(|stat| stat.is_dir());
        if rest.is_empty() && !is_dir {
            found.push(path);
        } else if is_dir {
            if rest.is_empty() {
                found.push(path.clone());
                walk_below(&path, rest, shopts, found);
            } else {
                walk_recursive(&[&path[..], b"/"].concat(), rest, shopts, found);
            }
        }
    }
}

fn walk_below(path: &[u8], rest: &[Piece], shopts: &Shopts, found: &mut Vec<Bytes>) {
    let mut inner = Vec::new();
    let prefix = [path, b"/"].concat();
    walk_recursive(&prefix, rest, shopts, &mut inner);
    found.extend(inner.into_iter().filter(|name| *name != prefix));
}

fn names(prefix: &[u8]) -> Vec<Bytes> {
    let directory: &[u8] = if prefix.is_empty() { b"." } else { prefix };
    let Ok(entries) = read_dir(os_str(directory)) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| os_bytes(&entry.file_name()).to_vec()).collect()
}
