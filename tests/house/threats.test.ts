// Holds THREAT_MODEL.md to the tests: every number of its table is in the name of a test, and every numbered test is in its table.
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NUMBER = /\bT\d{2,3}\b/g
/** A number counts where a test or a suite is named: in the first argument of test, it or describe. */
const TITLE = /\b(?:test|it|describe)(?:\.\w+)*(?:\([^()]*\))?\(\s*(['"`])(.*?)\1/gs
/** A contract suite names its cases as keys. */
const CASE = /^ {2}(['"`])(.*?)\1: async/gm

function numbersOfTests(): Set<string> {
  const numbers = new Set<string>()
  for (const file of globSync('tests/**/*.{test,spec}.ts', { cwd: ROOT }).concat(globSync('tests/contract/*.ts', { cwd: ROOT }))) {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8')
    for (const [, , title = ''] of [...text.matchAll(TITLE), ...text.matchAll(CASE)])
      for (const [number] of title.matchAll(NUMBER)) numbers.add(number)
  }
  return numbers
}

function numbersOfTable(): Set<string> {
  const rows = readFileSync(`${ROOT}/THREAT_MODEL.md`, 'utf8')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
  return new Set(rows.flatMap((row) => row.split('|').at(-2)?.match(NUMBER) ?? []))
}

test('every number of the threat model is in the name of a test', () => {
  const tested = numbersOfTests()
  expect([...numbersOfTable()].filter((number) => !tested.has(number))).toEqual([])
})

test('every numbered test is in the threat model', () => {
  const known = numbersOfTable()
  expect([...numbersOfTests()].filter((number) => !known.has(number)).toSorted()).toEqual([])
})
