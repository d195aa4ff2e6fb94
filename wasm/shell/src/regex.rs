//! POSIX extended regular expressions for `=~`. An expression is compiled to instructions, which run backtracking with a
//! stack of their own: the leftmost match, and of those the longest. No instruction is tried twice at the same place, so
//! that time is bounded by the product of both lengths (unless there are back references, which are counted instead).

use crate::expand::pattern::{character, find as find_text, in_class};
use crate::variables::Bytes;

#[derive(Debug, Clone)]
enum Node {
    /// A character.
    One(u32),
    Any,
    Set(Set),
    Assertion(Assertion),
    Group(usize, Box<Node>),
    Back(usize),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        inner: Box<Node>,
        least: u32,
        most: u32,
    },
}

#[derive(Debug, Clone)]
struct Set {
    negated: bool,
    ranges: Vec<(u32, u32)>,
    classes: Vec<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assertion {
    Start,
    End,
    WordStart,
    WordEnd,
    WordBorder(bool),
}

#[derive(Debug)]
enum Instruction {
    One(u32),
    Any,
    Set(Set),
    Assertion(Assertion),
    /// Notes the place in slot n: 2 × group, and the odd one after it for its end.
    Save(usize),
    Back(usize),
    /// Tries the first, then the second.
    Split(usize, usize),
    Jump(usize),
    Match,
}

const UNLIMITED: u32 = u32::MAX;
const MAXIMUM_INSTRUCTIONS: usize = 30_000;
/// Tries with back references, and places remembered without: beyond them the expression is refused.
const MAXIMUM_STEPS: usize = 20_000_000;
const MAXIMUM_PLACES: usize = 1 << 30;

/// Not a regular expression, or one that would take too long.
#[derive(Debug, PartialEq, Eq)]
pub struct BadExpression;

/// The matched text and its groups (empty where a group took no part).
pub fn find(regex: &[u8], text: &[u8], ignore_case: bool) -> Result<Option<Vec<Bytes>>, BadExpression> {
    let mut reader = Reader { text: regex, at: 0, groups: 0, depth: 0, has_back_references: false };
    let node = reader.choice()?;
    if reader.at < regex.len() {
        return Err(BadExpression);
    }
    let mut program = Vec::new();
    compile(&node, &mut program)?;
    program.push(Instruction::Match);
    let slots = 2 * (reader.groups + 1);
    let mut machine = Machine::new(&program, text, slots, ignore_case, reader.has_back_references)?;
    let mut start = 0;
    while start <= text.len() {
        if let Some((end, saved)) = machine.run(start)? {
            let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_vec();
            let mut values = vec![piece(start, end)];
            values.extend(saved.chunks(2).skip(1).map(|slot| match slot {
                [Some(from), Some(to)] => piece(*from, *to),
                _ => Vec::new(),
            }));
            return Ok(Some(values));
        }
        start += character(text.get(start..).unwrap_or_default()).1.max(1);
    }
    Ok(None)
}

fn compile(node: &Node, program: &mut Vec<Instruction>) -> Result<(), BadExpression> {
    if program.len() > MAXIMUM_INSTRUCTIONS {
        return Err(BadExpression);
    }
    match node {
        Node::One(value) => program.push(Instruction::One(*value)),
        Node::Any => program.push(Instruction::Any),
        Node::Set(set) => program.push(Instruction::Set(set.clone())),
        Node::Assertion(assertion) => program.push(Instruction::Assertion(*assertion)),
        Node::Back(number) => program.push(Instruction::Back(*number)),
        Node::Sequence(nodes) => nodes.iter().try_for_each(|node| compile(node, program))?,
        Node::Group(number, inner) => {
            program.push(Instruction::Save(2 * number));
            compile(inner, program)?;
            program.push(Instruction::Save(2 * number + 1));
        }
        Node::Choice(choices) => compile_choice(choices, program)?,
        Node::Repeat { inner, least, most } => compile_repeat(inner, *least, *most, program)?,
    }
    Ok(())
}

fn compile_choice(choices: &[Node], program: &mut Vec<Instruction>) -> Result<(), BadExpression> {
    let mut jumps = Vec::new();
    for (at, choice) in choices.iter().enumerate() {
        if at + 1 == choices.len() {
            compile(choice, program)?;
            break;
        }
        let split = program.len();
        program.push(Instruction::Split(split + 1, 0));
        compile(choice, program)?;
        jumps.push(program.len());
        program.push(Instruction::Jump(0));
        set_target(program, split);
    }
    jumps.into_iter().for_each(|jump| set_target(program, jump));
    Ok(())
}

/// Lets the jump, or the second way of the split, at `at` lead to the program's end.
fn set_target(program: &mut [Instruction], at: usize) {
    let end = program.len();
    match program.get_mut(at) {
        Some(Instruction::Jump(target)) => *target = end,
        Some(Instruction::Split(_, second)) => *second = end,
        _ => {}
    }
}

fn compile_repeat(inner: &Node, least: u32, most: u32, program: &mut Vec<Instruction>) -> Result<(), BadExpression> {
    for _ in 0..least {
        compile(inner, program)?;
    }
    if most == UNLIMITED {
        let split = program.len();
        program.push(Instruction::Split(split + 1, 0));
        compile(inner, program)?;
        program.push(Instruction::Jump(split));
        set_target(program, split);
        return Ok(());
    }
    let mut splits = Vec::new();
    for _ in least..most {
        splits.push(program.len());
        program.push(Instruction::Split(program.len() + 1, 0));
        compile(inner, program)?;
    }
    splits.into_iter().for_each(|split| set_target(program, split));
    Ok(())
}

/// What is left to try.
enum Branch {
    At(usize, usize),
    /// A slot gets back what it held.
    Restore(usize, Option<usize>),
}

struct Machine<'a> {
    program: &'a [Instruction],
    text: &'a [u8],
    slots: Vec<Option<usize>>,
    /// One bit for each instruction and place; empty with back references, where a second try can end otherwise.
    tried: Vec<u64>,
    steps: usize,
    ignore_case: bool,
}

