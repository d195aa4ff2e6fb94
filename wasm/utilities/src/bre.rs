//! Basic regular expressions for `expr STRING : REGEX`: small, backtracking, anchored at the beginning. `\+`, `\?` and `\|` too.

/// Alternatives, each a row of pieces.
type Choice = Vec<Vec<Piece>>;

struct Piece {
    atom: Atom,
    least: usize,
    most: usize,
}

enum Atom {
    Char(char),
    Any,
    Set { ranges: Vec<(char, char)>, negated: bool },
    Group(usize, Choice),
    Back(usize),
    Start,
    End,
}

pub struct Regex {
    choice: Choice,
    pub groups: usize,
}

/// Where the first group matched and where the whole match ends, in characters.
pub struct Match {
    pub end: usize,
    pub first: Option<(usize, usize)>,
}

struct Parser<'a> {
    pattern: &'a [char],
    at: usize,
    groups: usize,
}

impl Parser<'_> {
    fn looking_at(&self, text: &str) -> bool {
        self.pattern[self.at..].iter().take(text.len()).copied().eq(text.chars())
    }

    fn choice(&mut self, depth: usize) -> Result<Choice, &'static str> {
        let mut choice = vec![Vec::new()];
        while self.at < self.pattern.len() {
            if self.looking_at("\\)") {
                if depth == 0 {
                    return Err("Unmatched ) or \\)");
                }
                return Ok(choice);
            }
            if self.looking_at("\\|") {
                self.at += 2;
                choice.push(Vec::new());
                continue;
            }
            let first = choice.last().is_some_and(Vec::is_empty);
            let atom = self.atom(first, depth)?;
            let (least, most) = if matches!(atom, Atom::Start | Atom::End) { (1, 1) } else { self.repetition()? };
            if let Some(row) = choice.last_mut() {
                row.push(Piece { atom, least, most });
            }
        }
        if depth > 0 { Err("Unmatched ( or \\(") } else { Ok(choice) }
    }

    fn atom(&mut self, first: bool, depth: usize) -> Result<Atom, &'static str> {
        let character = self.pattern[self.at];
        self.at += 1;
        let rest = &self.pattern[self.at..];
        Ok(match character {
            '.' => Atom::Any,
            '[' => self.set()?,
            '^' if first => Atom::Start,
            '$' if rest.is_empty() || rest.starts_with(&['\\', ')']) || rest.starts_with(&['\\', '|']) => Atom::End,
            '\\' => {
                let Some(&escaped) = rest.first() else { return Err("Trailing backslash") };
                self.at += 1;
                match escaped {
                    '(' => {
                        self.groups += 1;
                        let number = self.groups;
                        let inner = self.choice(depth + 1)?;
                        self.at += 2;
                        Atom::Group(number, inner)
                    }
                    '1'..='9' => {
                        let number = escaped as usize - '0' as usize;
                        if number > self.groups {
                            return Err("Invalid back reference");
                        }
                        Atom::Back(number)
                    }
                    'w' => Atom::Set { ranges: vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')], negated: false },
                    'W' => Atom::Set { ranges: vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')], negated: true },
                    's' => Atom::Set { ranges: vec![('\t', '\r'), (' ', ' ')], negated: false },
                    'S' => Atom::Set { ranges: vec![('\t', '\r'), (' ', ' ')], negated: true },
                    other => Atom::Char(other),
                }
            }
            other => Atom::Char(other),
        })
    }

    fn repetition(&mut self) -> Result<(usize, usize), &'static str> {
        let (mut least, mut most) = (1, 1);
        loop {
            if self.looking_at("*") {
                self.at += 1;
                (least, most) = (0, usize::MAX);
            } else if self.looking_at("\\+") {
                self.at += 2;
                most = usize::MAX;
            } else if self.looking_at("\\?") {
                self.at += 2;
                least = 0;
            } else if self.looking_at("\\{") {
                self.at += 2;
                (least, most) = self.bounds()?;
            } else {
                return Ok((least, most));
            }
        }
    }

    fn bounds(&mut self) -> Result<(usize, usize), &'static str> {
        let rest: String = self.pattern[self.at..].iter().collect();
        let end = rest.find("\\}").ok_or("Unmatched \\{")?;
        self.at += rest[..end].chars().count() + 2;
        let number = |text: &str, missing: usize| {
            if text.is_empty() { Ok(missing) } else { text.parse().map_err(|_| "Invalid content of \\{\\}") }
        };
        let (least, most) = match rest[..end].split_once(',') {
            Some((least, most)) => (number(least, 0)?, number(most, usize::MAX)?),
            None => (number(&rest[..end], usize::MAX)?, number(&rest[..end], usize::MAX)?),
        };
        if least > most || least > 32_767 { Err("Invalid content of \\{\\}") } else { Ok((least, most)) }
    }

    fn set(&mut self) -> Result<Atom, &'static str> {
        let negated = self.looking_at("^");
        self.at += usize::from(negated);
        let (mut ranges, begin) = (Vec::new(), self.at);
        loop {
            let Some(&low) = self.pattern.get(self.at) else { return Err("Unmatched [, [^, [:, [., or [=") };
            if low == ']' && self.at > begin {
                self.at += 1;
                return Ok(Atom::Set { ranges, negated });
            }
            if self.looking_at("[:") {
                let rest: String = self.pattern[self.at + 2..].iter().collect();
                let end = rest.find(":]").ok_or("Unmatched [, [^, [:, [., or [=")?;
                ranges.extend(class(&rest[..end]).ok_or("Invalid character class name")?);
                self.at += end + 4;
                continue;
            }
            let high = match (self.pattern.get(self.at + 1), self.pattern.get(self.at + 2)) {
                (Some('-'), Some(&high)) if high != ']' => {
                    self.at += 2;
                    high
                }
                _ => low,
            };
            if high < low {
                return Err("Invalid range end");
            }
            ranges.push((low, high));
            self.at += 1;
        }
    }
}

