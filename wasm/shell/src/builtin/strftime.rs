//! strftime(3) for UTC, for `printf %(…)T`.

use crate::variables::Bytes;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

struct Moment {
    seconds: i64,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: i64,
    yearday: i64,
}

impl Moment {
    fn new(seconds: i64) -> Moment {
        let days = seconds.div_euclid(86_400);
        let rest = seconds.rem_euclid(86_400);
        // Days from 0000-03-01, in eras of 400 years.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let yearday = before.get(month as usize - 1).copied().unwrap_or(0) + day - 1 + i64::from(leap && month > 2);
        Moment {
            seconds,
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (days + 4).rem_euclid(7),
            yearday,
        }
    }

    /// ISO 8601's year and week.
    fn iso_week(&self) -> (i64, i64) {
        let from_monday = (self.weekday + 6) % 7;
        let week = (self.yearday - from_monday + 10) / 7;
        let weeks_of = |year: i64| {
            let first = Moment::new(days_before(year) * 86_400).weekday;
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            if first == 4 || (first == 3 && leap) { 53 } else { 52 }
        };
        match week {
            0 => (self.year - 1, weeks_of(self.year - 1)),
            week if week > weeks_of(self.year) => (self.year + 1, 1),
            week => (self.year, week),
        }
    }

    fn field(&self, letter: u8) -> Option<String> {
        let name = |names: &[&str], at: i64| names.get(at as usize).copied().unwrap_or_default().to_owned();
        let short = |text: String| text.get(..3).unwrap_or_default().to_owned();
        let hour12 = if self.hour % 12 == 0 { 12 } else { self.hour % 12 };
        Some(match letter {
            b'a' => short(name(&DAYS, self.weekday)),
            b'A' => name(&DAYS, self.weekday),
            b'b' | b'h' => short(name(&MONTHS, self.month - 1)),
            b'B' => name(&MONTHS, self.month - 1),
            b'c' => self.fields("%a %b %e %H:%M:%S %Y"),
            b'C' => format!("{:02}", self.year.div_euclid(100)),
            b'd' => format!("{:02}", self.day),
            b'D' | b'x' => self.fields("%m/%d/%y"),
            b'e' => format!("{:2}", self.day),
            b'F' => self.fields("%Y-%m-%d"),
            b'g' => format!("{:02}", self.iso_week().0.rem_euclid(100)),
            b'G' => self.iso_week().0.to_string(),
            b'H' => format!("{:02}", self.hour),
            b'I' => format!("{hour12:02}"),
            b'j' => format!("{:03}", self.yearday + 1),
            b'k' => format!("{:2}", self.hour),
            b'l' => format!("{hour12:2}"),
            b'm' => format!("{:02}", self.month),
            b'M' => format!("{:02}", self.minute),
            b'n' => "\n".to_owned(),
            b'p' => if self.hour < 12 { "AM" } else { "PM" }.to_owned(),
            b'P' => if self.hour < 12 { "am" } else { "pm" }.to_owned(),
            b'r' => self.fields("%I:%M:%S %p"),
            b'R' => self.fields("%H:%M"),
            b's' => self.seconds.to_string(),
            b'S' => format!("{:02}", self.second),
            b't' => "\t".to_owned(),
            b'T' | b'X' => self.fields("%H:%M:%S"),
            b'u' => if self.weekday == 0 { 7 } else { self.weekday }.to_string(),
            b'U' => format!("{:02}", (self.yearday + 7 - self.weekday) / 7),
            b'V' => format!("{:02}", self.iso_week().1),
            b'w' => self.weekday.to_string(),
            b'W' => format!("{:02}", (self.yearday + 7 - (self.weekday + 6) % 7) / 7),
            b'y' => format!("{:02}", self.year.rem_euclid(100)),
            b'Y' => self.year.to_string(),
            b'z' => "+0000".to_owned(),
            b'Z' => "UTC".to_owned(),
            b'%' => "%".to_owned(),
            _ => return None,
        })
    }

    fn fields(&self, layout: &str) -> String {
        String::from_utf8_lossy(&self.format(layout.as_bytes())).into_owned()
    }

    fn format(&self, layout: &[u8]) -> Bytes {
        let mut text = Vec::new();
        let mut at = 0;
        while let Some(&byte) = layout.get(at) {
            at += 1;
            if byte != b'%' {
                text.push(byte);
                continue;
            }
            let start = at - 1;
            let flag = layout.get(at).copied().filter(|flag| matches!(flag, b'-' | b'_' | b'0' | b'^'));
            at += usize::from(flag.is_some());
            at += usize::from(matches!(layout.get(at), Some(b'E' | b'O')));
            let found = layout.get(at).and_then(|letter| self.field(*letter));
            at += 1;
            match found {
                Some(field) => text.extend_from_slice(flagged(field, flag).as_bytes()),
                None => text.extend_from_slice(layout.get(start..at.min(layout.len())).unwrap_or_default()),
            }
        }
        text
    }
}

/// glibc's flags: `-` without padding, `_` with blanks, `^` in capitals.
fn flagged(field: String, flag: Option<u8>) -> String {
    let bare = || {
        let trimmed = field.trim_start_matches(['0', ' ']);
        if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
    };
    match flag {
        Some(b'-') if field.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ') => bare(),
        Some(b'_') if field.bytes().all(|byte| byte.is_ascii_digit()) => format!("{:>width$}", bare(), width = field.len()),
        Some(b'^') => field.to_uppercase(),
        _ => field,
    }
}

/// Days from the epoch to the first of January.
fn days_before(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

pub fn strftime(layout: &[u8], seconds: i64) -> Bytes {
    Moment::new(seconds).format(layout)
}
