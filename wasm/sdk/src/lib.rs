//! Tools for Tidepool in Rust (docs/tools.md). A tool is a function from its arguments to its output, and what it may do
//! outside is the functions of this crate, each gated by the capability that it names:
//!
//! ```ignore
//! #[derive(serde::Deserialize)]
//! struct Arguments { selector: String }
//! #[derive(serde::Serialize)]
//! struct Output { text: String }
//!
//! tidepool_tool::tool!(run);
//!
//! fn run(arguments: Arguments) -> Result<Output, String> {
//!     Ok(Output { text: tidepool_tool::dom_text(&arguments.selector)? })
//! }
//! ```
//!
//! Outside WebAssembly every import answers `Invalid`: a test runs what is pure.

mod abi;
mod error;
mod host;
mod imports;
pub mod library;

pub use abi::{alloc, dealloc, execute};
pub use error::{Error, ErrorKind};
pub use imports::{
    Level, Request, Response, call_tool, dom_attr, dom_click, dom_count, dom_html, dom_query, dom_set_text, dom_text, http_fetch,
    log, storage_get, storage_set,
};

/// Exports what the ABI `btcp` asks for around `run: fn(Arguments) -> Result<Output, String>`, whose types are serde's. An `Err` and
/// a panic end the call with that text.
#[macro_export]
macro_rules! tool {
    ($run:path) => {
        $crate::memory!();

        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub unsafe extern "C" fn execute(arguments: *const u8) -> *mut u8 {
            // SAFETY: the host wrote the arguments there, their length first.
            unsafe { $crate::execute(arguments, $run) }
        }
    };
}

/// Exports `alloc` and `dealloc`; `tool!` and `library!` do it.
#[doc(hidden)]
#[macro_export]
macro_rules! memory {
    () => {
        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub extern "C" fn alloc(size: usize) -> *mut u8 {
            $crate::alloc(size)
        }

        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub unsafe extern "C" fn dealloc(at: *mut u8, size: usize) {
            // SAFETY: the host gives back what it got here, with its size.
            unsafe { $crate::dealloc(at, size) }
        }
    };
}
