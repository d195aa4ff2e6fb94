//! The variables that the shell itself reads or writes, interned once.

use tidepool_syntax::Name;

macro_rules! names {
    ($($field:ident = $text:literal,)*) => {
        pub struct Names {
            $(pub $field: Name,)*
        }

        impl Names {
            pub fn new() -> Names {
                Names { $($field: Name::new($text.as_bytes()),)* }
            }
        }
    };
}

names! {
    ifs = "IFS",
    path = "PATH",
    pwd = "PWD",
    oldpwd = "OLDPWD",
    home = "HOME",
    optind = "OPTIND",
    optarg = "OPTARG",
    opterr = "OPTERR",
    reply = "REPLY",
    ps4 = "PS4",
    pipestatus = "PIPESTATUS",
    rematch = "BASH_REMATCH",
    mapfile = "MAPFILE",
    timeformat = "TIMEFORMAT",
    random = "RANDOM",
    seconds = "SECONDS",
    lineno = "LINENO",
    bashpid = "BASHPID",
    epoch = "EPOCHSECONDS",
    epoch_real = "EPOCHREALTIME",
    srandom = "SRANDOM",
    funcname = "FUNCNAME",
    subshell = "BASH_SUBSHELL",
    bash_source = "BASH_SOURCE",
    bash_lineno = "BASH_LINENO",
    command = "BASH_COMMAND",
    underscore = "_",
    shellopts = "SHELLOPTS",
    bashopts = "BASHOPTS",
    dirstack = "DIRSTACK",
    groups = "GROUPS",
}
