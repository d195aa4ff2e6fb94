//! The language of the shell: bytes of a script in, syntax tree out. Nothing here does I/O or knows the shell's state;
//! a script arrives line by line through [`Source`], and [`Parser::next_command`] gives one complete command at a time,
//! as bash reads it: line 1 can run though line 100 is wrong.

pub mod arithmetic;
mod assignment;
pub mod ast;
mod compound;
mod condition;
mod dollar;
mod error;
pub mod escape;
mod here_document;
mod lexer;
mod name;
mod parser;
pub mod print;
mod token;
mod word;

#[cfg(test)]
mod tests;

pub use error::{ErrorKind, SyntaxError};
pub use lexer::{Options, Parser, Source, TextSource};
pub use name::{Name, is_name, is_name_byte};