fn class(name: &str) -> Option<Vec<(char, char)>> {
    Some(match name {
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "cntrl" => vec![('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => vec![('0', '9')],
        "graph" => vec![('!', '~')],
        "lower" => vec![('a', 'z')],
        "print" => vec![(' ', '~')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => vec![('\t', '\r'), (' ', ' ')],
        "upper" => vec![('A', 'Z')],
        "xdigit" => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => return None,
    })
}

type Groups = Vec<Option<(usize, usize)>>;

impl Regex {
    pub fn new(pattern: &str) -> Result<Regex, &'static str> {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut parser = Parser { pattern: &pattern, at: 0, groups: 0 };
        let choice = parser.choice(0)?;
        Ok(Regex { choice, groups: parser.groups })
    }

    /// At the beginning of the text.
    pub fn find(&self, text: &[char]) -> Option<Match> {
        let mut groups: Groups = vec![None; self.groups + 1];
        let mut end = None;
        match_choice(&self.choice, text, 0, &mut groups, &mut |at, _| {
            end = Some(at);
            true
        });
        end.map(|end| Match { end, first: groups.get(1).copied().flatten() })
    }
}

type Then<'a> = &'a mut dyn FnMut(usize, &mut Groups) -> bool;

fn match_choice(choice: &Choice, text: &[char], at: usize, groups: &mut Groups, then: Then<'_>) -> bool {
    choice.iter().any(|row| match_row(row, text, at, groups, then))
}

fn match_row(row: &[Piece], text: &[char], at: usize, groups: &mut Groups, then: Then<'_>) -> bool {
    match row.split_first() {
        None => then(at, groups),
        Some((piece, rest)) => match_piece(piece, 0, rest, text, at, groups, then),
    }
}

/// Greedy: one more of the piece, then the rest.
fn match_piece(piece: &Piece, count: usize, rest: &[Piece], text: &[char], at: usize, groups: &mut Groups, then: Then<'_>) -> bool {
    if count < piece.most {
        let saved = groups.clone();
        let more = match_atom(&piece.atom, text, at, groups, &mut |next, groups| {
            // An empty match again and again would never end.
            (next > at || count < piece.least) && match_piece(piece, count + 1, rest, text, next, groups, then)
        });
        if more {
            return true;
        }
        *groups = saved;
    }
    count >= piece.least && match_row(rest, text, at, groups, then)
}

fn match_atom(atom: &Atom, text: &[char], at: usize, groups: &mut Groups, then: Then<'_>) -> bool {
    let character = text.get(at).copied();
    let fits = match atom {
        Atom::Char(wanted) => character == Some(*wanted),
        Atom::Any => character.is_some(),
        Atom::Set { ranges, negated } => {
            character.is_some_and(|character| ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated)
        }
        Atom::Start => return at == 0 && then(at, groups),
        Atom::End => return at == text.len() && then(at, groups),
        Atom::Back(number) => {
            let Some((begin, end)) = groups[*number] else { return false };
            return text[at..].starts_with(&text[begin..end]) && then(at + end - begin, groups);
        }
        Atom::Group(number, inner) => {
            return match_choice(inner, text, at, groups, &mut |next, groups| {
                let before = groups[*number].replace((at, next));
                let matched = then(next, groups);
                if !matched {
                    groups[*number] = before;
                }
                matched
            });
        }
    };
    fits && then(at + 1, groups)
}

#[cfg(test)]
mod tests {
    use super::Regex;

    fn end(pattern: &str, text: &str) -> Option<usize> {
        let text: Vec<char> = text.chars().collect();
        Regex::new(pattern).ok().and_then(|regex| regex.find(&text)).map(|found| found.end)
    }

    #[test]
    fn patterns_match_at_the_beginning() {
        for (pattern, text, wanted) in [
            ("a*", "aab", Some(2)),
            (".*b", "aabab", Some(5)),
            ("\\(a\\|b\\)\\{2\\}", "abc", Some(2)),
            ("\\(.\\)\\1", "xxy", Some(2)),
            ("[[:digit:]]\\+$", "123", Some(3)),
            ("b", "ab", None),
            ("\\(a*\\)*", "aa", Some(2)),
        ] {
            assert_eq!(end(pattern, text), wanted, "{pattern}");
        }
    }
}
