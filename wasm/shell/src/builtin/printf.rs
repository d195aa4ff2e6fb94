//! printf

use tidepool_syntax::{Name, is_name};

use super::Call;
use super::echo::{Dialect, unescape};
use super::strftime::strftime;
use crate::expand::pattern::character;
use crate::expand::{ansi_quote, quote_with_backslashes};
use crate::float::Float;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn printf(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let mut operands = call.operands();
    let mut variable = None;
    match operands {
        [option, name, rest @ ..] if option == b"-v" => {
            variable = Some(name.clone());
            operands = rest;
        }
        [option, rest @ ..] if option.starts_with(b"-v") && option.len() > 2 => {
            variable = option.get(2..).map(<[u8]>::to_vec);
            operands = rest;
        }
        [option] if option == b"-v" => {
            shell.complain(b"printf: -v: option requires an argument");
            return Ok(shell.usage(call.name()));
        }
        [option, ..] if option.len() > 1 && option.starts_with(b"-") && option != b"--" => {
            let shown = option.get(..2).unwrap_or_default().to_vec();
            return Ok(shell.invalid_option(call.name(), &shown));
        }
        _ => {}
    }
    if operands.first().is_some_and(|first| first == b"--") {
        operands = operands.get(1..).unwrap_or_default();
    }
    let Some((format, arguments)) = operands.split_first() else {
        return Ok(shell.usage(call.name()));
    };
    if let Some(name) = &variable
        && !is_name(name.split(|byte| *byte == b'[').next().unwrap_or_default())
    {
        shell.complain(&[b"printf: `", &name[..], b"': not a valid identifier"].concat());
        return Ok(2);
    }
    let mut printer = Printer { shell, arguments, next: 0, output: Vec::new(), status: 0 };
    printer.run(format);
    let (output, status) = (printer.output, printer.status);
    match variable {
        None => shell.output.write(&output),
        Some(name) => return store(shell, &name, &output, status),
    }
    Ok(status)
}

fn store(shell: &mut Shell, target: &[u8], text: &[u8], status: i32) -> Flow<i32> {
    let done = match target.iter().position(|byte| *byte == b'[').filter(|_| target.last() == Some(&b']')) {
        None => shell.assign(Name::new(target), text)?,
        Some(open) => {
            let name = Name::new(target.get(..open).unwrap_or_default());
            let key = shell.key_of_text(name, target.get(open + 1..target.len() - 1).unwrap_or_default())?;
            shell.assign_element(name, &key, text, false)?
        }
    };
    Ok(if done { status } else { 1 })
}

/// One conversion: `%-08.3d`.
#[derive(Debug, Default, Clone)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

struct Printer<'a> {
    shell: &'a mut Shell,
    arguments: &'a [Bytes],
    next: usize,
    output: Bytes,
    status: i32,
}

/// Output ended early: by `\c` or by an error in the format.
struct Stop;