type Found = Option<(usize, Vec<Option<usize>>)>;

impl<'a> Machine<'a> {
    fn new(
        program: &'a [Instruction],
        text: &'a [u8],
        slots: usize,
        ignore_case: bool,
        counts: bool,
    ) -> Result<Machine<'a>, BadExpression> {
        let places = program.len().saturating_mul(text.len() + 1);
        if places > MAXIMUM_PLACES {
            return Err(BadExpression);
        }
        let tried = if counts { Vec::new() } else { vec![0; places / 64 + 1] };
        Ok(Machine { program, text, slots: vec![None; slots], tried, steps: 0, ignore_case })
    }

    /// The longest match from `start`; of equal ones the first.
    fn run(&mut self, start: usize) -> Result<Found, BadExpression> {
        self.slots.iter_mut().for_each(|slot| *slot = None);
        let mut best: Found = None;
        let mut stack = vec![Branch::At(0, start)];
        while let Some(branch) = stack.pop() {
            match branch {
                Branch::Restore(slot, value) => self.set_slot(slot, value),
                Branch::At(instruction, at) => {
                    if let Some(end) = self.follow(instruction, at, &mut stack)?
                        && best.as_ref().is_none_or(|(longest, _)| end > *longest)
                    {
                        best = Some((end, self.slots.clone()));
                    }
                }
            }
        }
        Ok(best)
    }

    fn set_slot(&mut self, slot: usize, value: Option<usize>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    /// Whether this instruction was run at this place before.
    fn is_known(&mut self, instruction: usize, at: usize) -> Result<bool, BadExpression> {
        if self.tried.is_empty() {
            self.steps += 1;
            return if self.steps > MAXIMUM_STEPS { Err(BadExpression) } else { Ok(false) };
        }
        let place = instruction * (self.text.len() + 1) + at;
        let Some(word) = self.tried.get_mut(place / 64) else {
            return Ok(true);
        };
        let known = *word >> (place % 64) & 1 == 1;
        *word |= 1 << (place % 64);
        Ok(known)
    }

    /// Runs on from an instruction until it matches (where it ends) or fails.
    fn follow(&mut self, instruction: usize, at: usize, stack: &mut Vec<Branch>) -> Result<Option<usize>, BadExpression> {
        let (mut next, mut at) = (instruction, at);
        loop {
            if self.is_known(next, at)? {
                return Ok(None);
            }
            let program = self.program;
            let Some(instruction) = program.get(next) else {
                return Ok(None);
            };
            next += 1;
            let rest = self.text.get(at..).unwrap_or_default();
            match instruction {
                Instruction::Match => return Ok(Some(at)),
                Instruction::Jump(target) => next = *target,
                Instruction::Split(first, second) => {
                    stack.push(Branch::At(*second, at));
                    next = *first;
                }
                Instruction::Save(slot) => {
                    stack.push(Branch::Restore(*slot, self.slots.get(*slot).copied().flatten()));
                    self.set_slot(*slot, Some(at));
                }
                Instruction::Assertion(assertion) if self.holds(*assertion, at) => {}
                Instruction::Back(number) => match (self.slots.get(2 * number), self.slots.get(2 * number + 1)) {
                    (Some(Some(from)), Some(Some(to))) if rest.starts_with(self.text.get(*from..*to).unwrap_or_default()) => {
                        at += to - from
                    }
                    _ => return Ok(None),
                },
                Instruction::One(_) | Instruction::Any | Instruction::Set(_) if !rest.is_empty() => {
                    let (value, length) = character(rest);
                    if !self.takes(instruction, value) {
                        return Ok(None);
                    }
                    at += length;
                }
                _ => return Ok(None),
            }
        }
    }

    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let word_at = |at: usize| self.text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let before = at.checked_sub(1).is_some_and(word_at);
        match assertion {
            Assertion::Start => at == 0,
            Assertion::End => at == self.text.len(),
            Assertion::WordStart => !before && word_at(at),
            Assertion::WordEnd => before && !word_at(at),
            Assertion::WordBorder(wanted) => (before != word_at(at)) == wanted,
        }
    }

    fn takes(&self, instruction: &Instruction, value: u32) -> bool {
        match instruction {
            Instruction::Any => true,
            Instruction::One(wanted) => *wanted == value || (self.ignore_case && lower(*wanted) == lower(value)),
            Instruction::Set(set) => {
                let inside = |value: u32| {
                    set.ranges.iter().any(|(low, high)| (*low..=*high).contains(&value))
                        || set.classes.iter().any(|name| in_class(name, value))
                };
                let hit = inside(value) || (self.ignore_case && (inside(lower(value)) || inside(upper(value))));
                hit != set.negated
            }
            _ => false,
        }
    }
}

