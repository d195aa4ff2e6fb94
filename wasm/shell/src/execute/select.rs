//! `select`: a menu on standard error, answers from standard input.

use tidepool_syntax::ast::For;
use tidepool_syntax::{Name, is_name};
use tidepool_system::{Fd, write_all};

use crate::builtin::read_answer;
use crate::expand::is_decimal;
use crate::shell::{Flow, Shell, Unwind};
use crate::variables::Bytes;

impl Shell {
    pub(super) fn run_select(&mut self, parts: &For, line: u32) -> Flow {
        self.line = line;
        let values = match &parts.words {
            Some(words) => self.expand_words(words)?,
            None => self.positional.clone(),
        };
        if !is_name(&parts.name) {
            self.complain(&[b"`", &parts.name[..], b"': not a valid identifier"].concat());
            self.status = 1;
            return Ok(());
        }
        self.status = 0;
        if values.is_empty() {
            return Ok(());
        }
        self.loops += 1;
        let result = self.ask(parts, &values);
        self.loops -= 1;
        result
    }

    fn ask(&mut self, parts: &For, values: &[Bytes]) -> Flow {
        let mut shows = true;
        loop {
            self.tick();
            let Some(answer) = self.read_choice(values, shows)? else {
                self.output.write(b"\n");
                self.status = 1;
                return Ok(());
            };
            shows = answer.trim_ascii().is_empty();
            if shows {
                continue;
            }
            let chosen = is_decimal(&answer).and_then(|number| usize::try_from(number - 1).ok()).and_then(|at| values.get(at));
            let chosen = chosen.cloned().unwrap_or_default();
            if !self.assign(Name::new(&parts.name), &chosen)? {
                return Err(Unwind::Abort);
            }
            match self.run_list(&parts.body, false) {
                Ok(()) => {}
                Err(Unwind::Break(1)) | Err(Unwind::Break(0)) => return Ok(()),
                Err(Unwind::Break(levels)) => return Err(Unwind::Break(levels - 1)),
                Err(Unwind::Continue(levels)) if levels > 1 => return Err(Unwind::Continue(levels - 1)),
                Err(Unwind::Continue(_)) => {}
                Err(other) => return Err(other),
            }
            let reply = self.names.reply;
            shows = self.get(reply).is_some_and(<[u8]>::is_empty);
        }
    }

    /// The menu if wanted, the prompt, and a line into REPLY; None at the end of the input.
    fn read_choice(&mut self, values: &[Bytes], shows: bool) -> Flow<Option<Bytes>> {
        self.output.flush();
        let prompt = self.get_text("PS3").map_or_else(|| b"#? ".to_vec(), <[u8]>::to_vec);
        let menu = if shows { menu(values) } else { Vec::new() };
        // Nothing can be done about a menu that cannot be shown.
        let _ = write_all(Fd::STDERR, &[menu, prompt].concat());
        read_answer(self)
    }
}

/// The choices in columns of 80, numbered, as bash lays them out.
fn menu(values: &[Bytes]) -> Bytes {
    let digits = values.len().to_string().len();
    let widest = values.iter().map(Vec::len).max().unwrap_or(0) + digits + 4;
    let columns = (80 / widest).max(1);
    let mut rows = values.len().div_ceil(columns);
    let columns = values.len().div_ceil(rows);
    if rows == 1 {
        rows = columns;
    }
    let first_digits = rows.to_string().len();
    let mut text = Vec::new();
    for row in 0..rows {
        let mut position = 0;
        let mut at = row;
        while let Some(value) = values.get(at) {
            let digits = if position == 0 { first_digits } else { digits };
            text.extend_from_slice(format!("{:>digits$}) ", at + 1).as_bytes());
            text.extend_from_slice(value);
            at += rows;
            if at >= values.len() {
                break;
            }
            indent(&mut text, position + digits + 2 + value.len(), position + widest);
            position += widest;
        }
        text.push(b'\n');
    }
    text
}

/// Blanks from one column to another, with tabs.
fn indent(text: &mut Bytes, from: usize, to: usize) {
    let mut from = from;
    while from < to {
        if to / 8 > from / 8 {
            text.push(b'\t');
            from += 8 - from % 8;
        } else {
            text.push(b' ');
            from += 1;
        }
    }
}
