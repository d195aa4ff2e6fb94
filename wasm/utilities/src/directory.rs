//! Reading directories and joining names.

use tidepool_system::{Errno, Result, os_bytes, os_str};

/// The names in a directory, without `.` and `..`, in the order of bytes.
pub fn names(path: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(os_str(path)).map_err(Errno::from)? {
        names.push(os_bytes(&entry.map_err(Errno::from)?.file_name()).to_vec());
    }
    names.sort_unstable();
    Ok(names)
}

pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.ends_with(b"/") { [folder, name].concat() } else { [folder, b"/", name].concat() }
}
