// `node --test`: the tool, called as an agent calls it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('__ROOT__/bin/tidepool.mjs', import.meta.url))
const call = (args, ...options) => {
  const line = [CLI, 'tool', 'run', '.', '__TOOL__', JSON.stringify(args), ...options]
  return JSON.parse(execFileSync(process.execPath, line, { cwd: import.meta.dirname, encoding: 'utf8' }))
}

test('it counts the words of a text', () => {
  assert.deepEqual(call({ text: 'the open  sea' }), { words: 3, longest: 'open' })
})

test('an empty text has none', () => {
  assert.deepEqual(call({ text: '' }), { words: 0, longest: '' })
})
