/** What a suite of hostile tools needs of a host: to install a package, to call its tool, a page under it. */
import type { Capability } from '../../src/protocol/capability.ts'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import type { JsonValue } from '../../src/protocol/parse.ts'
import { equal } from './check.ts'

/** How a call ended: with a value, with a result that is an error, or not at all. */
export interface Called {
  readonly value?: JsonValue
  /** `btcp/error` of the result, or the code of the rejection */
  readonly code?: string
  readonly limit?: string
  /** what a model or an author reads */
  readonly text: string
}

export interface CallOptions {
  readonly timeoutMs?: number
}

export interface ToolMachine {
  /** Installs the package in place of what has its name, with these grants. Rejects with the faults as text. */
  install(files: readonly PackageFile[], grants: readonly Capability[]): Promise<void>
  call(name: string, args?: object, options?: CallOptions): Promise<Called>
  remove(name: string): Promise<void>
  /** What the page under it holds now: the text of its h1, and its storage. */
  page(): Promise<{ readonly heading: string; readonly stored: Readonly<Record<string, string>> }>
}

export interface Made {
  readonly capabilities?: readonly Capability[]
  /** the capabilities, where it is left out */
  readonly grants?: readonly Capability[]
  readonly config?: object
  readonly tool?: object
}

/** The package of one module; its tool is `probe`. */
export function packageOf(module: Uint8Array<ArrayBuffer>, { capabilities = [], config, tool }: Made = {}): PackageFile[] {
  const manifest = {
    btcp: '1.0',
    name: 'probe',
    version: '1.0.0',
    tools: [
      {
        name: 'probe',
        description: 'A module of the tests.',
        inputSchema: { type: 'object' },
        capabilities,
        implementation: { type: 'wasm', module: 'tool.wasm', abi: 'btcp' },
        ...tool,
      },
    ],
    capabilities,
    ...(config ? { config } : {}),
  }
  return [
    { path: 'manifest.json', bytes: new TextEncoder().encode(JSON.stringify(manifest)) },
    { path: 'tool.wasm', bytes: module },
  ]
}

/** Installs the module and calls it once. A package that is refused is a call that failed to load. */
export async function probe(
  machine: ToolMachine,
  module: Uint8Array<ArrayBuffer>,
  made: Made & CallOptions & { readonly args?: object } = {},
): Promise<Called> {
  try {
    await machine.install(packageOf(module, made), made.grants ?? made.capabilities ?? [])
  } catch (error) {
    return { code: REFUSED, text: error instanceof Error ? error.message : String(error) }
  }
  return await machine.call('probe', made.args ?? {}, made)
}

/** The package was not even installed. */
const REFUSED = 'REFUSED'

/** The package is refused, or the call fails by the tool's own fault, and the text says why. */
export async function fails(
  machine: ToolMachine,
  module: Uint8Array<ArrayBuffer>,
  words: RegExp,
  made: Made & CallOptions & { readonly code?: string } = {},
): Promise<void> {
  const { value, code, text } = await probe(machine, module, made)
  if (code !== REFUSED) equal([value, code], [undefined, made.code ?? 'EXECUTION_ERROR'], text)
  if (!words.test(text)) throw new Error(`expected ${words}, got ${text}`)
}

/** A good tool still works beside whatever went wrong. */
export async function answers(machine: ToolMachine, module: Uint8Array<ArrayBuffer>): Promise<void> {
  equal((await probe(machine, module)).value, { ok: true }, 'a good tool')
}
