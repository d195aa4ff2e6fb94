//! A compiled script: a flat list of commands in which blocks and labels are indices.

use crate::replacement::Part;
use posix_regex::Regex;
use std::rc::Rc;

/// A regular expression of the script; the empty one is the last that was used.
#[derive(Clone)]
pub enum Pattern {
    Last,
    Regex(Rc<Regex>),
}

#[derive(Clone)]
pub enum Address {
    Line(u64),
    /// `first~step`
    Step(u64, u64),
    Last,
    Match(Pattern),
    /// `0`, only before a regular expression.
    Zero,
}

/// The end of a range.
#[derive(Clone)]
pub enum RangeEnd {
    Line(u64),
    Last,
    Match(Pattern),
    /// `+n`
    After(u64),
    /// `~n`
    Multiple(u64),
}

/// Whether a range is being passed through, and where it ends if that is a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RangeState {
    Outside,
    Inside(Option<u64>),
}

pub struct Command {
    pub from: Option<Address>,
    pub to: Option<RangeEnd>,
    pub negated: bool,
    pub state: RangeState,
    pub action: Action,
}

/// Where `w` and its like write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sink {
    Stdout,
    Stderr,
    /// Index of the script's output files.
    File(usize),
}

pub struct Substitution {
    pub pattern: Pattern,
    pub replacement: Vec<Part>,
    pub global: bool,
    pub number: u64,
    pub print: u8,
    pub evaluate: bool,
    pub write: Option<Sink>,
}

pub enum Action {
    /// `{`: what follows is skipped to the index when the address does not match.
    Block(usize),
    BlockEnd,
    Label,
    Branch(usize),
    BranchIfReplaced(usize),
    BranchIfNotReplaced(usize),
    Append(Rc<Vec<u8>>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    Delete,
    DeleteFirst,
    /// `e`: without a command the pattern space is the command.
    Execute(Option<Vec<u8>>),
    FileName,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    Exchange,
    List(Option<usize>),
    Next,
    NextAppend,
    Print,
    PrintFirst,
    Quit(u8),
    QuitSilently(u8),
    Read(Rc<Vec<u8>>),
    /// `R`: index of the script's files read line by line.
    ReadLine(usize),
    Substitute(Box<Substitution>),
    Write(Sink),
    WriteFirst(Sink),
    Translate(Box<Translation>),
    LineNumber,
    Zap,
}

/// The table of `y`.
pub struct Translation {
    pub bytes: [u8; 256],
    /// Pairs where one side is not a single byte.
    pub chars: Vec<(char, char)>,
}

pub struct Script {
    pub commands: Vec<Command>,
    /// Files that `w` writes, by name; they are emptied when the script begins.
    pub outputs: Vec<Vec<u8>>,
    /// Files that `R` reads.
    pub inputs: Vec<Vec<u8>>,
    /// `#n` in the first line.
    pub quiet: bool,
}
