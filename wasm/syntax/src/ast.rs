//! The syntax tree. A word is kept as parts that know how they were quoted, so that each is parsed once and expanded
//! as often as a loop likes.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::arithmetic::Expression;
use crate::name::Name;

#[derive(Debug, Clone, Default)]
pub struct List {
    pub items: Vec<Item>,
}

/// One and-or list, ended by `;`, a newline or `&`.
#[derive(Debug, Clone)]
pub struct Item {
    pub chain: AndOr,
    pub background: bool,
}

#[derive(Debug, Clone)]
pub struct AndOr {
    pub first: Pipeline,
    pub rest: Vec<(Connector, Pipeline)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    And,
    Or,
}

#[derive(Debug, Clone)]
pub struct Pipeline {
    pub negated: bool,
    pub timed: Option<Timing>,
    pub commands: Vec<Command>,
}

/// The `time` keyword, and `time -p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    Bash,
    Posix,
}

#[derive(Debug, Clone)]
pub struct Command {
    pub kind: CommandKind,
    pub redirections: Vec<Redirection>,
    pub line: u32,
}

#[derive(Debug, Clone)]
pub enum CommandKind {
    Simple(Simple),
    Group(List),
    Subshell(List),
    If(If),
    Loop(Loop),
    For(For),
    ArithmeticFor(ArithmeticFor),
    Select(For),
    Case(Case),
    Condition(Condition),
    Arithmetic(Rc<Arithmetic>),
    Function(Rc<Function>),
    Coprocess(Rc<Coprocess>),
}

#[derive(Debug, Clone)]
pub struct Simple {
    pub assignments: Vec<Assignment>,
    pub words: Vec<Argument>,
}

/// A word of a simple command; after `export`, `declare`, `local` and the like `a=b` is an assignment.
#[derive(Debug, Clone)]
pub enum Argument {
    Word(Word),
    Assignment(Assignment),
}

#[derive(Debug, Clone)]
pub struct If {
    /// Condition and body of `if` and each `elif`.
    pub branches: Vec<(List, List)>,
    pub otherwise: Option<List>,
}

#[derive(Debug, Clone)]
pub struct Loop {
    pub until: bool,
    pub condition: List,
    pub body: List,
}

#[derive(Debug, Clone)]
pub struct For {
    pub name: Vec<u8>,
    /// None: over `"$@"`.
    pub words: Option<Vec<Word>>,
    pub body: List,
}

#[derive(Debug, Clone)]
pub struct ArithmeticFor {
    pub initial: Option<Rc<Arithmetic>>,
    pub condition: Option<Rc<Arithmetic>>,
    pub step: Option<Rc<Arithmetic>>,
    pub body: List,
}

#[derive(Debug, Clone)]
pub struct Case {
    pub subject: Word,
    pub arms: Vec<CaseArm>,
}

#[derive(Debug, Clone)]
pub struct CaseArm {
    pub patterns: Vec<Word>,
    pub body: List,
    pub end: CaseEnd,
}

/// `;;`, `;&` (run the next body too), `;;&` (go on testing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseEnd {
    Break,
    FallThrough,
    Continue,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub name: Vec<u8>,
    pub body: Command,
    pub line: u32,
}

#[derive(Debug, Clone)]
pub struct Coprocess {
    pub name: Vec<u8>,
    pub body: Command,
}

