// `node --test`: the built tool, called with page.html as its page.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('__ROOT__/bin/tidepool.mjs', import.meta.url))
const call = (args, ...options) => {
  const line = [CLI, 'tool', 'run', '.', '__TOOL__', JSON.stringify(args), '--page', 'page.html', ...options]
  return JSON.parse(execFileSync(process.execPath, line, { cwd: import.meta.dirname, encoding: 'utf8' }))
}

test('it greets with the title of the page', () => {
  assert.deepEqual(call({ greeting: 'Ahoy' }), { text: 'Ahoy, the sea!' })
})
