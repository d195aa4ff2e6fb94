/** A secret from the person: from the terminal without showing it, or a line of standard input. It is never an argument or in the history. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { printable } from './printable.ts'

const SILENCE = new Writable({ write: (_part, _encoding, done) => done() })
const STATUS_INTERRUPTED = 130
let lines: AsyncIterator<string> | undefined

export async function askSecret(name: string, description: string): Promise<string> {
  if (process.stdin.isTTY) return await askTerminal(name, description)
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const { value, done } = await lines.next()
  return done ? '' : value
}

function askTerminal(name: string, description: string): Promise<string> {
  process.stderr.write(`${name}${description === '' ? '' : ` (${printable(description)})`}: `)
  const terminal = createInterface({ input: process.stdin, output: SILENCE, terminal: true })
  return new Promise((resolve) => {
    terminal.once('close', () => {
      process.stderr.write('\n')
      resolve('')
    })
    terminal.once('SIGINT', () => process.exit(STATUS_INTERRUPTED))
    terminal.question('', (answer) => {
      resolve(answer)
      terminal.close()
    })
  })
}
