//! Dates in UTC: seconds since 1970, broken-down times as arrays (year, month from 0, day, hours, minutes, seconds, weekday,
//! day of the year), and the conversions of `strftime(3)` and `strptime(3)`. A cell's zone is UTC, so local time is the same.

use crate::value::{Error, Val, ValR, fail};
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

#[derive(Clone, Copy, Default)]
struct Time {
    year: i64,
    /// From 0.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: f64,
    weekday: i64,
    year_day: i64,
}

/// Days since 1970 of a date; month from 0, beyond its bounds counts on.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Time {
    fn of_seconds(seconds: f64) -> Time {
        let whole = seconds.floor() as i64;
        let (day_count, in_day) = (whole.div_euclid(86_400), whole.rem_euclid(86_400));
        let shifted = day_count + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 2 } else { month - 10 };
        let year = year_of_era + era * 400 + i64::from(month < 2);
        let second = (in_day % 60) as f64 + (seconds - seconds.floor());
        Time { year, month, day, hour: in_day / 3_600, minute: in_day / 60 % 60, second, ..Time::default() }.completed()
    }

    /// With the weekday and the day of the year that belong to the date.
    fn completed(self) -> Time {
        let count = days(self.year, self.month, self.day);
        Time { weekday: (count + 4).rem_euclid(7), year_day: count - days(self.year, 0, 1), ..self }
    }

    fn seconds(&self) -> f64 {
        (days(self.year, self.month, self.day) * 86_400 + self.hour * 3_600 + self.minute * 60) as f64 + self.second.floor()
    }

    fn of_value(value: &Val) -> Option<Time> {
        let Val::Arr(parts) = value else { return None };
        let mut numbers = [0.0; 8];
        for (at, number) in numbers.iter_mut().enumerate() {
            match parts.get(at) {
                Some(Val::Num(n)) => *number = *n,
                None if at >= 6 => {}
                _ => return None,
            }
        }
        let [year, month, day, hour, minute, second, weekday, year_day] = numbers;
        let whole = |n: f64| n as i64;
        Some(Time {
            year: whole(year),
            month: whole(month),
            day: whole(day),
            hour: whole(hour),
            minute: whole(minute),
            second,
            weekday: whole(weekday),
            year_day: whole(year_day),
        })
    }

    fn value(&self) -> Val {
        let whole = [self.year, self.month, self.day, self.hour, self.minute].map(|n| n as f64);
        whole.into_iter().chain([self.second, self.weekday as f64, self.year_day as f64]).map(Val::Num).collect()
    }
}

pub fn now(_: Val) -> ValR {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Val::Num(since.as_micros() as f64 / 1e6))
}

pub fn gmtime(value: Val) -> ValR {
    broken_down(&value, "gmtime() requires a number")
}

pub fn localtime(value: Val) -> ValR {
    broken_down(&value, "localtime() requires numeric inputs")
}

fn broken_down(value: &Val, error: &str) -> ValR {
    match value {
        Val::Num(seconds) => Ok(Time::of_seconds(*seconds).value()),
        _ => fail(error),
    }
}

pub fn mktime(value: Val) -> ValR {
    if !matches!(&value, Val::Arr(parts) if parts.len() >= 6) {
        return fail("mktime requires array of 6 numbers");
    }
    match Time::of_value(&value) {
        Some(time) => Ok(Val::Num(time.seconds())),
        None => fail("mktime requires parsed datetime inputs"),
    }
}

pub fn strftime(value: Val, format: Val) -> ValR {
    formatted(value, format, "strftime/1")
}

pub fn strflocaltime(value: Val, format: Val) -> ValR {
    formatted(value, format, "strflocaltime/1")
}

fn formatted(value: Val, format: Val, name: &str) -> ValR {
    let time = match &value {
        Val::Num(seconds) => Some(Time::of_seconds(*seconds)),
        other => Time::of_value(other),
    };
    match (time, format.as_str()) {
        (None, _) => fail(format!("{name} requires parsed datetime inputs")),
        (_, None) => fail(format!("{name} requires a string format")),
        (Some(time), Some(format)) => {
            let mut out = String::new();
            push_formatted(&mut out, &time, format);
            Ok(Val::from(out))
        }
    }
}

