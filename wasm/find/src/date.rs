//! Dates in UTC: the calendar, what `-newermt` reads, and what `-printf` and `-ls` write.

use crate::expression::{Instant, Stamp};
use std::time::{SystemTime, UNIX_EPOCH};
use tidepool_system::{Stat, Timestamp};

pub const NANOSECONDS: i128 = 1_000_000_000;
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

pub fn now() -> Instant {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i128)
}

fn instant(time: Timestamp) -> Instant {
    i128::from(time.seconds) * NANOSECONDS + i128::from(time.nanoseconds)
}

pub fn timestamp(stat: &Stat, stamp: Stamp) -> Timestamp {
    match stamp {
        Stamp::Access => stat.atime,
        Stamp::Change => stat.ctime,
        Stamp::Modification => stat.mtime,
    }
}

pub fn of(stat: &Stat, stamp: Stamp) -> Instant {
    instant(timestamp(stat, stamp))
}

/// A moment taken apart, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanosecond: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// 0 is the first of January.
    pub yearday: u32,
    pub seconds: i64,
}

impl Moment {
    pub fn new(time: Timestamp) -> Moment {
        let days = time.seconds.div_euclid(86_400);
        let rest = time.seconds.rem_euclid(86_400) as u32;
        let (year, month, day) = civil(days);
        Moment {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            nanosecond: time.nanoseconds,
            weekday: (days + 4).rem_euclid(7) as u32,
            yearday: (days - days_from_civil(year, 1, 1)) as u32,
            seconds: time.seconds,
        }
    }

    /// Seconds with the ten digits behind the point that find prints.
    fn fraction(&self) -> String {
        format!("{:02}.{:09}0", self.second, self.nanosecond)
    }

    fn clock(&self) -> String {
        format!("{:02}:{:02}:{}", self.hour, self.minute, self.fraction())
    }

    fn short_day(&self) -> &'static str {
        &DAYS[self.weekday as usize][..3]
    }

    fn short_month(&self) -> &'static str {
        &MONTHS[self.month as usize - 1][..3]
    }

    /// `%t` and its like: as ctime(3), with the fraction.
    pub fn ctime(&self) -> String {
        format!("{} {} {:2} {} {}", self.short_day(), self.short_month(), self.day, self.clock(), self.year)
    }

    /// The date of `ls -l`: without the time when it is half a year away.
    pub fn listed(&self, now: Instant) -> String {
        let age = (now / NANOSECONDS) as i64 - self.seconds;
        let month = self.short_month();
        if (-1..=31_556_952 / 2).contains(&age) {
            format!("{month} {:2} {:02}:{:02}", self.day, self.hour, self.minute)
        } else {
            format!("{month} {:2}  {}", self.day, self.year)
        }
    }

    /// One letter of `%Ak`, `%Ck`, `%Tk`; None for a letter that does not exist.
    pub fn letter(&self, letter: u8) -> Option<String> {
        let hour12 = if self.hour.is_multiple_of(12) { 12 } else { self.hour % 12 };
        let half = if self.hour < 12 { "AM" } else { "PM" };
        let monday_based = (self.weekday + 6) % 7;
        Some(match letter {
            b'@' => format!("{}.{:09}0", self.seconds, self.nanosecond),
            b's' => self.seconds.to_string(),
            b'H' => format!("{:02}", self.hour),
            b'I' => format!("{hour12:02}"),
            b'k' => format!("{:2}", self.hour),
            b'l' => format!("{hour12:2}"),
            b'M' => format!("{:02}", self.minute),
            b'p' => half.to_owned(),
            b'r' => format!("{hour12:02}:{:02}:{:02} {half}", self.minute, self.second),
            b'R' => format!("{:02}:{:02}", self.hour, self.minute),
            b'S' => self.fraction(),
            b'T' | b'X' => self.clock(),
            b'+' => format!("{}+{}", self.iso_day(), self.clock()),
            b'Z' => "UTC".to_owned(),
            b'z' => "+0000".to_owned(),
            b'a' => self.short_day().to_owned(),
            b'A' => DAYS[self.weekday as usize].to_owned(),
            b'b' | b'h' => self.short_month().to_owned(),
            b'B' => MONTHS[self.month as usize - 1].to_owned(),
            b'c' => {
                format!(
                    "{} {} {:2} {:02}:{:02}:{:02} {}",
                    self.short_day(),
                    self.short_month(),
                    self.day,
                    self.hour,
                    self.minute,
                    self.second,
                    self.year
                )
            }
            b'C' => format!("{:02}", self.year / 100),
            b'd' => format!("{:02}", self.day),
            b'D' | b'x' => format!("{:02}/{:02}/{:02}", self.month, self.day, self.year % 100),
            b'e' => format!("{:2}", self.day),
            b'F' => self.iso_day(),
            b'j' => format!("{:03}", self.yearday + 1),
            b'm' => format!("{:02}", self.month),
            b'n' => "\n".to_owned(),
            b't' => "\t".to_owned(),
            b'u' => (monday_based + 1).to_string(),
            b'w' => self.weekday.to_string(),
            b'U' => format!("{:02}", (self.yearday + 7 - self.weekday) / 7),
            b'W' => format!("{:02}", (self.yearday + 7 - monday_based) / 7),
            b'G' => self.iso_year().0.to_string(),
            b'V' => format!("{:02}", self.iso_year().1),
            b'y' => format!("{:02}", self.year % 100),
            b'Y' => self.year.to_string(),
            _ => return None,
        })
    }

    fn iso_day(&self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// The year and week of ISO 8601.
    fn iso_year(&self) -> (i64, u32) {
        let thursday = self.seconds.div_euclid(86_400) - i64::from((self.weekday + 6) % 7) + 3;
        let (year, ..) = civil(thursday);
        (year, ((thursday - days_from_civil(year, 1, 1)) / 7) as u32 + 1)
    }
}

fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(month);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// What `-newermt` reads: `@seconds`, ISO dates with or without time and zone, and relative words (`yesterday`,
/// `2 days ago`, `last week`).
pub fn parse(text: &str, now: Instant) -> Option<Instant> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse::<f64>().ok().map(|s| (s * 1e9) as i128);
    }
    let mut at = now;
    let mut dated = false;
    let mut words: Vec<&str> = text.split([' ', 't']).filter(|w| !w.is_empty()).collect();
    // A split at `t` is only for ISO dates.
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) || !text.contains('-') {
        words = text.split_whitespace().collect();
    }
    if words.is_empty() {
        return Some(now.div_euclid(86_400 * NANOSECONDS) * 86_400 * NANOSECONDS);
    }
    let mut index = 0;
    while index < words.len() {
        let word = words[index];
        if let Some(day) = iso_date(word) {
            at = i128::from(day) * 86_400 * NANOSECONDS;
            dated = true;
            index += 1;
        } else if word.contains(':') {
            let (nanoseconds, offset) = clock(word)?;
            let day = if dated { at } else { at.div_euclid(86_400 * NANOSECONDS) * 86_400 * NANOSECONDS };
            at = day + nanoseconds - offset;
            dated = true;
            index += 1;
        } else if let Some(used) = relative(&words[index..], &mut at, now) {
            index += used;
        } else {
            return None;
        }
    }
    Some(at)
}

fn iso_date(word: &str) -> Option<i64> {
    let parts: Vec<&str> = if word.contains('/') { word.split('/').collect() } else { word.split('-').collect() };
    let (year, month, day) = match parts.as_slice() {
        [y, m, d] if y.len() == 4 => (y.parse().ok()?, m.parse().ok()?, d.parse().ok()?),
        [m, d, y] if word.contains('/') && y.len() == 4 => (y.parse().ok()?, m.parse().ok()?, d.parse().ok()?),
        [all] if all.len() == 8 => (all.get(..4)?.parse().ok()?, all.get(4..6)?.parse().ok()?, all.get(6..)?.parse().ok()?),
        _ => return None,
    };
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| days_from_civil(year, month, day))
}

