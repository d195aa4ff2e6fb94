//! What programs that go through files one after another have in common.

use crate::report::{Outcome, complain_of};
use crate::stream::{Input, Output, Trouble, file_error};

/// Runs `work` over every file and complains about those that cannot be read.
pub fn each_file(
    files: Vec<Vec<u8>>,
    out: &mut Output,
    mut work: impl FnMut(&mut Input, &mut Output) -> Result<(), Trouble>,
) -> Outcome {
    let mut status = 0;
    for file in files {
        let done = Input::open(&file).map_err(Trouble::from).and_then(|mut input| work(&mut input, out));
        if let Err(errno) = file_error(done)? {
            out.flush()?;
            complain_of(&file, errno);
            status = 1;
        }
    }
    Ok(status)
}
