// Writes docs/syscalls.md from the table of system calls. A test holds the two equal.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Syscall, type SyscallModule, SYSCALLS } from '../src/kernel/syscall-table.ts'

const typesOf = (row: Syscall): string => Array.from(row.params, (letter) => (letter === 'I' ? 'i64' : 'i32')).join(', ')
const line = (row: Syscall): string => `| \`${row.name}\` | ${typesOf(row)} | ${row.waits ? 'yes' : ''} | ${row.support} | ${row.note} |`

function table(module: SyscallModule): string {
  const rows = SYSCALLS.filter((row) => row.module === module)
  return ['| function | parameters | may wait | support | note |', '|---|---|---|---|---|', ...rows.map(line)].join('\n')
}

/** The page's text. */
export const syscallsPage = (): string => `# System calls

What a program in a cell can import. This page is generated from \`src/kernel/syscall-table.ts\` by \`node scripts/generate-docs.ts\`.
*full*: as the specification says; *refused*: always the error of the note. A call that may wait suspends its process only.

## \`wasi_snapshot_preview1\`

Everybody's. The specification is WASI Preview 1; errors are its errno values.

${table('wasi_snapshot_preview1')}

## \`tidepool\`

For programs of our own build. Parameters and results: [abi.md](abi.md).

${table('tidepool')}
`

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(new URL('../docs/syscalls.md', import.meta.url), syscallsPage())
