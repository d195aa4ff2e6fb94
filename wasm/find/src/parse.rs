//! From the arguments behind the paths to an expression. Texts of errors are those of findutils 4.9.

use crate::date;
use crate::expression::{Action, Compare, Expression, Instant, Permission, Program, Settings, Stamp, Test};
use crate::fail::{complain, quoted, shown};
use crate::format::Format;
use crate::mode;
use crate::names;
use crate::run::{Run, RunKind};
use posix_regex::{Options, Regex, Syntax, Whole};
use tidepool_system::{Access, Stat, lstat, stat};

type Parsed<T> = Result<T, String>;

pub struct Parser {
    words: std::vec::IntoIter<Vec<u8>>,
    previous: Option<Vec<u8>>,
    now: Instant,
    /// The end of the day that `-mtime` counts from.
    days_from: Instant,
    pub follow: bool,
    syntax: Syntax,
    settings: Settings,
    sinks: Vec<Vec<u8>>,
    runs: Vec<Run>,
    acts: bool,
    prunes: bool,
    deletes: bool,
    explicit_depth: bool,
    depth: usize,
}

const NANOSECONDS: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * NANOSECONDS;

impl Parser {
    pub fn new(words: Vec<Vec<u8>>, follow: bool) -> Parser {
        let now = date::now();
        Parser {
            words: words.into_iter(),
            previous: None,
            now,
            days_from: now,
            follow,
            syntax: Syntax::Emacs,
            settings: Settings { depth_first: false, min_depth: 0, max_depth: usize::MAX, one_file_system: false },
            sinks: vec![b"/dev/stdout".to_vec()],
            runs: Vec::new(),
            acts: false,
            prunes: false,
            deletes: false,
            explicit_depth: false,
            depth: 0,
        }
    }

    pub fn parse(mut self) -> Parsed<(Program, bool)> {
        let mut expression = if self.words.as_slice().is_empty() { Expression::Test(Test::True) } else { self.list()? };
        if let Some(word) = self.words.next() {
            return Err(if word == b")" { "you have too many ')'".to_owned() } else { self.stray(&word) });
        }
        if self.deletes && self.prunes && !self.explicit_depth {
            return Err("The -delete action automatically turns on -depth, but -prune does nothing when -depth is in effect.  If you want to carry on anyway, just explicitly use the -depth option.".to_owned());
        }
        if !self.acts {
            expression = Expression::And(vec![expression, Expression::Action(Action::Print { sink: 0, end: b'\n' })]);
        }
        Ok((Program { expression, settings: self.settings, sinks: self.sinks, runs: self.runs }, self.follow))
    }

    fn stray(&self, word: &[u8]) -> String {
        let mut text = format!("paths must precede expression: `{}'", shown(word));
        let takes_pattern = [&b"-name"[..], b"-iname", b"-path", b"-ipath", b"-wholename", b"-iwholename", b"-lname", b"-ilname"];
        if let Some(previous) = self.previous.as_deref().filter(|p| takes_pattern.contains(p))
            && lstat(word).is_ok()
        {
            text.push_str(&format!("\nfind: possible unquoted pattern after predicate `{}'?", shown(previous)));
        }
        text
    }

    fn peek(&self) -> Option<&[u8]> {
        self.words.as_slice().first().map(Vec::as_slice)
    }

