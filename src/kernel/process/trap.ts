/** What an engine threw when a module trapped, in plain words. */
import { rustName } from '../module/rust-name.ts'

export function reasonOfTrap(error: unknown): string {
  if (!(error instanceof Error)) return 'it threw an exception'
  if (error.name === 'SuspendError' || /suspend/i.test(error.message)) return 'it waited while an import ran'
  if (isStackOverflow(error)) return 'stack overflow: its calls are too deep inside each other'
  return error.message
}

const isStackOverflow = (error: Error): boolean => error instanceof RangeError || /recursion/.test(error.message)

const FRAME = /^\s*at (.*?) ?\(?wasm:\/\/.*wasm-function\[(\d+)\]/
const FRAMES = 20
const NAME_LENGTH = 200

/** For a program's standard error: why it trapped and in which functions, innermost first, by the names that its module has. */
export function trapText(program: string, error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const frames = lines.flatMap((line) => {
    const [, name = '', index = ''] = FRAME.exec(line) ?? []
    // An engine puts the module's own name before that of the function.
    const own = name.startsWith(`${program}.`) ? name.slice(program.length + 1) : name
    return index === '' ? [] : [own === '' ? `function ${index}` : rustName(own).slice(0, NAME_LENGTH)]
  })
  const shown = [`${program}: trapped: ${reasonOfTrap(error)}`, ...frames.slice(0, FRAMES).map((frame) => `    at ${frame}`)]
  return `${shown.map((line) => line.replace(/[\u0000-\u001f\u007f]/g, '?')).join('\n')}\n`
}
