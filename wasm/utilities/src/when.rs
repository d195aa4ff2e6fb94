//! Moments as people write them: `date -d`, `touch -d`. Dates, times, zones, and steps such as `2 days ago`, in any order.

use crate::civil::{self, Civil};

/// Seconds since 1970 and nanoseconds; `None` when the text is none. Parts that are missing are those of `now`.
pub fn parse(text: &str, now: (i64, u32)) -> Option<(i64, u32)> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return epoch(seconds);
    }
    let mut moment = Moment::new(now);
    if text.is_empty() {
        moment.time = Some((0, 0, 0, 0));
    }
    let words = words(text)?;
    let mut at = 0;
    while at < words.len() {
        at += moment.take(&words[at..])?;
    }
    moment.finish()
}

fn epoch(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let seconds: i64 = whole.parse().ok()?;
    let nanoseconds = nanoseconds(fraction)?;
    if whole.starts_with('-') && nanoseconds > 0 {
        return Some((seconds - 1, 1_000_000_000 - nanoseconds));
    }
    Some((seconds, nanoseconds))
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}")[..9].parse().ok()
}

/// Words in small letters; comments in parentheses and commas are left out.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut depth = 0;
    let mut word = String::new();
    for character in text.chars().chain([' ']) {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth > 0 => {}
            ',' | ' ' | '\t' | '\n' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.extend(character.to_lowercase()),
        }
    }
    let words = words.into_iter().fold(Vec::new(), |mut joined: Vec<String>, word| {
        match joined.last_mut() {
            Some(sign) if sign == "+" || sign == "-" => sign.push_str(&word),
            _ => joined.push(word),
        }
        joined
    });
    (depth == 0).then(|| words.iter().flat_map(|word| split(word)).collect())
}

/// `2days` is two words, `2024-01-02T03:04:05Z` three.
fn split(word: &str) -> Vec<String> {
    if let Some((date, time)) = word.split_once('t')
        && date.len() >= 8
        && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && time.starts_with(|first: char| first.is_ascii_digit())
    {
        return std::iter::once(date.to_owned()).chain(split(time)).collect();
    }
    if word.contains(':')
        && let Some(at) = word
            .find(|character: char| character.is_ascii_alphabetic() || character == '+' || character == '-')
            .filter(|&at| at > 0)
    {
        return vec![word[..at].to_owned(), word[at..].to_owned()];
    }
    let digits =
        word.find(|character: char| !(character.is_ascii_digit() || character == '+' || character == '-')).unwrap_or(word.len());
    let letters = word[digits..].chars().all(|character| character.is_ascii_alphabetic());
    if digits > 0 && digits < word.len() && letters {
        return vec![word[..digits].to_owned(), word[digits..].to_owned()];
    }
    vec![word.to_owned()]
}

#[derive(Clone, Copy, Default)]
struct Step {
    months: i64,
    days: i64,
    seconds: i64,
}

struct Moment {
    now: (i64, u32),
    date: Option<(i64, u32, u32)>,
    time: Option<(u32, u32, u32, u32)>,
    /// East of Greenwich, in seconds.
    zone: Option<i64>,
    weekday: Option<(u32, i64)>,
    step: Step,
}

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// A name of at least three letters that begins one of `names`.
fn named(word: &str, names: &[&str]) -> Option<u32> {
    let word = word.trim_end_matches('.');
    let fits = |name: &&str| name.starts_with(word) || (*name == "september" && word == "sept");
    if word.len() < 3 { None } else { names.iter().position(fits).map(|at| at as u32) }
}

