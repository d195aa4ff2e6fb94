//! The ABI `library`: functions that answer a value, checks that pass or fail, and the files of the workspace that both may read.
//!
//! ```ignore
//! tidepool_tool::library! {
//!     name: "lint", version: "0.1.0",
//!     functions: { module_selector },
//!     checks: { has_readme },
//! }
//!
//! fn module_selector(call: &Call) -> Result<Value, String> { … }
//! fn has_readme(call: &Call) -> CheckResult { … }
//! ```

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::abi;
use crate::error::Error;
use crate::host::{self, filesystem};

/// On the wire each has its name around it, as `{ "Int": 3 }`, but nothing is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Option<Named>", into = "Option<Named>")]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Value>),
    Scope(Scope),
}

#[derive(Serialize, Deserialize)]
enum Named {
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Value>),
    Scope(Scope),
}

impl From<Option<Named>> for Value {
    fn from(named: Option<Named>) -> Self {
        match named {
            None => Self::Null,
            Some(Named::Bool(value)) => Self::Bool(value),
            Some(Named::Int(value)) => Self::Int(value),
            Some(Named::Float(value)) => Self::Float(value),
            Some(Named::String(value)) => Self::String(value),
            Some(Named::List(value)) => Self::List(value),
            Some(Named::Scope(value)) => Self::Scope(value),
        }
    }
}

impl From<Value> for Option<Named> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => None,
            Value::Bool(value) => Some(Named::Bool(value)),
            Value::Int(value) => Some(Named::Int(value)),
            Value::Float(value) => Some(Named::Float(value)),
            Value::String(value) => Some(Named::String(value)),
            Value::List(value) => Some(Named::List(value)),
            Value::Scope(value) => Some(Named::Scope(value)),
        }
    }
}

/// A part of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub kind: Kind,
    pub paths: Vec<String>,
    pub resolved: bool,
}

/// What a scope was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    File(String),
    Folder(String),
    Glob(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    Pass,
    /// why not
    Fail(String),
    /// why it could not be told
    Error(String),
}

impl CheckResult {
    fn into_json(self) -> serde_json::Value {
        match self {
            Self::Pass => json!({ "Pass": null }),
            Self::Fail(reason) => json!({ "Fail": reason }),
            Self::Error(reason) => json!({ "Error": reason }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    pub name: &'static str,
    pub version: &'static str,
    pub functions: &'static [&'static str],
    pub checks: &'static [&'static str],
}

/// A request to a function or a check.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Call {
    pub function: String,
    #[serde(default)]
    pub args: Vec<Value>,
    /// where the workspace is, for whoever shows paths; the imports take paths relative to it
    #[serde(default)]
    pub workspace: String,
}

impl Call {
    /// The argument as a text.
    pub fn text(&self, index: usize) -> Result<&str, String> {
        match self.args.get(index) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(format!("{}: argument {} is no text", self.function, index + 1)),
            None => Err(format!("{}: argument {} is missing", self.function, index + 1)),
        }
    }

    /// The argument as a scope.
    pub fn scope(&self, index: usize) -> Result<&Scope, String> {
        match self.args.get(index) {
            Some(Value::Scope(scope)) => Ok(scope),
            Some(_) => Err(format!("{}: argument {} is no scope", self.function, index + 1)),
            None => Err(format!("{}: argument {} is missing", self.function, index + 1)),
        }
    }
}

/// A file's bytes. Needs `vfs:read`.
pub fn read_file(path: &str) -> Result<Vec<u8>, Error> {
    // SAFETY: a text is where it says, and `out` has `capacity` bytes, for the time of the call; so below.
    host::bytes("read_file", |out, capacity| unsafe { filesystem::read_file(path.as_ptr(), path.len(), out, capacity) })
}

/// The names in a directory. Needs `vfs:read`.
pub fn list_directory(path: &str) -> Result<Vec<String>, Error> {
    // SAFETY: as above.
    let names = host::text("list_directory", |out, capacity| unsafe {
        filesystem::list_directory(path.as_ptr(), path.len(), out, capacity)
    })?;
    serde_json::from_str(&names).map_err(|error| Error {
        kind: crate::ErrorKind::Invalid,
        import: "list_directory",
        message: error.to_string(),
    })
}

/// Needs `vfs:read`.
pub fn file_exists(path: &str) -> Result<bool, Error> {
    // SAFETY: as above.
    let answer = unsafe { filesystem::file_exists(path.as_ptr(), path.len()) };
    Ok(host::number("file_exists", answer)? != 0)
}

