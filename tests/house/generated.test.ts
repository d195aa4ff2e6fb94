/** Documents that are generated (`npm run build:docs`) are what the tables of the code say now. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PAGES } from '../../scripts/generate-docs.ts'

test.each(Object.entries(PAGES))('%s is what its table says (npm run build:docs writes it)', (path, page) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(page())
})

test('they name a program, a built-in, a limit and a system call', () => {
  expect(PAGES['docs/commands.md']?.()).toContain('`grep`')
  expect(PAGES['docs/commands.md']?.()).toContain('\nexport [-fn] [name[=value] ...] or export -p\n')
  expect(PAGES['docs/limits.md']?.()).toContain('| `pipeBytes` | 64 KiB | What a pipe holds; its writer waits |')
  expect(PAGES['docs/syscalls.md']?.()).toContain('| `fd_read` |')
})
