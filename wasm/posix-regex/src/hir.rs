//! From the tree to the intermediate form of regex-automata.

use crate::ast::{Anchor, Node};
use regex_syntax::hir::{Capture, Class, Hir, Look, Repetition};

/// How the tree is translated: exactly, or to an expression that matches at least as much and runs fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Exact,
    /// Anchors that look at words, and back references, are loosened.
    Loose,
}

pub struct Translator {
    pub form: Form,
    /// `^` and `$` match at the lines of the text, not only at its ends.
    pub lines: bool,
    pub captures: bool,
    /// What a loosened back reference may match: anything but the end of a line.
    pub anything: Hir,
}

impl Translator {
    pub fn hir(&self, node: &Node) -> Hir {
        match node {
            Node::Empty => Hir::empty(),
            Node::Char(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Node::Byte(b) => Hir::literal([*b]),
            Node::Set(set) => Hir::class(Class::Unicode(set.clone())),
            Node::Anchor(anchor) => self.anchor(*anchor),
            Node::Group(inner, number) if self.captures => {
                Hir::capture(Capture { index: *number as u32, name: None, sub: Box::new(self.hir(inner)) })
            }
            Node::Group(inner, _) => self.hir(inner),
            Node::BackReference(_) => self.repeat(self.anything.clone(), 0, None),
            Node::Concat(nodes) => Hir::concat(nodes.iter().map(|n| self.hir(n)).collect()),
            Node::Alternate(nodes) => Hir::alternation(nodes.iter().map(|n| self.hir(n)).collect()),
            Node::Repeat(inner, min, max) => self.repeat(self.hir(inner), *min, *max),
        }
    }

    fn repeat(&self, sub: Hir, min: u32, max: Option<u32>) -> Hir {
        Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
    }

    fn anchor(&self, anchor: Anchor) -> Hir {
        let look = match anchor {
            Anchor::Start if self.lines => Look::StartLF,
            Anchor::End if self.lines => Look::EndLF,
            Anchor::Start | Anchor::BufferStart => Look::Start,
            Anchor::End | Anchor::BufferEnd => Look::End,
            _ if self.form == Form::Loose => return Hir::empty(),
            Anchor::WordStart => Look::WordStartUnicode,
            Anchor::WordEnd => Look::WordEndUnicode,
            Anchor::WordEdge => Look::WordUnicode,
            Anchor::NotWordEdge => Look::WordUnicodeNegate,
            Anchor::NoWordBefore => Look::WordStartHalfUnicode,
            Anchor::NoWordAfter => Look::WordEndHalfUnicode,
        };
        Hir::look(look)
    }
}
