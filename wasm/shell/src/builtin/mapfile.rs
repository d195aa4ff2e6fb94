//! mapfile readarray

use tidepool_syntax::{Name, is_name};
use tidepool_system::{Errno, Fd, Whence, seek};

use super::Call;
use super::number::integer;
use super::options::parse;
use crate::shell::{Flow, Shell};
use crate::variables::Bytes;

pub fn mapfile(shell: &mut Shell, call: &Call<'_>) -> Flow<i32> {
    let parsed = match parse(shell, call, b"d:n:O:s:tu:C:c:") {
        Ok(parsed) => parsed,
        Err(status) => return Ok(status),
    };
    if parsed.has(b'C') {
        shell.complain(&[call.name(), b": -C: callbacks are not supported yet"].concat());
        return Ok(2);
    }
    let name = match parsed.operands.first() {
        Some(text) if !is_name(text) => {
            shell.complain(&[call.name(), b": `", text, b"': not a valid identifier"].concat());
            return Ok(1);
        }
        Some(text) => Name::new(text),
        None => shell.names.mapfile,
    };
    let number = |letter: u8| parsed.value(letter).and_then(integer).map_or(0, |value| value.max(0) as usize);
    let (most, skipped, origin) = (number(b'n'), number(b's'), number(b'O'));
    let fd = Fd(parsed.value(b'u').and_then(integer).map_or(0, |fd| fd as u32));
    let delimiter = parsed.value(b'd').map_or(b'\n', |text| text.first().copied().unwrap_or(0));
    shell.output.flush();
    let wanted = if most == 0 { usize::MAX } else { most.saturating_add(skipped) };
    let lines = match read_lines(fd, delimiter, wanted) {
        Ok(lines) => lines,
        Err(errno) => {
            shell.complain(&[call.name(), format!(": {}: invalid file descriptor: {}", fd.0, errno.message()).as_bytes()].concat());
            return Ok(1);
        }
    };
    let name = shell.resolve(name);
    if shell.refuses(name) {
        return Ok(1);
    }
    let trims = parsed.has(b't');
    let variable = shell.variables.entry(name);
    let elements = crate::execute::assign::indexed(&mut variable.value);
    if !parsed.has(b'O') {
        elements.clear();
    }
    for (index, mut line) in (origin as u64..).zip(lines.into_iter().skip(skipped)) {
        if trims && line.last() == Some(&delimiter) {
            line.pop();
        }
        elements.insert(index, line);
    }
    Ok(0)
}

/// Up to `wanted` lines with their delimiters; no more is read than that.
fn read_lines(fd: Fd, delimiter: u8, wanted: usize) -> Result<Vec<Bytes>, Errno> {
    let seekable = seek(fd, 0, Whence::Current).is_ok();
    let whole = wanted == usize::MAX;
    let mut block = vec![0; if seekable || whole { 16 * 1024 } else { 1 }];
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    loop {
        let count = match tidepool_system::read(fd, &mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno),
        };
        for (at, byte) in block.iter().take(count).enumerate() {
            line.push(*byte);
            if *byte == delimiter {
                lines.push(std::mem::take(&mut line));
                if lines.len() == wanted {
                    let rest = count - at - 1;
                    if seekable && rest > 0 {
                        seek(fd, -(rest as i64), Whence::Current)?;
                    }
                    return Ok(lines);
                }
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    Ok(lines)
}
