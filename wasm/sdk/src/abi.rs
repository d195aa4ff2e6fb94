//! The ABI `btcp`'s side of the exports: arguments and result are a little-endian u32 length and that many bytes of JSON.

use std::alloc::{Layout, handle_alloc_error};

use serde::{Serialize, de::DeserializeOwned};

/// What precedes the JSON.
const PREFIX: usize = size_of::<u32>();

/// No block is empty, and a length may stand at its begin.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), align_of::<u32>()).ok()
}

pub fn alloc(size: usize) -> *mut u8 {
    let Some(layout) = layout(size) else { fail("Cannot allocate: too large") };
    // SAFETY: the layout is not empty.
    let at = unsafe { std::alloc::alloc(layout) };
    if at.is_null() {
        handle_alloc_error(layout);
    }
    at
}

/// # Safety
/// `at` is null or a block that `alloc` made with this size.
pub unsafe fn dealloc(at: *mut u8, size: usize) {
    let Some(layout) = layout(size) else { return };
    if !at.is_null() {
        // SAFETY: it was allocated with this layout.
        unsafe { std::alloc::dealloc(at, layout) };
    }
}

/// A new block that holds the bytes; whoever gets it frees it.
fn leak(bytes: &[u8]) -> *mut u8 {
    let at = alloc(bytes.len());
    // SAFETY: the block is new and has that size.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
    at
}

/// `execute` of a tool: reads the arguments, runs, leaves the result. Does not come back from a failure.
///
/// # Safety
/// At `arguments` stand a length and so many bytes.
pub unsafe fn execute<A: DeserializeOwned, O: Serialize>(
    arguments: *const u8,
    run: impl FnOnce(A) -> Result<O, String>,
) -> *mut u8 {
    fail_at_panic();
    // SAFETY: the caller says so.
    let json = unsafe {
        let length = u32::from_le_bytes(*arguments.cast::<[u8; PREFIX]>()) as usize;
        std::slice::from_raw_parts(arguments.add(PREFIX), length)
    };
    match answer(json, run) {
        Ok(result) => leak(&result),
        Err(reason) => fail(&reason),
    }
}

/// The result with its length before it.
fn answer<A: DeserializeOwned, O: Serialize>(json: &[u8], run: impl FnOnce(A) -> Result<O, String>) -> Result<Vec<u8>, String> {
    let arguments = serde_json::from_slice(json).map_err(|error| format!("Cannot read the arguments: {error}"))?;
    let output = run(arguments)?;
    let mut result = vec![0; PREFIX];
    serde_json::to_writer(&mut result, &output).map_err(|error| format!("Cannot write the result: {error}"))?;
    let length = u32::try_from(result.len() - PREFIX).map_err(|_| "Cannot write the result: too large")?;
    result[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(result)
}

/// `library_call` and `library_check`: `pointer << 32 | length` of what `answer` makes of the request.
///
/// # Safety
/// At `request` stand `length` bytes.
pub(crate) unsafe fn packed(request: *const u8, length: usize, answer: impl FnOnce(&[u8]) -> Vec<u8>) -> i64 {
    fail_at_panic();
    // SAFETY: the caller says so.
    let result = answer(unsafe { std::slice::from_raw_parts(request, length) });
    let at = leak(&result) as usize as u64;
    (at << 32 | result.len() as u64).cast_signed()
}

/// A block with the length of the text, then the text.
pub(crate) fn prefixed(text: &[u8]) -> *mut u8 {
    fail_at_panic();
    let length = u32::try_from(text.len()).unwrap_or(0);
    leak(&[&length.to_le_bytes(), text].concat())
}

fn fail_at_panic() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string())));
}

/// Ends the call with this text.
#[cfg(target_family = "wasm")]
pub(crate) fn fail(reason: &str) -> ! {
    let text: Vec<u16> = reason.encode_utf16().collect();
    let length = u32::try_from(text.len() * 2).unwrap_or(0);
    let mut block = vec![length as u16, (length >> 16) as u16];
    block.extend(text);
    // SAFETY: the text stands behind its length, and the host does not come back.
    unsafe { crate::host::abort(block.as_ptr().add(2), std::ptr::null(), 0, 0) }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn fail(reason: &str) -> ! {
    panic!("{reason}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Runs as the host does.
    fn call(json: &str) -> String {
        let arguments = prefixed(json.as_bytes());
        let sum = |arguments: BTreeMap<String, i32>| Ok::<_, String>(arguments.values().sum::<i32>());
        // SAFETY: the arguments have their length before them, and so has the result.
        unsafe {
            let result = execute(arguments, sum);
            dealloc(arguments, PREFIX + json.len());
            let length = u32::from_le_bytes(*result.cast::<[u8; PREFIX]>()) as usize;
            let text = String::from_utf8_lossy(std::slice::from_raw_parts(result.add(PREFIX), length)).into_owned();
            dealloc(result, PREFIX + length);
            text
        }
    }

    #[test]
    fn arguments_and_result_have_their_length_before_them() {
        assert_eq!(call(r#"{"a":1,"b":41}"#), "42");
    }

    #[test]
    fn arguments_that_do_not_fit_are_a_failure_that_says_where() {
        let run = |_: BTreeMap<String, i32>| Ok::<_, String>(0);
        assert_eq!(
            answer(br#"{"a":"x"}"#, run),
            Err("Cannot read the arguments: invalid type: string \"x\", expected i32 at line 1 column 8".into())
        );
    }

    #[test]
    fn an_error_of_the_tool_is_its_text() {
        assert_eq!(answer(b"{}", |_: BTreeMap<String, i32>| Err::<i32, _>("no".into())), Err("no".into()));
    }

    #[test]
    fn a_block_of_no_bytes_can_be_had_and_given_back() {
        let at = alloc(0);
        assert!(!at.is_null());
        // SAFETY: it is the block above.
        unsafe { dealloc(at, 0) };
    }
}
