//! true(1) and false(1): they ignore what they are given.

use crate::report::Outcome;

pub fn run_true(_: Vec<Vec<u8>>) -> Outcome {
    Ok(0)
}

pub fn run_false(_: Vec<Vec<u8>>) -> Outcome {
    Ok(1)
}
