//! `set -x`.

use tidepool_syntax::ast::{Arithmetic, Assignment, For};

use crate::expand::quote_for_trace;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

impl Shell {
    /// `$PS4`, its first character once for each level of substitution, then the text.
    pub fn trace(&mut self, text: &[u8]) {
        let prompt = self.trace_prompt();
        let (first, rest) = prompt.split_at(prompt.len().min(1));
        let prefix = first.repeat(self.trace_level + 1);
        self.message(&[&prefix, rest, text].concat());
    }

    fn trace_prompt(&mut self) -> Bytes {
        let Some(prompt) = self.get(self.names.ps4).map(<[u8]>::to_vec) else {
            return b"+ ".to_vec();
        };
        if !prompt.iter().any(|byte| matches!(byte, b'$' | b'`' | b'\\')) {
            return prompt;
        }
        let xtrace = std::mem::replace(&mut self.options.xtrace, false);
        let status = self.status;
        let expanded = self.expand_prompt(&prompt).unwrap_or(prompt);
        self.status = status;
        self.options.xtrace = xtrace;
        expanded
    }

    /// A text with its `$` expanded, as in double quotes.
    fn expand_prompt(&mut self, text: &[u8]) -> Flow<Bytes> {
        let word = tidepool_syntax::Parser::from_text(text, self.line).whole_text();
        match word {
            Ok(word) => self.expand_text(&word),
            Err(_) => Ok(text.to_vec()),
        }
    }

    pub fn trace_command(&mut self, arguments: &[Bytes]) {
        let words: Vec<Bytes> = arguments.iter().map(|argument| quote_for_trace(argument)).collect();
        self.trace(&words.join(&b' '));
    }

    pub fn trace_assignment(&mut self, assignment: &Assignment, text: &[u8]) {
        let name = assignment.name.text();
        let operator: &[u8] = if assignment.append { b"+=" } else { b"=" };
        let subscript = match &assignment.subscript {
            Some(subscript) => tidepool_syntax::print::subscript(subscript),
            None => Vec::new(),
        };
        let value = if text.is_empty() { Vec::new() } else { quote_for_trace(text) };
        self.trace(&[&name[..], &subscript, operator, &value].concat());
    }

    /// The words as they are written.
    pub fn trace_for(&mut self, parts: &For) {
        let words: Vec<Bytes> = match &parts.words {
            Some(words) => words.iter().map(tidepool_syntax::print::word).collect(),
            None => vec![b"\"$@\"".to_vec()],
        };
        self.trace(&[b"for ", &parts.name[..], b" in ", &words.join(&b' ')].concat());
    }

    /// `((…))` shows its blanks, the parts of `for ((…))` begin without.
    pub fn trace_arithmetic(&mut self, arithmetic: &Arithmetic, is_command: bool) -> Flow {
        let text = self.expand_text(&arithmetic.text)?;
        let text = if is_command { &text[..] } else { text.trim_ascii_start() };
        self.trace(&[b"(( ", text, b" ))"].concat());
        Ok(())
    }
}
