//! times, and the format of the `time` keyword

use std::time::Duration;

use super::Call;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn times(shell: &mut Shell, _call: &Call<'_>) -> Flow<i32> {
    let all = tidepool_system::times();
    let shown = |time: Duration| format!("{}m{}.{:03}s", time.as_secs() / 60, time.as_secs() % 60, time.subsec_millis());
    let text = format!("{} {}\n{} {}\n", shown(all.user), shown(all.system), shown(all.children_user), shown(all.children_system));
    shell.output.write(text.as_bytes());
    Ok(0)
}

/// TIMEFORMAT: `%[precision][l]R`, `U`, `S`, and `%P`. The times are real, user and system.
pub fn format_times(format: &[u8], times: [Duration; 3]) -> Bytes {
    let mut text = Vec::new();
    let mut at = 0;
    while let Some(&byte) = format.get(at) {
        at += 1;
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        let mut precision = 3;
        if let Some(digit) = format.get(at).filter(|byte| byte.is_ascii_digit()) {
            precision = usize::from(digit - b'0').min(3);
            at += 1;
        }
        let long = format.get(at) == Some(&b'l');
        at += usize::from(long);
        let letter = format.get(at).copied();
        at += 1;
        match letter {
            Some(b'%') => text.push(b'%'),
            Some(b'R') => put(&mut text, times[0], precision, long),
            Some(b'U') => put(&mut text, times[1], precision, long),
            Some(b'S') => put(&mut text, times[2], precision, long),
            Some(b'P') => {
                let busy = (times[1] + times[2]).as_micros() * 10_000 / times[0].as_micros().max(1);
                text.extend_from_slice(format!("{}.{:02}", busy / 100, busy % 100).as_bytes());
            }
            _ => break,
        }
    }
    text
}

fn put(text: &mut Bytes, time: Duration, precision: usize, long: bool) {
    let whole = time.as_secs();
    let millis = format!("{:03}", time.subsec_millis());
    let fraction = if precision == 0 { String::new() } else { format!(".{}", millis.get(..precision).unwrap_or_default()) };
    let shown = if long { format!("{}m{}{fraction}s", whole / 60, whole % 60) } else { format!("{whole}{fraction}") };
    text.extend_from_slice(shown.as_bytes());
}
