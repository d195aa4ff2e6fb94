//! The pass: imports the memory as env.memory, exports __stack_pointer, and makes memory.grow and memory.size virtual through
//! two exported globals, __vm_pages (what the program has) and __vm_limit (what it may have). A pooled memory may be larger
//! than the program that runs in it believes; without this the allocator would grow a reused memory at every run.
//! Whatever is added stands at the end of its index space, so that no index that exists changes.

use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    ImportSection, Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmparser as wp;

/// wasm32's address space, the limit that a module has before the kernel sets one.
const PAGES_OF_ADDRESS_SPACE: i32 = 65536;

type Result<T = ()> = std::result::Result<T, Error<Infallible>>;

/// What the module has before the pass, and the indices of what the pass adds.
#[derive(Default)]
struct Pass {
    types: u32,
    functions: u32,
    globals: u32,
    initial_pages: u64,
    own_memory: Option<MemoryType>,
    stack_pointer: Option<u32>,
    stack_pointer_exported: bool,
}

impl Pass {
    fn scan(bytes: &[u8]) -> std::result::Result<Pass, Box<dyn std::error::Error>> {
        let mut pass = Pass::default();
        for payload in wp::Parser::new(0).parse_all(bytes) {
            match payload? {
                wp::Payload::TypeSection(groups) => {
                    for group in groups {
                        pass.types += group?.types().len() as u32;
                    }
                }
                wp::Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        pass.count_import(import?.ty);
                    }
                }
                wp::Payload::FunctionSection(functions) => pass.functions += functions.count(),
                wp::Payload::MemorySection(memories) => {
                    for memory in memories {
                        let memory = memory?;
                        pass.initial_pages = memory.initial;
                        pass.own_memory = Some(Pass::default().memory_type(memory)?);
                    }
                }
                wp::Payload::GlobalSection(globals) => {
                    for global in globals {
                        let ty = global?.ty;
                        // LLVM's first mutable i32 is the stack pointer.
                        if ty.mutable && ty.content_type == wp::ValType::I32 && pass.stack_pointer.is_none() {
                            pass.stack_pointer = Some(pass.globals);
                        }
                        pass.globals += 1;
                    }
                }
                wp::Payload::ExportSection(exports) => {
                    for export in exports {
                        pass.stack_pointer_exported |= export?.name == "__stack_pointer";
                    }
                }
                _ => {}
            }
        }
        Ok(pass)
    }

    fn count_import(&mut self, ty: wp::TypeRef) {
        match ty {
            wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_) => self.functions += 1,
            wp::TypeRef::Global(_) => self.globals += 1,
            wp::TypeRef::Memory(memory) => self.initial_pages = memory.initial,
            wp::TypeRef::Table(_) | wp::TypeRef::Tag(_) => {}
        }
    }

    fn size_function(&self) -> u32 {
        self.functions
    }
    fn grow_function(&self) -> u32 {
        self.functions + 1
    }
    fn pages_global(&self) -> u32 {
        self.globals
    }
    fn limit_global(&self) -> u32 {
        self.globals + 1
    }

    /// `memory.size`: the pages of the program.
    fn size_body(&self) -> Function {
        let mut body = Function::new([]);
        body.instructions().global_get(self.pages_global()).end();
        body
    }

    /// `memory.grow`: −1 beyond the limit; the memory itself grows only when it is smaller than wanted.
    fn grow_body(&self) -> Function {
        let (pages, limit) = (self.pages_global(), self.limit_global());
        let (by, wanted) = (0, 1);
        let mut body = Function::new([(1, ValType::I32)]);
        let mut code = body.instructions();
        code.local_get(by).global_get(limit).global_get(pages).i32_sub().i32_gt_u();
        code.if_(BlockType::Empty).i32_const(-1).return_().end();
        code.local_get(by).global_get(pages).i32_add().local_tee(wanted).memory_size(0).i32_gt_u();
        code.if_(BlockType::Empty);
        code.local_get(wanted).memory_size(0).i32_sub().memory_grow(0).i32_const(-1).i32_eq();
        code.if_(BlockType::Empty).i32_const(-1).return_().end();
        code.end();
        code.global_get(pages).local_get(wanted).global_set(pages).end();
        body
    }
}

impl Reencode for Pass {
    type Error = Infallible;

    fn instruction<'a>(&mut self, operator: wp::Operator<'a>) -> Result<Instruction<'a>> {
        match operator {
            wp::Operator::MemoryGrow { mem: 0 } => Ok(Instruction::Call(self.grow_function())),
            wp::Operator::MemorySize { mem: 0 } => Ok(Instruction::Call(self.size_function())),
            other => utils::instruction(self, other),
        }
    }

    fn parse_type_section(&mut self, section: &mut TypeSection, reader: wp::TypeSectionReader<'_>) -> Result {
        utils::parse_type_section(self, section, reader)?;
        section.ty().function([], [ValType::I32]);
        section.ty().function([ValType::I32], [ValType::I32]);
        Ok(())
    }

    fn parse_import_section(&mut self, section: &mut ImportSection, reader: wp::ImportSectionReader<'_>) -> Result {
        utils::parse_import_section(self, section, reader)?;
        if let Some(memory) = self.own_memory {
            section.import("env", "memory", EntityType::Memory(memory));
        }
        Ok(())
    }

    fn parse_memory_section(&mut self, _: &mut MemorySection, _: wp::MemorySectionReader<'_>) -> Result {
        Ok(())
    }

    fn parse_function_section(&mut self, section: &mut FunctionSection, reader: wp::FunctionSectionReader<'_>) -> Result {
        utils::parse_function_section(self, section, reader)?;
        section.function(self.types).function(self.types + 1);
        Ok(())
    }

    fn parse_global_section(&mut self, section: &mut GlobalSection, reader: wp::GlobalSectionReader<'_>) -> Result {
        utils::parse_global_section(self, section, reader)?;
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        section.global(ty, &ConstExpr::i32_const(self.initial_pages as i32));
        section.global(ty, &ConstExpr::i32_const(PAGES_OF_ADDRESS_SPACE));
        Ok(())
    }

    fn parse_export_section(&mut self, section: &mut ExportSection, reader: wp::ExportSectionReader<'_>) -> Result {
        utils::parse_export_section(self, section, reader)?;
        if let (Some(global), false) = (self.stack_pointer, self.stack_pointer_exported) {
            section.export("__stack_pointer", ExportKind::Global, global);
        }
        section.export("__vm_pages", ExportKind::Global, self.pages_global());
        section.export("__vm_limit", ExportKind::Global, self.limit_global());
        Ok(())
    }

    fn parse_code_section(&mut self, section: &mut CodeSection, reader: wp::CodeSectionReader<'_>) -> Result {
        utils::parse_code_section(self, section, reader)?;
        section.function(&self.size_body());
        section.function(&self.grow_body());
        Ok(())
    }
}

/// The module after the pass, validated.
pub fn pass(bytes: &[u8]) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut pass = Pass::scan(bytes)?;
    let mut module = Module::new();
    pass.parse_core_module(&mut module, wp::Parser::new(0), bytes)?;
    let bytes = module.finish();
    wp::Validator::new().validate_all(&bytes)?;
    Ok(bytes)
}
