//! The built-in commands: one table, one row a command. Each parses its arguments, computes, prints.

mod alias;
mod declare;
pub mod directory;
mod echo;
mod evaluate;
mod flow;
mod getopts;
mod job;
mod mapfile;
mod number;
mod options;
mod printf;
mod read;
mod settings;
mod strftime;
mod test;
mod times;
mod trap;
mod type_of;
mod umask;

use tidepool_syntax::ast::Simple;

pub use declare::{attribute_letters, declaration};
pub use times::format_times;

use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

/// What a built-in is given: its arguments, the name first, and the command as parsed, for array assignments.
pub struct Call<'a> {
    pub arguments: &'a [Bytes],
    pub simple: Option<&'a Simple>,
}

impl Call<'_> {
    pub fn name(&self) -> &[u8] {
        self.arguments.first().map(Vec::as_slice).unwrap_or_default()
    }

    pub fn operands(&self) -> &[Bytes] {
        self.arguments.get(1..).unwrap_or_default()
    }
}

pub struct Builtin {
    pub name: &'static str,
    pub run: fn(&mut Shell, &Call<'_>) -> Flow<i32>,
    /// POSIX's special built-ins.
    pub special: bool,
    pub usage: &'static str,
}

macro_rules! builtins {
    ($($name:literal, $run:path, $special:literal, $usage:literal;)*) => {
        /// In the order of their names.
        pub const BUILTINS: &[Builtin] = &[$(Builtin { name: $name, run: $run, special: $special, usage: $usage },)*];
    };
}

builtins! {
    ".", evaluate::source, true, ". filename [arguments]";
    ":", flow::succeed, true, ": [arguments]";
    "[", test::bracket, false, "[ arg... ]";
    "alias", alias::alias, false, "alias [-p] [name[=value] ... ]";
    "break", flow::break_loop, true, "break [n]";
    "builtin", evaluate::builtin, false, "builtin [shell-builtin [arg ...]]";
    "caller", flow::caller, false, "caller [expr]";
    "cd", directory::cd, false, "cd [-L|[-P [-e]] [-@]] [dir]";
    "command", evaluate::command, false, "command [-pVv] command [arg ...]";
    "continue", flow::continue_loop, true, "continue [n]";
    "declare", declare::declare, false, "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]";
    "dirs", directory::dirs, false, "dirs [-clpv] [+N] [-N]";
    "disown", job::disown, false, "disown [-h] [-ar] [jobspec ... | pid ...]";
    "echo", echo::echo, false, "echo [-neE] [arg ...]";
    "enable", evaluate::enable, false, "enable [-a] [-dnps] [-f filename] [name ...]";
    "eval", evaluate::eval, true, "eval [arg ...]";
    "exec", evaluate::exec, true, "exec [-cl] [-a name] [command [argument ...]] [redirection ...]";
    "exit", flow::exit, true, "exit [n]";
    "export", declare::export, true, "export [-fn] [name[=value] ...] or export -p";
    "false", flow::fail, false, "false";
    "getopts", getopts::getopts, false, "getopts optstring name [arg ...]";
    "hash", type_of::hash, false, "hash [-lr] [-p pathname] [-dt] [name ...]";
    "jobs", job::jobs, false, "jobs [-lnprs] [jobspec ...] or jobs -x command [args]";
    "kill", job::kill, false, "kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]";
    "let", flow::evaluate, false, "let arg [arg ...]";
    "local", declare::local, false, "local [option] name[=value] ...";
    "mapfile", mapfile::mapfile, false, "mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]";
    "popd", directory::popd, false, "popd [-n] [+N | -N]";
    "printf", printf::printf, false, "printf [-v var] format [arguments]";
    "pushd", directory::pushd, false, "pushd [-n] [+N | -N | dir]";
    "pwd", directory::pwd, false, "pwd [-LP]";
    "read", read::read, false, "read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]";
    "readarray", mapfile::mapfile, false, "readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]";
    "readonly", declare::readonly, true, "readonly [-aAf] [name[=value] ...] or readonly -p";
    "return", flow::return_from, true, "return [n]";
    "set", settings::set, true, "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]";
    "shift", settings::shift, true, "shift [n]";
    "shopt", settings::shopt, false, "shopt [-pqsu] [-o] [optname ...]";
    "source", evaluate::source, true, "source filename [arguments]";
    "test", test::test, false, "test [expr]";
    "times", times::times, true, "times";
    "trap", trap::trap, true, "trap [-lp] [[arg] signal_spec ...]";
    "true", flow::succeed, false, "true";
    "type", type_of::type_of, false, "type [-afptP] name [name ...]";
    "typeset", declare::declare, false, "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]";
    "umask", umask::umask, false, "umask [-p] [-S] [mode]";
    "unalias", alias::unalias, false, "unalias [-a] name [name ...]";
    "unset", declare::unset, true, "unset [-f] [-v] [-n] [name ...]";
    "wait", job::wait, false, "wait [-fn] [-p var] [id ...]";
}

pub fn find(name: &[u8]) -> Option<&'static Builtin> {
    BUILTINS.binary_search_by(|row| row.name.as_bytes().cmp(name)).ok().and_then(|at| BUILTINS.get(at))
}

impl Shell {
    pub fn run_builtin(&mut self, builtin: &Builtin, call: &Call<'_>) -> Flow<i32> {
        (builtin.run)(self, call)
    }

    /// Writes out what a built-in printed, and says when that fails.
    pub fn check_output(&mut self, name: &str, status: i32) -> i32 {
        match self.output.take_error() {
            None => status,
            Some(errno) => {
                self.complain(format!("{name}: write error: {}", errno.message()).as_bytes());
                1
            }
        }
    }

    /// `name: usage: …`, status 2.
    pub fn usage(&mut self, name: &[u8]) -> i32 {
        let usage = find(name).map_or("", |builtin| builtin.usage);
        self.message(&[name, b": usage: ", usage.as_bytes()].concat());
        2
    }

    pub fn invalid_option(&mut self, name: &[u8], option: &[u8]) -> i32 {
        self.complain(&[name, b": ", option, b": invalid option"].concat());
        self.usage(name)
    }
}
