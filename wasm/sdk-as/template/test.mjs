// `node --test`: the built tool, called with page.html as its page and all that it asks for.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('__ROOT__/bin/tidepool.mjs', import.meta.url))
const call = (args) => {
  const line = [CLI, 'tool', 'run', '.', JSON.stringify(args), '--page', 'page.html', '--grant', 'dom:read']
  return JSON.parse(execFileSync(process.execPath, line, { cwd: import.meta.dirname, encoding: 'utf8' }))
}

test('it greets with the title of the page', () => {
  assert.deepEqual(call({ greeting: 'Ahoy' }), { text: 'Ahoy, the sea!' })
})
