/**
 * `fs` of a program for Node: the files of the cell with promises and with callbacks; synchronously only what is at hand, which is standard
 * input (read whole before the program began) and what it prints.
 */
import type { Running } from '../form.ts'
import type { BufferClass } from './buffer.ts'

type Async = (...args: unknown[]) => Promise<unknown>

const INPUTS: readonly unknown[] = [0, '/dev/stdin']
const OUTPUTS: ReadonlyMap<unknown, 1 | 2> = new Map<unknown, 1 | 2>([
  [1, 1],
  ['/dev/stdout', 1],
  [2, 2],
  ['/dev/stderr', 2],
])

export function makeFs({ files, write }: Running, input: Uint8Array, buffer: BufferClass): Readonly<Record<string, unknown>> {
  const given = files.api as Readonly<Record<string, Async>>
  const inAs = (bytes: Uint8Array, options: unknown): unknown => {
    const encoding = encodingOf(options)
    const content = buffer.from(bytes)
    return encoding === undefined ? content : content.toString(encoding)
  }
  const readFile: Async = async (path, options) =>
    inAs(INPUTS.includes(path) ? input : ((await given['readFile']!(path)) as Uint8Array), options)
  const access: Async = async (path) => void (await given['stat']!(path))
  const promises: Readonly<Record<string, Async>> = { ...asynchronous(given), readFile, access }
  const print = (target: unknown, data: unknown): boolean => {
    const fd = OUTPUTS.get(target)
    if (fd !== undefined) write(fd, data instanceof Uint8Array ? data : String(data))
    return fd !== undefined
  }
  return {
    ...synchronous(given),
    ...Object.fromEntries(Object.entries(promises).map(([name, call]) => [name, withCallback(call)])),
    promises,
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 },
    readFileSync(path: unknown, options?: unknown): unknown {
      if (INPUTS.includes(path)) return inAs(input, options)
      throw new Error(
        `Cannot read ${JSON.stringify(path)}: only standard input can be read synchronously; use await fs.promises.readFile(…)`,
      )
    },
    writeFileSync(path: unknown, data: unknown): void {
      if (print(path, data)) return
      throw new Error(`Cannot write ${JSON.stringify(path)}: nothing is synchronous here; use await fs.promises.writeFile(…)`)
    },
    writeSync(fd: unknown, data: unknown): number {
      if (!print(fd, data)) throw new Error('Cannot write: only standard output and standard error can be written synchronously')
      return buffer.byteLength(data instanceof Uint8Array ? data : String(data))
    },
  }
}

const isSynchronous = (name: string): boolean => name.endsWith('Sync')
const asynchronous = (given: Readonly<Record<string, Async>>) =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !isSynchronous(name)))
/** Those of `fs` say what to use instead. */
const synchronous = (given: Readonly<Record<string, Async>>) =>
  Object.fromEntries(Object.entries(given).filter(([name]) => isSynchronous(name)))

function encodingOf(options: unknown): unknown {
  const encoding = typeof options === 'object' && options !== null ? (options as { encoding?: unknown }).encoding : options
  return encoding === null || encoding === 'buffer' ? undefined : encoding
}

/** The last argument hears of the end; a callback that throws is an error of the program. */
function withCallback(call: Async) {
  return (...args: unknown[]): void => {
    const done = args.pop()
    if (typeof done !== 'function') throw new TypeError('The "cb" argument must be of type function')
    void call(...args).then(
      (value) => void (done as (error: null, value: unknown) => unknown)(null, value),
      (error: unknown) => void (done as (error: unknown) => unknown)(error),
    )
  }
}
