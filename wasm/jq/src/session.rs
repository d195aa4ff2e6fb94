//! What built-ins share with the run around them: the inputs, the environment, messages and halting.

use crate::dump::dump;
use crate::inputs::Inputs;
use crate::report::say;
use crate::value::{Map, Val, ValR, fail};
use jaq_core::Exn;
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    static INPUTS: RefCell<Option<Inputs>> = const { RefCell::new(None) };
}

/// Makes these the inputs of this process.
pub fn set_inputs(inputs: Inputs) {
    INPUTS.set(Some(inputs));
}

/// Asks or moves the inputs; none before they are set.
pub fn with_inputs<T>(f: impl FnOnce(&mut Inputs) -> T) -> Option<T> {
    INPUTS.with_borrow_mut(|inputs| inputs.as_mut().map(f))
}

pub fn next_input() -> Option<ValR> {
    with_inputs(Inputs::next).flatten().map(|input| input.or_else(fail))
}

pub fn input() -> ValR {
    next_input().unwrap_or_else(|| fail("break"))
}

pub fn input_filename(_: Val) -> ValR {
    Ok(with_inputs(|inputs| inputs.name.clone()).flatten().map_or(Val::Null, Val::from))
}

pub fn input_line_number(_: Val) -> ValR {
    Ok(Val::from(with_inputs(|inputs| inputs.line).unwrap_or(0)))
}

pub fn environment(_: Val) -> ValR {
    let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
    let entries = std::env::vars_os().map(|(name, value)| (Rc::new(text(name)), Val::from(text(value))));
    Ok(Val::Obj(Rc::new(entries.collect::<Map>())))
}

pub fn debug(value: Val) -> ValR {
    say(&format!("[\"DEBUG:\",{}]\n", dump(&value)));
    Ok(value)
}

pub fn stderr(value: Val) -> ValR {
    say(&dump(&value));
    Ok(value)
}

/// Ends the run with a status: strings go to stderr as they are, other values as JSON lines.
pub fn halt_error<'a>(value: Val, status: Val) -> Result<Val, Exn<'a, Val>> {
    let Val::Num(status) = status else {
        return fail("halt_error/1: number required").map_err(Exn::from);
    };
    match &value {
        Val::Str(text) => say(text),
        other => say(&format!("{}\n", dump(other))),
    }
    Err(Exn::halt(status as i32))
}
