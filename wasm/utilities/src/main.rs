//! The everyday utilities of a cell in one module. `argv[0]` names the program; a program is a file here and a row of `PROGRAMS`.

mod cat;
mod civil;
mod cut;
mod directory;
mod echo;
mod float;
mod glob;
mod head;
mod human;
mod lines;
mod ls;
mod names;
mod number;
mod options;
mod owners;
mod printf;
mod report;
mod seq;
mod sort;
mod stream;
mod tail;
mod tee;
mod tr;
mod truth;
mod uniq;
mod version;
mod wc;
mod width;

use report::{Outcome, complain, set_name};
use tidepool_system::exit;

type Program = fn(Vec<Vec<u8>>) -> Outcome;

const PROGRAMS: &[(&str, Program)] = &[
    ("basename", names::run_basename),
    ("cat", cat::run),
    ("cut", cut::run),
    ("dir", ls::run_dir),
    ("dirname", names::run_dirname),
    ("echo", echo::run),
    ("false", truth::run_false),
    ("head", head::run),
    ("ls", ls::run),
    ("printf", printf::run),
    ("rev", lines::run_rev),
    ("seq", seq::run),
    ("sort", sort::run),
    ("tac", lines::run_tac),
    ("tail", tail::run),
    ("tee", tee::run),
    ("tr", tr::run),
    ("true", truth::run_true),
    ("uniq", uniq::run),
    ("wc", wc::run),
    ("yes", echo::run_yes),
];

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
