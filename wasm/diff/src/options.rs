//! What diff is asked for.

use tidepool_getopt::{Long, Takes, parse};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Normal,
    Unified(usize),
    Context(usize),
    Brief,
}

#[derive(Debug)]
pub struct Options {
    pub style: Style,
    pub report_same: bool,
    pub recursive: bool,
    pub new_file: bool,
    pub text: bool,
    pub ignore_case: bool,
    pub ignore_all_space: bool,
    pub ignore_space_change: bool,
    pub ignore_trailing_space: bool,
    pub ignore_blank_lines: bool,
    pub strip_cr: bool,
    pub labels: Vec<Vec<u8>>,
    pub exclude: Vec<Vec<u8>>,
    /// The options as they were given: diff repeats them above each pair of files in a folder.
    pub words: Vec<Vec<u8>>,
    pub from: Vec<u8>,
    pub to: Vec<u8>,
}

pub enum Request {
    Help,
    Version,
    Compare(Options),
}

const LINES: usize = 3;
const SHORT: &str = "0123456789abBcC:EiNqrsuU:vwx:Z";
const LONG: &[Long] = &[
    ("brief", Takes::Nothing, 'q'),
    ("color", Takes::MayValue, '\u{1}'),
    ("context", Takes::MayValue, 'C'),
    ("exclude", Takes::Value, 'x'),
    ("help", Takes::Nothing, '\u{2}'),
    ("ignore-all-space", Takes::Nothing, 'w'),
    ("ignore-blank-lines", Takes::Nothing, 'B'),
    ("ignore-case", Takes::Nothing, 'i'),
    ("ignore-space-change", Takes::Nothing, 'b'),
    ("ignore-trailing-space", Takes::Nothing, 'Z'),
    ("label", Takes::Value, 'L'),
    ("minimal", Takes::Nothing, '\u{3}'),
    ("new-file", Takes::Nothing, 'N'),
    ("normal", Takes::Nothing, '\u{4}'),
    ("recursive", Takes::Nothing, 'r'),
    ("report-identical-files", Takes::Nothing, 's'),
    ("strip-trailing-cr", Takes::Nothing, '\u{5}'),
    ("text", Takes::Nothing, 'a'),
    ("unified", Takes::MayValue, 'U'),
    ("version", Takes::Nothing, 'v'),
];

pub fn read(words: Vec<Vec<u8>>) -> Result<Request, String> {
    let given_words = words.clone();
    let parsed = parse(words, SHORT, LONG)?;
    let mut options = Options {
        style: Style::Normal,
        report_same: false,
        recursive: false,
        new_file: false,
        text: false,
        ignore_case: false,
        ignore_all_space: false,
        ignore_space_change: false,
        ignore_trailing_space: false,
        ignore_blank_lines: false,
        strip_cr: false,
        labels: Vec::new(),
        exclude: Vec::new(),
        words: Vec::new(),
        from: Vec::new(),
        to: Vec::new(),
    };
    let mut digits = String::new();
    for given in parsed.options {
        let count = |value: &Option<Vec<u8>>| value.as_ref().map_or(Ok(LINES), |text| count(text));
        match given.key {
            '0'..='9' => digits.push(given.key),
            'a' => options.text = true,
            'b' => options.ignore_space_change = true,
            'B' => options.ignore_blank_lines = true,
            'c' => options.style = Style::Context(LINES),
            'C' => options.style = Style::Context(count(&given.value)?),
            'i' => options.ignore_case = true,
            'L' => options.labels.extend(given.value),
            'N' => options.new_file = true,
            'q' => options.style = Style::Brief,
            'r' => options.recursive = true,
            's' => options.report_same = true,
            'u' => options.style = Style::Unified(LINES),
            'U' => options.style = Style::Unified(count(&given.value)?),
            'w' => options.ignore_all_space = true,
            'x' => options.exclude.extend(given.value),
            'Z' => options.ignore_trailing_space = true,
            'v' => return Ok(Request::Version),
            '\u{1}' if given.value.is_none_or(|when| when != b"never" && when != b"auto") => {
                return Err("colours are not supported".into());
            }
            '\u{2}' => return Ok(Request::Help),
            '\u{4}' => options.style = Style::Normal,
            '\u{5}' => options.strip_cr = true,
            'E' => return Err("option -E is not supported".into()),
            _ => {}
        }
    }
    if let (Ok(lines), Style::Unified(_)) = (digits.parse(), options.style) {
        options.style = Style::Unified(lines);
    }
    let mut operands = parsed.operands.into_iter();
    let (Some(from), to, extra) = (operands.next(), operands.next(), operands.next()) else {
        return Err("missing operand after 'diff'".into());
    };
    let Some(to) = to else { return Err(format!("missing operand after '{}'", String::from_utf8_lossy(&from))) };
    if let Some(extra) = extra {
        return Err(format!("extra operand '{}'", String::from_utf8_lossy(&extra)));
    }
    let words = without_operands(given_words, [&from, &to]);
    Ok(Request::Compare(Options { from, to, words, ..options }))
}

/// The command line less its two operands, which may stand among the options.
fn without_operands(mut words: Vec<Vec<u8>>, operands: [&Vec<u8>; 2]) -> Vec<Vec<u8>> {
    for operand in operands {
        if let Some(at) = words.iter().rposition(|word| word == operand) {
            words.remove(at);
        }
    }
    words
}

fn count(text: &[u8]) -> Result<usize, String> {
    let text = String::from_utf8_lossy(text);
    text.parse().map_err(|_| format!("invalid context length '{text}'"))
}
