//! Interned names of variables and functions. A `Name` is an index, so that the shell finds a variable by indexing;
//! names live as long as the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name(u32);

#[derive(Default)]
struct Table {
    texts: Vec<Rc<[u8]>>,
    numbers: HashMap<Rc<[u8]>, u32>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::default());
}

impl Name {
    pub fn new(text: &[u8]) -> Name {
        TABLE.with_borrow_mut(|table| {
            if let Some(&number) = table.numbers.get(text) {
                return Name(number);
            }
            let number = table.texts.len() as u32;
            let text: Rc<[u8]> = text.into();
            table.texts.push(text.clone());
            table.numbers.insert(text, number);
            Name(number)
        })
    }

    pub fn text(self) -> Rc<[u8]> {
        TABLE.with_borrow(|table| table.texts.get(self.0 as usize).cloned().unwrap_or_else(|| Rc::from(&b""[..])))
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub fn from_index(index: usize) -> Name {
        Name(index as u32)
    }
}

/// `[A-Za-z_][A-Za-z0-9_]*`
pub fn is_name(text: &[u8]) -> bool {
    matches!(text.first(), Some(b) if b.is_ascii_alphabetic() || *b == b'_') && text.iter().all(|b| is_name_byte(*b))
}

pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
