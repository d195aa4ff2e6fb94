/** Side modules that somebody wrote to harm whoever opens them, with what comes of `ctypes.CDLL`: it is loaded, an OSError, or 134. */
import { side, type SideModuleParts } from './side-module.ts'
import { ins, line } from './wasm-encoder.ts'

interface HostileModule {
  readonly title: string
  readonly parts: SideModuleParts
  /** status and output of the process that opens it */
  readonly outcome: string
}

const call = (module: string, name: string, params: string, results: string) =>
  ({ module, name, kind: 'function', type: { params, results } }) as const
/** A start function with this code. */
const atStart = (code: readonly number[]): Pick<SideModuleParts, 'functions' | 'start'> => ({
  functions: [{ params: '', results: '', code }],
  start: 0,
})
const memory = (least: number, most?: number) =>
  ({ module: 'env', name: 'memory', kind: 'memory', least, ...(most === undefined ? {} : { most }) }) as const
const global = (module: string, name: string, letter: string, mutable = false) =>
  ({ module, name, kind: 'global', letter, mutable }) as const
const POLL = call('linux', 'poll', 'iii', 'i')
/** poll(NULL, 0, 50) */
const WAIT = [...ins.i32(0), ...ins.i32(0), ...ins.i32(50), ...ins.call(0), ...ins.drop]

