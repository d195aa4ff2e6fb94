/** The peer: the same rows in the machine's bash, in a folder of its own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { INPUTS, median, type InputName, type Row } from './rows.ts'

export class NativeBash implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tidepool-bench-'))
  readonly #present = new Set<InputName>()

  run(row: Row): { ms: number; stdout: string } {
    for (const input of row.inputs) this.#provide(input)
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', HOME: this.#folder }
    const times: number[] = []
    let stdout = ''
    for (let round = 0; round < row.rounds; round++) {
      const start = performance.now()
      stdout = execFileSync('bash', ['-c', row.command], { cwd: this.#folder, env, encoding: 'utf8', maxBuffer: 1 << 26 })
      times.push(performance.now() - start)
    }
    return { ms: median(times), stdout }
  }

  #provide(input: InputName): void {
    if (this.#present.has(input)) return
    writeFileSync(join(this.#folder, input), INPUTS[input]())
    this.#present.add(input)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
