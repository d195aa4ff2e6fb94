/** A process that writes one file after another into a store, says each, and is killed in the middle of it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const FIXTURES = join(import.meta.dirname, '..', 'node', 'fixtures')

/** Kills the script of tests/node/fixtures `ms` after its first word. Gives the last file that it said. */
export function killedWriter(script: string, store: string, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(FIXTURES, script), store], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (data: Buffer) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), ms)
      said += data.toString()
    })
    child.on('error', reject)
    child.on('exit', () => resolve(Number(said.split('\n').at(-2) ?? 0)))
  })
}
