/** A kernel in this Node process with python3 in it, so that a test sees every fault that a guest causes in the kernel. */
import { existsSync, readFileSync } from 'node:fs'
import type { HostPrograms } from '../../src/kernel/process/host-program.ts'
import { PythonProgram } from '../../src/kernel/python/python-program.ts'
import { wasm, type WasmModule } from '../../src/kernel/wasi/webassembly.ts'
import { builtPrograms, type RunResult, TestKernel, type TestKernelOptions } from './kernel.ts'

const DIST = new URL('../../dist/python/', import.meta.url)
if (!existsSync(new URL('lock.json', DIST))) throw new Error('Cannot run python3: dist/python is not built (npm run build:python)')
const LOCK = JSON.parse(readFileSync(new URL('lock.json', DIST), 'utf8')) as { modules: readonly { name: string; file: string }[] }

const THIRD_PARTY = new URL('../../third_party/python/', import.meta.url)

function archive(name: string): Uint8Array<ArrayBuffer> {
  // Wheels of tests are in no build.
  if (name.startsWith('tests/')) return new Uint8Array(readFileSync(new URL(name, THIRD_PARTY)))
  const found = LOCK.modules.find((module) => module.name === name)
  if (!found) throw new Error(`Cannot load "${name}": no such module`)
  return new Uint8Array(readFileSync(new URL(found.file, DIST)))
}

/** Compiled once for all kernels of this process. */
let compiled: Promise<WasmModule> | undefined

const hostPrograms: HostPrograms = (kernel) => {
  const python = new PythonProgram(kernel, {
    module: () => (compiled ??= wasm.compile(archive('python'))),
    archive: async (name) => archive(name),
    request: async () => '{}',
  })
  return new Map([['python', python]])
}

export function pythonKernel(options: TestKernelOptions = {}): TestKernel {
  const python = { module: 'python', bytes: new Uint8Array(1) }
  const programs = new Map([...builtPrograms(), ['python3', python] as const])
  return new TestKernel({ programs, ...options, host: { hostPrograms, ...options.host } })
}

/** How a program ended, and what the kernel reported meanwhile. */
export interface Witnessed extends RunResult {
  readonly faults: readonly unknown[]
}

/** Runs Python code to its end, or for so long; faults do not throw. */
export async function witness(tests: TestKernel, code: string, deadlineMs = 10_000): Promise<Witnessed> {
  const { session, output } = tests.begin(['python3', '-c', code], { stdin: 'hello\n' })
  const timer = setTimeout(() => session.kill(9), deadlineMs)
  const end = await session.exited
  clearTimeout(timer)
  const [stdout, stderr] = await output
  return { ...end, stdout, stderr, faults: tests.faults.splice(0) }
}
