/**
 * Starts a cell as a locked child process: Node's permission model with read access to the cell's own folder, an empty environment, no
 * arguments, no standard streams; one channel by structured clone. The parent never trusts it (orchestrator/live-cell.ts).
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CellHandle } from '../orchestrator/platform.ts'

/** A program for a locked child. */
export interface LockedProgram {
  readonly script: string
  /** all that the child may read */
  readonly readable: readonly string[]
}

const HERE = dirname(fileURLToPath(import.meta.url))

/** The built cell beside the built package, or the sources when this is run from them. */
function cellProgram(): LockedProgram {
  const built = join(HERE, 'cell', 'cell-process.js')
  if (existsSync(built)) return { script: built, readable: [join(HERE, 'cell')] }
  const root = join(HERE, '..', '..')
  const script = join(root, 'src', 'sandbox', 'node', 'cell-process.ts')
  return {
    script,
    readable: [
      join(root, 'src'),
      join(root, 'wasm', 'dist'),
      join(root, 'dist', 'python'),
      join(root, 'package.json'),
      join(root, 'node_modules', '@bjorn3'),
    ],
  }
}

/** The lock. What Node's permission model leaves open, the cell shuts itself before guest code runs. */
function lockFlags(readable: readonly string[]): string[] {
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--no-experimental-sqlite',
    '--disallow-code-generation-from-strings',
    '--no-addons',
    '--no-warnings',
  ]
}

/**
 * A cell that spins hears nothing, not even that its parent is gone. So the process is started over a line of shell which leaves a
 * guard behind: when standard input ends without a word, because the parent has died in whatever way, it kills the cell.
 * `$$` is the cell's own number, because `exec` keeps it. Windows has no such shell; there a spinning cell outlives a killed parent.
 */
const GUARDED = 'exec 4<&0; { read -r word <&4 || kill -9 $$; } >/dev/null 2>&1 3>&- & unset PWD OLDPWD SHLVL _; exec "$@" </dev/null 4<&-'
const SHELL = '/bin/sh'

function startProcess(args: readonly string[], cwd: string, stderr: 'inherit' | 'ignore'): ChildProcess {
  const command = existsSync(SHELL) ? [SHELL, '-c', GUARDED, 'cell', process.execPath, ...args] : [process.execPath, ...args]
  const [program = '', ...rest] = command
  const stdio: StdioOptions = ['pipe', 'ignore', stderr, 'ipc']
  return spawn(program, rest, { cwd, env: {}, stdio, serialization: 'advanced', detached: true })
}

/** A child that is locked, dies with this process and does not keep it alive. */
export function startLocked({ script, readable }: LockedProgram, flags: readonly string[], stderr: 'inherit' | 'ignore'): ChildProcess {
  const child = startProcess([...lockFlags(readable), ...flags, script], dirname(script), stderr)
  // The guard is sent home when the cell has ended: the number may be another process's then.
  child.once('exit', () => child.stdin?.end('done\n'))
  child.stdin?.on('error', () => {})
  // One that could not be started is found when the first message is sent.
  child.on('error', () => {})
  child.unref()
  child.channel?.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  return child
}

export async function startCellProcess(): Promise<CellHandle> {
  const child = startLocked(cellProgram(), [], 'inherit')
  return {
    port: {
      send: (message) => {
        if (!child.connected) throw new Error('Cannot send: the cell has ended')
        child.send(message as object, (error) => error && child.connected && child.disconnect())
      },
      listen(onMessage, onClose) {
        child.on('message', onMessage)
        child.on('disconnect', onClose)
        child.on('exit', onClose)
        child.on('error', onClose)
      },
      close: () => void child.removeAllListeners('message'),
    },
    terminate: () => void child.kill('SIGKILL'),
  }
}