export const HOSTILE_MODULES: readonly HostileModule[] = [
  { title: 'nothing in it', parts: {}, outcome: '0 loaded' },
  { title: 'no "dylink.0"', parts: { dylink: null }, outcome: '0 OSError' },
  // Text that a host with a bridge would evaluate.
  {
    title: 'JavaScript in its exports',
    parts: {
      functions: [{ params: '', results: 'i', code: ins.i32(0) }],
      exports: { '__em_js__() { globalThis.owned = 1 }': 0, __em_js__run: 0, __start_em_asm: 0, __stop_em_asm: 0 },
    },
    outcome: '0 loaded',
  },
  // Names that every object of the host has.
  { title: 'an import of Function', parts: { imports: [call('toString', 'constructor', 'i', 'x')] }, outcome: '0 loaded' },
  {
    title: 'a call of Function',
    parts: { imports: [call('toString', 'constructor', 'i', 'x')], ...atStart([...ins.i32(1), ...ins.call(0), ...ins.drop]) },
    outcome: '134',
  },
  {
    title: 'a call of Object',
    parts: { imports: [call('env', 'constructor', 'x', 'x')], ...atStart([...side.nullExtern, ...ins.call(0), ...ins.drop]) },
    outcome: '134',
  },
  {
    title: 'an import of Object.prototype, in whose place it gets a function that ends it',
    parts: { imports: [global('constructor', 'prototype', 'x')] },
    outcome: '0 loaded',
  },
  {
    title: 'an import that would be put into Object.prototype',
    parts: { imports: [call('__proto__', 'then', '', '')] },
    outcome: '0 loaded',
  },
  {
    title: 'an import that would replace Object.entries',
    parts: { imports: [call('constructor', 'entries', '', 'i')] },
    outcome: '0 loaded',
  },
  {
    title: 'entries of the offset table by such names',
    parts: { imports: [global('GOT.mem', '__proto__', 'i', true), global('GOT.func', 'constructor', 'i', true)] },
    outcome: '0 loaded',
  },
  // Names that only a host has.
  { title: 'an import of fetch', parts: { imports: [call('js', 'fetch', 'i', 'i')] }, outcome: '0 loaded' },
  { title: 'a call of fetch', parts: { imports: [call('env', 'fetch', '', '')], ...atStart(ins.call(0)) }, outcome: '134' },
  { title: 'a call of process', parts: { imports: [call('env', 'process', '', '')], ...atStart(ins.call(0)) }, outcome: '134' },
  // Imports of another type.
  {
    title: 'a number of 64 bits where the host takes one of 32',
    parts: {
      imports: [call('env', 'ffi_call_js', 'IIII', '')],
      ...atStart([...side.i64(1), ...side.i64(1), ...side.i64(1), ...side.i64(1), ...ins.call(0)]),
    },
    outcome: '0 OSError',
  },
  {
    title: 'a reference where the host takes a number',
    parts: { imports: [call('env', 'emscripten_resize_heap', 'x', 'i')], ...atStart([...side.nullExtern, ...ins.call(0), ...ins.drop]) },
    outcome: '0 loaded',
  },
  { title: 'a system call of another type', parts: { imports: [call('linux', 'poll', 'FFF', 'i')] }, outcome: '0 OSError' },
  { title: 'a system call that does not exist', parts: { imports: [call('tidepool', 'proc_own', 'i', 'i')] }, outcome: '0 loaded' },
  { title: 'an offset of another type', parts: { imports: [global('GOT.mem', 'zzz', 'I', true)] }, outcome: '0 OSError' },
  { title: 'a memory base that it wants to change', parts: { imports: [global('env', '__memory_base', 'i', true)] }, outcome: '0 OSError' },
  // Memories and tables.
  { title: 'more memory than there is', parts: { imports: [memory(60_000)] }, outcome: '0 OSError' },
  { title: 'a memory that is to stay small', parts: { imports: [memory(1, 2)] }, outcome: '0 OSError' },
  { title: 'memories of its own', parts: { memories: Array.from({ length: 90 }, () => 1) }, outcome: '0 OSError' },
  { title: 'a memory of its own of 4 GiB', parts: { memories: [65_536] }, outcome: '0 OSError' },
  { title: 'tables of its own', parts: { tables: Array.from({ length: 50 }, () => 9_000_000) }, outcome: '0 OSError' },
  { title: 'a huge place in the table', parts: { dylink: { table: 300_000_000 } }, outcome: '0 OSError' },
  { title: 'a huge place in memory', parts: { dylink: { memory: 4_000_000_000 } }, outcome: '0 OSError' },
  { title: 'a huge alignment', parts: { dylink: { memory: 16, align: 30 } }, outcome: '0 OSError' },
  {
    title: 'growth of its memory until no more is given',
    parts: {
      imports: [memory(1)],
      ...atStart([...ins.loop, ...ins.i32(100), ...side.grow, ...ins.i32(-1), ...side.notEqual, ...ins.brIf(0), ...ins.end]),
    },
    outcome: '0 loaded',
  },
  // A start function.
  {
    title: 'an exit at its start',
    parts: { imports: [call('cell', 'exit', 'i', '')], ...atStart([...ins.i32(9), ...ins.call(0)]) },
    outcome: '9',
  },
  {
    title: 'an exit at its start that it catches, to go on',
    parts: {
      imports: [call('wasi_snapshot_preview1', 'proc_exit', 'i', '')],
      ...atStart([...ins.loop, ...side.try, ...ins.i32(9), ...ins.call(0), ...side.catchAll, ...ins.end, ...ins.br(0), ...ins.end]),
    },
    outcome: '9',
  },
  { title: 'a wait at its start', parts: { imports: [POLL], ...atStart(WAIT) }, outcome: '0 OSError' },
  {
    title: 'a wait at its start whose failure it catches',
    parts: { imports: [POLL], ...atStart([...side.try, ...WAIT, ...side.catchAll, ...ins.end]) },
    outcome: '0 loaded',
  },
  { title: 'a trap at its start', parts: atStart(ins.unreachable), outcome: '0 OSError' },
  {
    title: 'bad pointers',
    parts: {
      imports: [
        call('linux', 'pipe', 'i', 'i'),
        call('linux', 'stat64', 'ii', 'i'),
        call('linux', 'getcwd', 'ii', 'i'),
        call('cell', 'dlopen', 'i', 'i'),
      ],
      ...atStart([
        ...line(...ins.i32(-4), ...ins.call(0), ...ins.drop),
        ...line(...ins.i32(-1), ...ins.i32(-1), ...ins.call(1), ...ins.drop),
        ...line(...ins.i32(1024), ...ins.i32(-1), ...ins.call(2), ...ins.drop),
        ...line(...ins.i32(-16), ...ins.call(3), ...ins.drop),
      ]),
    },
    outcome: '0 loaded',
  },
  {
    title: 'a dlopen at a bad pointer, which fails and is no success',
    parts: {
      imports: [call('cell', 'dlopen', 'i', 'i')],
      ...atStart([...ins.i32(-16), ...ins.call(0), ...ins.if, ...ins.unreachable, ...ins.end]),
    },
    outcome: '0 loaded',
  },
]
