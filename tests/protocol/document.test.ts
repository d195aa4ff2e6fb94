/** docs/protocol.md is held to the code: methods, errors, tools and capabilities that it names exist, and no other do. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUILT_IN_TOOLS } from '../../src/protocol/built-in-tools.ts'
import { CAPABILITIES, offeredCapabilities } from '../../src/protocol/capability.ts'
import { BTCP_CODES } from '../../src/protocol/error.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const DOCUMENT = read('docs/protocol.md')
const section = (number: number): string => DOCUMENT.split(/^## /m).find((part) => part.startsWith(`${number}. `)) ?? ''
/** The cells of the rows of a section's table, without code marks. */
const rows = (number: number): string[][] =>
  [...section(number).matchAll(/^\| (?!-)(.+) \|$/gm)]
    .map(([, row = '']) => row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', '')))
    .slice(1)

test('every method has its row', () => {
  const routes = /ROUTES[^{]*\{(.*?)^\}/ms.exec(read('src/background/routes.ts'))?.[1] ?? ''
  const methods = [...routes.matchAll(/^ {2}'?([\w/-]+)'?: async/gm)].map(([, method]) => method)
  expect(methods.length).toBe(10)
  expect(rows(1).map(([method]) => method)).toEqual(methods)
})

test('every error has its row and its number', () => {
  expect(Object.fromEntries(rows(2).map(([number = '', code = '']) => [code, Number(number.replace('−', '-'))]))).toEqual(BTCP_CODES)
})

test('every tool has its row, its capability and its arguments', () => {
  const tools = Object.values(BUILT_IN_TOOLS).map(({ tool }) => tool)
  expect(rows(3).map(([name, capability]) => [name, capability])).toEqual(
    tools.map(({ name, capabilities }) => [name, capabilities.join(', ')]),
  )
  for (const [i, { inputSchema }] of tools.entries()) {
    const [given = ''] = rows(3)[i]![2]!.split('→')
    const { properties, required } = inputSchema as { properties: object; required: string[] }
    const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`))
    expect(given.replaceAll(/: [^,}]*?(?=,| \})/g, '').trim()).toBe(`{ ${names.join(', ')} }`)
  }
})

test('every capability that is offered has its row and its risk', () => {
  expect(Object.fromEntries(rows(4).map(([name, risk]) => [name, risk]))).toEqual(
    Object.fromEntries(offeredCapabilities().map((name) => [name, CAPABILITIES[name].risk])),
  )
})
