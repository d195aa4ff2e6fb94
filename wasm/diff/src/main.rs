//! diff and cmp as GNU diffutils 3.8. Exit status: 0 no difference, 1 a difference, 2 trouble.

mod cmp;
mod compare;
mod file;
mod format;
mod options;
mod output;

use options::Request;
use output::{Output, complain};
use std::process::ExitCode;
use tidepool_system::os_bytes;

const HELP: &str = include_str!("help.txt");

/// Exit statuses in the order in which the worse wins.
pub const SAME: u8 = 0;
pub const DIFFERENT: u8 = 1;
pub const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    tidepool_system::start();
    let called = std::env::args_os().next().unwrap_or_default();
    let words = tidepool_getopt::arguments();
    if os_bytes(&called).ends_with(b"cmp") {
        return ExitCode::from(cmp::run(words));
    }
    let mut out = Output::default();
    let status = match options::read(words) {
        Ok(Request::Help) => {
            out.put(HELP.as_bytes());
            SAME
        }
        Ok(Request::Version) => {
            out.put(b"diff (Tidepool), compatible with GNU diffutils 3.8\n");
            SAME
        }
        Ok(Request::Compare(options)) => compare::run(&options, &mut out),
        Err(text) => {
            complain(&format!("diff: {text}\ndiff: Try 'diff --help' for more information.\n"));
            TROUBLE
        }
    };
    ExitCode::from(if out.flush().is_ok() { status } else { TROUBLE })
}