/// Makes or replaces a file. Needs `vfs:write`.
pub fn write_file(path: &str, content: &[u8]) -> Result<(), Error> {
    // SAFETY: as above.
    let answer = unsafe { filesystem::write_file(path.as_ptr(), path.len(), content.as_ptr(), content.len()) };
    host::number("write_file", answer).map(drop)
}

/// `library_call` of `library!`.
///
/// # Safety
/// At `request` stand `length` bytes.
#[doc(hidden)]
pub unsafe fn call(request: *const u8, length: usize, run: impl FnOnce(&Call) -> Result<Value, String>) -> i64 {
    let answer = |json: &[u8]| match parse(json).and_then(|call| run(&call)) {
        Ok(value) => serde_json::to_vec(&value).unwrap_or_default(),
        Err(reason) => json!({ "Error": reason }).to_string().into_bytes(),
    };
    // SAFETY: the caller says so.
    unsafe { abi::packed(request, length, answer) }
}

/// `library_check` of `library!`.
///
/// # Safety
/// At `request` stand `length` bytes.
#[doc(hidden)]
pub unsafe fn check(request: *const u8, length: usize, run: impl FnOnce(&Call) -> CheckResult) -> i64 {
    let answer = |json: &[u8]| {
        let result = parse(json).map_or_else(CheckResult::Error, |call| run(&call));
        result.into_json().to_string().into_bytes()
    };
    // SAFETY: the caller says so.
    unsafe { abi::packed(request, length, answer) }
}

/// `get_metadata` of `library!`.
#[doc(hidden)]
pub fn metadata(metadata: &Metadata) -> *mut u8 {
    abi::prefixed(&serde_json::to_vec(metadata).unwrap_or_default())
}

fn parse(json: &[u8]) -> Result<Call, String> {
    serde_json::from_slice(json).map_err(|error| format!("Cannot read the request: {error}"))
}

/// Exports what the ABI `library` asks for: functions are `fn(&Call) -> Result<Value, String>`, checks `fn(&Call) -> CheckResult`.
#[macro_export]
macro_rules! library {
    (
        name: $name:literal, version: $version:expr,
        functions: { $($function:ident),* $(,)? },
        checks: { $($check:ident),* $(,)? } $(,)?
    ) => {
        $crate::memory!();

        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub extern "C" fn get_metadata() -> *mut u8 {
            $crate::library::metadata(&$crate::library::Metadata {
                name: $name,
                version: $version,
                functions: &[$(stringify!($function)),*],
                checks: &[$(stringify!($check)),*],
            })
        }

        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub unsafe extern "C" fn library_call(request: *const u8, length: usize) -> i64 {
            let run = |call: &$crate::library::Call| match call.function.as_str() {
                $(stringify!($function) => $function(call),)*
                other => Err(format!("Unknown function: {other}")),
            };
            // SAFETY: the host wrote the request there.
            unsafe { $crate::library::call(request, length, run) }
        }

        #[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
        pub unsafe extern "C" fn library_check(request: *const u8, length: usize) -> i64 {
            let run = |call: &$crate::library::Call| match call.function.as_str() {
                $(stringify!($check) => $check(call),)*
                other => $crate::library::CheckResult::Error(format!("Unknown check: {other}")),
            };
            // SAFETY: as above.
            unsafe { $crate::library::check(request, length, run) }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }

    #[test]
    fn values_have_their_names_around_them() {
        let scope = Scope { kind: Kind::Folder("src".into()), paths: vec!["src/a".into()], resolved: true };
        assert_eq!(written(&Value::Int(3)), r#"{"Int":3}"#);
        assert_eq!(written(&Value::List(vec![Value::Bool(true)])), r#"{"List":[{"Bool":true}]}"#);
        assert_eq!(written(&Value::Scope(scope)), r#"{"Scope":{"kind":{"Folder":"src"},"paths":["src/a"],"resolved":true}}"#);
        assert_eq!(written(&Value::Null), "null");
        assert_eq!(CheckResult::Fail("no".into()).into_json().to_string(), r#"{"Fail":"no"}"#);
        assert_eq!(CheckResult::Pass.into_json().to_string(), r#"{"Pass":null}"#);
    }

    #[test]
    fn a_request_is_read_and_its_arguments_are_named_when_they_are_wrong() {
        let call = parse(br#"{"function":"f","args":[{"String":"a"}],"workspace":"/w"}"#);
        let call = call.unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!(call.text(0), Ok("a"));
        assert_eq!(call.text(1), Err("f: argument 2 is missing".into()));
        assert_eq!(call.scope(0), Err("f: argument 1 is no scope".into()));
    }
}
