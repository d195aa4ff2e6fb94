//! Those of uutils' coreutils that are wanted too seldom for programs of our own, in one module that is loaded on first use.
//! `argv[0]` names the program; a program is a row of `PROGRAMS`. What a library user of uutils must do himself is done here:
//! messages, the exit status, and that what was printed leaves before the end.

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::path::Path;
use uucore::locale::setup_localization;

type Args = std::vec::IntoIter<OsString>;
type Program = fn(Args) -> i32;

const PROGRAMS: &[(&str, Program)] = &[
    ("basenc", uu_basenc::uumain),
    ("csplit", uu_csplit::uumain),
    ("fmt", uu_fmt::uumain),
    ("pathchk", uu_pathchk::uumain),
    ("ptx", uu_ptx::uumain),
    ("sum", uu_sum::uumain),
];

fn main() {
    tidepool_system::start();
    let args: Vec<OsString> = std::env::args_os().collect();
    let name = args.first().and_then(|called| Path::new(called).file_name()).unwrap_or_default().to_string_lossy().into_owned();
    let Ok(at) = PROGRAMS.binary_search_by(|(known, _)| (*known).cmp(&name)) else {
        eprintln!("{name}: no such program in this module");
        tidepool_system::exit(127);
    };
    if let Err(error) = setup_localization(&name) {
        eprintln!("{name}: {error}");
        tidepool_system::exit(125);
    }
    let status = PROGRAMS[at].1(args.into_iter());
    let flushed = stdout().flush();
    if let (0, Err(error)) = (status, flushed) {
        eprintln!("{name}: write error: {error}");
        tidepool_system::exit(1);
    }
    tidepool_system::exit(status);
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;

    #[test]
    fn the_table_is_sorted_for_its_search() {
        assert!(PROGRAMS.is_sorted_by_key(|(name, _)| *name));
    }
}
