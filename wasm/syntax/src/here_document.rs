//! Here-documents: their bodies are read when the line that names them has ended.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::ast::{HereDocument, Part, Word};
use crate::lexer::{Parsed, Parser};

impl Parser {
    /// Registers a here-document whose body follows later.
    pub(crate) fn expect_here_document(&mut self, delimiter: &Word, strip_tabs: bool) -> Rc<HereDocument> {
        let mut text = Vec::new();
        collect_text(&delimiter.parts, &mut text);
        let document = Rc::new(HereDocument { delimiter: text, quoted: delimiter.has_quotes(), strip_tabs, body: OnceCell::new() });
        self.pending.push((document.clone(), self.token_line));
        document
    }

    pub(crate) fn read_here_documents(&mut self) -> Parsed<()> {
        for (document, line) in std::mem::take(&mut self.pending) {
            let start_line = self.line;
            let text = self.read_here_document_lines(&document, line);
            let body = if document.quoted {
                Word { parts: vec![Part::Quoted(text.into())], braces: false }
            } else {
                self.nested(&text, start_line).read_document_text()?
            };
            // Set once: a document is registered once.
            let _ = document.body.set(body);
        }
        Ok(())
    }

    fn read_here_document_lines(&mut self, document: &HereDocument, line: u32) -> Vec<u8> {
        let mut body = Vec::new();
        let mut continued = false;
        loop {
            let Some(mut text) = self.read_raw_line() else {
                let message = [
                    b"warning: here-document at line ",
                    line.to_string().as_bytes(),
                    b" delimited by end-of-file (wanted `",
                    &document.delimiter[..],
                    b"')",
                ]
                .concat();
                self.warnings.push((self.line, message));
                return body;
            };
            if document.strip_tabs && !continued {
                let tabs = text.iter().take_while(|byte| **byte == b'\t').count();
                text.drain(..tabs);
            }
            let bare = text.strip_suffix(b"\n").unwrap_or(&text);
            if !continued && bare == document.delimiter {
                return body;
            }
            continued = !document.quoted && bare.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
            body.extend_from_slice(&text);
        }
    }

    fn read_raw_line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while let Some(byte) = self.advance() {
            line.push(byte);
            if byte == b'\n' {
                break;
            }
        }
        (!line.is_empty()).then_some(line)
    }
}

/// The delimiter is the word without its quotes; expansions in it are text.
fn collect_text(parts: &[Part], text: &mut Vec<u8>) {
    for part in parts {
        match part {
            Part::Literal(bytes) | Part::Quoted(bytes) => text.extend_from_slice(bytes),
            Part::DoubleQuoted(inner) => collect_text(inner, text),
            Part::Variable(name) => {
                text.push(b'$');
                text.extend_from_slice(&name.text());
            }
            Part::Parameter(parameter) => text.extend_from_slice(&parameter.text),
            Part::Tilde(user) => {
                text.push(b'~');
                text.extend_from_slice(user);
            }
            Part::Command(_) | Part::Arithmetic(_) | Part::Process(_) => {}
        }
    }
}
