//! Random bytes from the kernel.

use tidepool_system::{Open, close, open, read};

/// From /dev/urandom; from std's seed where that cannot be read.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    if let Ok(fd) = open(b"/dev/urandom", Open::read().cloexec()) {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read(fd, rest) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        let _ = close(fd);
        if filled == count {
            return bytes;
        }
    }
    use std::hash::{BuildHasher, Hasher};
    bytes.iter_mut().for_each(|byte| *byte = std::collections::hash_map::RandomState::new().build_hasher().finish() as u8);
    bytes
}
