//! `~`, `~+`, `~-`, `~user`.

use crate::shell::Shell;
use crate::variables::Bytes;

impl Shell {
    pub fn expand_tilde(&self, user: &[u8]) -> Bytes {
        let found = match user {
            b"" => Some(self.get(self.names.home).map_or_else(|| b"/home/user".to_vec(), <[u8]>::to_vec)),
            b"+" => self.get(self.names.pwd).map(<[u8]>::to_vec),
            b"-" => self.get(self.names.oldpwd).map(<[u8]>::to_vec),
            name => home_of(name),
        };
        found.unwrap_or_else(|| [b"~", user].concat())
    }
}

/// The home directory of a user in `/etc/passwd`.
fn home_of(user: &[u8]) -> Option<Bytes> {
    let table = std::fs::read("/etc/passwd").ok()?;
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let mut columns = line.split(|byte| *byte == b':');
        (columns.next() == Some(user)).then(|| columns.nth(4).map(<[u8]>::to_vec)).flatten()
    })
}
