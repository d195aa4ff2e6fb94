/**
 * Starts the process of one script: locked like a cell's, reading nothing but its own code, its heap bounded. What lies outside the heap
 * (buffers) is looked at from here, where the system tells it. The script is known by what it sends, and none of that is believed.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SnippetHandle } from '../orchestrator/platform.ts'
import type { Limits } from '../protocol/limits.ts'
import { type LockedProgram, startLocked } from './cell-child.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const MiB = 1024 * 1024
/** What an idle process holds besides its heap. */
const BASE_BYTES = 96 * MiB
const LOOK_MS = 200
const PAGE = 4096

function scriptProgram(): LockedProgram {
  const built = join(HERE, 'cell', 'js-process.js')
  if (existsSync(built)) return { script: built, readable: [built] }
  const root = join(HERE, '..', '..')
  const folders = ['src', 'package.json', 'node_modules/acorn', 'node_modules/node-inspect-extracted']
  return { script: join(root, 'src', 'sandbox', 'node', 'js-process.ts'), readable: folders.map((folder) => join(root, folder)) }
}

export async function startScriptProcess(limits: Limits): Promise<SnippetHandle> {
  const { jsMemoryBytes } = limits
  const heap = [`--max-old-space-size=${Math.max(16, Math.floor(jsMemoryBytes / MiB))}`, '--max-semi-space-size=16']
  const child = startLocked(scriptProgram(), heap, 'ignore')
  const tooMuch = `it used more memory than the limit jsMemoryBytes (${jsMemoryBytes}) allows`
  let reason = 'its process is gone'
  const looking = setInterval(() => {
    if (residentBytes(child) <= jsMemoryBytes + BASE_BYTES) return
    reason = tooMuch
    child.kill('SIGKILL')
  }, LOOK_MS)
  looking.unref()
  child.once('exit', () => clearInterval(looking))
  return {
    send(message) {
      if (!child.connected) throw new Error('Cannot send: the process has ended')
      child.send(message, (error) => error && child.connected && child.disconnect())
    },
    listen(hear, ended) {
      child.on('message', hear)
      // The engine aborts where its heap is full.
      child.once('exit', (_status, signal) => ended(signal === 'SIGABRT' || signal === 'SIGTRAP' ? tooMuch : reason))
    },
    terminate() {
      child.removeAllListeners('message')
      child.kill('SIGKILL')
    },
  }
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')
    return Number(pages) * PAGE
  } catch {
    return 0
  }
}
