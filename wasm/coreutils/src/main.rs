//! uutils' coreutils in one module. `argv[0]` names the program; a program is a row of `PROGRAMS`. What a library user of uutils
//! must do himself is done here: messages, the exit status, and that what was printed leaves before the end.

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::path::Path;
use uucore::locale::setup_localization;

type Args = std::vec::IntoIter<OsString>;
type Program = fn(Args) -> i32;

const PROGRAMS: &[(&str, Program)] = &[
    ("[", uu_test::uumain),
    ("b2sum", uu_b2sum::uumain),
    ("base32", uu_base32::uumain),
    ("base64", uu_base64::uumain),
    ("basenc", uu_basenc::uumain),
    ("cksum", uu_cksum::uumain),
    ("cp", uu_cp::uumain),
    ("csplit", uu_csplit::uumain),
    ("date", uu_date::uumain),
    ("expand", uu_expand::uumain),
    ("factor", uu_factor::uumain),
    ("fmt", uu_fmt::uumain),
    ("fold", uu_fold::uumain),
    ("link", uu_link::uumain),
    ("ln", uu_ln::uumain),
    ("md5sum", uu_md5sum::uumain),
    ("mv", uu_mv::uumain),
    ("nl", uu_nl::uumain),
    ("od", uu_od::uumain),
    ("paste", uu_paste::uumain),
    ("pathchk", uu_pathchk::uumain),
    ("pr", uu_pr::uumain),
    ("printenv", uu_printenv::uumain),
    ("ptx", uu_ptx::uumain),
    ("readlink", uu_readlink::uumain),
    ("realpath", uu_realpath::uumain),
    ("sha1sum", uu_sha1sum::uumain),
    ("sha224sum", uu_sha224sum::uumain),
    ("sha256sum", uu_sha256sum::uumain),
    ("sha384sum", uu_sha384sum::uumain),
    ("sha512sum", uu_sha512sum::uumain),
    ("shuf", uu_shuf::uumain),
    ("sleep", uu_sleep::uumain),
    ("split", uu_split::uumain),
    ("sum", uu_sum::uumain),
    ("test", uu_test::uumain),
    ("tsort", uu_tsort::uumain),
    ("unexpand", uu_unexpand::uumain),
];

fn main() {
    tidepool_system::start();
    let args: Vec<OsString> = std::env::args_os().collect();
    let name = args.first().and_then(|called| Path::new(called).file_name()).unwrap_or_default().to_string_lossy().into_owned();
    let Ok(at) = PROGRAMS.binary_search_by(|(known, _)| (*known).cmp(&name)) else {
        eprintln!("{name}: no such program in this module");
        tidepool_system::exit(127);
    };
    if let Err(error) = setup_localization(if name == "[" { "test" } else { &name }) {
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