/// The ISO 8601 year and week of a date.
fn iso_week(time: &Time) -> (i64, i64) {
    let count = days(time.year, time.month, time.day);
    let thursday = count - (time.weekday + 6) % 7 + 3;
    let year = Time::of_seconds(thursday as f64 * 86_400.0).year;
    (year, (thursday - days(year, 0, 1)) / 7 + 1)
}

fn push_formatted(out: &mut String, time: &Time, format: &str) {
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut conversion = letters.next();
        let mut padding = None;
        while let Some(flag @ ('-' | '_' | '0' | 'E' | 'O')) = conversion {
            padding = Some(flag);
            conversion = letters.next();
        }
        match conversion {
            Some(conversion) => push_conversion(out, time, conversion, padding),
            None => out.push('%'),
        }
    }
}

fn push_conversion(out: &mut String, time: &Time, conversion: char, padding: Option<char>) {
    let second = time.second as i64;
    let hour12 = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    let month = MONTHS.get(time.month as usize).copied().unwrap_or("?");
    let weekday = DAYS.get(time.weekday as usize).copied().unwrap_or("?");
    let mut number = |value: i64, width: usize, pad: char| {
        let pad = match padding {
            Some('-') => return out.push_str(&value.to_string()),
            Some('_') => ' ',
            Some('0') => '0',
            _ => pad,
        };
        *out += &if pad == '0' { format!("{value:0width$}") } else { format!("{value:width$}") };
    };
    match conversion {
        'Y' => number(time.year, 1, '0'),
        'C' => number(time.year.div_euclid(100), 2, '0'),
        'y' => number(time.year.rem_euclid(100), 2, '0'),
        'm' => number(time.month + 1, 2, '0'),
        'd' => number(time.day, 2, '0'),
        'e' => number(time.day, 2, ' '),
        'H' => number(time.hour, 2, '0'),
        'k' => number(time.hour, 2, ' '),
        'I' => number(hour12, 2, '0'),
        'l' => number(hour12, 2, ' '),
        'M' => number(time.minute, 2, '0'),
        'S' => number(second, 2, '0'),
        'j' => number(time.year_day + 1, 3, '0'),
        'u' => number(if time.weekday == 0 { 7 } else { time.weekday }, 1, '0'),
        'w' => number(time.weekday, 1, '0'),
        'U' => number((time.year_day + 7 - time.weekday) / 7, 2, '0'),
        'W' => number((time.year_day + 7 - (time.weekday + 6) % 7) / 7, 2, '0'),
        'G' => number(iso_week(time).0, 4, '0'),
        'g' => number(iso_week(time).0.rem_euclid(100), 2, '0'),
        'V' => number(iso_week(time).1, 2, '0'),
        's' => number(time.seconds() as i64, 1, '0'),
        'A' => out.push_str(weekday),
        'a' => out.push_str(&weekday[..3.min(weekday.len())]),
        'B' => out.push_str(month),
        'b' | 'h' => out.push_str(&month[..3.min(month.len())]),
        'p' => out.push_str(if time.hour < 12 { "AM" } else { "PM" }),
        'P' => out.push_str(if time.hour < 12 { "am" } else { "pm" }),
        'Z' => out.push_str("UTC"),
        'z' => out.push_str("+0000"),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        '%' => out.push('%'),
        'c' => push_formatted(out, time, "%a %b %e %H:%M:%S %Y"),
        'D' | 'x' => push_formatted(out, time, "%m/%d/%y"),
        'F' => push_formatted(out, time, "%Y-%m-%d"),
        'T' | 'X' => push_formatted(out, time, "%H:%M:%S"),
        'R' => push_formatted(out, time, "%H:%M"),
        'r' => push_formatted(out, time, "%I:%M:%S %p"),
        other => out.extend(['%', other]),
    }
}

pub fn strptime(value: Val, format: Val) -> ValR {
    let (Some(text), Some(format)) = (value.as_str(), format.as_str()) else {
        return fail("strptime/1 requires string inputs and arguments");
    };
    let mut reader = Reader { rest: text, time: Time { year: 1900, day: 1, ..Time::default() }, afternoon: None, epoch: None };
    match reader.read(format).filter(|()| reader.rest.is_empty()) {
        Some(()) => Ok(reader.finished().value()),
        None => mismatch(text, format),
    }
}

