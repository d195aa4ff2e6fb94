//! A backtracking matcher for what automata cannot do: back references, and the groups of a match whose end is
//! already known. It prefers more repetitions and earlier branches, tries everything, and keeps the longest match.

use crate::ast::{Anchor, Node};
use crate::class;
use crate::{Error, decode, decode_last};
use regex_syntax::hir::ClassUnicode;

const UNSET: usize = usize::MAX;
/// Work after which a search is given up: patterns that need more are exponential.
const STEPS: u64 = 200_000_000;
const LARGEST: usize = 1 << 18;

enum Op {
    Char(char),
    Byte(u8),
    Set {
        ascii: u128,
        set: ClassUnicode,
    },
    Anchor(Anchor),
    BackReference(usize),
    Save(usize),
    Split(usize, usize),
    Jump(usize),
    /// Remembers the place where a round of a loop began, and leaves the loop when a round took nothing.
    Mark(usize),
    Check(usize),
    Match,
}

pub struct Program {
    ops: Vec<Op>,
    slots: usize,
    marks: usize,
    ignore_case: bool,
    lines: bool,
}

enum Job {
    Go(usize, usize),
    Slot(usize, usize),
    Mark(usize, usize),
}

impl Program {
    pub fn new(node: &Node, groups: usize, ignore_case: bool, lines: bool) -> Result<Program, Error> {
        let mut program = Program { ops: Vec::new(), slots: 2 * (groups + 1), marks: 0, ignore_case, lines };
        program.compile(node)?;
        program.ops.push(Op::Match);
        Ok(program)
    }

    fn compile(&mut self, node: &Node) -> Result<(), Error> {
        if self.ops.len() > LARGEST {
            return Err(Error::TooBig);
        }
        match node {
            Node::Empty => {}
            Node::Char(c) => self.ops.push(Op::Char(*c)),
            Node::Byte(b) => self.ops.push(Op::Byte(*b)),
            Node::Set(set) => {
                let ascii = (0u8..128).filter(|b| class::contains(set, char::from(*b))).fold(0u128, |bits, b| bits | 1 << b);
                self.ops.push(Op::Set { ascii, set: set.clone() });
            }
            Node::Anchor(anchor) => self.ops.push(Op::Anchor(*anchor)),
            Node::BackReference(number) => self.ops.push(Op::BackReference(*number)),
            Node::Group(inner, number) => {
                self.ops.push(Op::Save(2 * number));
                self.compile(inner)?;
                self.ops.push(Op::Save(2 * number + 1));
            }
            Node::Concat(nodes) => {
                for node in nodes {
                    self.compile(node)?;
                }
            }
            Node::Alternate(nodes) => self.alternate(nodes)?,
            Node::Repeat(inner, min, max) => self.repeat(inner, *min, *max)?,
        }
        Ok(())
    }

