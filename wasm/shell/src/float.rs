//! Floating point as bash's printf has it: x87 long doubles, 64 bits of precision, printed exactly. Numbers are
//! mantissa × 2^exponent; decimals are computed with plain long arithmetic.

/// A natural number, least significant 32 bits first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Natural(Vec<u32>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// mantissa × 2^exponent; the mantissa's top bit is set unless it is 0.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
    NotANumber,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Float {
    negative: bool,
    kind: Kind,
}

/// Beyond this a decimal exponent is infinity or 0.
const MAXIMUM_EXPONENT: i64 = 4940;

impl Natural {
    fn new(value: u64) -> Natural {
        let mut all = Natural(vec![value as u32, (value >> 32) as u32]);
        all.trim();
        all
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for digit in &mut self.0 {
            let value = u64::from(*digit) * u64::from(factor) + carry;
            *digit = value as u32;
            carry = value >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn divide_small(&mut self, divisor: u32) -> u32 {
        let mut rest = 0u64;
        for digit in self.0.iter_mut().rev() {
            let value = rest << 32 | u64::from(*digit);
            *digit = (value / u64::from(divisor)) as u32;
            rest = value % u64::from(divisor);
        }
        self.trim();
        rest as u32
    }

    fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * 32 - top.leading_zeros() as usize)
    }

    fn shift_left(&mut self, count: usize) {
        let (words, bits) = (count / 32, count % 32);
        if bits > 0 {
            let mut carry = 0;
            for digit in &mut self.0 {
                let value = u64::from(*digit) << bits | carry;
                *digit = value as u32;
                carry = value >> 32;
            }
            if carry > 0 {
                self.0.push(carry as u32);
            }
        }
        if !self.0.is_empty() {
            self.0.splice(0..0, std::iter::repeat_n(0, words));
        }
    }

    fn bit(&self, at: usize) -> bool {
        self.0.get(at / 32).is_some_and(|word| word >> (at % 32) & 1 == 1)
    }

    /// 64 bits from bit `from` upwards.
    fn window(&self, from: usize) -> u64 {
        (0..64).fold(0, |value, at| value | u64::from(self.bit(from + at)) << at)
    }

    fn any_below(&self, at: usize) -> bool {
        (0..at).any(|bit| self.bit(bit))
    }

    fn compare(&self, other: &Natural) -> std::cmp::Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn subtract(&mut self, other: &Natural) {
        let mut borrow = 0i64;
        for (at, digit) in self.0.iter_mut().enumerate() {
            let value = i64::from(*digit) - i64::from(other.0.get(at).copied().unwrap_or(0)) - borrow;
            borrow = i64::from(value < 0);
            *digit = value as u32;
        }
        self.trim();
    }

    fn power_of_ten(&mut self, count: usize) {
        for _ in 0..count / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        self.multiply_add(10u32.pow((count % 9) as u32), 0);
    }

    fn decimal(mut self) -> String {
        let mut groups = Vec::new();
        while !self.is_zero() {
            groups.push(self.divide_small(1_000_000_000));
        }
        let mut text = groups.pop().map_or_else(|| "0".to_owned(), |top| top.to_string());
        groups.iter().rev().for_each(|group| text.push_str(&format!("{group:09}")));
        text
    }
}

