//! GNU regular expressions (basic, extended, Emacs) as grep, sed and find understand them in C.UTF-8: leftmost-longest
//! matches, back references, `\w \< \b`, named classes. Searching is done by regex-automata; where a pattern allows
//! several matches at one place a second automaton finds the longest, and a backtracking matcher does what automata cannot.

mod ast;
mod backtrack;
pub mod class;
mod hir;
mod parse;

use ast::{Anchor, Node};
use backtrack::Program;
use hir::{Form, Translator};
pub use parse::escape;
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, MatchKind, hybrid, meta};
use regex_syntax::hir::{Class, Hir};
use std::cell::{OnceCell, RefCell};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    Basic,
    Extended,
    /// What `find -regex` reads by default.
    Emacs,
}

/// What must stand on both sides of a match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whole {
    Any,
    /// `grep -w`
    Word,
    /// `grep -x`, `find -regex`
    Line,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub syntax: Syntax,
    pub ignore_case: bool,
    pub whole: Whole,
    /// The text holds many lines: `^` and `$` match at each, and no match contains a newline.
    pub many_lines: bool,
    /// `^` and `$` match at each line, and a match may contain newlines (the M flag of sed).
    pub line_anchors: bool,
    /// `\n`, `\t`, `\xHH` … as in sed.
    pub escapes: bool,
    /// grep's own reading of repetitions at the start and of an unmatched `)`.
    pub lenient: bool,
}

impl Options {
    pub fn new(syntax: Syntax) -> Options {
        Options {
            syntax,
            ignore_case: false,
            whole: Whole::Any,
            many_lines: false,
            line_anchors: false,
            escapes: false,
            lenient: false,
        }
    }
}

/// Why a pattern is refused: the texts are glibc's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    UnmatchedOpen,
    UnmatchedClose,
    UnmatchedBracket,
    UnmatchedBrace,
    InvalidInterval,
    InvalidRange,
    InvalidClass,
    InvalidCollation,
    BareClass,
    InvalidBackReference,
    InvalidPreceding,
    TrailingBackslash,
    InvalidRegex,
    TooBig,
    TooHard,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Error::UnmatchedOpen => "Unmatched ( or \\(",
            Error::UnmatchedClose => "Unmatched ) or \\)",
            Error::UnmatchedBracket => "Unmatched [, [^, [:, [., or [=",
            Error::UnmatchedBrace => "Unmatched \\{",
            Error::InvalidInterval => "Invalid content of \\{\\}",
            Error::InvalidRange => "Invalid range end",
            Error::InvalidClass => "Invalid character class name",
            Error::InvalidCollation => "Invalid collation character",
            Error::BareClass => "character class syntax is [[:space:]], not [:space:]",
            Error::InvalidBackReference => "Invalid back reference",
            Error::InvalidPreceding => "Invalid preceding regular expression",
            Error::TrailingBackslash => "Trailing backslash",
            Error::InvalidRegex => "Invalid regular expression",
            Error::TooBig => "Regular expression too big",
            Error::TooHard => "Memory exhausted",
        })
    }
}

/// The places of the groups of a match; group 0 is the match. Empty while nothing was found.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    slots: Vec<usize>,
}

impl Groups {
    pub fn get(&self, number: usize) -> Option<(usize, usize)> {
        match (self.slots.get(2 * number), self.slots.get(2 * number + 1)) {
            (Some(&from), Some(&to)) if from != usize::MAX && to != usize::MAX => Some((from, to)),
            _ => None,
        }
    }
}

pub struct Regex {
    /// Exact, or loose where `exact` is set.
    engine: meta::Regex,
    exact: Option<meta::Regex>,
    node: Node,
    hir: Hir,
    groups: usize,
    ignore_case: bool,
    lines: bool,
    back_references: bool,
    first_is_longest: bool,
    longest: OnceCell<Option<RefCell<Longest>>>,
    slow_longest: OnceCell<Option<RefCell<(PikeVM, pikevm::Cache, Captures)>>>,
    program: OnceCell<Result<Program, Error>>,
    captures: RefCell<Option<Captures>>,
    warnings: Vec<String>,
}

struct Longest {
    dfa: hybrid::dfa::DFA,
    cache: hybrid::dfa::Cache,
}

impl Regex {
    /// Compiles the patterns to one expression that matches what any of them matches.
    pub fn new(patterns: &[&[u8]], options: Options) -> Result<Regex, Error> {
        let rules = parse::Rules {
            syntax: options.syntax,
            ignore_case: options.ignore_case,
            excluded: options.many_lines.then_some('\n'),
            escapes: options.escapes,
            lenient: options.lenient,
        };
        let mut nodes = Vec::new();
        let mut groups = 0;
        let mut warnings = Vec::new();
        for pattern in patterns {
            let parsed = parse::parse(pattern, rules, groups)?;
            groups = parsed.groups;
            warnings.extend(parsed.warnings);
            nodes.push(parsed.node);
        }
        Regex::from_nodes(nodes, groups, warnings, options)
    }