/// The inside of `[[ … ]]`.
#[derive(Debug, Clone)]
pub enum Condition {
    NotEmpty(Word),
    Unary(u8, Word),
    Binary(ConditionOperator, Word, Word),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    /// Parentheses, kept for printing.
    Nested(Box<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionOperator {
    Match,
    NotMatch,
    Regex,
    Before,
    After,
    Equal,
    NotEqual,
    LessThan,
    LessEqual,
    GreaterThan,
    GreaterEqual,
    NewerThan,
    OlderThan,
    SameFile,
}

#[derive(Debug, Clone)]
pub struct Assignment {
    pub name: Name,
    pub subscript: Option<Subscript>,
    pub append: bool,
    pub value: AssignedValue,
}

#[derive(Debug, Clone)]
pub enum AssignedValue {
    /// `a=b`
    Word(Word),
    /// `a=(b [2]=c)`
    Array(Vec<Element>),
    /// `declare a`, no value at all.
    None,
}

#[derive(Debug, Clone)]
pub struct Element {
    pub subscript: Option<Subscript>,
    pub append: bool,
    pub value: Word,
}

#[derive(Debug, Clone)]
pub enum Subscript {
    /// `[@]`
    All,
    /// `[*]`
    Joined,
    /// An index, or the key of an associative array; which one only the variable knows.
    Index { key: Word, index: Rc<Arithmetic> },
}

#[derive(Debug, Clone)]
pub struct Redirection {
    pub descriptor: Descriptor,
    pub operation: RedirectionKind,
    pub line: u32,
}

#[derive(Debug, Clone)]
pub enum Descriptor {
    /// The operator's own: 0 for `<`, 1 for `>`.
    Default,
    Number(i32),
    /// `{name}>file`: the shell picks a number ≥ 10 and stores it.
    Variable(Name),
}

#[derive(Debug, Clone)]
pub enum RedirectionKind {
    Read(Word),
    Write(Word),
    Clobber(Word),
    Append(Word),
    ReadWrite(Word),
    /// `&>file`
    WriteBoth(Word),
    /// `&>>file`
    AppendBoth(Word),
    /// `<&word`; the word may turn out to be `-` or `n-`.
    DuplicateInput(Word),
    DuplicateOutput(Word),
    HereDocument(Rc<HereDocument>),
    HereString(Word),
}

#[derive(Debug)]
pub struct HereDocument {
    pub delimiter: Vec<u8>,
    pub quoted: bool,
    pub strip_tabs: bool,
    /// Filled when the line after the command has been read.
    pub body: OnceCell<Word>,
}

#[derive(Debug, Clone, Default)]
pub struct Word {
    pub parts: Vec<Part>,
    /// An unquoted `{` stands in it: brace expansion must look.
    pub braces: bool,
}

#[derive(Debug, Clone)]
pub enum Part {
    /// Unquoted text: its `*?[` are pattern characters.
    Literal(Box<[u8]>),
    /// `'…'`, `$'…'`, `\c`
    Quoted(Box<[u8]>),
    /// `"…"`; a Literal in it is text.
    DoubleQuoted(Vec<Part>),
    /// `$name`, `${name}`
    Variable(Name),
    /// Any other `$…` and `${…}`.
    Parameter(Rc<Parameter>),
    Command(Rc<Substitution>),
    Arithmetic(Rc<Arithmetic>),
    /// `<(…)` and `>(…)`
    Process(Rc<ProcessSubstitution>),
    /// `~`, `~name`
    Tilde(Box<[u8]>),
}

#[derive(Debug)]
pub struct Substitution {
    pub list: List,
    /// Written with backquotes (kept for printing).
    pub backquoted: bool,
}

#[derive(Debug)]
pub struct ProcessSubstitution {
    pub list: List,
    /// `>(…)`: the command reads what is written to the name.
    pub reads: bool,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub target: Target,
    pub subscript: Option<Subscript>,
    /// `${!x…}`
    pub indirect: bool,
    pub operation: Operation,
    /// The source, for messages.
    pub text: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Variable(Name),
    Positional(usize),
    /// One of `@*#?-$!0`… as its byte.
    Special(u8),
}

#[derive(Debug, Clone)]
pub enum Operation {
    None,
    /// `${#x}`
    Length,
    /// `${x-w}`, and `:` for "or empty".
    Default {
        colon: bool,
        word: Word,
    },
    Assign {
        colon: bool,
        word: Word,
    },
    Error {
        colon: bool,
        word: Word,
    },
    Alternative {
        colon: bool,
        word: Word,
    },
    RemovePrefix {
        longest: bool,
        pattern: Word,
    },
    RemoveSuffix {
        longest: bool,
        pattern: Word,
    },
    Replace {
        place: ReplacePlace,
        pattern: Word,
        replacement: Option<Word>,
    },
    ChangeCase {
        change: CaseChange,
        all: bool,
        pattern: Option<Word>,
    },
    Substring {
        offset: Rc<Arithmetic>,
        length: Option<Rc<Arithmetic>>,
    },
    /// `${x@Q}`
    Transform(u8),
    /// `${!prefix*}`, `${!prefix@}`
    Names {
        separate: bool,
    },
    /// `${!a[@]}`
    Keys,
    /// Not valid; an error when it is expanded.
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacePlace {
    First,
    All,
    Start,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseChange {
    Upper,
    Lower,
    Toggle,
}

/// An arithmetic expression: its text as a word, and its tree when the text could be read without expanding it.
#[derive(Debug, Clone)]
pub struct Arithmetic {
    pub text: Word,
    pub compiled: Option<Compiled>,
}

#[derive(Debug, Clone)]
pub struct Compiled {
    pub expression: Expression,
    /// The text with each expansion replaced by a mark, for error messages.
    pub source: Box<[u8]>,
    /// The expansions that stand in it as operands, in order; the tree holds only if each yields a plain integer.
    pub operands: Vec<Part>,
}

impl Word {
    pub fn literal(text: &[u8]) -> Word {
        Word { parts: vec![Part::Literal(text.into())], braces: false }
    }

    /// The text of a word that is one unquoted literal: a reserved word can only be one of these.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text when nothing in the word needs expansion, however it is quoted.
    pub fn constant(&self) -> Option<Vec<u8>> {
        fn collect(parts: &[Part], text: &mut Vec<u8>) -> bool {
            parts.iter().all(|part| match part {
                Part::Literal(bytes) | Part::Quoted(bytes) => {
                    text.extend_from_slice(bytes);
                    true
                }
                Part::DoubleQuoted(inner) => collect(inner, text),
                _ => false,
            })
        }
        let mut text = Vec::new();
        collect(&self.parts, &mut text).then_some(text)
    }

    pub fn has_quotes(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Quoted(_) | Part::DoubleQuoted(_)))
    }
}
