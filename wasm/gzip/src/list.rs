//! The table of `gzip -l`.

use crate::member::Totals;
use tidepool_system::{Fd, write_all};

#[derive(Default)]
pub struct Listing {
    rows: u64,
    compressed: u64,
    plain: u64,
    head: u64,
}

impl Listing {
    pub fn row(&mut self, totals: &Totals, name: &str, verbose: bool) {
        let mut text = String::new();
        if self.rows == 0 {
            if verbose {
                text.push_str("method  crc     date  time  ");
            }
            text.push_str("         compressed        uncompressed  ratio uncompressed_name\n");
        }
        self.rows += 1;
        self.compressed += totals.compressed;
        self.plain += totals.plain;
        self.head = totals.header.bytes;
        if verbose {
            text.push_str(&format!("defla {:08x} {} ", totals.crc, date(totals.header.time)));
        }
        let ratio = ratio(totals.plain, totals.compressed, self.head);
        text.push_str(&format!("{:19} {:19} {ratio} {name}\n", totals.compressed, totals.plain));
        print(&text);
    }

    pub fn totals(&self, verbose: bool) {
        if self.rows < 2 {
            return;
        }
        let margin = if verbose { " ".repeat(28) } else { String::new() };
        print(&format!(
            "{margin}{:19} {:19} {} (totals)\n",
            self.compressed,
            self.plain,
            ratio(self.plain, self.compressed, self.head)
        ));
    }
}

fn print(text: &str) {
    let _ = write_all(Fd::STDOUT, text.as_bytes());
}

/// How much smaller the data has become, header and trailer not counted.
pub fn ratio(plain: u64, compressed: u64, head: u64) -> String {
    if plain == 0 {
        return "  0.0%".into();
    }
    let saved = plain as f64 - (compressed as f64 - head as f64);
    format!("{:5.1}%", 100.0 * saved / plain as f64)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Nov 21 10:57` in UTC.
fn date(time: u32) -> String {
    let days = i64::from(time / 86_400);
    let (month, day) = month_and_day(days);
    format!("{} {day:2} {:02}:{:02}", MONTHS[month], time / 3_600 % 24, time / 60 % 60)
}

/// Month (from 0) and day of the month, by counting from March (H. Hinnant, "chrono-compatible low-level date algorithms").
fn month_and_day(days_since_epoch: i64) -> (usize, i64) {
    let z = days_since_epoch + 719_468;
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 2 } else { shifted - 10 };
    (month as usize, day_of_year - (153 * shifted + 2) / 5 + 1)
}
