/**
 * The dynamic linker of a main module that Emscripten built (WebAssembly tool conventions, "Dynamic Linking"): side modules share its
 * memory, table and stack pointer, their calls are bound straight to the exports that they name, and addresses of foreign data and
 * functions come from the global offset table. No code is ever made of text: what a side module brings as JavaScript stays a text.
 */
import { wasm, type WasmGlobal, type WasmInstance, type WasmModule, type WasmTable } from '../wasi/webassembly.ts'
import { DylinkError, parseDylink } from './dylink.ts'

/** Beyond it a table is refused, however much its module asks for. */
const MOST_TABLE = 65_536 * 4

export interface SideModule {
  readonly name: string
  /** functions and addresses, by symbol */
  readonly symbols: ReadonlyMap<string, unknown>
  readonly memoryBase: number
  readonly memorySize: number
  readonly tableBase: number
  readonly tableSize: number
}

/** Where exports of one main module stand in its table; the same in each instance. */
export type TableIndex = ReadonlyMap<string, number>

export interface LinkerHost {
  readonly main: WasmInstance
  readonly memory: object
  /** functions of the host that the main module imports, and side modules may */
  readonly env: Readonly<Record<string, unknown>>
  /** further modules of imports (WASI, the kernel's calls) */
  readonly modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Takes zeroed memory; 0 where there is none. */
  allocate(align: number, bytes: number): number
  tableIndex(): TableIndex
  /** A symbol that nobody has was called. */
  missing(symbol: string): never
}

export class Linker {
  readonly #host: LinkerHost
  readonly #table: WasmTable
  /** entries of symbols that all modules share: the main module's and those of global side modules */
  readonly #got = new Map<string, WasmGlobal>()
  /** functions of the host and of side modules that have been put into the table */
  readonly #added = new Map<unknown, number>()
  readonly #global = new Map<string, unknown>()
  readonly #loaded = new Map<string, SideModule>()

  constructor(host: LinkerHost) {
    this.#host = host
    this.#table = host.main.exports['__indirect_function_table'] as WasmTable
  }

  loaded(name: string): SideModule | undefined {
    return this.#loaded.get(name)
  }

  /** Links a side module. `global`: its symbols serve later ones. Throws a DylinkError that says why it cannot be. */
  load(name: string, module: WasmModule, global: boolean): SideModule {
    const [section] = wasm.Module.customSections(module, 'dylink.0')
    if (!section) throw new DylinkError('not a side module')
    const info = parseDylink(new Uint8Array(section))
    for (const needed of info.needed) if (!this.#loaded.has(needed)) throw new DylinkError(`it needs "${needed}"`)
    const memoryBase = this.#memoryFor(info.memorySize, info.memoryAlign)
    const tableBase = this.#tableFor(info.tableSize)
    let own: ReadonlyMap<string, unknown> = new Map()
    const bases = { memoryBase, tableBase }
    const waiting = new Map<string, WasmGlobal>()
    const instance = this.#instantiate(module, bases, waiting, (symbol) => own.get(symbol))
    own = relocated(instance, memoryBase)
    this.#resolve(waiting, own)
    call(instance, '__wasm_apply_data_relocs')
    call(instance, '__wasm_call_ctors')
    const side = { name, symbols: own, memoryBase, memorySize: info.memorySize, tableBase, tableSize: info.tableSize }
    this.#loaded.set(name, side)
    if (global) this.makeGlobal(side)
    return side
  }

  makeGlobal(side: SideModule): void {
    for (const [symbol, value] of side.symbols) if (!this.#global.has(symbol)) this.#global.set(symbol, value)
  }

  /** dlsym(3): the address of a symbol; undefined where there is none. */
  address(side: SideModule | undefined, symbol: string): number | undefined {
    const value = side ? side.symbols.get(symbol) : this.#find(symbol)
    if (typeof value !== 'function') return value as number | undefined
    return this.#isOfHost(symbol, value) ? undefined : this.functionIndex(symbol, value)
  }

  /** A function's place in the table, where it is put at first use. */
  functionIndex(symbol: string, f: unknown): number {
    const known = this.#added.get(f)
    if (known !== undefined) return known
    const isMain = this.#host.main.exports[symbol] === f
    const index = (isMain ? this.#host.tableIndex().get(symbol) : undefined) ?? this.#append(f)
    this.#added.set(f, index)
    return index
  }

  #append(f: unknown): number {
    const index = this.#tableFor(1)
    this.#table.set(index, f)
    return index
  }

  #memoryFor(size: number, align: number): number {
    if (size === 0) return 0
    const at = this.#host.allocate(Math.max(align, 16), size)
    if (at === 0) throw new DylinkError('out of memory')
    return at
  }

  #tableFor(size: number): number {
    if (this.#table.length + size > MOST_TABLE) throw new DylinkError('its table is too large')
    return size === 0 ? 0 : this.#table.grow(size)
  }

  #instantiate(
    module: WasmModule,
    { memoryBase, tableBase }: { readonly memoryBase: number; readonly tableBase: number },
    waiting: Map<string, WasmGlobal>,
    own: (symbol: string) => unknown,
  ): WasmInstance {
    const { main, memory, modules } = this.#host
    const imports = bare<Record<string, unknown>>()
    const constant = (value: number): WasmGlobal => new wasm.Global({ value: 'i32' }, value)
    for (const { module: from, name, kind } of wasm.Module.imports(module)) {
      const into = (imports[from] ??= bare())
      if (from === 'GOT.mem' || from === 'GOT.func') into[name] = this.#gotEntry(name, waiting)
      else if (from !== 'env') into[name] = entryOf(entryOf(modules, from), name) ?? this.#stub(name, own)
      else if (kind === 'memory') into[name] = memory
      else if (kind === 'table') into[name] = this.#table
      else if (name === '__memory_base') into[name] = constant(memoryBase)
      else if (name === '__table_base') into[name] = constant(tableBase)
      else if (kind === 'function') into[name] = this.#find(name) ?? this.#stub(name, own)
      else into[name] = main.exports[name]
    }
    return new wasm.Instance(module, imports)
  }

