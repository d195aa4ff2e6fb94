//! A library for structural checks: `module_selector` makes a scope of a folder, `has_tests` holds when one of the scope's files is a test.

use tidepool_tool::library::{Call, CheckResult, Kind, Scope, Value, file_exists, list_directory};

tidepool_tool::library! {
    name: "has-tests",
    version: env!("CARGO_PKG_VERSION"),
    functions: { module_selector },
    checks: { has_tests },
}

/// The files of a folder, those of its folders included.
fn module_selector(call: &Call) -> Result<Value, String> {
    let folder = call.text(0)?.trim_end_matches('/');
    if !file_exists(folder)? {
        return Err(format!("Cannot select \"{folder}\": no such folder"));
    }
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    Ok(Value::Scope(Scope { kind: Kind::Folder(folder.into()), paths, resolved: true }))
}

/// What lists is a folder, what does not is a file.
fn collect(folder: &str, paths: &mut Vec<String>) -> Result<(), String> {
    for name in list_directory(folder)? {
        let path = format!("{folder}/{name}");
        if list_directory(&path).is_ok() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn has_tests(call: &Call) -> CheckResult {
    match call.scope(0) {
        Err(reason) => CheckResult::Error(reason),
        Ok(scope) if scope.paths.iter().any(|path| is_test(path)) => CheckResult::Pass,
        Ok(scope) => CheckResult::Fail(format!("none of {} files is a test", scope.paths.len())),
    }
}

/// As pytest, Go, vitest and Cargo name them.
fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || [".test.", ".spec."].iter().any(|mark| name.contains(mark))
        || folders.split('/').any(|folder| folder == "tests" || folder == "__tests__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_known_by_its_name_or_its_folder() {
        for path in ["src/test_a.py", "a_test.go", "src/a.test.ts", "src/a.spec.js", "tests/a.rs", "src/__tests__/a.js"] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/a.py", "latest.ts", "contest/a.rs", "protest.md"] {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn a_scope_without_tests_fails_with_its_size() {
        let scope = Scope { kind: Kind::Folder("src".into()), paths: vec!["src/a.py".into()], resolved: true };
        let call = Call { function: "has_tests".into(), args: vec![Value::Scope(scope)], workspace: String::new() };
        assert_eq!(has_tests(&call), CheckResult::Fail("none of 1 files is a test".into()));
    }
}
