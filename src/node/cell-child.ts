/**
 * Starts a cell as a locked child process: Node's permission model with read access to the cell's own folder, an empty environment, no
 * arguments, no standard streams; one channel by structured clone. The parent never trusts it (orchestrator/live-cell.ts).
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CellHandle } from '../orchestrator/platform.ts'

interface CellProgram {
  readonly script: string
  /** all that the child may read */
  readonly readable: readonly string[]
}

const HERE = dirname(fileURLToPath(import.meta.url))

/** The built cell beside the built package, or the sources when this is run from them. */
function cellProgram(): CellProgram {
  const built = join(HERE, 'cell', 'cell-process.js')
  if (existsSync(built)) return { script: built, readable: [join(HERE, 'cell')] }
  const root = join(HERE, '..', '..')
  const script = join(root, 'src', 'sandbox', 'node', 'cell-process.ts')
  return {
    script,
    readable: [join(root, 'src'), join(root, 'wasm', 'dist'), join(root, 'package.json'), join(root, 'node_modules', '@bjorn3')],
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

export async function startCellProcess(): Promise<CellHandle> {
  const { script, readable } = cellProgram()
  const child = spawn(process.execPath, [...lockFlags(readable), script], {
    cwd: dirname(script),
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    detached: true,
  })
  child.unref()
  child.channel?.unref()
  return {
    port: {
      send: (message) => {
        if (!child.connected) throw new Error('Cannot send: the cell has ended')
        child.send(message as object, (error) => error && child.disconnect())
      },
      listen(onMessage, onClose) {
        child.on('message', onMessage)
        child.on('exit', onClose)
        child.on('error', onClose)
      },
      close() {
        child.removeAllListeners('message')
        child.removeAllListeners('exit')
      },
    },
    terminate: () => void child.kill('SIGKILL'),
  }
}
