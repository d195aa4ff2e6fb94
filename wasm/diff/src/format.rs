//! The forms in which differences are printed: normal, unified and context.

use crate::file::File;
use crate::options::{Options, Style};
use crate::output::Output;
use std::ops::Range;
use tidepool_system::Timestamp;

/// Lines `from` of the first file (counted from 0) are lines `to` of the second.
pub struct Change {
    pub from: Range<usize>,
    pub to: Range<usize>,
}

pub fn print(left: &File, right: &File, changes: &[Change], options: &Options, out: &mut Output) {
    let (a, b) = (left.lines(), right.lines());
    match options.style {
        Style::Normal | Style::Brief => changes.iter().for_each(|change| normal(&a, &b, change, out)),
        Style::Unified(context) => {
            heads([b"--- ", b"+++ "], left, right, options, out);
            groups(changes, context).iter().for_each(|group| unified(&a, &b, group, context, out));
        }
        Style::Context(context) => {
            heads([b"*** ", b"--- "], left, right, options, out);
            groups(changes, context).iter().for_each(|group| in_context(&a, &b, group, context, out));
        }
    }
}

fn line(mark: &[u8], text: &[u8], out: &mut Output) {
    out.put(mark);
    out.put(text);
    if !text.ends_with(b"\n") {
        out.put(b"\n\\ No newline at end of file\n");
    }
}

fn normal(a: &[&[u8]], b: &[&[u8]], Change { from, to }: &Change, out: &mut Output) {
    let letter = match (from.is_empty(), to.is_empty()) {
        (true, _) => "a",
        (_, true) => "d",
        _ => "c",
    };
    out.line(&[numbers(from).as_bytes(), letter.as_bytes(), numbers(to).as_bytes()]);
    a[from.clone()].iter().for_each(|text| line(b"< ", text, out));
    if letter == "c" {
        out.put(b"---\n");
    }
    b[to.clone()].iter().for_each(|text| line(b"> ", text, out));
}

/// `2` or `2,5`; an empty run is named by the line before it.
fn numbers(range: &Range<usize>) -> String {
    match range.len() {
        0 => range.start.to_string(),
        1 => range.end.to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

fn heads(marks: [&[u8]; 2], left: &File, right: &File, options: &Options, out: &mut Output) {
    for (at, (mark, file)) in marks.into_iter().zip([left, right]).enumerate() {
        match options.labels.get(at) {
            Some(label) => out.line(&[mark, label]),
            None => {
                let time = file.stat.as_ref().map_or(Timestamp { seconds: 0, nanoseconds: 0 }, |stat| stat.mtime);
                out.line(&[mark, &file.shown, b"\t", date(time).as_bytes()]);
            }
        }
    }
}

/// Changes whose contexts touch are printed as one.
fn groups(changes: &[Change], context: usize) -> Vec<&[Change]> {
    changes.chunk_by(|before, after| after.from.start - before.from.end <= 2 * context).collect()
}

/// The lines of a group with its context, in both files.
fn extent(a: &[&[u8]], b: &[&[u8]], group: &[Change], context: usize) -> (Range<usize>, Range<usize>) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return (0..0, 0..0) };
    let before = context.min(first.from.start);
    let after = context.min(a.len() - last.from.end).min(b.len() - last.to.end);
    (first.from.start - before..last.from.end + after, first.to.start - before..last.to.end + after)
}

fn unified(a: &[&[u8]], b: &[&[u8]], group: &[Change], context: usize, out: &mut Output) {
    let (from, to) = extent(a, b, group, context);
    out.line(&[b"@@ -", counted(&from).as_bytes(), b" +", counted(&to).as_bytes(), b" @@"]);
    let mut at = from.start;
    for change in group {
        a[at..change.from.start].iter().for_each(|text| line(b" ", text, out));
        a[change.from.clone()].iter().for_each(|text| line(b"-", text, out));
        b[change.to.clone()].iter().for_each(|text| line(b"+", text, out));
        at = change.from.end;
    }
    a[at..from.end].iter().for_each(|text| line(b" ", text, out));
}

/// `start` or `start,count`.
fn counted(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => range.end.to_string(),
        count => format!("{},{count}", range.start + 1),
    }
}

fn in_context(a: &[&[u8]], b: &[&[u8]], group: &[Change], context: usize, out: &mut Output) {
    let (from, to) = extent(a, b, group, context);
    out.put(b"***************\n");
    out.line(&[b"*** ", ends(&from).as_bytes(), b" ****"]);
    if group.iter().any(|change| !change.from.is_empty()) {
        side(a, &from, group.iter().map(|change| (&change.from, change.to.is_empty())), b"- ", out);
    }
    out.line(&[b"--- ", ends(&to).as_bytes(), b" ----"]);
    if group.iter().any(|change| !change.to.is_empty()) {
        side(b, &to, group.iter().map(|change| (&change.to, change.from.is_empty())), b"+ ", out);
    }
}

fn side<'a>(
    lines: &[&[u8]],
    extent: &Range<usize>,
    changed: impl Iterator<Item = (&'a Range<usize>, bool)>,
    alone: &[u8],
    out: &mut Output,
) {
    let mut at = extent.start;
    for (range, is_alone) in changed {
        lines[at..range.start].iter().for_each(|text| line(b"  ", text, out));
        let mark = if is_alone { alone } else { b"! " };
        lines[range.clone()].iter().for_each(|text| line(mark, text, out));
        at = range.end;
    }
    lines[at..extent.end].iter().for_each(|text| line(b"  ", text, out));
}

fn ends(range: &Range<usize>) -> String {
    if range.len() < 2 { range.end.to_string() } else { format!("{},{}", range.start + 1, range.end) }
}

/// `2026-11-21 11:06:28.666979681 +0000`, in UTC as every clock of a cell is.
fn date(time: Timestamp) -> String {
    let (days, second) = (time.seconds.div_euclid(86_400), time.seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:09} +0000", time.nanoseconds)
}

/// Days since the epoch as a date (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}