impl Float {
    /// Reads a number as `strtold` does; gives how many bytes it took. None when there is none.
    pub fn parse(text: &[u8]) -> Option<(Float, usize)> {
        let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let mut at = blanks;
        let negative = text.get(at) == Some(&b'-');
        at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
        let rest = text.get(at..).unwrap_or_default().to_ascii_lowercase();
        let (kind, used) = if rest.starts_with(b"infinity") {
            (Kind::Infinite, 8)
        } else if rest.starts_with(b"inf") {
            (Kind::Infinite, 3)
        } else if rest.starts_with(b"nan") {
            (Kind::NotANumber, 3)
        } else if rest.starts_with(b"0x") && rest.get(2).is_some_and(u8::is_ascii_hexdigit) {
            parse_hexadecimal(&rest)
        } else {
            parse_decimal(&rest)?
        };
        Some((Float { negative, kind }, at + used))
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    pub fn is_finite(&self) -> bool {
        matches!(self.kind, Kind::Finite { .. })
    }

    /// Without a sign, as C's conversion `letter` prints it.
    pub fn format(&self, letter: u8, precision: Option<usize>, alternate: bool) -> String {
        let text = match &self.kind {
            Kind::Infinite => "inf".to_owned(),
            Kind::NotANumber => "nan".to_owned(),
            Kind::Finite { mantissa, exponent } => match letter.to_ascii_lowercase() {
                b'f' => fixed(*mantissa, *exponent, precision.unwrap_or(6), alternate),
                b'e' => scientific(*mantissa, *exponent, precision.unwrap_or(6), alternate),
                b'a' => hexadecimal(*mantissa, *exponent, precision),
                _ => general(*mantissa, *exponent, precision.unwrap_or(6).max(1), alternate),
            },
        };
        if letter.is_ascii_uppercase() { text.to_uppercase() } else { text }
    }
}

fn parse_decimal(text: &[u8]) -> Option<(Kind, usize)> {
    let mut digits = Natural::default();
    let (mut at, mut scale, mut seen, mut point) = (0, 0i64, 0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {
                // More digits than any exponent needs change nothing but the scale.
                if digits.0.len() < 600 {
                    digits.multiply_add(10, u32::from(byte - b'0'));
                    digits.trim();
                    scale -= i64::from(point);
                } else {
                    scale += i64::from(!point);
                }
                seen += 1;
            }
            b'.' if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    if seen == 0 {
        return None;
    }
    if text.get(at) == Some(&b'e') {
        let (sign, start) = match text.get(at + 1) {
            Some(b'-') => (-1, at + 2),
            Some(b'+') => (1, at + 2),
            _ => (1, at + 1),
        };
        let count = text.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > 0 {
            let value = text
                .get(start..start + count)
                .unwrap_or_default()
                .iter()
                .fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 20));
            scale += sign * value;
            at = start + count;
        }
    }
    Some((from_decimal(digits, scale), at))
}

/// digits × 10^scale, rounded to 64 bits.
fn from_decimal(mut digits: Natural, scale: i64) -> Kind {
    if digits.is_zero() || scale < -2 * MAXIMUM_EXPONENT {
        return Kind::Finite { mantissa: 0, exponent: 0 };
    }
    if scale > MAXIMUM_EXPONENT {
        return Kind::Infinite;
    }
    if scale >= 0 {
        digits.power_of_ten(scale as usize);
        return rounded(&digits, false, 0);
    }
    let mut divisor = Natural::new(1);
    divisor.power_of_ten(scale.unsigned_abs() as usize);
    // Enough bits for a quotient of more than 64.
    let shift = (divisor.bits() + 66).saturating_sub(digits.bits());
    digits.shift_left(shift);
    let (quotient, exact) = divide(digits, &divisor);
    rounded(&quotient, !exact, -(shift as i32))
}

/// Long division, bit by bit; says whether nothing was left.
fn divide(mut dividend: Natural, divisor: &Natural) -> (Natural, bool) {
    let mut quotient = Natural::default();
    let places = dividend.bits().saturating_sub(divisor.bits());
    for place in (0..=places).rev() {
        let mut part = divisor.clone();
        part.shift_left(place);
        quotient.multiply_add(2, 0);
        if dividend.compare(&part).is_ge() {
            dividend.subtract(&part);
            if quotient.is_zero() {
                quotient = Natural::new(1);
            } else if let Some(low) = quotient.0.first_mut() {
                *low |= 1;
            }
        }
    }
    let exact = dividend.is_zero();
    (quotient, exact)
}

