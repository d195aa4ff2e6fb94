//! The everyday utilities of a cell in one module. `argv[0]` names the program; a program is a file here and a row of `PROGRAMS`.

mod cat;
mod options;
mod report;
mod stream;
mod truth;

use report::{Outcome, complain, set_name};
use tidepool_system::exit;

type Program = fn(Vec<Vec<u8>>) -> Outcome;

const PROGRAMS: &[(&str, Program)] = &[("cat", cat::run), ("false", truth::run_false), ("true", truth::run_true)];

fn main() {
    tidepool_system::start();
    let mut args: Vec<Vec<u8>> = std::env::args_os().map(std::ffi::OsString::into_encoded_bytes).collect();
    let called = if args.is_empty() { Vec::new() } else { args.remove(0) };
    let base = called.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(base);
    set_name(&name);
    let Ok(at) = PROGRAMS.binary_search_by(|(known, _)| (*known).cmp(&name)) else {
        complain("no such utility in this module");
        exit(127);
    };
    match PROGRAMS[at].1(args) {
        Ok(status) => exit(status),
        Err(failure) => {
            failure.print();
            exit(failure.status)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;

    #[test]
    fn the_table_is_sorted_for_its_search() {
        assert!(PROGRAMS.is_sorted_by_key(|(name, _)| *name));
    }
}
