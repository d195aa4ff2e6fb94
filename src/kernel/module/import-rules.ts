/**
 * What a module may import under each ABI, by name and in every form that is taken: WASI Preview 1 everywhere, the table of tool imports
 * and what AssemblyScript's runtime needs in tools.
 */
import type { WasmAbi } from '../../protocol/installed-tool.ts'
import { type ImportName, TOOL_IMPORTS, type ToolImport } from '../../protocol/tool-imports.ts'
import { SYSCALLS } from '../syscall-table.ts'
import { type DeclaredImport, shown } from './declarations.ts'
import { type CallForm, type Carrier, CONSOLE_LEVELS, type GatedImport, type Signature } from './gated-module.ts'
import { Malformed } from './reader.ts'
import { sameSignature, signatureOf, signatureText } from './value-types.ts'

/** One way to declare an import. */
interface Form {
  readonly signature: Signature
  readonly carrier: Carrier
}
type Rules = ReadonlyMap<string, readonly Form[]>

const keyOf = (module: string, name: string): string => `${module}\0${name}`
const form = (letters: string, carrier: Carrier): Form => ({ signature: signatureOf(letters), carrier })
const WASI = 'wasi_snapshot_preview1'

const SYSTEM_CALLS: Rules = new Map(
  SYSCALLS.filter((row) => row.module === WASI).map((row) => [
    keyOf(row.module, row.name),
    [form(`${row.params}:${row.result ? 'i' : ''}`, { by: 'system-call', row })],
  ]),
)

const OWN: Rules = new Map<string, readonly Form[]>([
  [keyOf('btcp', 'log'), [form('iii:', { by: 'log' }), form('iii:i', { by: 'log' })]],
  [keyOf('btcp', 'last_error'), [form('ii:i', { by: 'last-error' })]],
  [keyOf('env', 'abort'), [form('iiii:', { by: 'abort' })]],
  [keyOf('env', 'seed'), [form(':F', { by: 'seed' })]],
  [keyOf('env', 'trace'), [form('iiFFFFF:', { by: 'trace' })]],
  [keyOf('env', 'Date.now'), [form(':F', { by: 'clock', clock: 'now' })]],
  [keyOf('env', 'performance.now'), [form(':F', { by: 'clock', clock: 'monotonic' })]],
  ...CONSOLE_LEVELS.map((level) => [keyOf('env', `console.${level}`), [form('i:', { by: 'console', level })]] as const),
])

/** A text is a pointer and a length; what may come behind the texts depends on the result. */
function formsOf(name: ImportName, row: ToolImport): Form[] {
  const texts = 'ii'.repeat(row.takes.length)
  const as = (more: string, how: CallForm): Form => form(`${texts}${more}:i`, { by: 'request', import: name, row, form: how })
  if (row.result !== 'text') return [as('', 'plain')]
  const sized = as('ii', 'sized')
  if (row.place === 'document') return [sized, as('i', 'unsized')]
  return row.place === 'files' ? [sized, as('', 'allocated')] : [sized]
}

const REQUESTS: Rules = new Map(
  Object.entries(TOOL_IMPORTS).map(([name, row]) => [keyOf(row.module, name), formsOf(name as ImportName, row)]),
)

const TOOL: Rules = new Map([...SYSTEM_CALLS, ...OWN, ...REQUESTS])
const RULES: Readonly<Record<WasmAbi, Rules>> = { btcp: TOOL, library: TOOL, stdio: SYSTEM_CALLS }

/** What an author should do about imports that nobody carries out here, by module and name. */
const HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/^wasi_unstable\./, 'of a draft of WASI; build for WASI Preview 1 (wasm32-wasip1)'],
  [/^wasi_snapshot_preview1\./, 'which WASI Preview 1 does not have'],
  [/^wasi:/, 'of WASI 0.2; build for WASI Preview 1 (wasm32-wasip1)'],
  [/^wbg\.|^__wbindgen|_bg\.js\./, "wasm-bindgen's; declare what the tool imports by #[link(wasm_import_module = …)] instead"],
  [/^gojs?\./, "Go's for JavaScript; build with GOOS=wasip1 or with TinyGo"],
  [/^env\.console\./, 'a browser\'s; write to the log by "btcp.log"'],
  [/^env\.(?:_?emscripten_|__syscall_|invoke_)/, "Emscripten's; link with -sSTANDALONE_WASM"],
]

export function gateImport(declared: DeclaredImport, abi: WasmAbi): GatedImport {
  const { module, name, params, results } = declared
  const key = keyOf(module, name)
  const forms = RULES[abi].get(key)
  if (!forms) throw new Malformed(`it imports ${shown(module, name)}, ${unknownText(module, name)}`)
  const found = forms.find(({ signature }) => sameSignature(signature, declared))
  if (found) return { module, name, params, results, carrier: found.carrier }
  const needed = forms.map(({ signature }) => signatureText(signature)).join(' or ')
  throw new Malformed(`its import ${shown(module, name)} is declared ${signatureText(declared)}, needed is ${needed}`)
}

function unknownText(module: string, name: string): string {
  if (TOOL.has(keyOf(module, name))) return 'which a WASI command (abi "stdio") does not have'
  return HINTS.find(([pattern]) => pattern.test(`${module}.${name}`))?.[1] ?? 'which is unknown'
}
