/**
 * The part of WebAssembly's JavaScript interface that the kernel uses, JSPI included. The kernel sees no DOM types, so it declares
 * them here; a host's own `WebAssembly.Module` fits `WasmModule`.
 */
export type WasmFunction = (...args: never[]) => unknown
export type WasmImports = Record<string, Record<string, unknown>>

/** Compiled code; opaque. */
export type WasmModule = object
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
export interface WasmGlobal {
  value: number
}
export interface WasmTable {
  readonly length: number
  get(index: number): unknown
  set(index: number, value: unknown): void
  /** Gives the old length. */
  grow(delta: number): number
}
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>
}
export interface WasmImportEntry {
  readonly module: string
  readonly name: string
  readonly kind: string
}
export interface WasmExportEntry {
  readonly name: string
  readonly kind: string
}

interface WasmApi {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    imports(module: WasmModule): WasmImportEntry[]
    exports(module: WasmModule): WasmExportEntry[]
    customSections(module: WasmModule, name: string): ArrayBuffer[]
  }
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
  readonly Global: new (descriptor: { value: 'i32'; mutable?: boolean }, value: number) => WasmGlobal
  readonly Memory: new (descriptor: { initial: number; maximum?: number }) => WasmMemory
  readonly Suspending: new (f: () => Promise<number>) => object
  compile(bytes: Uint8Array): Promise<WasmModule>
  promising(f: WasmFunction): (...args: number[]) => Promise<unknown>
}

export const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly

export const PAGE = 65_536
