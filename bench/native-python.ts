/** The peer of the rows in Python: the machine's CPython, the one that PYTHON names or python3 on PATH, in a folder of its own. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clock, programs, type Timed, timed } from './python-rows.ts'

export class NativePython implements Disposable {
  /** `3.14.2 (main, …)` */
  readonly version: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'tidepool-bench-'))
  #python: string
  readonly #modules = new Map<string, string | undefined>()

  constructor() {
    this.#python = `'${process.env['PYTHON'] ?? 'python3'}'`
    for (const [path, bytes] of programs()) this.put(path, bytes)
    // The interpreter itself: what stands on PATH may be a script that looks for one.
    const [executable, version] = this.#ask('import sys; print(sys.executable); print(sys.version.split("[")[0])')?.split('\n') ?? []
    if (executable === undefined || version === undefined)
      throw new Error('Cannot measure: there is no python3 on PATH; name one in PYTHON')
    this.#python = `'${executable}'`
    this.version = version.trim()
  }

  put(path: string, bytes: Uint8Array): void {
    mkdirSync(dirname(join(this.#folder, path)), { recursive: true })
    writeFileSync(join(this.#folder, path), bytes)
  }

  /** The version of a module that it can import. */
  moduleVersion(name: string): string | undefined {
    if (!this.#modules.has(name)) this.#modules.set(name, this.#ask(`import ${name}; print(${name}.__version__)`))
    return this.#modules.get(name)
  }

  run(clock: Clock, command: (python: string) => string): Timed {
    const start = performance.now()
    const { stdout, stderr, status } = this.#bash(command(this.#python))
    const ms = performance.now() - start
    if (status !== 0) throw new Error(`The machine's Python failed: ${stderr}`)
    return timed(clock, ms, stdout, stderr)
  }

  #ask(code: string): string | undefined {
    const { stdout, status } = this.#bash(`${this.#python} -c '${code}'`)
    return status === 0 ? stdout.trim() : undefined
  }

  #bash(command: string): { stdout: string; stderr: string; status: number | null } {
    return spawnSync('bash', ['-c', command], { cwd: this.#folder, encoding: 'utf8', maxBuffer: 1 << 26 })
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
