//! POSIX extended regular expressions for `=~`: a backtracking matcher that takes the longest match of leftmost ones, as
//! POSIX asks, with groups.

use crate::expand::pattern::character;
use crate::variables::Bytes;

#[derive(Debug, Clone)]
enum Node {
    /// A character.
    One(u32),
    Any,
    Set { negated: bool, ranges: Vec<(u32, u32)>, classes: Vec<Bytes> },
    Start,
    End,
    WordStart,
    WordEnd,
    WordBorder(bool),
    Group(usize, Box<Node>),
    Back(usize),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat { inner: Box<Node>, least: u32, most: u32 },
}

const UNLIMITED: u32 = u32::MAX;
/// Steps that one match may take: beyond it a pattern is taken not to match, instead of hanging.
const STEPS: u64 = 20_000_000;

/// The matched text and its groups (empty where a group took no part). Err: no regular expression.
pub fn find(regex: &[u8], text: &[u8], ignore_case: bool) -> Result<Option<Vec<Bytes>>, ()> {
    let mut reader = Reader { text: regex, at: 0, groups: 0, depth: 0 };
    let node = reader.choice()?;
    if reader.at < regex.len() {
        return Err(());
    }
    let mut matcher = Matcher { text, groups: vec![None; reader.groups + 1], steps: 0, ignore_case };
    let mut start = 0;
    while start <= text.len() {
        let mut best: Option<(usize, Vec<Option<(usize, usize)>>)> = None;
        matcher.groups.iter_mut().for_each(|group| *group = None);
        matcher.run(&node, start, &mut |matcher, end| {
            if best.as_ref().is_none_or(|(longest, _)| end > *longest) {
                best = Some((end, matcher.groups.clone()));
            }
            end == matcher.text.len()
        });
        if let Some((end, groups)) = best {
            let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_vec();
            let mut values = vec![piece(start, end)];
            values.extend(groups.iter().skip(1).map(|group| group.map_or_else(Vec::new, |(from, to)| piece(from, to))));
            return Ok(Some(values));
        }
        start += character(text.get(start..).unwrap_or_default()).1.max(1);
    }
    Ok(None)
}

struct Matcher<'a> {
    text: &'a [u8],
    groups: Vec<Option<(usize, usize)>>,
    steps: u64,
    ignore_case: bool,
}

type Accept<'f> = &'f mut dyn FnMut(&mut Matcher<'_>, usize) -> bool;

impl Matcher<'_> {
    /// Calls `accept` with each end that the node can reach from `at`, until it says true.
    fn run(&mut self, node: &Node, at: usize, accept: Accept<'_>) -> bool {
        self.steps += 1;
        if self.steps > STEPS {
            return true;
        }
        let rest = self.text.get(at..).unwrap_or_default();
        match node {
            Node::One(_) | Node::Any | Node::Set { .. } => {
                if rest.is_empty() {
                    return false;
                }
                let (value, length) = character(rest);
                self.takes(node, value) && accept(self, at + length)
            }
            Node::Start => at == 0 && accept(self, at),
            Node::End => rest.is_empty() && accept(self, at),
            Node::WordStart => !self.word_before(at) && self.word_at(at) && accept(self, at),
            Node::WordEnd => self.word_before(at) && !self.word_at(at) && accept(self, at),
            Node::WordBorder(wanted) => (self.word_before(at) != self.word_at(at)) == *wanted && accept(self, at),
            Node::Group(number, inner) => {
                let number = *number;
                let old = self.groups.get(number).copied().flatten();
                let found = self.run(inner, at, &mut |matcher, end| {
                    let before = matcher.set_group(number, Some((at, end)));
                    let found = accept(matcher, end);
                    if !found {
                        matcher.set_group(number, before);
                    }
                    found
                });
                if !found {
                    self.set_group(number, old);
                }
                found
            }
            Node::Back(number) => {
                let Some((from, to)) = self.groups.get(*number).copied().flatten() else {
                    return false;
                };
                let piece = self.text.get(from..to).unwrap_or_default();
                rest.starts_with(piece) && accept(self, at + piece.len())
            }
            Node::Sequence(nodes) => self.run_sequence(nodes, at, accept),
            Node::Choice(choices) => choices.iter().any(|choice| self.run(choice, at, accept)),
            Node::Repeat { inner, least, most } => {
                if matches!(**inner, Node::One(_) | Node::Any | Node::Set { .. }) {
                    return self.run_simple_repeat(inner, *least, *most, at, accept);
                }
                self.run_repeat(inner, *least, *most, at, accept)
            }
        }
    }

    fn set_group(&mut self, number: usize, value: Option<(usize, usize)>) -> Option<(usize, usize)> {
        self.groups.get_mut(number).map(|group| std::mem::replace(group, value)).unwrap_or_default()
    }

    fn run_sequence(&mut self, nodes: &[Node], at: usize, accept: Accept<'_>) -> bool {
        match nodes.split_first() {
            None => accept(self, at),
            Some((node, [])) => self.run(node, at, accept),
            Some((node, rest)) => self.run(node, at, &mut |matcher, end| matcher.run_sequence(rest, end, accept)),
        }
    }

    /// One-character nodes repeat without recursion.
    fn run_simple_repeat(&mut self, inner: &Node, least: u32, most: u32, at: usize, accept: Accept<'_>) -> bool {
        let mut ends = vec![at];
        let mut end = at;
        while (ends.len() as u32) <= most && end < self.text.len() {
            let (value, length) = character(self.text.get(end..).unwrap_or_default());
            if !self.takes(inner, value) {
                break;
            }
            end += length;
            ends.push(end);
        }
        while ends.len() > least as usize {
            let Some(end) = ends.pop() else {
                return false;
            };
            if accept(self, end) {
                return true;
            }
        }
        false
    }

    fn run_repeat(&mut self, inner: &Node, least: u32, most: u32, at: usize, accept: Accept<'_>) -> bool {
        if most > 0 {
            let (less, fewer) = (least.saturating_sub(1), if most == UNLIMITED { most } else { most - 1 });
            let found = self.run(inner, at, &mut |matcher, end| {
                // A round that takes nothing would go on for ever.
                (end > at || least > 0) && matcher.run_repeat(inner, less, fewer, end, accept)
            });
            if found {
                return true;
            }
        }
        least == 0 && accept(self, at)
    }

    fn takes(&self, node: &Node, value: u32) -> bool {
        match node {
            Node::Any => true,
            Node::One(wanted) => *wanted == value || (self.ignore_case && fold(*wanted) == fold(value)),
            Node::Set { negated, ranges, classes } => {
                let inside = |value: u32| {
                    ranges.iter().any(|(low, high)| (*low..=*high).contains(&value)) || classes.iter().any(|name| crate::expand::pattern::in_class(name, value))
                };
                let hit = inside(value) || (self.ignore_case && (inside(fold(value)) || inside(unfold(value))));
                hit != *negated
            }
            _ => false,
        }
    }

    fn word_at(&self, at: usize) -> bool {
        self.text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }

    fn word_before(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.word_at(before))
    }
}