fn lower(value: u32) -> u32 {
    char::from_u32(value).map_or(value, |letter| u32::from(letter.to_ascii_lowercase()))
}

fn upper(value: u32) -> u32 {
    char::from_u32(value).map_or(value, |letter| u32::from(letter.to_ascii_uppercase()))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    groups: usize,
    depth: u32,
    has_back_references: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn choice(&mut self) -> Result<Node, BadExpression> {
        let mut choices = vec![self.sequence()?];
        while self.peek() == Some(b'|') {
            self.at += 1;
            choices.push(self.sequence()?);
        }
        Ok(if choices.len() == 1 { choices.pop().ok_or(BadExpression)? } else { Node::Choice(choices) })
    }

    fn sequence(&mut self) -> Result<Node, BadExpression> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if byte == b'|' || (byte == b')' && self.depth > 0) {
                break;
            }
            let atom = self.atom(nodes.is_empty())?;
            nodes.push(self.repeats(atom)?);
        }
        Ok(Node::Sequence(nodes))
    }

    fn repeats(&mut self, atom: Node) -> Result<Node, BadExpression> {
        let mut node = atom;
        loop {
            let (least, most) = match self.peek() {
                Some(b'*') => (0, UNLIMITED),
                Some(b'+') => (1, UNLIMITED),
                Some(b'?') => (0, 1),
                Some(b'{') => match self.bounds()? {
                    Some(bounds) => bounds,
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            self.at += 1;
            node = Node::Repeat { inner: Box::new(node), least, most };
        }
    }

    /// `{2,5}`, up to its closing brace.
    fn bounds(&mut self) -> Result<Option<(u32, u32)>, BadExpression> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'}') else {
            return Err(BadExpression);
        };
        let text = std::str::from_utf8(rest.get(..end).unwrap_or_default()).map_err(|_| BadExpression)?;
        let (least, most) = match text.split_once(',') {
            None => (text.parse().map_err(|_| BadExpression)?, text.parse().map_err(|_| BadExpression)?),
            Some((least, "")) => (least.parse().map_err(|_| BadExpression)?, UNLIMITED),
            Some(("", most)) => (0, most.parse().map_err(|_| BadExpression)?),
            Some((least, most)) => (least.parse().map_err(|_| BadExpression)?, most.parse().map_err(|_| BadExpression)?),
        };
        if least > most || (most != UNLIMITED && most > 32767) {
            return Err(BadExpression);
        }
        self.at += end + 1;
        Ok(Some((least, most)))
    }

    fn atom(&mut self, first: bool) -> Result<Node, BadExpression> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (value, length) = character(rest);
        self.at += length;
        Ok(match rest.first() {
            Some(b'.') => Node::Any,
            Some(b'^') => Node::Assertion(Assertion::Start),
            Some(b'$') => Node::Assertion(Assertion::End),
            Some(b'[') => self.set()?,
            Some(b'(') => {
                if self.depth >= 64 {
                    return Err(BadExpression);
                }
                self.depth += 1;
                self.groups += 1;
                let number = self.groups;
                let inner = self.choice()?;
                self.depth -= 1;
                if self.peek() != Some(b')') {
                    return Err(BadExpression);
                }
                self.at += 1;
                Node::Group(number, Box::new(inner))
            }
            Some(b'*' | b'+' | b'?') if first => return Err(BadExpression),
            Some(b'\\') => self.escape()?,
            _ => Node::One(value),
        })
    }

    fn escape(&mut self) -> Result<Node, BadExpression> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(&byte) = rest.first() else {
            return Err(BadExpression);
        };
        let (value, length) = character(rest);
        self.at += length;
        let class = |name: &[u8], negated: bool| Node::Set(Set { negated, ranges: Vec::new(), classes: vec![name.to_vec()] });
        Ok(match byte {
            b'1'..=b'9' => {
                let number = usize::from(byte - b'0');
                if number > self.groups {
                    return Err(BadExpression);
                }
                self.has_back_references = true;
                Node::Back(number)
            }
            b'w' => class(b"word", false),
            b'W' => class(b"word", true),
            b's' => class(b"space", false),
            b'S' => class(b"space", true),
            b'b' => Node::Assertion(Assertion::WordBorder(true)),
            b'B' => Node::Assertion(Assertion::WordBorder(false)),
            b'<' => Node::Assertion(Assertion::WordStart),
            b'>' => Node::Assertion(Assertion::WordEnd),
            _ => Node::One(value),
        })
    }

    fn set(&mut self) -> Result<Node, BadExpression> {
        let negated = self.peek() == Some(b'^');
        self.at += usize::from(negated);
        let (mut ranges, mut classes) = (Vec::new(), Vec::new());
        let mut first = true;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match rest {
                [] => return Err(BadExpression),
                [b']', ..] if !first => {
                    self.at += 1;
                    return Ok(Node::Set(Set { negated, ranges, classes }));
                }
                [b'[', kind @ (b':' | b'.' | b'='), inner @ ..] => {
                    let end = find_text(inner, &[*kind, b']']).ok_or(BadExpression)?;
                    let name = inner.get(..end).unwrap_or_default();
                    if *kind == b':' {
                        classes.push(name.to_vec());
                    } else {
                        let value = character(name).0;
                        ranges.push((value, value));
                    }
                    self.at += end + 4;
                }
                _ => {
                    let (low, length) = character(rest);
                    self.at += length;
                    let after = self.text.get(self.at..).unwrap_or_default();
                    if let [b'-', next, ..] = after
                        && *next != b']'
                    {
                        let (high, length) = character(after.get(1..).unwrap_or_default());
                        self.at += 1 + length;
                        if high < low {
                            return Err(BadExpression);
                        }
                        ranges.push((low, high));
                    } else {
                        ranges.push((low, low));
                    }
                }
            }
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(regex: &str, text: &str) -> Option<Vec<String>> {
        let found = find(regex.as_bytes(), text.as_bytes(), false).expect("a regular expression");
        found.map(|groups| groups.into_iter().map(|group| String::from_utf8(group).expect("UTF-8")).collect())
    }

    #[test]
    fn the_leftmost_and_longest_match_wins() {
        assert_eq!(groups("a|ab", "xabc"), Some(vec!["ab".to_owned()]));
        assert_eq!(groups("b+", "abbbab"), Some(vec!["bbb".to_owned()]));
        assert_eq!(groups("^b", "ab"), None);
    }

    #[test]
    fn groups_hold_what_they_matched_last() {
        assert_eq!(groups("(x|y)+z", "xyxz"), Some(vec!["xyxz".to_owned(), "x".to_owned()]));
        assert_eq!(groups("(a)?b", "b"), Some(vec!["b".to_owned(), String::new()]));
        assert_eq!(groups(r"(.)\1", "abccd"), Some(vec!["cc".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn repetition_of_repetition_takes_no_more_than_the_product_of_the_lengths() {
        let text = "a".repeat(5_000);
        assert_eq!(groups("^(a*)*$", &text).map(|groups| groups[0].len()), Some(5_000));
        assert_eq!(groups("^(a|aa)*b$", &text), None);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for regex in ["(", "[a", "a{2,1}", "*a", "a{x}"] {
            assert_eq!(find(regex.as_bytes(), b"a", false), Err(BadExpression), "{regex}");
        }
    }
}
