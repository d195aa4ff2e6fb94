//! Names of users and groups: those of /etc/passwd and /etc/group where they exist, and a cell's own: root and user.

use std::fs::read_to_string;

const OWN: &[(&str, u32)] = &[("root", 0), ("user", 1000)];

/// One of the two databases, read once.
pub struct Names {
    rows: Vec<(String, u32)>,
}

impl Names {
    pub fn users() -> Names {
        Names::read("/etc/passwd")
    }

    pub fn groups() -> Names {
        Names::read("/etc/group")
    }

    fn read(path: &str) -> Names {
        let text = read_to_string(path).unwrap_or_default();
        let row = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            Some((name, fields.nth(1)?.parse().ok()?))
        };
        let mut rows: Vec<(String, u32)> = text.lines().filter_map(row).collect();
        for (name, id) in OWN {
            if !rows.iter().any(|(known, other)| known == name || other == id) {
                rows.push(((*name).to_owned(), *id));
            }
        }
        Names { rows }
    }

    pub fn name(&self, id: u32) -> Option<&str> {
        self.rows.iter().find(|(_, known)| *known == id).map(|(name, _)| name.as_str())
    }

    /// The name, or the number where there is none.
    pub fn shown(&self, id: u32) -> String {
        self.name(id).map_or_else(|| id.to_string(), str::to_owned)
    }

    /// A name or a number.
    pub fn id(&self, text: &str) -> Option<u32> {
        let named = self.rows.iter().find(|(name, _)| name == text).map(|(_, id)| *id);
        named.or_else(|| text.parse().ok())
    }
}