fn fold(value: u32) -> u32 {
    char::from_u32(value).map_or(value, |letter| u32::from(letter.to_ascii_lowercase()))
}

fn unfold(value: u32) -> u32 {
    char::from_u32(value).map_or(value, |letter| u32::from(letter.to_ascii_uppercase()))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    groups: usize,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn choice(&mut self) -> Result<Node, ()> {
        let mut choices = vec![self.sequence()?];
        while self.peek() == Some(b'|') {
            self.at += 1;
            choices.push(self.sequence()?);
        }
        Ok(if choices.len() == 1 { choices.pop().ok_or(())? } else { Node::Choice(choices) })
    }

    fn sequence(&mut self) -> Result<Node, ()> {
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

    fn repeats(&mut self, atom: Node) -> Result<Node, ()> {
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
    fn bounds(&mut self) -> Result<Option<(u32, u32)>, ()> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'}') else {
            return Err(());
        };
        let text = std::str::from_utf8(rest.get(..end).unwrap_or_default()).map_err(|_| ())?;
        let (least, most) = match text.split_once(',') {
            None => (text.parse().map_err(|_| ())?, text.parse().map_err(|_| ())?),
            Some((least, "")) => (least.parse().map_err(|_| ())?, UNLIMITED),
            Some(("", most)) => (0, most.parse().map_err(|_| ())?),
            Some((least, most)) => (least.parse().map_err(|_| ())?, most.parse().map_err(|_| ())?),
        };
        if least > most || (most != UNLIMITED && most > 32767) {
            return Err(());
        }
        self.at += end + 1;
        Ok(Some((least, most)))
    }

    fn atom(&mut self, first: bool) -> Result<Node, ()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (value, length) = character(rest);
        self.at += length;
        Ok(match rest.first() {
            Some(b'.') => Node::Any,
            Some(b'^') => Node::Start,
            Some(b'$') => Node::End,
            Some(b'[') => self.set()?,
            Some(b'(') => {
                if self.depth >= 100 {
                    return Err(());
                }
                self.depth += 1;
                self.groups += 1;
                let number = self.groups;
                let inner = self.choice()?;
                self.depth -= 1;
                if self.peek() != Some(b')') {
                    return Err(());
                }
                self.at += 1;
                Node::Group(number, Box::new(inner))
            }
            Some(b'*' | b'+' | b'?') if first => return Err(()),
            Some(b'\\') => self.escape()?,
            _ => Node::One(value),
        })
    }

    fn escape(&mut self) -> Result<Node, ()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(&byte) = rest.first() else {
            return Err(());
        };
        let (value, length) = character(rest);
        self.at += length;
        let class = |name: &[u8], negated: bool| Node::Set { negated, ranges: Vec::new(), classes: vec![name.to_vec()] };
        Ok(match byte {
            b'1'..=b'9' => {
                let number = usize::from(byte - b'0');
                if number > self.groups {
                    return Err(());
                }
                Node::Back(number)
            }
            b'w' => class(b"word", false),
            b'W' => class(b"word", true),
            b's' => class(b"space", false),
            b'S' => class(b"space", true),
            b'b' => Node::WordBorder(true),
            b'B' => Node::WordBorder(false),
            b'<' => Node::WordStart,
            b'>' => Node::WordEnd,
            _ => Node::One(value),
        })
    }

    fn set(&mut self) -> Result<Node, ()> {
        let negated = self.peek() == Some(b'^');
        self.at += usize::from(negated);
        let (mut ranges, mut classes) = (Vec::new(), Vec::new());
        let mut first = true;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match rest {
                [] => return Err(()),
                [b']', ..] if !first => {
                    self.at += 1;
                    return Ok(Node::Set { negated, ranges, classes });
                }
                [b'[', kind @ (b':' | b'.' | b'='), inner @ ..] => {
                    let end = crate::expand::pattern::find(inner, &[*kind, b']']).ok_or(())?;
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
                            return Err(());
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
