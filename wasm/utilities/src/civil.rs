//! Dates of the Gregorian calendar from seconds since 1970, and `strftime(3)` in the C locale. The zone is UTC, as a cell's is.

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// From 0.
    pub yearday: u32,
}

/// Days since 1970-01-01 (the algorithm of Howard Hinnant's `days_from_civil`).
pub fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

pub fn seconds(civil: &Civil) -> i64 {
    let of_day = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
    days(civil.year, civil.month, civil.day) * 86_400 + of_day
}

pub fn from_seconds(seconds: i64) -> Civil {
    let (day_number, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = day_number + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Civil {
        year,
        month,
        day: (day_of_year - (153 * part + 2) / 5 + 1) as u32,
        hour: (of_day / 3600) as u32,
        minute: (of_day / 60 % 60) as u32,
        second: (of_day % 60) as u32,
        weekday: (day_number + 4).rem_euclid(7) as u32,
        yearday: (day_number - days(year, 1, 1)) as u32,
    }
}

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn month_days(year: i64, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// ISO 8601's year and week.
fn iso_week(civil: &Civil) -> (i64, u32) {
    let weekday = (civil.weekday + 6) % 7;
    let week = (civil.yearday + 1 + 10 - (weekday + 1)) / 7;
    let weeks_in = |year: i64| {
        let first = (from_seconds(days(year, 1, 1) * 86_400).weekday + 6) % 7;
        52 + u32::from(first == 3 || (first == 2 && is_leap(year)))
    };
    match week {
        0 => (civil.year - 1, weeks_in(civil.year - 1)),
        53 if weeks_in(civil.year) == 52 => (civil.year + 1, 1),
        week => (civil.year, week),
    }
}

/// A moment as `strftime` and date(1) show it: `%N`, `%s`, and the flags `-`, `_`, `0`, `^`, `#` and widths, too.
pub fn format(format: &str, seconds: i64, nanoseconds: u32) -> String {
    let civil = from_seconds(seconds);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let spec = rest.as_str();
        match directive(spec, &civil, seconds, nanoseconds) {
            Some((shown, used)) => {
                text.push_str(&shown);
                rest = spec[used..].chars();
            }
            None => text.push('%'),
        }
    }
    text
}

/// How a field is filled up: with what, and to how many characters.
#[derive(Clone, Copy)]
struct Fill {
    pad: Option<char>,
    width: usize,
}

/// The directive at the beginning of `spec` (behind its `%`) and how many bytes it takes.
fn directive(spec: &str, civil: &Civil, seconds: i64, nanoseconds: u32) -> Option<(String, usize)> {
    let (mut pad, mut none, mut upper, mut swap, mut at) = (None, false, false, false, 0);
    let bytes = spec.as_bytes();
    while let Some(flag) = bytes.get(at).filter(|flag| b"-_0^#+".contains(flag)) {
        match flag {
            b'-' => none = true,
            b'_' => pad = Some(' '),
            b'0' | b'+' => pad = Some('0'),
            b'^' => upper = true,
            _ => swap = true,
        }
        at += 1;
    }
    let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let width: usize = spec[at..at + digits].parse().unwrap_or(0);
    at += digits;
    let colons = bytes[at..].iter().take_while(|&&byte| byte == b':').count();
    at += colons;
    if matches!(bytes.get(at), Some(b'E' | b'O')) {
        at += 1;
    }
    let letter = char::from(*bytes.get(at)?);
    let fill = Fill { pad, width };
    let number = |value: i64, least: usize, default: char| {
        if none { value.to_string() } else { filled(&value.to_string(), fill.pad.unwrap_or(default), fill.width.max(least)) }
    };
    let hour12 = i64::from(if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 });
    let nested = |format: &str| filled(&self::format(format, seconds, nanoseconds), ' ', width);
    let name = |name: &str| filled(name, pad.unwrap_or(' '), width);
    let shown = match letter {
        '%' => "%".to_owned(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        'a' => name(&DAYS[civil.weekday as usize][..3]),
        'A' => name(DAYS[civil.weekday as usize]),
        'b' | 'h' => name(&MONTHS[civil.month as usize - 1][..3]),
        'B' => name(MONTHS[civil.month as usize - 1]),
        'c' => nested("%a %b %e %H:%M:%S %Y"),
        'C' => number(civil.year.div_euclid(100), 2, '0'),
        'd' => number(i64::from(civil.day), 2, '0'),
        'D' | 'x' => nested("%m/%d/%y"),
        'e' => number(i64::from(civil.day), 2, ' '),
        'F' => nested("%Y-%m-%d"),
        'g' => number(iso_week(civil).0.rem_euclid(100), 2, '0'),
        'G' => number(iso_week(civil).0, 4, '0'),
        'H' => number(i64::from(civil.hour), 2, '0'),
        'I' => number(hour12, 2, '0'),
        'j' => number(i64::from(civil.yearday) + 1, 3, '0'),
        'k' => number(i64::from(civil.hour), 2, ' '),
        'l' => number(hour12, 2, ' '),
        'm' => number(i64::from(civil.month), 2, '0'),
        'M' => number(i64::from(civil.minute), 2, '0'),
        'N' => {
            let nine = format!("{nanoseconds:09}");
            if none { nine.trim_end_matches('0').to_owned() } else { nine[..if width == 0 { 9 } else { width.min(9) }].to_owned() }
        }
        'p' => name(if swap {
            if civil.hour < 12 { "am" } else { "pm" }
        } else if civil.hour < 12 {
            "AM"
        } else {
            "PM"
        }),
        'P' => name(if civil.hour < 12 { "am" } else { "pm" }),
        'q' => number(i64::from((civil.month - 1) / 3 + 1), 1, '0'),
        'r' => nested("%I:%M:%S %p"),
        'R' => nested("%H:%M"),
        's' => number(seconds, 1, '0'),
        'S' => number(i64::from(civil.second), 2, '0'),
        'T' | 'X' => nested("%H:%M:%S"),
        'u' => number(i64::from(if civil.weekday == 0 { 7 } else { civil.weekday }), 1, '0'),
        'U' => number(i64::from((civil.yearday + 7 - civil.weekday) / 7), 2, '0'),
        'V' => number(i64::from(iso_week(civil).1), 2, '0'),
        'w' => number(i64::from(civil.weekday), 1, '0'),
        'W' => number(i64::from((civil.yearday + 7 - (civil.weekday + 6) % 7) / 7), 2, '0'),
        'y' => number(civil.year.rem_euclid(100), 2, '0'),
        'Y' => number(civil.year, 4, '0'),
        'z' => match colons {
            0 => "+0000".to_owned(),
            1 => "+00:00".to_owned(),
            2 => "+00:00:00".to_owned(),
            _ => "+00".to_owned(),
        },
        'Z' => name(if swap { "utc" } else { "UTC" }),
        _ => return None,
    };
    let loud = upper || (swap && "aAbBh".contains(letter));
    Some((if loud { shown.to_uppercase() } else { shown }, at + 1))
}

fn filled(text: &str, pad: char, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let fill: String = std::iter::repeat_n(pad, missing).collect();
    match text.strip_prefix('-') {
        Some(digits) if pad == '0' => format!("-{fill}{digits}"),
        _ => format!("{fill}{text}"),
    }
}

/// Seconds since 1970 and nanoseconds, now.
pub fn now() -> (i64, u32) {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as i64, since.subsec_nanos()),
        Err(before) => (-(before.duration().as_secs() as i64), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        for day in (-200_000..200_000).step_by(37) {
            let civil = from_seconds(day * 86_400 + 3_661);
            assert_eq!(seconds(&civil), day * 86_400 + 3_661);
        }
    }

    #[test]
    fn a_moment_reads_as_in_strftime() {
        let shown = format("%Y-%m-%d %H:%M:%S %a %b %e %j %U %V %G %s %3N %-d %^a", 1_700_000_000, 123_456_789);
        assert_eq!(shown, "2023-11-14 22:13:20 Tue Nov 14 318 46 46 2023 1700000000 123 14 TUE");
        assert_eq!(format("%V %G", 1_609_459_200, 0), "53 2020");
    }
}