    /// Compiles fixed texts (grep -F).
    pub fn literals(texts: &[&[u8]], options: Options) -> Result<Regex, Error> {
        let nodes = texts.iter().map(|text| literal(text, options.ignore_case)).collect();
        Regex::from_nodes(nodes, 0, Vec::new(), options)
    }

    fn from_nodes(mut nodes: Vec<Node>, groups: usize, warnings: Vec<String>, options: Options) -> Result<Regex, Error> {
        let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::Alternate(nodes) };
        let node = match options.whole {
            Whole::Any => node,
            Whole::Word => Node::Concat(vec![Node::Anchor(Anchor::NoWordBefore), node, Node::Anchor(Anchor::NoWordAfter)]),
            Whole::Line => Node::Concat(vec![Node::Anchor(Anchor::Start), node, Node::Anchor(Anchor::End)]),
        };
        let lines = options.many_lines || options.line_anchors;
        let anything = Hir::class(Class::Unicode(match options.many_lines {
            true => class::ranges(&[('\0', '\t'), ('\x0b', char::MAX)]),
            false => class::ranges(&[('\0', char::MAX)]),
        }));
        let back_references = node.has_back_reference();
        let loosened = back_references || node.looks_at_words();
        let translate = |form, captures| Translator { form, lines, captures, anything: anything.clone() }.hir(&node);
        let hir = translate(Form::Exact, true);
        let engine = build(&translate(Form::Loose, !loosened))?;
        let exact = if loosened && !back_references { Some(build(&hir)?) } else { None };
        Ok(Regex {
            engine,
            exact,
            hir,
            groups,
            ignore_case: options.ignore_case,
            lines,
            back_references,
            first_is_longest: node.first_match_is_longest(),
            node,
            longest: OnceCell::new(),
            slow_longest: OnceCell::new(),
            program: OnceCell::new(),
            captures: RefCell::new(None),
            warnings,
        })
    }

    /// What grep says on stderr about a pattern that it accepts.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether `candidate` may name a place that does not match.
    pub fn candidates_need_proof(&self) -> bool {
        self.exact.is_some() || self.back_references
    }

    /// A place at or after `at` in whose line a match may be; no line before it has one.
    pub fn candidate(&self, hay: &[u8], at: usize) -> Option<usize> {
        self.engine.find(Input::new(hay).range(at..)).map(|m| m.end().max(m.start()))
    }

    pub fn is_match(&self, hay: &[u8]) -> Result<bool, Error> {
        if !self.engine.is_match(hay) {
            return Ok(false);
        }
        match &self.exact {
            Some(exact) => Ok(exact.is_match(hay)),
            None if self.back_references => Ok(self.find_at(hay, 0)?.is_some()),
            None => Ok(true),
        }
    }

    /// The leftmost-longest match at or after `at`.
    pub fn find_at(&self, hay: &[u8], at: usize) -> Result<Option<(usize, usize)>, Error> {
        if self.back_references {
            return Ok(self.search_back(hay, at)?.and_then(|slots| Some((*slots.first()?, *slots.get(1)?))));
        }
        let engine = self.exact.as_ref().unwrap_or(&self.engine);
        let Some(found) = engine.find(Input::new(hay).range(at..)) else { return Ok(None) };
        let end = if self.first_is_longest { found.end() } else { self.longest_end(hay, found.start()).unwrap_or(found.end()) };
        Ok(Some((found.start(), end)))
    }

    /// The leftmost-longest match at or after `at` with its groups.
    pub fn groups_at(&self, hay: &[u8], at: usize, groups: &mut Groups) -> Result<bool, Error> {
        if self.back_references {
            let found = self.search_back(hay, at)?;
            groups.slots = found.unwrap_or_default();
            return Ok(!groups.slots.is_empty());
        }
        if self.groups == 0 {
            groups.slots.clear();
            if let Some((from, to)) = self.find_at(hay, at)? {
                groups.slots.extend([from, to]);
            }
            return Ok(!groups.slots.is_empty());
        }
        let engine = self.exact.as_ref().unwrap_or(&self.engine);
        let mut kept = self.captures.borrow_mut();
        let captures = kept.get_or_insert_with(|| engine.create_captures());
        engine.search_captures(&Input::new(hay).range(at..), captures);
        let Some(found) = captures.get_match() else {
            groups.slots.clear();
            return Ok(false);
        };
        groups.slots.clear();
        for slot in 0..=self.groups {
            match captures.get_group(slot) {
                Some(span) => groups.slots.extend([span.start, span.end]),
                None => groups.slots.extend([usize::MAX; 2]),
            }
        }
        if !self.first_is_longest
            && let Some(end) = self.longest_end(hay, found.start())
            && end != found.end()
            && let Some(slots) = self.program()?.run(hay, found.start(), Some(end))?
        {
            groups.slots = slots;
        }
        Ok(true)
    }

    fn program(&self) -> Result<&Program, Error> {
        self.program.get_or_init(|| Program::new(&self.node, self.groups, self.ignore_case, self.lines)).as_ref().map_err(|e| *e)
    }

    fn search_back(&self, hay: &[u8], at: usize) -> Result<Option<Vec<usize>>, Error> {
        let program = self.program()?;
        let mut at = at;
        while let Some(found) = self.engine.find(Input::new(hay).range(at..)) {
            if let Some(slots) = program.run(hay, found.start(), None)? {
                return Ok(Some(slots));
            }
            if found.start() >= hay.len() {
                break;
            }
            at = found.start() + decode(&hay[found.start()..]).1;
        }
        Ok(None)
    }

    /// The end of the longest match that begins at `start`.
    fn longest_end(&self, hay: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(hay).range(start..).anchored(Anchored::Yes);
        if let Some(longest) = self.longest.get_or_init(|| self.build_longest().map(RefCell::new)) {
            let Longest { dfa, cache } = &mut *longest.borrow_mut();
            if let Ok(found) = dfa.try_search_fwd(cache, &input) {
                return found.map(|half| half.offset());
            }
        }
        let slow = self.slow_longest.get_or_init(|| self.build_slow_longest().map(RefCell::new)).as_ref()?;
        let (vm, cache, captures) = &mut *slow.borrow_mut();
        vm.search(cache, &input, captures);
        captures.get_match().map(|m| m.end())
    }

    fn nfa(&self) -> Option<NFA> {
        let config = NFA::config().utf8(false).which_captures(thompson::WhichCaptures::None);
        NFA::compiler().configure(config).build_from_hir(&self.hir).ok()
    }

    fn build_longest(&self) -> Option<Longest> {
        let config = hybrid::dfa::DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(1 << 20)
            .skip_cache_capacity_check(true);
        let dfa = hybrid::dfa::DFA::builder().configure(config).build_from_nfa(self.nfa()?).ok()?;
        let cache = dfa.create_cache();
        Some(Longest { dfa, cache })
    }

    fn build_slow_longest(&self) -> Option<(PikeVM, pikevm::Cache, Captures)> {
        let config = NFA::config().utf8(false).which_captures(thompson::WhichCaptures::Implicit);
        let nfa = NFA::compiler().configure(config).build_from_hir(&self.hir).ok()?;
        let vm = PikeVM::builder().configure(PikeVM::config().match_kind(MatchKind::All)).build_from_nfa(nfa).ok()?;
        let cache = vm.create_cache();
        let captures = vm.create_captures();
        Some((vm, cache, captures))
    }
}

