//! Brace expansion: one word into several, before anything else is expanded.

use tidepool_syntax::ast::{Part, Word};

/// One byte of unquoted text, or a part that braces cannot look into.
#[derive(Clone)]
enum Unit {
    Byte(u8),
    Part(Part),
}

/// The words that `word` stands for; itself when there is no brace expression in it.
pub fn expand(word: &Word) -> Vec<Word> {
    let mut units = Vec::new();
    for part in &word.parts {
        match part {
            Part::Literal(text) => units.extend(text.iter().map(|byte| Unit::Byte(*byte))),
            other => units.push(Unit::Part(other.clone())),
        }
    }
    expand_units(&units).into_iter().map(|units| word_of(&units)).collect()
}

fn is(unit: Option<&Unit>, byte: u8) -> bool {
    matches!(unit, Some(Unit::Byte(found)) if *found == byte)
}

fn expand_units(units: &[Unit]) -> Vec<Vec<Unit>> {
    for open in 0..units.len() {
        if !is(units.get(open), b'{') {
            continue;
        }
        let Some((close, commas)) = matching(units, open) else {
            continue;
        };
        let inner = units.get(open + 1..close).unwrap_or_default();
        let choices = if commas.is_empty() {
            match sequence(inner) {
                Some(choices) => choices,
                None => continue,
            }
        } else {
            alternatives(units, open, close, &commas)
        };
        let head = units.get(..open).unwrap_or_default();
        let tails = expand_units(units.get(close + 1..).unwrap_or_default());
        let mut all = Vec::with_capacity(choices.len() * tails.len());
        for choice in &choices {
            for tail in &tails {
                all.push([head, choice, tail].concat());
            }
        }
        return all;
    }
    vec![units.to_vec()]
}

/// The brace that closes the one at `open`, and the commas of its level.
fn matching(units: &[Unit], open: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0usize;
    let mut commas = Vec::new();
    for (at, unit) in units.iter().enumerate().skip(open + 1) {
        match unit {
            Unit::Byte(b'{') => depth += 1,
            Unit::Byte(b'}') if depth == 0 => return Some((at, commas)),
            Unit::Byte(b'}') => depth -= 1,
            Unit::Byte(b',') if depth == 0 => commas.push(at),
            _ => {}
        }
    }
    None
}

fn alternatives(units: &[Unit], open: usize, close: usize, commas: &[usize]) -> Vec<Vec<Unit>> {
    let mut starts = vec![open + 1];
    starts.extend(commas.iter().map(|comma| comma + 1));
    let mut ends = commas.to_vec();
    ends.push(close);
    starts.iter().zip(&ends).flat_map(|(start, end)| expand_units(units.get(*start..*end).unwrap_or_default())).collect()
}

/// `1..5`, `a..e..2`, `01..10`
fn sequence(inner: &[Unit]) -> Option<Vec<Vec<Unit>>> {
    let text: Vec<u8> =
        inner.iter().map(|unit| if let Unit::Byte(byte) = unit { Some(*byte) } else { None }).collect::<Option<_>>()?;
    let text = String::from_utf8(text).ok()?;
    let pieces: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match pieces.as_slice() {
        [first, last] => (*first, *last, 1),
        [first, last, step] => (*first, *last, step.parse::<i64>().ok()?),
        _ => return None,
    };
    let texts = match (number(first), number(last)) {
        (Some(low), Some(high)) => numbers(low, high, step, width(first, last)),
        _ => letters(first, last, step)?,
    };
    Some(texts.into_iter().map(|text| text.bytes().map(Unit::Byte).collect()).collect())
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A leading zero pads every number to the longer of the two.
fn width(first: &str, last: &str) -> usize {
    let padded = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        digits.len() > 1 && digits.starts_with('0')
    };
    if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 }
}

fn numbers(low: i64, high: i64, step: i64, width: usize) -> Vec<String> {
    let step = step.unsigned_abs().max(1);
    let count = low.abs_diff(high) / step;
    (0..=count)
        .map(|round| {
            let offset = round.wrapping_mul(step) as i64;
            let value = if low <= high { low.wrapping_add(offset) } else { low.wrapping_sub(offset) };
            if value < 0 {
                format!("-{:0width$}", value.unsigned_abs(), width = width.saturating_sub(1))
            } else {
                format!("{value:0width$}")
            }
        })
        .collect()
}

fn letters(first: &str, last: &str, step: i64) -> Option<Vec<String>> {
    let (&[low], &[high]) = (first.as_bytes(), last.as_bytes()) else {
        return None;
    };
    if !low.is_ascii_alphabetic() || !high.is_ascii_alphabetic() {
        return None;
    }
    let step = step.unsigned_abs().clamp(1, 255) as usize;
    let range: Vec<u8> = if low <= high { (low..=high).collect() } else { (high..=low).rev().collect() };
    Some(range.into_iter().step_by(step).map(|byte| char::from(byte).to_string()).collect())
}

fn word_of(units: &[Unit]) -> Word {
    let mut parts = Vec::new();
    let mut literal: Vec<u8> = Vec::new();
    for unit in units {
        match unit {
            Unit::Byte(byte) => literal.push(*byte),
            Unit::Part(part) => {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(part.clone());
            }
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Word { parts, braces: false }
}