    fn list(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.or()?];
        while self.peek() == Some(b",") {
            self.operator()?;
            parts.push(self.or()?);
        }
        Ok(single(parts, Expression::List))
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.and()?];
        while matches!(self.peek(), Some(b"-o" | b"-or")) {
            self.operator()?;
            parts.push(self.and()?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.not()?];
        loop {
            match self.peek() {
                None | Some(b"," | b"-o" | b"-or" | b")") => return Ok(single(parts, Expression::And)),
                Some(b"-a" | b"-and") => {
                    self.operator()?;
                    parts.push(self.not()?);
                }
                Some(_) => parts.push(self.not()?),
            }
        }
    }

    /// Takes a binary operator, behind which something must follow.
    fn operator(&mut self) -> Parsed<()> {
        let word = self.words.next().unwrap_or_default();
        match self.peek() {
            None => Err(format!("expected an expression after '{}'", shown(&word))),
            Some(_) => Ok(()),
        }
    }

    fn not(&mut self) -> Parsed<Expression> {
        let Some(word) = self.words.next() else { return Err("invalid expression".to_owned()) };
        match word.as_slice() {
            b"!" | b"-not" => match self.peek() {
                None => Err(format!("expected an expression after '{}'", shown(&word))),
                Some(_) => Ok(Expression::Not(Box::new(self.not()?))),
            },
            b"(" => self.group(),
            b")" if self.depth == 0 => Err("invalid expression; you have too many ')'".to_owned()),
            b"," | b"-o" | b"-or" | b"-a" | b"-and" => {
                Err(format!("invalid expression; you have used a binary operator '{}' with nothing before it.", shown(&word)))
            }
            other if !other.starts_with(b"-") => Err(self.stray(other)),
            _ => {
                let primary = self.primary(&word)?;
                self.previous = Some(word);
                Ok(primary)
            }
        }
    }

    fn group(&mut self) -> Parsed<Expression> {
        match self.peek() {
            None => {
                return Err(
                    "invalid expression; expected to find a ')' but didn't see one. Perhaps you need an extra predicate after '('"
                        .to_owned(),
                );
            }
            Some(b")") => return Err("invalid expression; empty parentheses are not allowed.".to_owned()),
            Some(_) => {}
        }
        self.depth += 1;
        let inner = self.list()?;
        self.depth -= 1;
        match self.words.next().as_deref() {
            Some(b")") => Ok(inner),
            _ => Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned()),
        }
    }

    fn argument(&mut self, name: &[u8]) -> Parsed<Vec<u8>> {
        self.words.next().ok_or_else(|| format!("missing argument to `{}'", shown(name)))
    }

    fn primary(&mut self, name: &[u8]) -> Parsed<Expression> {
        if let Some(test) = self.option(name)? {
            return Ok(Expression::Test(test));
        }
        if let Some(action) = self.action(name)? {
            return Ok(Expression::Action(action));
        }
        match self.name_test(name)? {
            Some(test) => Ok(Expression::Test(test)),
            None => self.stat_test(name).map(Expression::Test),
        }
    }

    /// Words that change the whole run and are true.
    fn option(&mut self, name: &[u8]) -> Parsed<Option<Test>> {
        match name {
            b"-depth" | b"-d" => {
                self.settings.depth_first = true;
                self.explicit_depth = true;
            }
            b"-maxdepth" => self.settings.max_depth = self.depth_limit(name)?,
            b"-mindepth" => self.settings.min_depth = self.depth_limit(name)?,
            b"-xdev" | b"-mount" => self.settings.one_file_system = true,
            b"-follow" => self.follow = true,
            b"-daystart" => self.days_from = self.now.div_euclid(DAY) * DAY + DAY,
            b"-noleaf" | b"-warn" | b"-nowarn" | b"-ignore_readdir_race" | b"-noignore_readdir_race" => {}
            b"-regextype" => {
                let value = self.argument(name)?;
                self.syntax = syntax(&value)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(Test::True))
    }

    fn depth_limit(&mut self, name: &[u8]) -> Parsed<usize> {
        let value = self.argument(name)?;
        std::str::from_utf8(&value)
            .ok()
            .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|t| t.parse().ok())
            .ok_or_else(|| format!("Expected a positive decimal integer argument to {}, but got {}", shown(name), quoted(&value)))
    }

    fn sink(&mut self, name: &[u8]) -> Parsed<usize> {
        let file = self.argument(name)?;
        Ok(self.sinks.iter().position(|known| *known == file).unwrap_or_else(|| {
            self.sinks.push(file);
            self.sinks.len() - 1
        }))
    }

    fn action(&mut self, name: &[u8]) -> Parsed<Option<Action>> {
        let action = match name {
            b"-print" => Action::Print { sink: 0, end: b'\n' },
            b"-print0" => Action::Print { sink: 0, end: 0 },
            b"-fprint" => Action::Print { sink: self.sink(name)?, end: b'\n' },
            b"-fprint0" => Action::Print { sink: self.sink(name)?, end: 0 },
            b"-printf" => Action::Format { sink: 0, format: self.format(name)? },
            b"-fprintf" => Action::Format { sink: self.sink(name)?, format: self.format(name)? },
            b"-ls" => Action::List { sink: 0 },
            b"-fls" => Action::List { sink: self.sink(name)? },
            b"-delete" => {
                self.settings.depth_first = true;
                self.deletes = true;
                Action::Delete
            }
            b"-prune" => {
                self.prunes = true;
                return Ok(Some(Action::Prune));
            }
            b"-quit" => Action::Quit,
            b"-exec" | b"-ok" | b"-execdir" | b"-okdir" => self.run(name)?,
            _ => return Ok(None),
        };
        self.acts = true;
        Ok(Some(action))
    }

    fn format(&mut self, name: &[u8]) -> Parsed<Format> {
        let text = self.argument(name)?;
        Format::parse(&text)
    }

    fn run(&mut self, name: &[u8]) -> Parsed<Action> {
        let asks = name.starts_with(b"-ok");
        let kind = if name.ends_with(b"dir") { RunKind::InDirectory } else { RunKind::Here };
        let mut words: Vec<Vec<u8>> = Vec::new();
        loop {
            let Some(word) = self.words.next() else { return Err(format!("missing argument to `{}'", shown(name))) };
            let many = word == b"+" && words.last().is_some_and(|last| last == b"{}") && !asks;
            if word == b";" && words.is_empty() {
                return Err(format!("invalid argument `;' to `{}'", shown(name)));
            }
            if many && words.iter().filter(|w| *w == b"{}").count() > 1 {
                return Err(format!("Only one instance of {{}} is supported with {} ... +", shown(name)));
            }
            if many {
                words.pop();
            }
            if many || word == b";" {
                self.runs.push(Run::new(words, kind, many, asks));
                return Ok(Action::Run(self.runs.len() - 1));
            }
            words.push(word);
        }
    }

    fn name_test(&mut self, name: &[u8]) -> Parsed<Option<Test>> {
        Ok(Some(match name {
            b"-true" => Test::True,
            b"-false" => Test::False,
            b"-name" | b"-iname" => Test::Name { pattern: self.argument(name)?, fold: name == b"-iname" },
            b"-path" | b"-wholename" | b"-ipath" | b"-iwholename" => {
                Test::Path { pattern: self.argument(name)?, fold: name.starts_with(b"-i") }
            }
            b"-lname" | b"-ilname" => Test::LinkName { pattern: self.argument(name)?, fold: name == b"-ilname" },
            b"-regex" | b"-iregex" => Test::Regex(Box::new(self.regex(name)?)),
            b"-type" | b"-xtype" => Test::Type { letters: self.types(name)?, other_side: name == b"-xtype" },
            b"-readable" => Test::Access(Access::Read),
            b"-writable" => Test::Access(Access::Write),
            b"-executable" => Test::Access(Access::Execute),
            b"-empty" => Test::Empty,
            b"-nouser" => Test::NoUser,
            b"-nogroup" => Test::NoGroup,
            _ => return Ok(None),
        }))
    }

    fn regex(&mut self, name: &[u8]) -> Parsed<Regex> {
        let pattern = self.argument(name)?;
        let options = Options { ignore_case: name == b"-iregex", whole: Whole::Line, ..Options::new(self.syntax) };
        Regex::new(&[&pattern], options)
            .map_err(|error| format!("failed to compile regular expression '{}': {error}", shown(&pattern)))
    }

    fn types(&mut self, name: &[u8]) -> Parsed<Vec<u8>> {
        let value = self.argument(name)?;
        if value.is_empty() {
            return Err(format!("Arguments to {} should contain at least one letter", shown(name)));
        }
        let mut letters = Vec::new();
        let parts: Vec<&[u8]> = value.split(|b| *b == b',').collect();
        for (index, part) in parts.iter().enumerate() {
            match part {
                [] if index + 1 == parts.len() => {
                    return Err(format!(
                        "Last file type in list argument to {} is missing, i.e., list is ending on: ','",
                        shown(name)
                    ));
                }
                [letter @ (b'b' | b'c' | b'd' | b'p' | b'f' | b'l' | b's')] if !letters.contains(letter) => letters.push(*letter),
                [b'b' | b'c' | b'd' | b'p' | b'f' | b'l' | b's'] => {
                    return Err(format!("Duplicate file type '{}' in the argument list to {}.", shown(part), shown(name)));
                }
                [letter, _, ..] if b"bcdpfls".contains(letter) => {
                    return Err(format!("Must separate multiple arguments to {} using: ','", shown(name)));
                }
                other => return Err(format!("Unknown argument to {}: {}", shown(name), shown(&other[..other.len().min(1)]))),
            }
        }
        Ok(letters)
    }

    fn stat_test(&mut self, name: &[u8]) -> Parsed<Test> {
        Ok(match name {
            b"-size" => self.size(name)?,
            b"-perm" => Test::Permission(self.permission(name)?),
            b"-links" => Test::Links(self.count(name)?),
            b"-inum" => Test::Inode(self.count(name)?),
            b"-uid" => Test::User(self.count(name)?),
            b"-gid" => Test::Group(self.count(name)?),
            b"-user" => self.owner(name)?,
            b"-group" => self.owner(name)?,
            b"-used" => Test::Used(self.signed(name)?),
            b"-atime" => self.days(name, Stamp::Access)?,
            b"-ctime" => self.days(name, Stamp::Change)?,
            b"-mtime" => self.days(name, Stamp::Modification)?,
            b"-amin" => self.minutes(name, Stamp::Access)?,
            b"-cmin" => self.minutes(name, Stamp::Change)?,
            b"-mmin" => self.minutes(name, Stamp::Modification)?,
            b"-newer" => Test::Newer { stamp: Stamp::Modification, than: self.reference(name, Stamp::Modification)? },
            b"-anewer" => Test::Newer { stamp: Stamp::Access, than: self.reference(name, Stamp::Modification)? },
            b"-cnewer" => Test::Newer { stamp: Stamp::Change, than: self.reference(name, Stamp::Modification)? },
            b"-samefile" => {
                let stat = self.reference_stat(name)?;
                Test::SameFile { dev: stat.dev, ino: stat.ino }
            }
            [b'-', b'n', b'e', b'w', b'e', b'r', x, y] => self.newer_xy(name, *x, *y)?,
            _ => return Err(format!("unknown predicate `{}'", shown(name))),
        })
    }

    fn reference_stat(&mut self, name: &[u8]) -> Parsed<Stat> {
        let file = self.argument(name)?;
        if self.follow { stat(&file) } else { lstat(&file) }.map_err(|errno| format!("{}: {errno}", quoted(&file)))
    }

    fn reference(&mut self, name: &[u8], stamp: Stamp) -> Parsed<Instant> {
        Ok(date::of(&self.reference_stat(name)?, stamp))
    }

    fn newer_xy(&mut self, name: &[u8], x: u8, y: u8) -> Parsed<Test> {
        let stamp = |letter| match letter {
            b'a' => Some(Stamp::Access),
            b'c' => Some(Stamp::Change),
            b'm' => Some(Stamp::Modification),
            _ => None,
        };
        let invalid = || format!("invalid predicate `{}'", shown(name));
        let own = stamp(x).ok_or_else(invalid)?;
        if y == b't' {
            let text = self.argument(name)?;
            let than = date::parse(&shown(&text), self.now)
                .ok_or_else(|| format!("I cannot figure out how to interpret {} as a date or time", quoted(&text)))?;
            return Ok(Test::Newer { stamp: own, than });
        }
        let other = stamp(y).ok_or_else(invalid)?;
        Ok(Test::Newer { stamp: own, than: self.reference(name, other)? })
    }

    fn compared<T: std::str::FromStr>(&mut self, name: &[u8]) -> Parsed<Compare<T>> {
        let value = self.argument(name)?;
        let text = shown(&value);
        let (make, digits): (fn(T) -> Compare<T>, &str) = match text.as_bytes() {
            [b'+', ..] => (Compare::More, &text[1..]),
            [b'-', ..] => (Compare::Less, &text[1..]),
            _ => (Compare::Equal, &text),
        };
        let number = digits.parse().ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
        number.map(make).ok_or_else(|| format!("invalid argument `{text}' to `{}'", shown(name)))
    }

    fn count(&mut self, name: &[u8]) -> Parsed<Compare<u64>> {
        self.compared(name)
    }

    fn signed(&mut self, name: &[u8]) -> Parsed<Compare<i64>> {
        self.compared(name)
    }

    fn days(&mut self, name: &[u8], stamp: Stamp) -> Parsed<Test> {
        let count: Compare<f64> = self.compared(name)?;
        let whole = |n: f64| n.floor() as i64;
        let count = match count {
            Compare::More(n) => Compare::More(whole(n)),
            Compare::Less(n) => Compare::Less(n.ceil() as i64),
            Compare::Equal(n) => Compare::Equal(whole(n)),
        };
        Ok(Test::Days { stamp, origin: self.days_from, count })
    }

    fn minutes(&mut self, name: &[u8], stamp: Stamp) -> Parsed<Test> {
        Ok(Test::Minutes {
            stamp,
            origin: if self.days_from > self.now { self.days_from } else { self.now },
            count: self.compared(name)?,
        })
    }

    fn size(&mut self, name: &[u8]) -> Parsed<Test> {
        let value = self.argument(name)?;
        let unit = match value.last() {
            Some(b'c') => 1,
            Some(b'w') => 2,
            Some(b'b' | b'0'..=b'9') => 512,
            Some(b'k') => 1 << 10,
            Some(b'M') => 1 << 20,
            Some(b'G') => 1 << 30,
            Some(other) => return Err(format!("invalid {} type `{}'", shown(name), char::from(*other))),
            None => return Err(format!("invalid null argument to {}", shown(name))),
        };
        let digits = value.len() - usize::from(!value.ends_with(b"0") && !value.last().is_some_and(u8::is_ascii_digit));
        let text = shown(&value[..digits]);
        let (make, number): (fn(u64) -> Compare<u64>, &str) = match text.as_bytes() {
            [b'+', ..] => (Compare::More, &text[1..]),
            [b'-', ..] => (Compare::Less, &text[1..]),
            _ => (Compare::Equal, &text),
        };
        match number.parse() {
            Ok(count) => Ok(Test::Size { unit, count: make(count) }),
            Err(_) => Err(format!("Invalid argument `{}' to {}", shown(&value), shown(name))),
        }
    }

    fn permission(&mut self, name: &[u8]) -> Parsed<Permission> {
        let value = self.argument(name)?;
        let (make, text): (fn(u32) -> Permission, &[u8]) = match value.as_slice() {
            [b'-', rest @ ..] => (Permission::All, rest),
            [b'/', rest @ ..] => (Permission::Any, rest),
            other => (Permission::Exactly, other),
        };
        mode::parse(text).map(make).ok_or_else(|| format!("invalid mode {}", quoted(&value)))
    }

    fn owner(&mut self, name: &[u8]) -> Parsed<Test> {
        let value = self.argument(name)?;
        let user = name == b"-user";
        let known = if user { names::user_id(&value) } else { names::group_id(&value) };
        let number = known.or_else(|| std::str::from_utf8(&value).ok()?.parse().ok());
        match number {
            Some(id) if user => Ok(Test::User(Compare::Equal(id))),
            Some(id) => Ok(Test::Group(Compare::Equal(id))),
            None if user => Err(format!("{} is not the name of a known user", quoted(&value))),
            None => Err(format!("{} is not the name of an existing group", quoted(&value))),
        }
    }
}

fn single(mut parts: Vec<Expression>, make: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.remove(0) } else { make(parts) }
}

fn syntax(name: &[u8]) -> Parsed<Syntax> {
    match name {
        b"findutils-default" | b"emacs" => Ok(Syntax::Emacs),
        b"grep" | b"posix-basic" | b"posix-minimal-basic" | b"ed" | b"sed" => Ok(Syntax::Basic),
        b"gnu-awk" | b"posix-awk" | b"awk" | b"posix-egrep" | b"egrep" | b"posix-extended" => Ok(Syntax::Extended),
        other => Err(format!(
            "Unknown regular expression type {}; valid types are ‘findutils-default’, ‘ed’, ‘emacs’, ‘gnu-awk’, ‘grep’, ‘posix-awk’, ‘awk’, ‘posix-basic’, ‘posix-egrep’, ‘egrep’, ‘posix-extended’, ‘posix-minimal-basic’, ‘sed’.",
            quoted(other)
        )),
    }
}

/// A warning that does not stop the run.
pub fn warn(text: &str) {
    complain(&format!("warning: {text}"));
}