    fn alternate(&mut self, nodes: &[Node]) -> Result<(), Error> {
        let mut ends = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if index + 1 == nodes.len() {
                self.compile(node)?;
                break;
            }
            let split = self.ops.len();
            self.ops.push(Op::Split(split + 1, 0));
            self.compile(node)?;
            ends.push(self.ops.len());
            self.ops.push(Op::Jump(0));
            self.ops[split] = Op::Split(split + 1, self.ops.len());
        }
        let end = self.ops.len();
        for jump in ends {
            self.ops[jump] = Op::Jump(end);
        }
        Ok(())
    }

    fn repeat(&mut self, inner: &Node, min: u32, max: Option<u32>) -> Result<(), Error> {
        for _ in 0..min {
            self.compile(inner)?;
        }
        match max {
            Some(max) => {
                let mut splits = Vec::new();
                for _ in min..max {
                    splits.push(self.ops.len());
                    self.ops.push(Op::Split(0, 0));
                    self.compile(inner)?;
                }
                let end = self.ops.len();
                for split in splits {
                    self.ops[split] = Op::Split(split + 1, end);
                }
            }
            None => {
                let mark = self.marks;
                self.marks += 1;
                let split = self.ops.len();
                self.ops.push(Op::Split(0, 0));
                self.ops.push(Op::Mark(mark));
                self.compile(inner)?;
                self.ops.push(Op::Check(mark));
                self.ops.push(Op::Jump(split));
                self.ops[split] = Op::Split(split + 1, self.ops.len());
            }
        }
        Ok(())
    }

    /// The longest match that begins at `start`, or the first one that ends at `end` when that is given.
    /// The answer is the slots: begin and end of each group, `usize::MAX` where a group took no part.
    pub fn run(&self, hay: &[u8], start: usize, end: Option<usize>) -> Result<Option<Vec<usize>>, Error> {
        let mut slots = vec![UNSET; self.slots];
        let mut marks = vec![UNSET; self.marks];
        let mut best: Option<Vec<usize>> = None;
        let mut jobs = vec![Job::Go(0, start)];
        let mut steps = 0u64;
        while let Some(job) = jobs.pop() {
            let (mut pc, mut at) = match job {
                Job::Go(pc, at) => (pc, at),
                Job::Slot(slot, old) => {
                    slots[slot] = old;
                    continue;
                }
                Job::Mark(mark, old) => {
                    marks[mark] = old;
                    continue;
                }
            };
            loop {
                steps += 1;
                if steps > STEPS {
                    return Err(Error::TooHard);
                }
                match &self.ops[pc] {
                    Op::Match => {
                        let better = match end {
                            Some(end) => at == end,
                            None => best.as_ref().is_none_or(|b| at > b[1]),
                        };
                        if better {
                            let mut found = slots.clone();
                            found[0] = start;
                            found[1] = at;
                            if end.is_some() || at == hay.len() {
                                return Ok(Some(found));
                            }
                            best = Some(found);
                        }
                        break;
                    }
                    Op::Split(first, second) => {
                        jobs.push(Job::Go(*second, at));
                        pc = *first;
                        continue;
                    }
                    Op::Jump(to) => {
                        pc = *to;
                        continue;
                    }
                    Op::Save(slot) => {
                        jobs.push(Job::Slot(*slot, slots[*slot]));
                        slots[*slot] = at;
                    }
                    Op::Mark(mark) => {
                        jobs.push(Job::Mark(*mark, marks[*mark]));
                        marks[*mark] = at;
                    }
                    Op::Check(mark) if marks[*mark] == at => {
                        // An empty round: go on behind the loop, whose jump follows.
                        pc += 2;
                        continue;
                    }
                    Op::Check(_) => {}
                    Op::BackReference(number) => match self.back_reference(hay, at, slots[2 * number], slots[2 * number + 1]) {
                        Some(next) => at = next,
                        None => break,
                    },
                    op => match self.step(op, hay, at) {
                        Some(next) => at = next,
                        None => break,
                    },
                }
                pc += 1;
            }
        }
        Ok(best)
    }

    fn step(&self, op: &Op, hay: &[u8], at: usize) -> Option<usize> {
        match op {
            Op::Byte(byte) => (hay.get(at) == Some(byte)).then_some(at + 1),
            Op::Char(c) => {
                let (found, len) = decode(&hay[at..]);
                (found == Some(*c)).then_some(at + len)
            }
            Op::Set { ascii, set } => {
                let byte = *hay.get(at)?;
                if byte < 0x80 {
                    return (ascii >> byte & 1 == 1).then_some(at + 1);
                }
                let (found, len) = decode(&hay[at..]);
                found.filter(|c| class::contains(set, *c)).map(|_| at + len)
            }
            Op::Anchor(anchor) => self.holds(*anchor, hay, at).then_some(at),
            _ => None,
        }
    }

    fn back_reference(&self, hay: &[u8], at: usize, from: usize, to: usize) -> Option<usize> {
        if from == UNSET || to == UNSET {
            return None;
        }
        let wanted = &hay[from..to];
        let found = hay.get(at..at + wanted.len())?;
        let same = if self.ignore_case {
            String::from_utf8_lossy(wanted).to_lowercase() == String::from_utf8_lossy(found).to_lowercase()
        } else {
            wanted == found
        };
        same.then_some(at + wanted.len())
    }

    fn holds(&self, anchor: Anchor, hay: &[u8], at: usize) -> bool {
        let before = || decode_last(&hay[..at]).is_some_and(is_word);
        let after = || decode(&hay[at..]).0.is_some_and(is_word);
        match anchor {
            Anchor::Start => at == 0 || self.lines && hay[at - 1] == b'\n',
            Anchor::End => at == hay.len() || self.lines && hay[at] == b'\n',
            Anchor::BufferStart => at == 0,
            Anchor::BufferEnd => at == hay.len(),
            Anchor::WordStart => !before() && after(),
            Anchor::WordEnd => before() && !after(),
            Anchor::WordEdge => before() != after(),
            Anchor::NotWordEdge => before() == after(),
            Anchor::NoWordBefore => !before(),
            Anchor::NoWordAfter => !after(),
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