  /** A function of that name, or an address. */
  #find(symbol: string): unknown {
    const { main, env } = this.#host
    const value = main.exports[symbol] ?? entryOf(env, symbol) ?? this.#global.get(symbol)
    return value instanceof wasm.Global ? value.value : value
  }

  /** No table takes a function of the host. */
  #isOfHost(symbol: string, value: unknown): boolean {
    return value !== undefined && value === entryOf(this.#host.env, symbol)
  }

  /** For what nobody has yet: the module's own, once it is there, or an error when it is called. */
  #stub(symbol: string, own: (symbol: string) => unknown): (...args: unknown[]) => unknown {
    let found: ((...args: unknown[]) => unknown) | undefined
    return (...args) => {
      found ??= (own(symbol) ?? this.#find(symbol)) as typeof found
      return typeof found === 'function' ? found(...args) : this.#host.missing(symbol)
    }
  }

  /** What nobody has yet goes to `waiting`: it may be the module's own. */
  #gotEntry(symbol: string, waiting: Map<string, WasmGlobal>): WasmGlobal {
    let entry = this.#got.get(symbol) ?? waiting.get(symbol)
    if (entry) return entry
    const found = this.#find(symbol)
    if (this.#isOfHost(symbol, found)) throw new DylinkError(`"${symbol}" has no address`)
    entry = new wasm.Global({ value: 'i32', mutable: true }, found === undefined ? 0 : this.#addressOf(symbol, found))
    const into = found === undefined ? waiting : this.#got
    into.set(symbol, entry)
    return entry
  }

  #addressOf(symbol: string, value: unknown): number {
    return typeof value === 'number' ? value : this.functionIndex(symbol, value)
  }

  /** Fills the entries that wait for these symbols; a weak one that nobody has stays null. */
  #resolve(waiting: ReadonlyMap<string, WasmGlobal>, symbols: ReadonlyMap<string, unknown>): void {
    for (const [symbol, entry] of waiting) {
      const value = symbols.get(symbol)
      if (value !== undefined) entry.value = this.#addressOf(symbol, value)
    }
  }
}

/** Without a prototype: the names in it are a module's, and `__proto__` is one. */
const bare = <T>(): Record<string, T> => Object.create(null) as Record<string, T>

/** What stands in a record itself: a module may ask for `constructor`, too. */
function entryOf<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

/** Exports with addresses made absolute. */
function relocated(instance: WasmInstance, memoryBase: number): Map<string, unknown> {
  const symbols = new Map<string, unknown>()
  for (const [symbol, value] of Object.entries(instance.exports)) {
    if (value instanceof wasm.Global) symbols.set(symbol, (value.value + memoryBase) >>> 0)
    else if (typeof value === 'function') symbols.set(symbol, value)
  }
  return symbols
}

function call(instance: WasmInstance, name: string): void {
  const f = instance.exports[name]
  if (typeof f === 'function') (f as () => void)()
}

/** Where each exported function of a main module stands in its table. */
export function tableIndexOf(main: WasmInstance): TableIndex {
  const table = main.exports['__indirect_function_table'] as WasmTable
  const places = new Map<unknown, number>()
  for (let i = 1; i < table.length; i++) {
    const f = table.get(i)
    if (f) places.set(f, i)
  }
  const index = new Map<string, number>()
  for (const [symbol, value] of Object.entries(main.exports)) {
    const at = typeof value === 'function' ? places.get(value) : undefined
    if (at !== undefined) index.set(symbol, at)
  }
  return index
}