fn ordinal(word: &str) -> Option<i64> {
    const WORDS: [&str; 13] =
        ["this", "next", "", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"];
    match word {
        "last" => Some(-1),
        "today" | "" => None,
        word => WORDS.iter().position(|known| *known == word).map(|at| at as i64),
    }
}

impl Moment {
    fn new(now: (i64, u32)) -> Moment {
        Moment { now, date: None, time: None, zone: None, weekday: None, step: Step::default() }
    }

    /// Reads what `words` begin with; how many it took.
    fn take(&mut self, words: &[String]) -> Option<usize> {
        let word = words[0].as_str();
        let next = words.get(1).map_or("", String::as_str);
        match word {
            "now" | "today" | "at" | "of" | "on" | "and" => return Some(1),
            "yesterday" => self.step.days -= 1,
            "tomorrow" => self.step.days += 1,
            "utc" | "gmt" | "z" => self.zone = Some(0),
            "ago" => {
                let Step { months, days, seconds } = self.step;
                self.step = Step { months: -months, days: -days, seconds: -seconds };
            }
            _ => return self.take_more(word, next, words),
        }
        Some(1)
    }

    fn take_more(&mut self, word: &str, next: &str, words: &[String]) -> Option<usize> {
        if let Some(count) = ordinal(word) {
            if let Some(day) = named(next, &DAYS) {
                self.weekday = Some((day, count));
                return Some(2);
            }
            return self.add(count, next).map(|()| 2);
        }
        if self.time.is_some() && self.zone.is_none() && word.starts_with(['+', '-']) {
            self.zone = Some(zone(word)?);
            return Some(1);
        }
        if word.contains(':') {
            return self.clock(word, next);
        }
        if let Some(date) = date(word) {
            self.date = Some(date);
            return Some(1);
        }
        if let Some(day) = named(word, &DAYS) {
            self.weekday = Some((day, 0));
            return Some(1);
        }
        if let Some(month) = named(word, &MONTHS) {
            return self.month_first(month + 1, next, words);
        }
        if let Some(zone) = zone(word).filter(|_| self.time.is_some()) {
            self.zone = Some(zone);
            return Some(1);
        }
        if self.add(1, word).is_some() {
            return Some(1);
        }
        self.number(word, next, words)
    }

    /// `12:30`, `12:30:15.5 pm`
    fn clock(&mut self, word: &str, next: &str) -> Option<usize> {
        let mut parts = word.splitn(3, ':');
        let mut hour: u32 = parts.next()?.parse().ok()?;
        let minute: u32 = parts.next()?.parse().ok()?;
        let (second, fraction) = parts.next().map_or(("0", ""), |text| text.split_once('.').unwrap_or((text, "")));
        let second: u32 = second.parse().ok()?;
        let half = matches!(next, "am" | "pm" | "a.m." | "p.m.");
        if half {
            hour = half_day(hour, next)?;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        self.time = Some((hour, minute, second, nanoseconds(fraction)?));
        Some(if half { 2 } else { 1 })
    }

    /// `jan 5 2024`, `jan 5`, `jan 2024`
    fn month_first(&mut self, month: u32, next: &str, words: &[String]) -> Option<usize> {
        let number: i64 = next.trim_end_matches(|character: char| character.is_ascii_alphabetic()).parse().ok()?;
        let suffixed = words.get(2).is_some_and(|word| matches!(word.as_str(), "st" | "nd" | "rd" | "th"));
        if number > 31 {
            self.date = Some((number, month, 1));
            return Some(2);
        }
        let used = if suffixed { 3 } else { 2 };
        let year = words.get(used).filter(|word| word.len() == 4).and_then(|word| word.parse::<i64>().ok());
        self.date = Some((year.unwrap_or_else(|| civil::from_seconds(self.now.0).year), month, number as u32));
        Some(if year.is_some() { used + 1 } else { used })
    }

    /// A number and what it counts, or `5 jan 2024`, `20240105`, `8pm`, `+0100`.
    fn number(&mut self, word: &str, next: &str, words: &[String]) -> Option<usize> {
        if !word.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i64 = word.parse().ok()?;
        if matches!(next, "am" | "pm" | "a.m." | "p.m.") {
            self.time = Some((half_day(u32::try_from(number).ok()?, next)?, 0, 0, 0));
            return Some(2);
        }
        if let Some(month) = named(next, &MONTHS).filter(|_| !word.starts_with(['+', '-'])) {
            let year = words.get(2).filter(|word| word.len() == 4).and_then(|word| word.parse::<i64>().ok());
            self.date =
                Some((year.unwrap_or_else(|| civil::from_seconds(self.now.0).year), month + 1, u32::try_from(number).ok()?));
            return Some(if year.is_some() { 3 } else { 2 });
        }
        if self.add(number, next).is_some() {
            return Some(2);
        }
        let plain = !word.starts_with(['+', '-']);
        match word.len() {
            8 if plain => self.date = Some((number / 10_000, (number / 100 % 100) as u32, (number % 100) as u32)),
            4 if plain && self.date.is_some() && self.time.is_some() => {
                self.date = self.date.map(|(_, month, day)| (number, month, day))
            }
            3 | 4 if plain => self.time = Some(((number / 100) as u32, (number % 100) as u32, 0, 0)),
            1 | 2 if plain && number < 24 => self.time = Some((number as u32, 0, 0, 0)),
            _ => return None,
        }
        Some(1)
    }

    fn add(&mut self, count: i64, unit: &str) -> Option<()> {
        let unit = if unit.len() > 3 || unit == "day" { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
        match unit {
            "year" => self.step.months += 12 * count,
            "month" => self.step.months += count,
            "fortnight" => self.step.days += 14 * count,
            "week" => self.step.days += 7 * count,
            "day" => self.step.days += count,
            "hour" => self.step.seconds += 3600 * count,
            "min" | "minute" | "mins" => self.step.seconds += 60 * count,
            "sec" | "second" | "secs" => self.step.seconds += count,
            _ => return None,
        }
        Some(())
    }

    fn finish(self) -> Option<(i64, u32)> {
        let zone = self.zone.unwrap_or(0);
        let here = civil::from_seconds(self.now.0 + zone);
        let (year, month, day) = self.date.unwrap_or((here.year, here.month, here.day));
        if !(1..=12).contains(&month) || day < 1 || day > civil::month_days(year, month) {
            return None;
        }
        let whole_day = self.date.is_some() || self.weekday.is_some();
        let (hour, minute, second, nanoseconds) = match self.time {
            Some(time) => time,
            None if whole_day => (0, 0, 0, 0),
            None => (here.hour, here.minute, here.second, self.now.1),
        };
        let months = year * 12 + i64::from(month) - 1 + self.step.months;
        let mut days = civil::days(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1) + i64::from(day) - 1;
        if let Some((weekday, count)) = self.weekday {
            let today = civil::from_seconds(days * 86_400).weekday;
            let ahead = i64::from((weekday + 7 - today) % 7);
            days += ahead + 7 * (count - i64::from(count > 0 && ahead != 0));
        }
        days += self.step.days;
        let moment = Civil { year: 1970, month: 1, day: 1, hour, minute, second, weekday: 0, yearday: 0 };
        Some((days * 86_400 + civil::seconds(&moment) - zone + self.step.seconds, nanoseconds))
    }
}

fn half_day(hour: u32, word: &str) -> Option<u32> {
    if !(1..=12).contains(&hour) {
        return None;
    }
    Some(hour % 12 + if word.starts_with('p') { 12 } else { 0 })
}

/// `2024-02-29`, `2/29/2024`, `2/29`, `29-feb-2024`
fn date(word: &str) -> Option<(i64, u32, u32)> {
    let parts: Vec<&str> = word.split('-').collect();
    if let [year, month, day] = parts.as_slice() {
        if let Some(month) = named(month, &MONTHS) {
            return Some((full_year(day)?, month + 1, year.parse().ok()?));
        }
        return Some((full_year(year)?, month.parse().ok()?, day.parse().ok()?));
    }
    let parts: Vec<&str> = word.split('/').collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)),
        [month, day, year] => Some((full_year(year)?, month.parse().ok()?, day.parse().ok()?)),
        [month, day] => Some((civil::from_seconds(civil::now().0).year, month.parse().ok()?, day.parse().ok()?)),
        _ => None,
    }
}

