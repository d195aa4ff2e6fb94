//! basename(1) and dirname(1): parts of names, without looking at files.

use crate::options::{Spec, extra_operand, missing_operand, parse};
use crate::report::Outcome;
use crate::stream::Output;

const BASENAME: Spec = Spec::new(
    "a,multiple s,suffix= z,zero",
    "Usage: basename NAME [SUFFIX]
  or:  basename OPTION... NAME...
Prints NAME without what stands before its last slash, and without SUFFIX.

  -a, --multiple        every operand is a NAME
  -s, --suffix=SUFFIX   removes SUFFIX; implies -a
  -z, --zero            lines end in NUL
",
)
.stop_at_operand();

const DIRNAME: Spec = Spec::new(
    "z,zero",
    "Usage: dirname [OPTION] NAME...
Prints each NAME without its last part; . when it has no slash.

  -z, --zero   lines end in NUL
",
);

fn without_slashes(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    &name[..end]
}

pub fn base(name: &[u8]) -> &[u8] {
    let trimmed = without_slashes(name);
    if trimmed.is_empty() {
        return if name.is_empty() { b"" } else { b"/" };
    }
    trimmed.rsplit(|&byte| byte == b'/').next().unwrap_or(trimmed)
}

pub fn parent(name: &[u8]) -> &[u8] {
    let trimmed = without_slashes(name);
    match trimmed.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => match without_slashes(&trimmed[..slash]) {
            b"" => b"/",
            parent => parent,
        },
        None if trimmed.is_empty() && !name.is_empty() => b"/",
        None => b".",
    }
}

pub fn run_basename(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &BASENAME)?;
    let operands = &parsed.operands;
    if operands.is_empty() {
        return Err(missing_operand(1));
    }
    let multiple = parsed.has("a") || parsed.has("s");
    if let (false, Some(extra)) = (multiple, operands.get(2)) {
        return Err(extra_operand(1, extra));
    }
    let suffix = if multiple { parsed.value("s") } else { operands.get(1).map(Vec::as_slice) };
    let names = if multiple { &operands[..] } else { &operands[..1] };
    let mut out = Output::stdout();
    for name in names {
        let base = base(name);
        let short = suffix.and_then(|suffix| base.strip_suffix(suffix)).filter(|short| !short.is_empty());
        out.put(short.unwrap_or(base))?;
        out.byte(if parsed.has("z") { 0 } else { b'\n' })?;
    }
    out.finish(0)
}

pub fn run_dirname(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &DIRNAME)?;
    if parsed.operands.is_empty() {
        return Err(missing_operand(1));
    }
    let mut out = Output::stdout();
    for name in &parsed.operands {
        out.put(parent(name))?;
        out.byte(if parsed.has("z") { 0 } else { b'\n' })?;
    }
    out.finish(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_base_and_a_parent() {
        for (name, base_of, parent_of) in
            [("/a/b/", "b", "/a"), ("a", "a", "."), ("/", "/", "/"), ("//a", "a", "/"), ("a//b", "b", "a")]
        {
            assert_eq!(base(name.as_bytes()), base_of.as_bytes());
            assert_eq!(parent(name.as_bytes()), parent_of.as_bytes());
        }
    }
}
