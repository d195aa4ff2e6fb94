/** The table of system calls holds its tests to account: every row has one, and every call that may wait one that it is not done twice. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SYSCALLS } from '../../../src/kernel/syscall-table.ts'

const folder = new URL('./', import.meta.url)
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => readFileSync(new URL(file, folder), 'utf8'))
const labelOf = (row: (typeof SYSCALLS)[number]): string =>
  row.module === 'tidepool' && row.name === 'fd_close' ? 'tidepool.fd_close' : row.name
/** The source of a row's `describe` block: up to the next one that begins a line. */
const blockOf = (label: string): string | undefined =>
  sources.flatMap((source) => source.split(/^describe\(/m).slice(1)).find((block) => block.startsWith(`'${label}'`))

test('the table has the 46 functions of WASI Preview 1', () => {
  const names = SYSCALLS.filter((row) => row.module === 'wasi_snapshot_preview1').map((row) => row.name)
  expect(names).toHaveLength(46)
  expect(new Set(names).size).toBe(46)
})

test.each(SYSCALLS.map((row) => [labelOf(row)]))('%s has a test', (label) => {
  expect(blockOf(label), `describe('${label}', …) in tests/kernel/wasi`).toBeDefined()
})

test.each(SYSCALLS.filter((row) => row.waits).map((row) => [labelOf(row)]))('%s has a test that it is not done twice', (label) => {
  expect(blockOf(label)).toMatch(/not done twice/)
})