/// value × 2^exponent to 64 bits, ties to even; `more`: a little is missing below the value.
fn rounded(value: &Natural, more: bool, exponent: i32) -> Kind {
    let bits = value.bits();
    if bits <= 64 {
        let mantissa = value.window(0);
        let shift = mantissa.leading_zeros();
        return Kind::Finite { mantissa: mantissa << shift, exponent: exponent - shift as i32 };
    }
    let cut = bits - 64;
    let mut mantissa = value.window(cut);
    let mut exponent = exponent + cut as i32;
    let half = value.bit(cut - 1);
    let rest = more || value.any_below(cut - 1);
    if half && (rest || mantissa & 1 == 1) {
        match mantissa.checked_add(1) {
            Some(up) => mantissa = up,
            None => {
                mantissa = 1 << 63;
                exponent += 1;
            }
        }
    }
    Kind::Finite { mantissa, exponent }
}

fn parse_hexadecimal(text: &[u8]) -> (Kind, usize) {
    let mut value = Natural::default();
    let (mut at, mut exponent, mut point) = (2, 0i32, false);
    while let Some(byte) = text.get(at) {
        match char::from(*byte).to_digit(16) {
            Some(digit) => {
                value.multiply_add(16, digit);
                value.trim();
                exponent -= 4 * i32::from(point);
            }
            None if *byte == b'.' && !point => point = true,
            None => break,
        }
        at += 1;
    }
    if text.get(at) == Some(&b'p') {
        let sign = if text.get(at + 1) == Some(&b'-') { -1 } else { 1 };
        let start = at + 1 + usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let count = text.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > 0 {
            let power = text
                .get(start..start + count)
                .unwrap_or_default()
                .iter()
                .fold(0i32, |value, digit| (value * 10 + i32::from(digit - b'0')).min(20_000));
            exponent += sign * power;
            at = start + count;
        }
    }
    if value.is_zero() {
        return (Kind::Finite { mantissa: 0, exponent: 0 }, at);
    }
    (rounded(&value, false, exponent), at)
}

/// The number times 10^places, rounded to an integer, ties to even, in decimal.
fn scaled(mantissa: u64, exponent: i32, places: i64) -> String {
    let mut value = Natural::new(mantissa);
    if value.is_zero() {
        return "0".to_owned();
    }
    let mut divisor = Natural::new(1);
    if places >= 0 {
        value.power_of_ten(places as usize);
    } else {
        divisor.power_of_ten(places.unsigned_abs() as usize);
    }
    if exponent >= 0 {
        value.shift_left(exponent as usize);
    } else {
        divisor.shift_left(exponent.unsigned_abs() as usize);
    }
    let doubled = {
        let mut doubled = value;
        doubled.shift_left(1);
        doubled
    };
    // floor(2v / d), then round by its last bit.
    let (mut quotient, exact) = divide(doubled, &divisor);
    let half = quotient.bit(0);
    let odd = quotient.bit(1);
    quotient.divide_small(2);
    if half && (!exact || odd) {
        if quotient.is_zero() {
            quotient = Natural::new(1);
        } else {
            quotient.multiply_add(1, 1);
        }
    }
    quotient.decimal()
}

