//! factor(1): prime factors.

use crate::options::{Spec, parse};
use crate::report::{Outcome, complain, failure, quote};
use crate::stream::{Input, Output};
use tidepool_system::Fd;

const SPEC: Spec = Spec::new("h,exponents", "Usage: factor [NUMBER]...\nPrints the prime factors of each NUMBER.\n");

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let mut out = Output::stdout();
    let mut status = 0;
    let words = if parsed.operands.is_empty() {
        let mut input = Input::from(Fd::STDIN);
        let text = input.all().map_err(|errno| failure(1, format!("error reading input: {errno}")))?;
        text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    } else {
        parsed.operands.clone()
    };
    for word in words {
        let digits = word.trim_ascii().strip_prefix(b"+").unwrap_or(word.trim_ascii());
        let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let number: Option<u128> = std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|text| text.parse().ok());
        match number {
            Some(number) => out.text(factors(number, parsed.has("h")))?,
            None => {
                out.flush()?;
                complain(format!("{} is not a valid positive integer", quote(&word)));
                status = 1;
            }
        }
    }
    out.finish(status)
}

fn factors(number: u128, exponents: bool) -> String {
    let mut found = Vec::new();
    split_factors(number, &mut found);
    found.sort_unstable();
    let mut text = format!("{number}:");
    if exponents {
        let mut at = 0;
        while at < found.len() {
            let same = found[at..].iter().take_while(|&&factor| factor == found[at]).count();
            text += &if same > 1 { format!(" {}^{same}", found[at]) } else { format!(" {}", found[at]) };
            at += same;
        }
    } else {
        found.iter().for_each(|factor| text += &format!(" {factor}"));
    }
    text + "\n"
}

fn split_factors(mut number: u128, found: &mut Vec<u128>) {
    let mut divisor = 2;
    while divisor < 1 << 16 && divisor * divisor <= number {
        while number.is_multiple_of(divisor) {
            found.push(divisor);
            number /= divisor;
        }
        divisor += if divisor == 2 { 1 } else { 2 };
    }
    if number > 1 {
        split_large(number, found);
    }
}

/// What has no small factors: Miller and Rabin say whether it is prime, Pollard's rho finds a factor.
fn split_large(number: u128, found: &mut Vec<u128>) {
    if number == 1 {
        return;
    }
    if is_prime(number) {
        found.push(number);
        return;
    }
    let mut constant = 1;
    loop {
        let step = |value: u128| add(multiply(value, value, number), constant, number);
        let (mut slow, mut fast, mut factor) = (2, 2, 1);
        while factor == 1 {
            slow = step(slow);
            fast = step(step(fast));
            factor = divisor(slow.abs_diff(fast), number);
        }
        if factor != number {
            split_large(factor, found);
            return split_large(number / factor, found);
        }
        constant += 1;
    }
}

fn divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn add(one: u128, other: u128, modulus: u128) -> u128 {
    if one >= modulus - other { one - (modulus - other) } else { one + other }
}

fn multiply(mut one: u128, mut other: u128, modulus: u128) -> u128 {
    if one < 1 << 64 && other < 1 << 64 {
        return one * other % modulus;
    }
    let mut product = 0;
    one %= modulus;
    while other > 0 {
        if other & 1 == 1 {
            product = add(product, one, modulus);
        }
        one = add(one, one, modulus);
        other >>= 1;
    }
    product
}

fn power(mut base: u128, mut exponent: u128, modulus: u128) -> u128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base, modulus);
        }
        base = multiply(base, base, modulus);
        exponent >>= 1;
    }
    result
}

fn is_prime(number: u128) -> bool {
    const BASES: [u128; 13] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41];
    if BASES.contains(&number) {
        return true;
    }
    if BASES.iter().any(|base| number.is_multiple_of(*base)) {
        return false;
    }
    let twos = (number - 1).trailing_zeros();
    let odd = (number - 1) >> twos;
    BASES.iter().all(|&base| {
        let mut value = power(base, odd, number);
        if value == 1 || value == number - 1 {
            return true;
        }
        for _ in 1..twos {
            value = multiply(value, value, number);
            if value == number - 1 {
                return true;
            }
        }
        false
    })
}
