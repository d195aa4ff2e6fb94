//! Names of users and groups: those of /etc/passwd and /etc/group, and those every cell has.

use std::fs;

const USERS: &[(&str, u64)] = &[("root", 0), ("user", 1000)];

pub fn user_id(name: &[u8]) -> Option<u64> {
    lookup("/etc/passwd", |entry, _| entry == name).map(|(_, id)| id).or_else(|| known_id(name))
}

pub fn group_id(name: &[u8]) -> Option<u64> {
    lookup("/etc/group", |entry, _| entry == name).map(|(_, id)| id).or_else(|| known_id(name))
}

/// The name of a user; None when nobody has the number.
pub fn user_name(id: u32) -> Option<String> {
    lookup("/etc/passwd", |_, number| number == u64::from(id)).map(|(name, _)| name).or_else(|| known_name(id))
}

pub fn group_name(id: u32) -> Option<String> {
    lookup("/etc/group", |_, number| number == u64::from(id)).map(|(name, _)| name).or_else(|| known_name(id))
}

fn known_id(name: &[u8]) -> Option<u64> {
    USERS.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, id)| *id)
}

fn known_name(id: u32) -> Option<String> {
    USERS.iter().find(|(_, known)| *known == u64::from(id)).map(|(name, _)| (*name).to_owned())
}

/// The first line of `name:x:number:…` that is wanted.
fn lookup(file: &str, wanted: impl Fn(&[u8], u64) -> bool) -> Option<(String, u64)> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?.parse().ok()?;
        wanted(name.as_bytes(), number).then(|| (name.to_owned(), number))
    })
}
