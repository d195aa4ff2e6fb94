//! The check of docs/abi.md, "The shape of a module": what lets the kernel put a used instance back and use it again.

use wasmparser as wp;

const MUTABLE_GLOBALS: [&str; 3] = ["__stack_pointer", "__vm_pages", "__vm_limit"];
const EXPORTS: [&str; 4] = ["_start", "__stack_pointer", "__vm_pages", "__vm_limit"];
const IMPORT_MODULES: [&str; 2] = ["wasi_snapshot_preview1", "tidepool"];

/// What is wrong with the module, one sentence each; nothing when it has the shape.
pub fn faults(bytes: &[u8]) -> Result<Vec<String>, wp::BinaryReaderError> {
    let mut faults = Vec::new();
    let mut mutable = Vec::new();
    let mut exports: Vec<(String, wp::ExternalKind, u32)> = Vec::new();
    let mut globals = 0;
    let mut memory_imported = false;
    for payload in wp::Parser::new(0).parse_all(bytes) {
        match payload? {
            wp::Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    match import.ty {
                        wp::TypeRef::Memory(_) => memory_imported |= (import.module, import.name) == ("env", "memory"),
                        wp::TypeRef::Func(_) if IMPORT_MODULES.contains(&import.module) => {}
                        _ => faults.push(format!("imports {}.{}", import.module, import.name)),
                    }
                    globals += u32::from(matches!(import.ty, wp::TypeRef::Global(_)));
                }
            }
            wp::Payload::GlobalSection(section) => {
                for global in section {
                    if global?.ty.mutable {
                        mutable.push(globals);
                    }
                    globals += 1;
                }
            }
            wp::Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    exports.push((export.name.to_owned(), export.kind, export.index));
                }
            }
            wp::Payload::MemorySection(_) => faults.push("has a memory of its own".to_owned()),
            wp::Payload::TagSection(_) => faults.push("has exception tags".to_owned()),
            wp::Payload::DataSection(section) => {
                for data in section {
                    if matches!(data?.kind, wp::DataKind::Passive) {
                        faults.push("has a passive data segment".to_owned());
                    }
                }
            }
            wp::Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    if let Some(fault) = fault_of(&operator?) {
                        faults.push(fault.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    if !memory_imported {
        faults.push("does not import env.memory".to_owned());
    }
    for name in EXPORTS {
        if !exports.iter().any(|(export, ..)| export == name) {
            faults.push(format!("does not export {name}"));
        }
    }
    for index in mutable {
        let named = |(name, kind, at): &(String, wp::ExternalKind, u32)| {
            *kind == wp::ExternalKind::Global && *at == index && MUTABLE_GLOBALS.contains(&name.as_str())
        };
        if !exports.iter().any(named) {
            faults.push(format!("global {index} is mutable and none of {}", MUTABLE_GLOBALS.join(", ")));
        }
    }
    faults.sort();
    faults.dedup();
    Ok(faults)
}

fn fault_of(operator: &wp::Operator<'_>) -> Option<&'static str> {
    use wp::Operator as Op;
    match operator {
        Op::TableSet { .. }
        | Op::TableGrow { .. }
        | Op::TableFill { .. }
        | Op::TableCopy { .. }
        | Op::TableInit { .. }
        | Op::ElemDrop { .. } => Some("writes a table"),
        Op::Try { .. } | Op::TryTable { .. } | Op::Catch { .. } | Op::CatchAll | Op::Delegate { .. } => Some("handles exceptions"),
        Op::MemoryInit { .. } | Op::DataDrop { .. } => Some("reads a passive data segment"),
        _ => None,
    }
}