fn fixed(mantissa: u64, exponent: i32, precision: usize, alternate: bool) -> String {
    let digits = scaled(mantissa, exponent, precision as i64);
    let digits = format!("{digits:0>width$}", width = precision + 1);
    let (whole, fraction) = digits.split_at(digits.len() - precision);
    if precision == 0 && !alternate { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The decimal exponent of the first digit, and the digits, rounded to `count` of them.
fn significant(mantissa: u64, exponent: i32, count: usize) -> (String, i64) {
    if mantissa == 0 {
        return ("0".repeat(count), 0);
    }
    // log10(2) × the number's bits, good to one.
    let mut power = (f64::from(exponent + 63) * std::f64::consts::LOG10_2).floor() as i64;
    loop {
        let digits = scaled(mantissa, exponent, count as i64 - 1 - power);
        match digits.len().cmp(&count) {
            std::cmp::Ordering::Equal => return (digits, power),
            std::cmp::Ordering::Greater => power += 1,
            std::cmp::Ordering::Less => power -= 1,
        }
    }
}

fn scientific(mantissa: u64, exponent: i32, precision: usize, alternate: bool) -> String {
    let (digits, power) = significant(mantissa, exponent, precision + 1);
    with_exponent(&digits, power, alternate)
}

fn with_exponent(digits: &str, power: i64, point: bool) -> String {
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() && !point { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}e{sign}{:02}", power.unsigned_abs())
}

fn general(mantissa: u64, exponent: i32, precision: usize, alternate: bool) -> String {
    let (digits, power) = significant(mantissa, exponent, precision);
    let trim = |text: String| {
        if alternate || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if power < -4 || power >= precision as i64 {
        let digits = if alternate { digits } else { digits.trim_end_matches('0').to_owned() };
        let digits = if digits.is_empty() { "0".to_owned() } else { digits };
        return with_exponent(&digits, power, alternate);
    }
    trim(fixed(mantissa, exponent, (precision as i64 - 1 - power) as usize, alternate))
}

/// `%a` as glibc prints long doubles: the first digit holds four bits.
fn hexadecimal(mantissa: u64, exponent: i32, precision: Option<usize>) -> String {
    if mantissa == 0 {
        return match precision {
            Some(precision @ 1..) => format!("0x0.{}p+0", "0".repeat(precision)),
            _ => "0x0p+0".to_owned(),
        };
    }
    let (mut top, mut rest, mut power) = (mantissa >> 60, mantissa << 4, i64::from(exponent) + 60);
    let mut digits = format!("{rest:016x}");
    match precision {
        Some(precision) if precision < 15 => {
            let keep = 4 * precision as u32;
            let shift = 60 - keep;
            let low = mantissa & ((1u64 << shift) - 1);
            let mut kept = u128::from(mantissa >> shift);
            let half = 1u64 << (shift - 1);
            if low > half || (low == half && kept & 1 == 1) {
                kept += 1;
            }
            if kept >> keep > 15 {
                kept >>= 4;
                power += 4;
            }
            top = (kept >> keep) as u64;
            rest = (kept & ((1u128 << keep) - 1)) as u64;
            digits = if precision == 0 { String::new() } else { format!("{rest:0precision$x}") };
        }
        Some(precision) => digits = format!("{:0<precision$}", digits.get(..15).unwrap_or_default()),
        None => digits = digits.trim_end_matches('0').to_owned(),
    }
    let dot = if digits.is_empty() { "" } else { "." };
    format!("0x{top:x}{dot}{digits}p{power:+}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, letter: u8, precision: usize) -> String {
        let (value, used) = Float::parse(text.as_bytes()).expect("a number");
        assert_eq!(used, text.len());
        value.format(letter, Some(precision), false)
    }

    #[test]
    fn numbers_are_rounded_as_long_doubles_are() {
        assert_eq!(shown("2.675", b'f', 2), "2.67");
        assert_eq!(shown("1.0005", b'f', 3), "1.001");
        assert_eq!(shown("2.5", b'f', 0), "2");
        assert_eq!(shown("1e22", b'f', 0), "10000000000000000000000");
        assert_eq!(shown("12345.678", b'e', 3), "1.235e+04");
        assert_eq!(shown("0.0001", b'g', 6), "0.0001");
        assert_eq!(shown("1e10", b'g', 6), "1e+10");
        assert_eq!(shown("0x1p-1", b'f', 1), "0.5");
    }

    #[test]
    fn what_is_too_large_is_infinite_and_what_is_no_number_is_none() {
        assert_eq!(shown("1e99999", b'f', 1), "inf");
        assert_eq!(Float::parse(b"abc"), None);
    }
}
