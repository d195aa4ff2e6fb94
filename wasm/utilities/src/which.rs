//! which(1): the files that names are along PATH.

use crate::options::{Spec, parse};
use crate::report::Outcome;
use crate::stream::Output;
use tidepool_system::{Access, access, os_bytes, stat};

const SPEC: Spec =
    Spec::new("a s", "Usage: which [-a] NAME...\nPrints which file along PATH each NAME is; -a all of them.\n").status(2);

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut out = Output::stdout();
    let mut status = i32::from(parsed.operands.is_empty());
    let executable = |file: &[u8]| stat(file).is_ok_and(|stat| stat.is_file()) && access(file, Access::Execute).is_ok();
    for name in &parsed.operands {
        let candidates: Vec<Vec<u8>> = if name.contains(&b'/') {
            vec![name.clone()]
        } else {
            let folder = |folder: &[u8]| if folder.is_empty() { b".".to_vec() } else { folder.to_vec() };
            os_bytes(&path).split(|&byte| byte == b':').map(|piece| [&folder(piece)[..], b"/", &name[..]].concat()).collect()
        };
        let mut found = candidates.into_iter().filter(|file| executable(file)).peekable();
        if found.peek().is_none() {
            status = 1;
        }
        for file in found.take(if parsed.has("a") { usize::MAX } else { 1 }) {
            if !parsed.has("s") {
                out.put(&file)?;
                out.byte(b'\n')?;
            }
        }
    }
    out.finish(status)
}
