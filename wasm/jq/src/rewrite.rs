//! jq's meaning of a term where jaq-core's is another: assignments go through the paths of their left side, operands are
//! evaluated right side first, `//` swallows errors, an update that gives nothing makes `reduce` null, `$ENV` and
//! `$__loc__` are values. Works on the parsed term, before it is compiled.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

type T<'s> = Term<&'s str>;

/// Where the program's text begins, to tell lines.
pub struct Rewriter<'s> {
    pub code: &'s str,
}

fn call<'s>(name: &'static str, args: Vec<T<'s>>) -> T<'s> {
    Term::Call(name, args)
}

fn text(value: &str) -> T<'_> {
    Term::Str(None, vec![StrPart::Str(value)])
}

/// A term that certainly has one output: then the order of evaluation cannot be seen.
fn is_single(term: &T<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(inner) if !is_single(inner))),
        Term::Path(head, path) => {
            is_single(head) && path.0.iter().all(|(part, _)| matches!(part, Part::Index(index) if is_single(index)))
        }
        Term::BinOp(left, BinaryOp::Math(_) | BinaryOp::Cmp(_) | BinaryOp::Pipe(_), right) => is_single(left) && is_single(right),
        Term::Neg(inner) => is_single(inner),
        Term::Call("length" | "not" | "tostring" | "tonumber" | "type" | "add" | "true" | "false" | "null" | "keys", args) => {
            args.is_empty()
        }
        _ => false,
    }
}

/// A format of another name is an error when it is used.
const FORMATS: [&str; 12] =
    ["@text", "@json", "@csv", "@tsv", "@html", "@uri", "@urid", "@sh", "@base64", "@base64d", "@base32", "@base32d"];

impl<'s> Rewriter<'s> {
    pub fn definition(&self, def: Def<&'s str>) -> Def<&'s str> {
        Def { body: self.term(def.body), ..def }
    }

    pub fn term(&self, term: T<'s>) -> T<'s> {
        let boxed = |t: Box<T<'s>>| Box::new(self.term(*t));
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => term,
            Term::Var("$ENV") => call("env", Vec::new()),
            Term::Var(name) => self.location(name).unwrap_or(Term::Var(name)),
            Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(|part| self.part(part)).collect()),
            Term::Arr(inner) => Term::Arr(inner.map(boxed)),
            Term::Obj(entries) => Term::Obj(entries.into_iter().map(|entry| self.entry(entry)).collect()),
            Term::Neg(inner) => Term::Neg(boxed(inner)),
            Term::BinOp(left, op, right) => self.operation(self.term(*left), op, self.term(*right)),
            Term::Label(name, body) => Term::Label(name, boxed(body)),
            Term::Fold(name, source, pattern, args) => self.fold(name, self.term(*source), pattern, args),
            Term::TryCatch(body, None) => Term::TryCatch(boxed(body), None),
            Term::TryCatch(body, Some(catch)) => Term::TryCatch(boxed(body), Some(boxed(catch))),
            Term::IfThenElse(branches, other) => {
                let branches = branches.into_iter().map(|(test, then)| (self.term(test), self.term(then))).collect();
                Term::IfThenElse(branches, other.map(boxed))
            }
            Term::Def(defs, body) => Term::Def(defs.into_iter().map(|def| self.definition(def)).collect(), boxed(body)),
            Term::Call(name, _) if name.starts_with('@') && !FORMATS.contains(&name) => call("format", vec![text(&name[1..])]),
            Term::Call(name, args) => Term::Call(name, args.into_iter().map(|arg| self.term(arg)).collect()),
            Term::Path(head, path) => Term::Path(boxed(head), self.path(path)),
        }
    }

    fn part(&self, part: StrPart<&'s str, T<'s>>) -> StrPart<&'s str, T<'s>> {
        match part {
            StrPart::Term(inner) => StrPart::Term(self.term(inner)),
            other => other,
        }
    }

    fn entry(&self, (key, value): (T<'s>, Option<T<'s>>)) -> (T<'s>, Option<T<'s>>) {
        match (key, value) {
            (Term::Var(name @ ("$ENV" | "$__loc__")), None) => (text(&name[1..]), Some(self.term(Term::Var(name)))),
            (key, value) => (self.term(key), value.map(|value| self.term(value))),
        }
    }

    fn path(&self, path: Path<T<'s>>) -> Path<T<'s>> {
        let part = |part| match part {
            Part::Index(index) => Part::Index(self.term(index)),
            Part::Range(start, end) => Part::Range(start.map(|t| self.term(t)), end.map(|t| self.term(t))),
        };
        Path(path.0.into_iter().map(|(p, opt)| (part(p), opt)).collect())
    }

    fn pattern(&self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(name) => Pattern::Var(name),
            Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(|item| self.pattern(item)).collect()),
            Pattern::Obj(entries) => Pattern::Obj(entries.into_iter().map(|(key, p)| (self.term(key), self.pattern(p))).collect()),
        }
    }

    fn operation(&self, left: T<'s>, op: BinaryOp<&'s str>, right: T<'s>) -> T<'s> {
        match op {
            BinaryOp::Update => call("_modify", vec![left, right]),
            BinaryOp::Assign => call("_assign", vec![left, right]),
            BinaryOp::UpdateAlt => call("_modify_alt", vec![left, right]),
            BinaryOp::UpdateMath(op) => call(modifier(op), vec![left, right]),
            BinaryOp::Alt if !is_single(&left) || matches!(left, Term::Path(..)) => {
                Term::BinOp(Box::new(Term::TryCatch(Box::new(left), None)), op, Box::new(right))
            }
            BinaryOp::Math(_) | BinaryOp::Cmp(_) if !is_single(&left) && !is_single(&right) => {
                let inner = Term::BinOp(Box::new(left), op, Box::new(Term::Var("$__right")));
                Term::BinOp(Box::new(right), BinaryOp::Pipe(Some(Pattern::Var("$__right"))), Box::new(inner))
            }
            BinaryOp::Pipe(Some(pattern)) => {
                Term::BinOp(Box::new(left), BinaryOp::Pipe(Some(self.pattern(pattern))), Box::new(right))
            }
            op => Term::BinOp(Box::new(left), op, Box::new(right)),
        }
    }

    fn fold(&self, name: &'s str, source: T<'s>, pattern: Pattern<&'s str>, args: Vec<T<'s>>) -> T<'s> {
        let mut args: Vec<_> = args.into_iter().map(|arg| self.term(arg)).collect();
        if name == "reduce" && args.len() == 2 && !is_single(&args[1]) {
            let update = args.remove(1);
            args.push(call("last", vec![update]));
        }
        Term::Fold(name, Box::new(source), self.pattern(pattern), args)
    }

    /// `$__loc__`: the file and line of the place where it stands.
    fn location(&self, name: &'s str) -> Option<T<'s>> {
        if name != "$__loc__" {
            return None;
        }
        let offset = (name.as_ptr() as usize).wrapping_sub(self.code.as_ptr() as usize);
        let before = self.code.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let line: &'static str = Box::leak(line.to_string().into_boxed_str());
        Some(Term::Obj(vec![(text("file"), Some(text("<top-level>"))), (text("line"), Some(Term::Num(line)))]))
    }
}

fn modifier(op: Math) -> &'static str {
    match op {
        Math::Add => "_modify_add",
        Math::Sub => "_modify_sub",
        Math::Mul => "_modify_mul",
        Math::Div => "_modify_div",
        Math::Rem => "_modify_rem",
    }
}