fn mismatch(text: &str, format: &str) -> Result<Val, Error> {
    fail(format!("date \"{text}\" does not match format \"{format}\""))
}

/// `strptime(3)`: what is left of the text, and what was read so far.
struct Reader<'t> {
    rest: &'t str,
    time: Time,
    afternoon: Option<bool>,
    epoch: Option<f64>,
}

impl Reader<'_> {
    fn read(&mut self, format: &str) -> Option<()> {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter.is_whitespace() {
                self.rest = self.rest.trim_start();
                continue;
            }
            if letter != '%' {
                self.rest = self.rest.strip_prefix(letter)?;
                continue;
            }
            let conversion = letters.by_ref().find(|c| !matches!(c, '-' | '_' | '0' | 'E' | 'O'))?;
            self.conversion(conversion)?;
        }
        Some(())
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let text = self.rest.trim_start();
        let length = text.bytes().take(digits).take_while(u8::is_ascii_digit).count();
        let number = text[..length].parse().ok()?;
        self.rest = &text[length..];
        Some(number)
    }

    fn within(&mut self, digits: usize, from: i64, to: i64) -> Option<i64> {
        self.number(digits).filter(|number| (from..=to).contains(number))
    }

    fn name(&mut self, names: &[&str]) -> Option<i64> {
        for (at, name) in names.iter().enumerate() {
            for form in [*name, &name[..3]] {
                if self.rest.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form)) {
                    self.rest = &self.rest[form.len()..];
                    return Some(at as i64);
                }
            }
        }
        None
    }

    fn conversion(&mut self, conversion: char) -> Option<()> {
        match conversion {
            'Y' => self.time.year = self.number(4)?,
            'y' => {
                let year = self.within(2, 0, 99)?;
                self.time.year = if year < 69 { 2000 + year } else { 1900 + year };
            }
            'm' => self.time.month = self.within(2, 1, 12)? - 1,
            'd' | 'e' => self.time.day = self.within(2, 1, 31)?,
            'H' | 'k' => self.time.hour = self.within(2, 0, 23)?,
            'I' | 'l' => self.time.hour = self.within(2, 1, 12)? % 12,
            'M' => self.time.minute = self.within(2, 0, 59)?,
            'S' => self.time.second = self.within(2, 0, 61)? as f64,
            'j' => {
                let day = self.within(3, 1, 366)?;
                self.time.year_day = day - 1;
            }
            'p' | 'P' => self.afternoon = Some(self.half()? == 1),
            'A' | 'a' => self.time.weekday = self.name(&DAYS)?,
            'B' | 'b' | 'h' => self.time.month = self.name(&MONTHS)?,
            's' => self.epoch = Some(self.number(20)? as f64),
            'z' => self.zone_offset()?,
            'Z' => self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
            'T' => self.read("%H:%M:%S")?,
            'R' => self.read("%H:%M")?,
            'F' => self.read("%Y-%m-%d")?,
            'D' => self.read("%m/%d/%y")?,
            'c' => self.read("%a %b %e %H:%M:%S %Y")?,
            'n' | 't' => self.rest = self.rest.trim_start(),
            '%' => self.rest = self.rest.strip_prefix('%')?,
            _ => return None,
        }
        Some(())
    }

    /// AM or PM.
    fn half(&mut self) -> Option<i64> {
        let half = match self.rest.get(..2)?.to_ascii_uppercase().as_str() {
            "AM" => 0,
            "PM" => 1,
            _ => return None,
        };
        self.rest = &self.rest[2..];
        Some(half)
    }

    /// Read and, as in jq, not applied.
    fn zone_offset(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(());
        }
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        self.number(2)?;
        self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
        self.number(2).map(drop)
    }

    fn finished(&self) -> Time {
        if let Some(seconds) = self.epoch {
            return Time::of_seconds(seconds);
        }
        let hour = if self.afternoon == Some(true) { self.time.hour + 12 } else { self.time.hour };
        Time { hour, ..self.time }.completed()
    }
}
