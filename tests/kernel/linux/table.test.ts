/** The table of Linux's calls holds its tests to account: every row has one, and every call that may wait one that it is not done twice. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { linux } from '../../../src/kernel/linux/linux.ts'
import { LINUX } from '../../../src/kernel/linux/table.ts'

const folder = new URL('./', import.meta.url)
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => readFileSync(new URL(file, folder), 'utf8'))
/** The source of a row's `describe` block: up to the next one that begins a line. */
const blockOf = (name: string): string | undefined =>
  sources.flatMap((source) => source.split(/^describe\(/m).slice(1)).find((block) => block.startsWith(`'${name}'`))

test('the table names every call that there is, once', () => {
  const names = LINUX.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.toSorted()).toEqual(Object.keys(linux({} as never)).toSorted())
})

test.each(LINUX.map(({ name }) => [name]))('%s has a test', (name) => {
  expect(blockOf(name), `describe('${name}', …) in tests/kernel/linux`).toBeDefined()
})

test.each(LINUX.filter(({ waits }) => waits).map(({ name }) => [name]))('%s has a test that it is not done twice', (name) => {
  expect(blockOf(name)).toMatch(/not done twice/)
})
