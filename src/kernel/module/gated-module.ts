/**
 * What the gate says of a module that it let through: bytes that may be compiled, and everything that linking and calling it depends on, so
 * that nobody asks the engine for it again. Every import has its carrier here; one without was refused.
 */
import type { ImportName, ToolImport } from '../../protocol/tool-imports.ts'
import type { Syscall } from '../syscall-table.ts'

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref'

export interface Signature {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}

/**
 * How a row of the table of imports is declared. `plain`: no text comes back · `sized`: the text goes to `out`, at most `cap` bytes ·
 * `unsized`: to `out` without a capacity, at most `UNSIZED_BYTES` · `allocated`: the host allocates by the module's `alloc` and gives the
 * pointer of a text with its length before it, 0 where there is none.
 */
export type CallForm = 'plain' | 'sized' | 'unsized' | 'allocated'

/** What the unsized form writes at most. */
export const UNSIZED_BYTES = 1_024

export const CONSOLE_LEVELS = ['debug', 'log', 'info', 'warn', 'error'] as const
export type ConsoleLevel = (typeof CONSOLE_LEVELS)[number]

/** Who carries an import out. */
export type Carrier =
  | { readonly by: 'request'; readonly import: ImportName; readonly row: ToolImport; readonly form: CallForm }
  /** (level, ptr, len), with or without an i32 */
  | { readonly by: 'log' }
  /** (out, cap) → bytes needed */
  | { readonly by: 'last-error' }
  /** AssemblyScript's: (message, file, line, column), UTF-16 */
  | { readonly by: 'abort' }
  /** AssemblyScript's: () → f64 */
  | { readonly by: 'seed' }
  /** AssemblyScript's: (message, n, f64 × 5) */
  | { readonly by: 'trace' }
  /** AssemblyScript's `console`: (message) */
  | { readonly by: 'console'; readonly level: ConsoleLevel }
  /** AssemblyScript's: () → f64, in milliseconds */
  | { readonly by: 'clock'; readonly clock: 'now' | 'monotonic' }
  | { readonly by: 'system-call'; readonly row: Syscall }

export interface GatedImport extends Signature {
  readonly module: string
  readonly name: string
  readonly carrier: Carrier
}

export type ExportKind = 'function' | 'table' | 'memory' | 'global'

export interface GatedExport {
  readonly name: string
  readonly kind: ExportKind
  /** of a function */
  readonly signature?: Signature
}

/**
 * How a function gives a text. `pointer`: (…) → i32, to a little-endian u32 length and its bytes · `packed`: (…) → i64, `ptr << 32 | len` ·
 * `pair`: (…) → (ptr, len) · `returned`: (ret, …) → (), ptr and len as two u32 at `ret`, as Rust gives a pair.
 */
export type TextForm = 'pointer' | 'packed' | 'pair' | 'returned'

/** Which of an ABI's exports the module has, and in which form. What its ABI needs is there: the gate has seen to it. */
export interface AbiExports {
  /** `_initialize`, to be called once before anything else (after the start function) */
  readonly initialize: boolean
  /** the name of `alloc(size) → ptr`; a library may call it `allocate`. Undefined for `stdio` only. */
  readonly alloc?: string
  /** the name of `dealloc(ptr)` or `dealloc(ptr, size)`, where there is one; a library may call it `deallocate` */
  readonly dealloc?: { readonly name: string; readonly form: 'pointer' | 'sized' }
  readonly libraryCall?: Exclude<TextForm, 'pointer'>
  readonly libraryCheck?: Exclude<TextForm, 'pointer'>
  readonly metadata?: TextForm
}

/** Under this name the start function is exported; it is called once, before anything else. */
export const START = 'tidepool:start'

export interface GatedModule {
  /** `env.memory` imported without a maximum, the start function exported as `START`, tables bounded, custom sections gone but the names */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** the memory's size at first, in pages */
  readonly pages: number
  /** what the module itself declares to be its most */
  readonly maximumPages: number | undefined
  readonly importsMemory: boolean
  /** functions, in the order of their indices; `env.memory` is not among them */
  readonly imports: readonly GatedImport[]
  readonly exports: readonly GatedExport[]
  readonly abi: AbiExports
  readonly hasStart: boolean
  /** to be added to an offset in the code of `bytes`, as an engine's stack trace gives it, to have it in the author's file */
  readonly codeShift: number
  /** by the section of names, imports counted; undefined where it says none */
  functionName(index: number): string | undefined
}
