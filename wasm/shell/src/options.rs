//! The switches of `set` and `shopt`, as tables.

/// `set -o`: one row an option.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    pub allexport: bool,
    pub errexit: bool,
    pub errtrace: bool,
    pub noclobber: bool,
    pub noexec: bool,
    pub noglob: bool,
    pub nounset: bool,
    pub pipefail: bool,
    pub posix: bool,
    pub verbose: bool,
    pub xtrace: bool,
    pub hashall: bool,
    pub braceexpand: bool,
    pub functrace: bool,
    pub physical: bool,
    pub monitor: bool,
    pub notify: bool,
    pub keyword: bool,
    pub onecmd: bool,
    pub privileged: bool,
    pub ignoreeof: bool,
    pub history: bool,
    pub histexpand: bool,
    pub emacs: bool,
    pub vi: bool,
    pub interactive_comments: bool,
    pub nolog: bool,
}

pub struct OptionRow {
    pub letter: Option<u8>,
    pub name: &'static str,
    pub get: fn(&Options) -> bool,
    pub set: fn(&mut Options, bool),
}

macro_rules! option_rows {
    ($($letter:expr, $name:literal, $field:ident;)*) => {
        pub const OPTIONS: &[OptionRow] = &[$(OptionRow {
            letter: $letter,
            name: $name,
            get: |options| options.$field,
            set: |options, on| options.$field = on,
        },)*];
    };
}

option_rows! {
    Some(b'a'), "allexport", allexport;
    Some(b'B'), "braceexpand", braceexpand;
    None, "emacs", emacs;
    Some(b'e'), "errexit", errexit;
    Some(b'E'), "errtrace", errtrace;
    Some(b'T'), "functrace", functrace;
    Some(b'h'), "hashall", hashall;
    Some(b'H'), "histexpand", histexpand;
    None, "history", history;
    None, "ignoreeof", ignoreeof;
    None, "interactive-comments", interactive_comments;
    Some(b'k'), "keyword", keyword;
    Some(b'm'), "monitor", monitor;
    Some(b'C'), "noclobber", noclobber;
    Some(b'n'), "noexec", noexec;
    Some(b'f'), "noglob", noglob;
    None, "nolog", nolog;
    Some(b'b'), "notify", notify;
    Some(b'u'), "nounset", nounset;
    Some(b't'), "onecmd", onecmd;
    Some(b'P'), "physical", physical;
    None, "pipefail", pipefail;
    None, "posix", posix;
    Some(b'p'), "privileged", privileged;
    Some(b'v'), "verbose", verbose;
    None, "vi", vi;
    Some(b'x'), "xtrace", xtrace;
}

impl Options {
    pub fn at_start() -> Options {
        Options { hashall: true, braceexpand: true, interactive_comments: true, ..Options::default() }
    }

    /// `$-` without the letters for how the shell was started.
    pub fn letters(&self) -> Vec<u8> {
        let mut letters: Vec<u8> = OPTIONS.iter().filter(|row| (row.get)(self)).filter_map(|row| row.letter).collect();
        // bash's own order: its table goes a, b, e, f, h, … and the capitals last.
        letters.sort_by_key(|letter| (letter.is_ascii_uppercase(), *letter));
        letters
    }
}

pub fn by_letter(letter: u8) -> Option<&'static OptionRow> {
    OPTIONS.iter().find(|row| row.letter == Some(letter))
}

pub fn by_name(name: &[u8]) -> Option<&'static OptionRow> {
    OPTIONS.iter().find(|row| row.name.as_bytes() == name)
}

/// `shopt`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shopts {
    pub dotglob: bool,
    pub expand_aliases: bool,
    pub extglob: bool,
    pub failglob: bool,
    pub globstar: bool,
    pub inherit_errexit: bool,
    pub lastpipe: bool,
    pub nocaseglob: bool,
    pub nocasematch: bool,
    pub nullglob: bool,
    pub patsub_replacement: bool,
    pub sourcepath: bool,
    pub xpg_echo: bool,
    pub globasciiranges: bool,
    pub globskipdots: bool,
    pub checkwinsize: bool,
    pub cmdhist: bool,
    pub complete_fullquote: bool,
    pub extquote: bool,
    pub force_fignore: bool,
    pub hostcomplete: bool,
    pub interactive_comments: bool,
    pub progcomp: bool,
    pub promptvars: bool,
}

pub struct ShoptRow {
    pub name: &'static str,
    pub get: fn(&Shopts) -> bool,
    pub set: fn(&mut Shopts, bool),
}

macro_rules! shopt_rows {
    ($($field:ident,)*) => {
        pub const SHOPTS: &[ShoptRow] = &[$(ShoptRow {
            name: stringify!($field),
            get: |options| options.$field,
            set: |options, on| options.$field = on,
        },)*];
    };
}

shopt_rows! {
    checkwinsize, cmdhist, complete_fullquote, dotglob, expand_aliases, extglob, extquote, failglob, force_fignore,
    globasciiranges, globskipdots, globstar, hostcomplete, inherit_errexit, interactive_comments, lastpipe, nocaseglob,
    nocasematch, nullglob, patsub_replacement, progcomp, promptvars, sourcepath, xpg_echo,
}

impl Shopts {
    pub fn at_start() -> Shopts {
        Shopts {
            checkwinsize: true,
            cmdhist: true,
            complete_fullquote: true,
            extquote: true,
            force_fignore: true,
            globasciiranges: true,
            globskipdots: true,
            hostcomplete: true,
            interactive_comments: true,
            patsub_replacement: true,
            progcomp: true,
            promptvars: true,
            sourcepath: true,
            ..Shopts::default()
        }
    }
}

pub fn shopt_by_name(name: &[u8]) -> Option<&'static ShoptRow> {
    SHOPTS.iter().find(|row| row.name.as_bytes() == name)
}