fn full_year(text: &str) -> Option<i64> {
    let year: i64 = text.parse().ok()?;
    Some(match (text.len(), year) {
        (1..=2, 0..=68) => year + 2000,
        (1..=2, _) => year + 1900,
        _ => year,
    })
}

/// `+0100`, `-05:30`, `+1`, `utc+2`, and the letters of some zones.
fn zone(word: &str) -> Option<i64> {
    let named = match word {
        "est" => Some(-5),
        "edt" | "ast" => Some(-4),
        "cst" => Some(-6),
        "cdt" => Some(-5),
        "mst" => Some(-7),
        "mdt" => Some(-6),
        "pst" => Some(-8),
        "pdt" => Some(-7),
        "cet" | "met" | "bst" => Some(1),
        "cest" | "eet" => Some(2),
        "jst" => Some(9),
        _ => None,
    };
    if let Some(hours) = named {
        return Some(hours * 3600);
    }
    let offset = word.strip_prefix("utc").or_else(|| word.strip_prefix("gmt")).unwrap_or(word);
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        1 | 2 if number <= 24 => Some(sign * number * 3600),
        3 | 4 if number <= 2400 => Some(sign * (number / 100 * 3600 + number % 100 * 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// 2023-11-14 22:13:20, a Tuesday.
    const NOW: (i64, u32) = (1_700_000_000, 0);

    #[test]
    fn moments_are_read_as_date_reads_them() {
        let moments = [
            ("@5", 5),
            ("2024-02-29 12:30:00", 1_709_209_800),
            ("2024-02-29T12:30:00Z", 1_709_209_800),
            ("2024-02-29 12:30 +0100", 1_709_206_200),
            ("1 day ago", 1_699_913_600),
            ("yesterday", 1_699_913_600),
            ("next week", 1_700_604_800),
            ("2024-01-31 + 1 day", 1_706_745_600),
            ("feb 29 2024", 1_709_164_800),
            ("friday", 1_700_179_200),
            ("", 1_699_920_000),
            ("now", 1_700_000_000),
        ];
        for (text, seconds) in moments {
            assert_eq!(parse(text, NOW).map(|moment| moment.0), Some(seconds), "{text}");
        }
        assert_eq!(parse("2024-02-30", NOW), None);
        assert_eq!(parse("foo", NOW), None);
    }
}
