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
pub use read::read_answer;
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
    pub usage: &'static str,
}

macro_rules! builtins {
    ($($name:literal, $run:path, $usage:literal;)*) => {
        /// In the order of their names.
        pub const BUILTINS: &[Builtin] = &[$(Builtin { name: $name, run: $run, usage: $usage },)*];
    };
}

builtins! {
    ".", evaluate::source, ". filename [arguments]";
    ":", flow::succeed, ": [arguments]";
    "[", test::bracket, "[ arg... ]";
    "alias", alias::alias, "alias [-p] [name[=value] ... ]";
    "bg", job::no_job_control, "bg [job_spec ...]";
    "break", flow::break_loop, "break [n]";
    "builtin", evaluate::builtin, "builtin [shell-builtin [arg ...]]";
    "caller", flow::caller, "caller [expr]";
    "cd", directory::cd, "cd [-L|[-P [-e]] [-@]] [dir]";
    "command", evaluate::command, "command [-pVv] command [arg ...]";
    "continue", flow::continue_loop, "continue [n]";
    "declare", declare::declare, "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]";
    "dirs", directory::dirs, "dirs [-clpv] [+N] [-N]";
    "disown", job::disown, "disown [-h] [-ar] [jobspec ... | pid ...]";
    "echo", echo::echo, "echo [-neE] [arg ...]";
    "enable", evaluate::enable, "enable [-a] [-dnps] [-f filename] [name ...]";
    "eval", evaluate::eval, "eval [arg ...]";
    "exec", evaluate::exec, "exec [-cl] [-a name] [command [argument ...]] [redirection ...]";
    "exit", flow::exit, "exit [n]";
    "export", declare::export, "export [-fn] [name[=value] ...] or export -p";
    "false", flow::fail, "false";
    "fg", job::no_job_control, "fg [job_spec]";
    "getopts", getopts::getopts, "getopts optstring name [arg ...]";
    "hash", type_of::hash, "hash [-lr] [-p pathname] [-dt] [name ...]";
    "jobs", job::jobs, "jobs [-lnprs] [jobspec ...] or jobs -x command [args]";
    "kill", job::kill, "kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]";
    "let", flow::evaluate, "let arg [arg ...]";
    "local", declare::local, "local [option] name[=value] ...";
    "mapfile", mapfile::mapfile, "mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]";
    "popd", directory::popd, "popd [-n] [+N | -N]";
    "printf", printf::printf, "printf [-v var] format [arguments]";
    "pushd", directory::pushd, "pushd [-n] [+N | -N | dir]";
    "pwd", directory::pwd, "pwd [-LP]";
    "read", read::read, "read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]";
    "readarray", mapfile::mapfile, "readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]";
    "readonly", declare::readonly, "readonly [-aAf] [name[=value] ...] or readonly -p";
    "return", flow::return_from, "return [n]";
    "set", settings::set, "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]";
    "shift", settings::shift, "shift [n]";
    "shopt", settings::shopt, "shopt [-pqsu] [-o] [optname ...]";
    "source", evaluate::source, "source filename [arguments]";
    "test", test::test, "test [expr]";
    "times", times::times, "times";
    "trap", trap::trap, "trap [-lp] [[arg] signal_spec ...]";
    "true", flow::succeed, "true";
    "type", type_of::type_of, "type [-afptP] name [name ...]";
    "typeset", declare::declare, "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]";
    "umask", umask::umask, "umask [-p] [-S] [mode]";
    "unalias", alias::unalias, "unalias [-a] name [name ...]";
    "unset", declare::unset, "unset [-f] [-v] [-n] [name ...]";
    "wait", job::wait, "wait [-fn] [-p var] [id ...]";
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
