/**
 * Entry of a cell in Node: a child process that the trusted parent starts (src/node/cell-child.ts) as
 *   node --permission --allow-fs-read=FOLDER … --no-experimental-sqlite --disallow-code-generation-from-strings --no-addons cell-process.js
 * with an empty environment and no standard input or output. The broker port is the child's IPC channel with `serialization: 'advanced'`;
 * its messages are those of protocol/cell.ts as they are. Modules are read from `wasm/` and `python/` beside this file (from wasm/dist
 * and dist/python in the sources) and checked against their locks. When the parent is gone, the process ends.
 */
import { createHash, randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type CellHost, type CellModule, type CellPort, startCell } from '../cell/cell.ts'
import { wasm } from '../../kernel/wasi/webassembly.ts'
import { lockDown } from './lockdown.ts'

interface LockedModule extends CellModule {
  readonly file: string
  readonly folder: URL
  readonly sha256: string
}

// Taken before the lock removes the globals.
const { process, performance, setTimeout, clearTimeout, setImmediate, URL } = globalThis
/** `process.exit` itself goes through it, and it is removed. */
const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process)
const origin = performance.timeOrigin
const now = performance.now.bind(performance)
const write = process.stderr.write.bind(process.stderr)
const modules = [...readLock('./wasm/', '../../../wasm/dist/'), ...readLock('./python/', '../../../dist/python/')]

function readLock(...folders: readonly string[]): readonly LockedModule[] {
  for (const path of folders) {
    const folder = new URL(path, import.meta.url)
    try {
      const lock = JSON.parse(readFileSync(new URL('lock.json', folder), 'utf8')) as { modules: readonly LockedModule[] }
      return lock.modules.map((module) => ({ ...module, folder }))
    } catch {
      continue
    }
  }
  return []
}

function moduleBytes(name: string): Uint8Array<ArrayBuffer> {
  const found = modules.find((module) => module.name === name)
  if (!found) throw new Error(`Cannot load "${name}": no such module`)
  const bytes = readFileSync(new URL(found.file, found.folder))
  if (createHash('sha256').update(bytes).digest('hex') !== found.sha256)
    throw new Error(`Cannot load "${name}": its bytes are not those of the build`)
  return new Uint8Array(bytes)
}

function ipcPort(): CellPort {
  const send = process.send?.bind(process)
  if (!send) throw new Error('Cannot start: a cell needs the channel to its parent')
  return {
    // What cannot be sent is for a parent that is gone, and `disconnect` follows.
    send: (message) => void send(message, undefined, undefined, () => {}),
    listen: (onMessage, onClose) => {
      process.on('message', onMessage)
      process.on('disconnect', () => {
        onClose()
        exit(0)
      })
    },
    close: () => {
      setTimeout(() => exit(1), 100)
    },
  }
}

const host: CellHost = {
  prove: lockDown,
  clock: { now: () => origin + now(), monotonic: () => now() },
  random: (into) => void randomFillSync(into),
  macrotask: (task) => void setImmediate(task),
  timer: (milliseconds, task) => {
    const timer = setTimeout(task, milliseconds)
    return () => clearTimeout(timer)
  },
  modules,
  loadModule: async (name) => await wasm.compile(moduleBytes(name)),
  readModule: async (name) => moduleBytes(name),
  report: (error) => void write(`cell: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
}

startCell(ipcPort(), host)
