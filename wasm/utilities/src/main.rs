//! The everyday utilities of a cell in one module. `argv[0]` names the program; a program is a file here and a row of `PROGRAMS`.

mod bre;
mod cat;
mod checksum;
mod civil;
mod column;
mod compare;
mod copy;
mod cut;
mod dd;
mod directory;
mod each_file;
mod echo;
mod encode;
mod environment;
mod expr;
mod factor;
mod float;
mod fold;
mod glob;
mod head;
mod human;
mod identity;
mod kill;
mod lines;
mod link;
mod ls;
mod make;
mod mode;
mod names;
mod nl;
mod number;
mod numfmt;
mod octal;
mod options;
mod order;
mod owners;
mod pages;
mod paste;
mod permission;
mod printf;
mod random;
mod remove;
mod report;
mod seq;
mod shuffle;
mod sort;
mod split;
mod stat;
mod stream;
mod tabs;
mod tail;
mod tee;
mod test;
mod time;
mod tr;
mod truth;
mod uniq;
mod usage;
mod version;
mod wc;
mod when;
mod which;
mod width;
mod xargs;

use report::{Outcome, complain, set_name};
use tidepool_system::exit;

type Program = fn(Vec<Vec<u8>>) -> Outcome;

const PROGRAMS: &[(&str, Program)] = &[
    ("[", test::run_bracket),
    ("arch", identity::run_arch),
    ("b2sum", checksum::run_b2),
    ("base32", encode::run_base32),
    ("base64", encode::run_base64),
    ("basename", names::run_basename),
    ("cat", cat::run),
    ("chgrp", permission::run_chgrp),
    ("chmod", permission::run_chmod),
    ("chown", permission::run_chown),
    ("cksum", checksum::run_cksum),
    ("column", column::run),
    ("comm", compare::run_comm),
    ("cp", copy::run_cp),
    ("cut", cut::run),
    ("date", time::run_date),
    ("dd", dd::run),
    ("df", usage::run_df),
    ("dir", ls::run_dir),
    ("dirname", names::run_dirname),
    ("du", usage::run_du),
    ("echo", echo::run),
    ("env", environment::run_env),
    ("expand", tabs::run_expand),
    ("expr", expr::run),
    ("factor", factor::run),
    ("false", truth::run_false),
    ("fold", fold::run),
    ("groups", identity::run_groups),
    ("hd", encode::run_hd),
    ("head", head::run),
    ("hexdump", encode::run_hexdump),
    ("hostid", identity::run_hostid),
    ("hostname", identity::run_hostname),
    ("id", identity::run_id),
    ("install", copy::run_install),
    ("join", compare::run_join),
    ("kill", kill::run),
    ("link", link::run_link),
    ("ln", link::run_ln),
    ("logname", identity::run_logname),
    ("ls", ls::run),
    ("md5sum", checksum::run_md5),
    ("mkdir", make::run_mkdir),
    ("mktemp", make::run_mktemp),
    ("mv", copy::run_mv),
    ("nice", environment::run_nice),
    ("nl", nl::run),
    ("nohup", environment::run_nohup),
    ("nproc", identity::run_nproc),
    ("numfmt", numfmt::run),
    ("od", octal::run),
    ("paste", paste::run),
    ("pr", pages::run),
    ("printenv", environment::run_printenv),
    ("printf", printf::run),
    ("pwd", identity::run_pwd),
    ("readlink", link::run_readlink),
    ("realpath", link::run_realpath),
    ("rev", lines::run_rev),
    ("rm", remove::run_rm),
    ("rmdir", remove::run_rmdir),
    ("seq", seq::run),
    ("sha1sum", checksum::run_sha1),
    ("sha224sum", checksum::run_sha224),
    ("sha256sum", checksum::run_sha256),
    ("sha384sum", checksum::run_sha384),
    ("sha512sum", checksum::run_sha512),
    ("shuf", shuffle::run),
    ("sleep", time::run_sleep),
    ("sort", sort::run),
    ("split", split::run),
    ("stat", stat::run),
    ("sync", identity::run_sync),
    ("tac", lines::run_tac),
    ("tail", tail::run),
    ("tee", tee::run),
    ("test", test::run_test),
    ("timeout", time::run_timeout),
    ("touch", make::run_touch),
    ("tr", tr::run),
    ("true", truth::run_true),
    ("truncate", make::run_truncate),
    ("tsort", order::run),
    ("tty", identity::run_tty),
    ("uname", identity::run_uname),
    ("unexpand", tabs::run_unexpand),
    ("uniq", uniq::run),
    ("unlink", remove::run_unlink),
    ("wc", wc::run),
    ("which", which::run),
    ("whoami", identity::run_whoami),
    ("xargs", xargs::run),
    ("xxd", encode::run_xxd),
    ("yes", echo::run_yes),
];

fn main() {
    tidepool_system::start();
    let mut args: Vec<Vec<u8>> = std::env::args_os().map(std::ffi::OsString::into_encoded_bytes).collect();
    let called = if args.is_empty() { Vec::new() } else { args.remove(0) };
    let base = called.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(base);
    // Messages name the program as it was called.
    set_name(&String::from_utf8_lossy(&called));
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