impl Printer<'_> {
    /// The format is used again as long as arguments are left.
    fn run(&mut self, format: &[u8]) {
        loop {
            let before = self.next;
            let stopped = self.run_once(format).is_err();
            if stopped || self.next >= self.arguments.len() || self.next == before {
                return;
            }
        }
    }

    fn run_once(&mut self, format: &[u8]) -> Result<(), Stop> {
        let mut at = 0;
        while at < format.len() {
            let rest = format.get(at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            if plain > 0 {
                let (text, _) = unescape(rest.get(..plain).unwrap_or_default(), Dialect::PrintfFormat);
                self.output.extend_from_slice(&text);
                at += plain;
                continue;
            }
            at += self.conversion(rest)?;
        }
        Ok(())
    }

    fn argument(&mut self) -> Option<Bytes> {
        let argument = self.arguments.get(self.next).cloned();
        self.next += usize::from(argument.is_some());
        argument
    }

    /// Carries out the conversion at the start of `format`; gives its length.
    fn conversion(&mut self, format: &[u8]) -> Result<usize, Stop> {
        let mut at = 1;
        let mut spec = Spec::default();
        while let Some(byte) = format.get(at) {
            match byte {
                b'-' => spec.left = true,
                b'0' => spec.zero = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'\'' => {}
                _ => break,
            }
            at += 1;
        }
        spec.width = match self.star_or_number(format, &mut at) {
            Some(width) => {
                spec.left |= width < 0;
                width.unsigned_abs() as usize
            }
            None => 0,
        };
        if format.get(at) == Some(&b'.') {
            at += 1;
            let precision = self.star_or_number(format, &mut at).unwrap_or(0);
            spec.precision = usize::try_from(precision).ok();
        }
        spec.width = spec.width.min(1 << 20);
        spec.precision = spec.precision.map(|precision| precision.min(1 << 20));
        while format.get(at).is_some_and(|byte| matches!(byte, b'l' | b'h' | b'q' | b'j' | b'z' | b't' | b'L'))
            && !is_last_q(format, at)
        {
            at += 1;
        }
        let Some(&letter) = format.get(at) else {
            let shown = format.to_vec();
            self.fail(&[b"`", &shown[..], b"': missing format character"].concat());
            return Err(Stop);
        };
        at += 1;
        if letter == b'(' {
            return self.time(format, at, &spec);
        }
        self.convert(letter, &spec)?;
        Ok(at)
    }

    fn star_or_number(&mut self, format: &[u8], at: &mut usize) -> Option<i64> {
        if format.get(*at) == Some(&b'*') {
            *at += 1;
            let text = self.argument().unwrap_or_default();
            return Some(self.number(&text));
        }
        let mut value = None;
        while let Some(digit) = format.get(*at).filter(|byte| byte.is_ascii_digit()) {
            value = Some((value.unwrap_or(0i64) * 10 + i64::from(digit - b'0')).min(1 << 30));
            *at += 1;
        }
        value
    }

    fn convert(&mut self, letter: u8, spec: &Spec) -> Result<(), Stop> {
        match letter {
            b'%' => self.output.push(b'%'),
            b's' => {
                let text = self.argument().unwrap_or_default();
                self.text(&text, spec);
            }
            b'b' => {
                let argument = self.argument().unwrap_or_default();
                let (text, stopped) = unescape(&argument, Dialect::PrintfArgument);
                self.text(&text, spec);
                if stopped {
                    return Err(Stop);
                }
            }
            b'q' | b'Q' => {
                let text = self.argument().unwrap_or_default();
                self.text(&quote(&text), spec);
            }
            b'c' => {
                let text = self.argument().unwrap_or_default();
                let first = text.get(..1).unwrap_or_default().to_vec();
                self.text(&first, &Spec { precision: None, ..spec.clone() });
            }
            b'd' | b'i' => {
                let text = self.argument().unwrap_or_default();
                let value = self.number(&text);
                let sign = match value {
                    ..0 => "-",
                    _ if spec.plus => "+",
                    _ if spec.space => " ",
                    _ => "",
                };
                self.digits(sign, &value.unsigned_abs().to_string(), spec);
            }
            b'u' | b'o' | b'x' | b'X' => {
                let text = self.argument().unwrap_or_default();
                let value = self.number(&text) as u64;
                let (prefix, digits) = match letter {
                    b'u' => ("", value.to_string()),
                    b'o' => (if spec.alternate && value != 0 { "0" } else { "" }, format!("{value:o}")),
                    b'x' => (if spec.alternate && value != 0 { "0x" } else { "" }, format!("{value:x}")),
                    _ => (if spec.alternate && value != 0 { "0X" } else { "" }, format!("{value:X}")),
                };
                self.digits(prefix, &digits, spec);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                let text = self.argument().unwrap_or_default();
                self.float(&text, letter, spec);
            }
            b'n' => {
                self.argument();
            }
            other => {
                self.fail(&[b"`", &[other][..], b"': invalid format character"].concat());
                return Err(Stop);
            }
        }
        Ok(())
    }

    fn fail(&mut self, text: &[u8]) {
        // What was printed before the error comes before its message.
        let output = std::mem::take(&mut self.output);
        self.shell.output.write(&output);
        self.shell.complain(&[b"printf: ", text].concat());
        self.status = 1;
    }

    fn pad(&mut self, text: &[u8], length: usize, spec: &Spec) {
        let padding = vec![b' '; spec.width.saturating_sub(length)];
        if spec.left {
            self.output.extend_from_slice(text);
            self.output.extend_from_slice(&padding);
        } else {
            self.output.extend_from_slice(&padding);
            self.output.extend_from_slice(text);
        }
    }

    /// Width and precision of texts are in bytes, as bash has them.
    fn text(&mut self, text: &[u8], spec: &Spec) {
        let text = match spec.precision {
            Some(precision) => text.get(..precision).unwrap_or(text),
            None => text,
        };
        self.pad(text, text.len(), spec);
    }

    fn digits(&mut self, sign: &str, digits: &str, spec: &Spec) {
        let mut digits = digits.to_owned();
        match spec.precision {
            Some(0) if digits == "0" => digits.clear(),
            Some(precision) => digits = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len()))),
            None if spec.zero && !spec.left => {
                let room = spec.width.saturating_sub(sign.len());
                digits = format!("{}{digits}", "0".repeat(room.saturating_sub(digits.len())));
            }
            None => {}
        }
        let text = format!("{sign}{digits}");
        self.pad(text.as_bytes(), text.len(), spec);
    }

    /// An integer as C reads it: decimal, `0x`, `0`, or `'c` for a character's code.
    fn number(&mut self, text: &[u8]) -> i64 {
        if let [b'\'' | b'"', rest @ ..] = text {
            return if rest.is_empty() { 0 } else { i64::from(character(rest).0) };
        }
        let trimmed = text.trim_ascii_start();
        let (negative, digits) = match trimmed {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (base, digits) = match digits {
            [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
            [b'0', ..] => (8, digits),
            _ => (10, digits),
        };
        let mut value = 0u64;
        let mut overflow = false;
        let mut used = 0;
        while let Some(digit) = digits.get(used).and_then(|byte| char::from(*byte).to_digit(base)) {
            let (product, high) = value.overflowing_mul(u64::from(base));
            let (sum, higher) = product.overflowing_add(u64::from(digit));
            overflow |= high || higher;
            value = sum;
            used += 1;
        }
        if used < digits.len() || (used == 0 && !text.is_empty()) {
            self.fail(&[text, b": invalid number"].concat());
        }
        let limit = if negative { 1 << 63 } else { u64::MAX };
        if overflow || value > limit {
            self.shell.complain(&[b"printf: warning: ", text, b": Numerical result out of range"].concat());
            return if negative { i64::MIN } else { i64::MAX };
        }
        if negative { (value as i64).wrapping_neg() } else { value as i64 }
    }

    fn float(&mut self, text: &[u8], letter: u8, spec: &Spec) {
        let value = match text {
            [] => Float::parse(b"0").map(|(value, _)| (value, 0)),
            [b'\'' | b'"', rest @ ..] => {
                Float::parse(character(rest).0.to_string().as_bytes()).map(|(value, _)| (value, text.len()))
            }
            text => Float::parse(text),
        };
        let value = match value {
            Some((value, used)) => {
                if used < text.len() {
                    self.fail(&[text, b": invalid number"].concat());
                }
                value
            }
            None => {
                self.fail(&[text, b": invalid number"].concat());
                match Float::parse(b"0") {
                    Some((value, _)) => value,
                    None => return,
                }
            }
        };
        let digits = value.format(letter, spec.precision, spec.alternate);
        let sign = match value.is_negative() {
            true => "-",
            false if spec.plus => "+",
            false if spec.space => " ",
            false => "",
        };
        let zero =
            if spec.zero && !spec.left && value.is_finite() { spec.width.saturating_sub(sign.len() + digits.len()) } else { 0 };
        let text = format!("{sign}{}{digits}", "0".repeat(zero));
        self.pad(text.as_bytes(), text.len(), spec);
    }

    /// `%(format)T`; the argument is seconds since the epoch, −1 now, −2 the shell's start.
    fn time(&mut self, format: &[u8], at: usize, spec: &Spec) -> Result<usize, Stop> {
        let rest = format.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b')').filter(|end| rest.get(end + 1) == Some(&b'T')) else {
            self.fail(b"`(': invalid format character");
            return Err(Stop);
        };
        let layout = rest.get(..end).unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let seconds = match self.argument() {
            None => now,
            Some(text) => match self.number(&text) {
                -1 => now,
                -2 => now - self.shell.started.elapsed().as_secs() as i64,
                seconds => seconds,
            },
        };
        let text = strftime(if layout.is_empty() { b"%H:%M:%S" } else { layout }, seconds);
        self.text(&text, spec);
        Ok(at + end + 2)
    }
}

/// `q` is a conversion, unless a letter follows that is one after a length.
fn is_last_q(format: &[u8], at: usize) -> bool {
    format.get(at) == Some(&b'q')
}

fn quote(text: &[u8]) -> Bytes {
    let controls = text.iter().any(|byte| *byte < 32 || *byte == 127) || std::str::from_utf8(text).is_err();
    if controls { ansi_quote(text) } else { quote_with_backslashes(text) }
}
