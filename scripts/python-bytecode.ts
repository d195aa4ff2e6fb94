/** Compiles the standard library to bytecode by the Python that will run it, in a kernel in this process. */
import { Kernel } from '../src/kernel/kernel.ts'
import { wasm } from '../src/kernel/wasi/webassembly.ts'
import { AGAIN } from '../src/kernel/errno.ts'
import { Waiter } from '../src/kernel/process/wait-queue.ts'
import { PythonProgram } from '../src/kernel/python/python-program.ts'
import { O, type OpenFile } from '../src/kernel/vfs/open-file.ts'
import { limitsWith } from '../src/protocol/limits.ts'

/** Reads names from stdin; writes each compiled file below the working directory. Checked never: the archive does not change. */
const COMPILE = `
import os, sys, importlib.util, importlib._bootstrap_external as external
for name in sys.stdin.read().split('\\n'):
    path = '/usr/lib/python3.14/' + name
    with open(path, 'rb') as file:
        source = file.read()
    try:
        code = compile(source, path, 'exec', dont_inherit=True, optimize=0)
    except SyntaxError:
        continue
    target = importlib.util.cache_from_source(name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, 'wb') as file:
        file.write(external._code_to_hash_pyc(code, importlib.util.source_hash(source), False))
    print(target)
`

/** What was made, by its path below python3.14. */
export async function compileBytecode(module: Uint8Array, library: Uint8Array, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const kernel = makeKernel(module as Uint8Array<ArrayBuffer>, library)
  const sources = names.filter((name) => name.endsWith('.py')).join('\n')
  const output = await run(kernel, ['python3', '-S', '-c', COMPILE], sources)
  return new Map(
    output
      .trimEnd()
      .split('\n')
      .map((name) => [name, readFile(kernel, `/home/user/${name}`)]),
  )
}

function makeKernel(module: Uint8Array<ArrayBuffer>, library: Uint8Array): Kernel {
  const limits = limitsWith()
  const kernel: Kernel = new Kernel({
    limits,
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
    macrotask: (task) => void setImmediate(task),
    timer: (milliseconds, task) => {
      const timer = setTimeout(task, milliseconds)
      return () => clearTimeout(timer)
    },
    journal: { post: (message) => queueMicrotask(() => kernel.files.journal.committed(message.seq)) },
    faults: { fault: (_mount, _ino, _index, done) => done(new Uint8Array(0)) },
    programs: {
      names: () => ['python3'],
      find: (name) => (name === 'python3' ? { module: 'python', size: module.length } : undefined),
      read: (_module, done) => done(module),
    },
    loadModule: () => Promise.reject(new Error('there are no other programs')),
    hostPrograms: (of) => {
      const host = {
        module: () => wasm.compile(module),
        archive: () => Promise.resolve(library),
        request: () => Promise.resolve('{}'),
      }
      return new Map([['python', new PythonProgram(of, host)]])
    },
    metadata: [],
    seq: 0,
    mounts: [],
    memories: limits.processesAlive,
    report: (error) => console.error(error),
  })
  return kernel
}

async function run(kernel: Kernel, argv: readonly string[], input: string): Promise<string> {
  const { vfs } = kernel
  const [stdin, feeder] = vfs.pipe()
  const [out, stdout] = vfs.pipe()
  const [err, stderr] = vfs.pipe()
  const env = ['HOME=/home/user', 'PATH=/usr/bin', 'LANG=C.UTF-8', 'PYTHONHASHSEED=0']
  const session = kernel.start({ call: 'build', argv, env, stdin, stdout, stderr })
  const [, output, errors, end] = await Promise.all([feed(feeder, input), collect(out), collect(err), session.exited])
  if (end.status !== 0) throw new Error(`Cannot compile the standard library: ${end.status} ${end.error?.message ?? errors}`)
  return output
}

const ready = (wait: (waiter: Waiter) => void): Promise<void> => new Promise((resolve) => wait(new Waiter(resolve)))

async function feed(file: OpenFile, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length;) {
    const count = file.write(bytes.subarray(at))
    if (count === AGAIN) await ready((waiter) => file.writers.add(waiter))
    else at += count
  }
  file.unref()
}

async function collect(file: OpenFile): Promise<string> {
  const buffer = new Uint8Array(65_536)
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const count = file.read(buffer)
    if (count === AGAIN) await ready((waiter) => file.readers.add(waiter))
    else if (count === 0) return text
    else text += decoder.decode(buffer.subarray(0, count), { stream: true })
  }
}

function readFile(kernel: Kernel, path: string): Uint8Array {
  const file = kernel.vfs.open(kernel.vfs.root, path, O.RDONLY, 0, false)
  const bytes = new Uint8Array(file.inode.size)
  let at = 0
  while (at < bytes.length) at += file.read(bytes.subarray(at))
  file.unref()
  return bytes
}
