//! The imports as they are, and the one place with `unsafe` besides abi.rs. A text that is given is a pointer and a length; a text
//! that is got is asked for until it fits.

use crate::error::{Error, ErrorKind};

/// Declares imports of one module with their texts and, outside WebAssembly, a stand-in that answers "invalid".
macro_rules! imports {
    ($module:literal { $(fn $name:ident($($parameter:ident: $type:ty),*) -> i32;)* }) => {
        #[cfg(target_family = "wasm")]
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            $(pub fn $name($($parameter: $type),*) -> i32;)*
        }
        $(
            /// # Safety
            /// None is needed: it does nothing.
            #[cfg(not(target_family = "wasm"))]
            pub unsafe fn $name($(_: $type),*) -> i32 { -4 }
        )*
    };
}

pub mod btcp {
    imports!("btcp" {
        fn dom_query(selector: *const u8, selector_length: usize) -> i32;
        fn dom_count(selector: *const u8, selector_length: usize) -> i32;
        fn dom_text(selector: *const u8, selector_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn dom_attr(selector: *const u8, selector_length: usize, name: *const u8, name_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn dom_html(selector: *const u8, selector_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn dom_set_text(selector: *const u8, selector_length: usize, value: *const u8, value_length: usize) -> i32;
        fn dom_click(selector: *const u8, selector_length: usize) -> i32;
        fn storage_get(key: *const u8, key_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn storage_set(key: *const u8, key_length: usize, value: *const u8, value_length: usize) -> i32;
        fn http_fetch(request: *const u8, request_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn call_tool(request: *const u8, request_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn last_error(out: *mut u8, capacity: usize) -> i32;
    });

    #[cfg(target_family = "wasm")]
    #[link(wasm_import_module = "btcp")]
    unsafe extern "C" {
        pub fn log(level: i32, text: *const u8, length: usize);
    }
    /// # Safety
    /// None is needed: it does nothing.
    #[cfg(not(target_family = "wasm"))]
    pub unsafe fn log(_: i32, _: *const u8, _: usize) {}
}

pub mod filesystem {
    imports!("filesystem" {
        fn read_file(path: *const u8, path_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn list_directory(path: *const u8, path_length: usize, out: *mut u8, capacity: usize) -> i32;
        fn file_exists(path: *const u8, path_length: usize) -> i32;
        fn write_file(path: *const u8, path_length: usize, content: *const u8, content_length: usize) -> i32;
    });
}

#[cfg(target_family = "wasm")]
#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// `message` is UTF-16 with its length in bytes before it, as AssemblyScript has texts.
    pub fn abort(message: *const u16, file: *const u16, line: i32, column: i32) -> !;
}

/// Enough for most texts, so that most are asked for once.
const FIRST_CAPACITY: usize = 4 * 1024;
/// A text that grows each time it is asked for is given up.
const TRIES: usize = 8;

/// A count, a flag or 0.
pub fn number(import: &'static str, answer: i32) -> Result<u32, Error> {
    match ErrorKind::of(answer) {
        None => Ok(answer.unsigned_abs()),
        Some(kind) => Err(Error { kind, import, message: last_error() }),
    }
}

/// Asks for bytes until they fit. `ask` gets where to write and how much fits, and answers what is needed. The host keeps an answer that did
/// not fit for the same question asked again at once: nothing is done twice.
pub fn bytes(import: &'static str, mut ask: impl FnMut(*mut u8, usize) -> i32) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; FIRST_CAPACITY];
    for _ in 0..TRIES {
        let needed = number(import, ask(buffer.as_mut_ptr(), buffer.len()))? as usize;
        if needed <= buffer.len() {
            buffer.truncate(needed);
            return Ok(buffer);
        }
        buffer.resize(needed, 0);
    }
    Err(Error { kind: ErrorKind::Limit, import, message: "it grows each time it is asked for".into() })
}

pub fn text(import: &'static str, ask: impl FnMut(*mut u8, usize) -> i32) -> Result<String, Error> {
    String::from_utf8(bytes(import, ask)?).map_err(|_| Error {
        kind: ErrorKind::Invalid,
        import,
        message: "the answer is no UTF-8".into(),
    })
}

/// What the host said of the last import that failed; empty if it said nothing.
fn last_error() -> String {
    let mut buffer = vec![0; 1024];
    // SAFETY: `buffer` has its length to write to.
    let needed = unsafe { btcp::last_error(buffer.as_mut_ptr(), buffer.len()) };
    let written = usize::try_from(needed).unwrap_or(0).min(buffer.len());
    String::from_utf8_lossy(&buffer[..written]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An import that has `content` to tell.
    fn telling(content: &[u8]) -> impl FnMut(*mut u8, usize) -> i32 {
        move |out, capacity| {
            if content.len() <= capacity {
                // SAFETY: `out` has `capacity` bytes.
                unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), out, content.len()) };
            }
            i32::try_from(content.len()).unwrap_or(-4)
        }
    }

    #[test]
    fn a_short_text_is_asked_for_once_and_a_long_one_twice() {
        for (length, times) in [(0, 1), (4096, 1), (4097, 2), (100_000, 2)] {
            let content = vec![b'x'; length];
            let mut ask = telling(&content);
            let mut asked = 0;
            let got = bytes("dom_text", |out, capacity| {
                asked += 1;
                ask(out, capacity)
            });
            assert_eq!((got, asked), (Ok(content.clone()), times));
        }
    }

    #[test]
    fn a_text_that_grows_forever_is_given_up() {
        let got = bytes("dom_text", |_, capacity| capacity as i32 + 1);
        assert_eq!(got.map_err(|error| error.kind), Err(ErrorKind::Limit));
    }

    #[test]
    fn a_text_that_is_no_utf8_is_an_error() {
        let got = text("read_file", telling(&[0xff]));
        assert_eq!(got.map_err(|error| error.kind), Err(ErrorKind::Invalid));
    }

    #[test]
    fn a_negative_answer_is_an_error() {
        let got = text("dom_text", |_, _| -5);
        assert_eq!(got.map_err(|error| error.to_string()), Err("dom_text: the document is gone".into()));
    }
}
