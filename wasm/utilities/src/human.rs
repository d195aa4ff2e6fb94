//! Sizes for people, as `ls -h`, `du -h` and `df -h` round them: upwards, one decimal below ten.

/// `1.5K`, `12M`; powers of `base` (1024, or 1000 with small k).
pub fn human(size: u64, base: u64) -> String {
    let letters = if base == 1000 { "kMGTPEZY" } else { "KMGTPEZY" };
    if size < base {
        return size.to_string();
    }
    let (mut power, mut unit) = (0, u128::from(base));
    let size = u128::from(size);
    while size / unit >= u128::from(base) && power < 7 {
        unit *= u128::from(base);
        power += 1;
    }
    loop {
        let letter = &letters[power..=power];
        let tenths = (size * 10).div_ceil(unit);
        if tenths < 100 {
            return format!("{}.{}{letter}", tenths / 10, tenths % 10);
        }
        let whole = size.div_ceil(unit);
        if whole < u128::from(base) || power == 7 {
            return format!("{whole}{letter}");
        }
        unit *= u128::from(base);
        power += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_are_rounded_upwards() {
        let shown =
            [(0, "0"), (1023, "1023"), (1024, "1.0K"), (1025, "1.1K"), (10_240, "10K"), (10_241, "11K"), (1_048_575, "1.0M")];
        for (size, text) in shown {
            assert_eq!(human(size, 1024), text);
        }
    }
}
