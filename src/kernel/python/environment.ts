/**
 * The functions that CPython's main module imports as `env`: Linux's calls under Emscripten's names, memory, clocks, side modules, and a
 * few of libc's that Emscripten leaves to the host. Pyodide's bridge to JavaScript is not there: what would enter it ends the process.
 */
import type { HostProgramKernel } from '../process/host-program.ts'
import { writeByteString } from '../vfs/byte-string.ts'
import type { GuestMemory } from '../wasi/memory.ts'
import { wasm, type WasmModule } from '../wasi/webassembly.ts'
import { foreignCalls } from './foreign-calls.ts'
import { localTimeCalls } from './local-time.ts'
import type { PythonInstance } from './python-instance.ts'

export type Calls = Readonly<Record<string, unknown>>

/** Names that Emscripten gives to calls of Linux's. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  __syscall_getuid32_js: 'getuid32',
  __syscall_umask_js: 'umask',
  _mmap_js: 'mmap',
  _msync_js: 'msync',
  _munmap_js: 'munmap',
}
const PREFIX = '__syscall_'
const ENOSYS = -52
/** getaddrinfo(3): the name cannot be resolved */
const EAI_FAIL = -4

function linuxCalls(linux: Calls): Record<string, unknown> {
  const named = Object.entries(linux).map(([name, call]) => [PREFIX + name, call])
  const others = Object.entries(OTHER_NAMES).map(([name, call]) => [name, linux[call]])
  return Object.fromEntries([...named, ...others])
}

/** For one interpreter. */
export function environment(kernel: HostProgramKernel, cell: Calls, python: PythonInstance): Record<string, unknown> {
  const { clock } = kernel.system
  const guest = (): GuestMemory => python.fresh()
  const zero = (): number => 0
  const nothing = (): void => {}
  return {
    ...linuxCalls(kernel.calls.linux),
    ...localTimeCalls({ guest, zone: () => python.variable('TZ'), now: () => clock.now() }),
    ...foreignCalls(python),
    exit: cell['exit'],
    _abort_js: cell['abort'],
    __assert_fail: (): void => (cell['abort'] as () => void)(),
    _Py_CheckEmscriptenSignals_Helper: cell['signals'],
    _dlopen_js: cell['dlopen'],
    _dlsym_js: (handle: number, symbol: number, _index: number): number => python.symbol(handle, guest().text(symbol)),
    emscripten_resize_heap: (bytes: number): number => (python.resize(bytes >>> 0) ? 1 : 0),
    emscripten_get_heap_max: (): number => python.mostBytes,
    emscripten_date_now: (): number => clock.now(),
    emscripten_get_now: (): number => clock.monotonic(),
    _PyEM_TrampolineCall_JS: (f: number, a: number, b: number, c: number): unknown => python.callForeign(f, a, b, c),
    __call_sighandler: (f: number, signal: number): unknown => python.callForeign(f, signal),
    _Py_emscripten_runtime: (): number => python.cString('Tidepool'),
    _emscripten_get_progname(buffer: number, length: number): void {
      const memory = guest()
      writeByteString('python3\0'.slice(0, length >>> 0), memory.u8, memory.at(buffer, Math.min(8, length >>> 0)))
    },
    _emscripten_system: (): number => ENOSYS,
    _emscripten_lookup_name: zero,
    getprotobyname: zero,
    getaddrinfo: (): number => EAI_FAIL,
    getnameinfo: (): number => EAI_FAIL,
    _setitimer_js: zero,
    // The main module's own start makes the bridge's table of values; nothing is ever in it.
    __hiwire_deduplicate_new: (): null => null,
    _try_fcntl64: zero,
    _try_shutdown: zero,
    _maybe_connect_async: (): null => null,
    _maybe_recvfrom_async: (): null => null,
    _maybe_sendto_async: (): null => null,
    _maybe_poll_async: (): null => null,
    emscripten_runtime_keepalive_push: nothing,
    emscripten_runtime_keepalive_pop: nothing,
    _emscripten_runtime_keepalive_clear: nothing,
    emscripten_set_up_async_input_device_js: nothing,
    emscripten_debugger: nothing,
    emscripten_log_impl_js: nothing,
    _emscripten_log_formatted: nothing,
  }
}

/** Everything that the module imports; what is not there ends the process that calls it. */
export function completeImports(
  module: WasmModule,
  env: Calls,
  modules: Readonly<Record<string, Calls>>,
  abort: unknown,
): Record<string, Record<string, unknown>> {
  const imports: Record<string, Record<string, unknown>> = {}
  for (const { module: from, name, kind } of wasm.Module.imports(module)) {
    const into = (imports[from] ??= {})
    if (kind === 'global') into[name] = new wasm.Global({ value: 'i32', mutable: true }, 0)
    else if (kind === 'function') into[name] = (from === 'env' ? env[name] : modules[from]?.[name]) ?? abort
  }
  return imports
}
