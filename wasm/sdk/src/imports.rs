//! The imports of module `btcp` as functions (docs/tools.md has what each needs). A text that is not there is `ErrorKind::NotFound`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::host::{self, btcp};

/// Whether an element matches. Needs `dom:read`.
pub fn dom_query(selector: &str) -> Result<bool, Error> {
    // SAFETY: a text is where it says, for the time of the call; so below.
    let answer = unsafe { btcp::dom_query(selector.as_ptr(), selector.len()) };
    Ok(host::number("dom_query", answer)? != 0)
}

/// How many elements match. Needs `dom:read`.
pub fn dom_count(selector: &str) -> Result<u32, Error> {
    // SAFETY: as above.
    host::number("dom_count", unsafe { btcp::dom_count(selector.as_ptr(), selector.len()) })
}

/// The text of the first element that matches. Needs `dom:read`.
pub fn dom_text(selector: &str) -> Result<String, Error> {
    // SAFETY: as above, and `out` has `capacity` bytes; so below.
    host::text("dom_text", |out, capacity| unsafe { btcp::dom_text(selector.as_ptr(), selector.len(), out, capacity) })
}

/// An attribute of the first element that matches. Needs `dom:read`.
pub fn dom_attr(selector: &str, name: &str) -> Result<String, Error> {
    // SAFETY: as above.
    host::text("dom_attr", |out, capacity| unsafe {
        btcp::dom_attr(selector.as_ptr(), selector.len(), name.as_ptr(), name.len(), out, capacity)
    })
}

/// The HTML of the first element that matches. Needs `dom:read`.
pub fn dom_html(selector: &str) -> Result<String, Error> {
    // SAFETY: as above.
    host::text("dom_html", |out, capacity| unsafe { btcp::dom_html(selector.as_ptr(), selector.len(), out, capacity) })
}

/// Sets the text of the first element that matches; false if there is none. Needs `dom:write`.
pub fn dom_set_text(selector: &str, value: &str) -> Result<bool, Error> {
    // SAFETY: as above.
    let answer = unsafe { btcp::dom_set_text(selector.as_ptr(), selector.len(), value.as_ptr(), value.len()) };
    Ok(host::number("dom_set_text", answer)? != 0)
}

/// Clicks the first element that matches; false if there is none. Needs `dom:write`.
pub fn dom_click(selector: &str) -> Result<bool, Error> {
    // SAFETY: as above.
    let answer = unsafe { btcp::dom_click(selector.as_ptr(), selector.len()) };
    Ok(host::number("dom_click", answer)? != 0)
}

/// A value of the page's localStorage, None if the key is not there. Needs `storage:local:read`.
pub fn storage_get(key: &str) -> Result<Option<String>, Error> {
    // SAFETY: as above.
    let got = host::text("storage_get", |out, capacity| unsafe { btcp::storage_get(key.as_ptr(), key.len(), out, capacity) });
    match got {
        Err(Error { kind: ErrorKind::NotFound, .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// Sets a value of the page's localStorage. Needs `storage:local:write`.
pub fn storage_set(key: &str, value: &str) -> Result<(), Error> {
    // SAFETY: as above.
    let answer = unsafe { btcp::storage_set(key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
    host::number("storage_set", answer).map(drop)
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Response {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    /// `base64` where the body is no UTF-8.
    #[serde(default)]
    pub encoding: Option<String>,
}

/// To the page's own origin, or a path of it. Needs `network:fetch:same-origin`.
pub fn http_fetch(request: &Request) -> Result<Response, Error> {
    asking("http_fetch", request, |text, out, capacity| unsafe {
        // SAFETY: as above.
        btcp::http_fetch(text.as_ptr(), text.len(), out, capacity)
    })
}

/// Calls another tool and answers its structuredContent. Needs what that tool needs, also of the tools and the site that called this one.
pub fn call_tool(name: &str, arguments: &Value) -> Result<Value, Error> {
    let request = json!({ "name": name, "arguments": arguments });
    asking("call_tool", &request, |text, out, capacity| unsafe {
        // SAFETY: as above.
        btcp::call_tool(text.as_ptr(), text.len(), out, capacity)
    })
}

/// JSON there and back.
fn asking<T: for<'de> Deserialize<'de>>(
    import: &'static str,
    request: &impl Serialize,
    mut ask: impl FnMut(&str, *mut u8, usize) -> i32,
) -> Result<T, Error> {
    let invalid = |error: serde_json::Error| Error { kind: ErrorKind::Invalid, import, message: error.to_string() };
    let request = serde_json::to_string(request).map_err(invalid)?;
    let answer = host::text(import, |out, capacity| ask(&request, out, capacity))?;
    serde_json::from_str(&answer).map_err(invalid)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// A line for the tool's author; the caller's answer does not have it. Needs nothing.
pub fn log(level: Level, text: &str) {
    // SAFETY: as above.
    unsafe { btcp::log(level as i32, text.as_ptr(), text.len()) };
}
