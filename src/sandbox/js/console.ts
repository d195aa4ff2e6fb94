/** The object `console` of a script, as Node's: what it logs goes to standard output, what it warns of to standard error. */
import { formatWithOptions, inspect } from 'node-inspect-extracted'

export interface ConsoleHost {
  out(text: string): void
  err(text: string): void
  now(): number
}

type Log = (...values: unknown[]) => void

export function makeConsole(host: ConsoleHost): Readonly<Record<string, unknown>> {
  let indent = ''
  const counts = new Map<string, number>()
  const times = new Map<string, number>()
  const format = (values: readonly unknown[]): string => {
    const text = formatWithOptions({}, ...values)
    return `${indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`)}\n`
  }
  const log: Log = (...values) => host.out(format(values))
  const error: Log = (...values) => host.err(format(values))
  const labelled = (label: unknown): string => (label === undefined ? 'default' : formatWithOptions({}, label))
  const took = (label: string): string => `${label}: ${(host.now() - times.get(label)!).toFixed(1)}ms`
  return {
    log,
    info: log,
    debug: log,
    warn: error,
    error,
    trace: (...values: unknown[]) => error(`Trace: ${formatWithOptions({}, ...values)}`),
    assert: (condition: unknown, ...values: unknown[]) => {
      if (condition) return
      const [first, ...rest] = values
      if (typeof first === 'string') error(`Assertion failed: ${first}`, ...rest)
      else error('Assertion failed', ...values)
    },
    dir: (value: unknown, options?: object) => log(inspect(value, { customInspect: false, ...options })),
    table: (rows: unknown) => log(tableOf(rows)),
    group: (...values: unknown[]) => {
      if (values.length > 0) log(...values)
      indent += '  '
    },
    groupCollapsed: (...values: unknown[]) => {
      if (values.length > 0) log(...values)
      indent += '  '
    },
    groupEnd: () => void (indent = indent.slice(2)),
    count: (label?: unknown) => {
      const name = labelled(label)
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      log(`${name}: ${count}`)
    },
    countReset: (label?: unknown) => void counts.delete(labelled(label)),
    time: (label?: unknown) => void times.set(labelled(label), host.now()),
    timeLog: (label?: unknown, ...values: unknown[]) => {
      if (times.has(labelled(label))) log(took(labelled(label)), ...values)
    },
    timeEnd: (label?: unknown) => {
      if (times.has(labelled(label))) log(took(labelled(label)))
      times.delete(labelled(label))
    },
  }
}

const VALUES = 'Values'

/** Rows of objects as Node draws them; anything else as it is inspected. */
function tableOf(rows: unknown): string {
  if (typeof rows !== 'object' || rows === null) return inspect(rows)
  const entries = Object.entries(rows)
  const columns = [...new Set(entries.flatMap(([, row]) => (isObject(row) ? Object.keys(row) : [])))]
  const hasValues = entries.some(([, row]) => !isObject(row))
  const head = ['(index)', ...columns, ...(hasValues ? [VALUES] : [])]
  const body = entries.map(([index, row]) => [
    index,
    ...columns.map((column) => (isObject(row) && column in row ? inspect((row as Record<string, unknown>)[column], { depth: 0 }) : '')),
    ...(hasValues ? [isObject(row) ? '' : inspect(row, { depth: 0 })] : []),
  ])
  return drawn(head, body)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function drawn(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((row) => row[i]!.length)) + 2)
  const rule = (left: string, middle: string, right: string): string => left + widths.map((width) => '─'.repeat(width)).join(middle) + right
  const line = (cells: readonly string[]): string => `│${cells.map((cell, i) => ` ${cell}`.padEnd(widths[i]!)).join('│')}│`
  return [rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'), ...body.map(line), rule('└', '┴', '┘')].join('\n')
}
