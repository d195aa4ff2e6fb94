// The table of imports in docs/tools.md, between `<!-- imports -->` and `<!-- /imports -->`, made from src/protocol/tool-imports.ts by
// `npm run build:docs`. A test holds them equal.
import { readFileSync } from 'node:fs'
import { type ImportResult, TOOL_IMPORTS, type ToolImport } from '../src/protocol/tool-imports.ts'

const PAGE = new URL('../docs/tools.md', import.meta.url)
const MARKED = /(<!-- imports -->\n)[\s\S]*?(<!-- \/imports -->)/

const ANSWERS: Readonly<Record<ImportResult, string>> = {
  flag: '1 or 0',
  count: 'how many',
  text: 'bytes needed',
  done: '0',
}

function row([name, { module, takes, result, needs }]: [string, ToolImport]): string {
  const parameters = [...takes.flatMap((text) => [text, `${text}Length`]), ...(result === 'text' ? ['out', 'capacity'] : [])]
  return `| \`${module}\` | \`${name}(${parameters.join(', ')})\` | ${needs === undefined ? 'by request' : `\`${needs}\``} | ${ANSWERS[result]} |`
}

/** docs/tools.md with the table that the code gives. */
export function toolsPage(): string {
  const page = readFileSync(PAGE, 'utf8')
  if (!MARKED.test(page))
    throw new Error('docs/tools.md has no place for the table: the line <!-- imports -->, and <!-- /imports --> below it')
  const rows = (Object.entries(TOOL_IMPORTS) as [string, ToolImport][]).map(row)
  const table = ['| module | import | needs | answers |', '|---|---|---|---|', ...rows].join('\n')
  return page.replace(MARKED, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`)
}
