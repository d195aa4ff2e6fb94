/**
 * Tools that were removed, changed or not wholly installed, until nothing of them is left: their cells, directories and packages lie with the
 * offscreen document, and this worker or that document may die before they are gone. So they are written down first, and asked for again
 * until it is done.
 */
import { isRecord } from '../protocol/parse.ts'
import { parseOrigin, principalKey, type ToolPrincipal } from '../protocol/principal.ts'
import { changePackage } from './offscreen-document.ts'
import { Row } from './state.ts'
import { allTools, toolPrincipal } from './tools.ts'

const left = new Row('local', 'tools left', parseLeft)

function parseLeft(stored: unknown): readonly ToolPrincipal[] {
  return Array.isArray(stored) ? stored.flatMap((row) => parsePrincipal(row) ?? []) : []
}

function parsePrincipal(stored: unknown): ToolPrincipal | undefined {
  if (!isRecord(stored) || !isRecord(stored['owner'])) return undefined
  const [origin, tool, sha256] = [parseOrigin(stored['owner']['origin']), stored['tool'], stored['sha256']]
  if (!origin || typeof tool !== 'string' || typeof sha256 !== 'string') return undefined
  return { kind: 'tool', owner: { kind: 'site', origin }, tool, sha256 }
}

/** To be called before they are gone from the site's tools, and before the first of a new one is kept. */
export async function leave(tools: readonly ToolPrincipal[]): Promise<void> {
  if (tools.length > 0) await left.write([...(await left.read()), ...tools])
}

/** Removes what is left of them. One that is installed stays, and so does a package that another site's tool is of. */
export async function forgetLeft(): Promise<void> {
  const gone = await left.read()
  const [first] = gone
  if (!first) return
  const there = await allTools()
  const keys = new Set(there.map(({ origin, tool }) => principalKey(toolPrincipal(origin, tool))))
  const packages = new Set(there.map(({ tool }) => tool.sha256))
  const tools = gone.filter((one) => !keys.has(principalKey(one)))
  const unused = [...new Set(gone.map(({ sha256 }) => sha256))].filter((sha256) => !packages.has(sha256))
  if (tools.length > 0 || unused.length > 0) await changePackage(first.owner, { op: 'forget', tools, packages: unused })
  await left.clear()
}
