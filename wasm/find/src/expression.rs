//! The expression of a command line as a tree: tests, actions and the operators between them.

use crate::format::Format;
use crate::run::Run;
use posix_regex::Regex;

pub enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    /// `,`: all are evaluated, the last one counts.
    List(Vec<Expression>),
    Not(Box<Expression>),
    Test(Test),
    Action(Action),
}

/// A number with `+`, `-` or nothing before it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Compare<T> {
    More(T),
    Less(T),
    Equal(T),
}

impl<T: PartialOrd> Compare<T> {
    pub fn holds(&self, value: &T) -> bool {
        match self {
            Compare::More(n) => value > n,
            Compare::Less(n) => value < n,
            Compare::Equal(n) => value == n,
        }
    }
}

/// Which of a file's times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    Access,
    Change,
    Modification,
}

/// A point in time in nanoseconds since 1970.
pub type Instant = i128;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    Exactly(u32),
    All(u32),
    Any(u32),
}

pub enum Test {
    True,
    False,
    /// Of the last part of the path.
    Name {
        pattern: Vec<u8>,
        fold: bool,
    },
    Path {
        pattern: Vec<u8>,
        fold: bool,
    },
    /// Of where a symbolic link points.
    LinkName {
        pattern: Vec<u8>,
        fold: bool,
    },
    Regex(Box<Regex>),
    /// The letters of `-type`; `follow` is that of `-xtype`.
    Type {
        letters: Vec<u8>,
        other_side: bool,
    },
    Size {
        unit: u64,
        count: Compare<u64>,
    },
    Empty,
    /// Age in whole days, from `origin` back.
    Days {
        stamp: Stamp,
        origin: Instant,
        count: Compare<i64>,
    },
    Minutes {
        stamp: Stamp,
        origin: Instant,
        count: Compare<f64>,
    },
    Newer {
        stamp: Stamp,
        than: Instant,
    },
    Permission(Permission),
    Links(Compare<u64>),
    Inode(Compare<u64>),
    User(Compare<u64>),
    Group(Compare<u64>),
    NoUser,
    NoGroup,
    SameFile {
        dev: u64,
        ino: u64,
    },
    Access(tidepool_system::Access),
    Used(Compare<i64>),
}

pub enum Action {
    /// With the byte behind the path: newline or NUL.
    Print {
        sink: usize,
        end: u8,
    },
    Format {
        sink: usize,
        format: Format,
    },
    List {
        sink: usize,
    },
    Delete,
    Prune,
    Quit,
    Run(usize),
}

/// What applies to the whole run, wherever it stands in the expression.
pub struct Settings {
    pub depth_first: bool,
    pub min_depth: usize,
    pub max_depth: usize,
    pub one_file_system: bool,
}

pub struct Program {
    pub expression: Expression,
    pub settings: Settings,
    /// Output files by name; the first is standard output.
    pub sinks: Vec<Vec<u8>>,
    pub runs: Vec<Run>,
}