fn build(hir: &Hir) -> Result<meta::Regex, Error> {
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(64 << 20)).hybrid_cache_capacity(8 << 20);
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|_| Error::TooBig)
}

fn literal(text: &[u8], ignore_case: bool) -> Node {
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (c, len) = decode(&text[at..]);
        nodes.push(match c {
            None => Node::Byte(text[at]),
            Some(c) if ignore_case => {
                let mut set = class::ranges(&[(c, c)]);
                class::fold(&mut set);
                if set.ranges().len() > 1 { Node::Set(set) } else { Node::Char(c) }
            }
            Some(c) => Node::Char(c),
        });
        at += len;
    }
    Node::Concat(nodes)
}

/// The first character of `bytes` and its length; None (length 1) where they are not UTF-8. Empty text: (None, 0).
pub fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let Some(&first) = bytes.first() else { return (None, 0) };
    let len = match first {
        0..0x80 => return (Some(char::from(first)), 1),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return (None, 1),
    };
    match bytes.get(..len).map(std::str::from_utf8) {
        Some(Ok(text)) => (text.chars().next(), len),
        _ => (None, 1),
    }
}

/// The last character of `bytes`, if it is one.
fn decode_last(bytes: &[u8]) -> Option<char> {
    let from = (bytes.len().saturating_sub(4)..bytes.len()).rev().find(|&i| bytes[i] & 0xC0 != 0x80)?;
    let (c, len) = decode(&bytes[from..]);
    c.filter(|_| from + len == bytes.len())
}

#[cfg(test)]
mod tests;
