//! The tree of a pattern, common to all syntaxes. Sets are resolved while parsing: a `Set` holds exactly the
//! characters that match.

use regex_syntax::hir::ClassUnicode;

/// A place that matches without taking characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// `^`
    Start,
    /// `$`
    End,
    /// `` \` ``
    BufferStart,
    /// `\'`
    BufferEnd,
    /// `\<`
    WordStart,
    /// `\>`
    WordEnd,
    /// `\b`
    WordEdge,
    /// `\B`
    NotWordEdge,
    /// No word character before: the left side of `grep -w`.
    NoWordBefore,
    /// No word character after: the right side of `grep -w`.
    NoWordAfter,
}

#[derive(Clone, Debug)]
pub enum Node {
    Empty,
    Char(char),
    /// A byte of the pattern that is not valid UTF-8.
    Byte(u8),
    Set(ClassUnicode),
    Anchor(Anchor),
    Group(Box<Node>, usize),
    BackReference(usize),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

impl Node {
    pub fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self)
            || match self {
                Node::Group(inner, _) | Node::Repeat(inner, ..) => inner.any(test),
                Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(|n| n.any(test)),
                _ => false,
            }
    }

    pub fn has_back_reference(&self) -> bool {
        self.any(&|n| matches!(n, Node::BackReference(_)))
    }

    /// Anchors that look at words: exact engines are slow on them where the text is not ASCII.
    pub fn looks_at_words(&self) -> bool {
        self.any(&|n| match n {
            Node::Anchor(a) => !matches!(a, Anchor::Start | Anchor::End | Anchor::BufferStart | Anchor::BufferEnd),
            _ => false,
        })
    }

    /// Whether every match has the same length in characters.
    fn fixed(&self) -> bool {
        match self {
            Node::Repeat(inner, min, max) => *max == Some(*min) && inner.fixed(),
            Node::Group(inner, _) => inner.fixed(),
            Node::Concat(nodes) => nodes.iter().all(Node::fixed),
            Node::Alternate(_) | Node::BackReference(_) => false,
            _ => true,
        }
    }

    /// Whether a backtracking search that prefers more repetitions surely finds the longest match: at most one
    /// part of the pattern varies, and that part is one character repeated.
    pub fn first_match_is_longest(&self) -> bool {
        match self {
            Node::Repeat(inner, ..) => inner.fixed(),
            Node::Group(inner, _) => inner.first_match_is_longest(),
            Node::Concat(nodes) => {
                let mut varying = nodes.iter().filter(|n| !n.fixed());
                match (varying.next(), varying.next()) {
                    (None, _) => true,
                    (Some(one), None) => one.first_match_is_longest(),
                    _ => false,
                }
            }
            other => other.fixed(),
        }
    }
}
