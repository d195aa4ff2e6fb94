/** Names of functions as Rust mangles them, in both of its forms. */
import { expect, test } from 'vitest'
import { rustName } from '../../../src/kernel/module/rust-name.ts'

test.for([
  ['_RNvCsfLfy6EI15iL_7___rustc12___rust_abort', '__rustc::__rust_abort'],
  ['_RNvNtCsebHcaeoSrxy_3std9panicking15panic_with_hook', 'std::panicking::panic_with_hook'],
  ['_RNCNvNtCsebHcaeoSrxy_3std9panicking13panic_handler0B5_', 'std::panicking::panic_handler'],
  ['_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3new', 'std::path::PathBuf::new'],
  ['_ZN3lib6handle17hac910c9da7ac140cE', 'lib::handle'],
  ['_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE', 'core::ptr::drop_in_place<alloc::string::String>'],
  ['execute', 'execute'],
  ['_Result', '_Result'],
  ['__wasi_proc_exit', '__wasi_proc_exit'],
  ['_R', '_R'],
  ['_RN', '_RN'],
  ['_RNv9999999999', '_RNv9999999999'],
  ['_ZN99999E', '_ZN99999E'],
] as const)('%s', ([mangled, name]) => {
  expect(rustName(mangled)).toBe(name)
})

test('a long one is read as far as a person would', () => {
  const began = performance.now()
  for (const part of ['s', 'B', '1', 's_', '9', '0']) rustName(`_RN${part.repeat(100_000)}`)
  expect(performance.now() - began).toBeLessThan(1_000)
})