/// `HH:MM[:SS[.f]]` with `z` or `+hh:mm` behind it: nanoseconds of the day, and of the zone.
fn clock(word: &str) -> Option<(i128, i128)> {
    let (time, zone) = match word.find(['z', '+', '-']) {
        Some(place) => word.split_at(place),
        None => (word, ""),
    };
    let mut parts = time.split(':');
    let hour: i128 = parts.next()?.parse().ok()?;
    let minute: i128 = parts.next()?.parse().ok()?;
    let second: f64 = parts.next().map_or(Some(0.0), |s| s.parse().ok())?;
    if hour > 23 || minute > 59 || second >= 61.0 {
        return None;
    }
    let offset = match zone.as_bytes() {
        [] | [b'z'] => 0,
        [sign, digits @ ..] => {
            let digits: Vec<u8> = digits.iter().copied().filter(u8::is_ascii_digit).collect();
            let number: i128 = String::from_utf8(digits).ok()?.parse().ok()?;
            let minutes = if number < 100 { number * 60 } else { number / 100 * 60 + number % 100 };
            if *sign == b'-' { -minutes } else { minutes }
        }
    };
    Some((hour * 3600 * NANOSECONDS + minute * 60 * NANOSECONDS + (second * 1e9) as i128, offset * 60 * NANOSECONDS))
}

/// A relative phrase; gives the number of words it took.
fn relative(words: &[&str], at: &mut Instant, now: Instant) -> Option<usize> {
    let day = 86_400 * NANOSECONDS;
    match words[0] {
        "now" => {}
        "today" => {}
        "yesterday" => *at -= day,
        "tomorrow" => *at += day,
        "midnight" => *at = now.div_euclid(day) * day,
        "utc" | "gmt" | "z" => {}
        first => {
            let (count, unit_at): (i64, usize) = match first {
                "last" => (-1, 1),
                "next" => (1, 1),
                "a" | "an" => (1, 1),
                number => match number.parse() {
                    Ok(count) => (count, 1),
                    Err(_) => (1, 0),
                },
            };
            let unit = words.get(unit_at)?.trim_end_matches('s');
            let ago = words.get(unit_at + 1) == Some(&"ago");
            shift(at, if ago { -count } else { count }, unit)?;
            return Some(unit_at + 1 + usize::from(ago));
        }
    }
    Some(1)
}

fn shift(at: &mut Instant, count: i64, unit: &str) -> Option<()> {
    let seconds: i128 = match unit {
        "sec" | "second" => 1,
        "min" | "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "fortnight" => 14 * 86_400,
        "month" | "year" => {
            let months = if unit == "year" { count * 12 } else { count };
            let moment = Moment::new(Timestamp { seconds: (*at).div_euclid(NANOSECONDS) as i64, nanoseconds: 0 });
            let index = moment.year * 12 + i64::from(moment.month) - 1 + months;
            let days = days_from_civil(index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1) + i64::from(moment.day) - 1;
            let day = 86_400 * NANOSECONDS;
            *at = i128::from(days) * day + (*at).rem_euclid(day);
            return Some(());
        }
        _ => return None,
    };
    *at += i128::from(count) * seconds * NANOSECONDS;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = 1_795_256_577 * NANOSECONDS;

    fn seconds(text: &str) -> Option<i128> {
        parse(text, NOW).map(|t| t / NANOSECONDS)
    }

    #[test]
    fn dates_are_read_in_their_usual_forms() {
        assert_eq!(seconds("2001-02-03"), Some(981_158_400));
        assert_eq!(seconds("2001-02-03 04:05:06"), Some(981_173_106));
        assert_eq!(seconds("2001-02-03T04:05:06Z"), Some(981_173_106));
        assert_eq!(seconds("@5"), Some(5));
        assert_eq!(seconds("yesterday"), Some(1_795_256_577 - 86_400));
        assert_eq!(seconds("2 days ago"), Some(1_795_256_577 - 2 * 86_400));
        assert_eq!(seconds("last week"), Some(1_795_256_577 - 7 * 86_400));
        assert_eq!(seconds("1 month ago"), Some(1_795_256_577 - 31 * 86_400));
        assert_eq!(seconds("foo"), None);
    }

    #[test]
    fn a_moment_is_taken_apart_in_utc() {
        let moment = Moment::new(Timestamp { seconds: 1_795_256_577, nanoseconds: 560_354_476 });
        assert_eq!(moment.ctime(), "Sat Nov 21 10:22:57.5603544760 2026");
        assert_eq!(moment.letter(b'j'), Some("325".to_owned()));
        assert_eq!(moment.letter(b'V'), Some("47".to_owned()));
        assert_eq!(moment.letter(b'q'), None);
    }
}
