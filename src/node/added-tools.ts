/**
 * The tools that a person has added on this machine (`tidepool tool add`), in one directory: `tools.json` says which, what each may, and its
 * secrets, so only the user may read it; the packages lie beside it by their digests. Another digest is another tool: what the former one was
 * granted does not pass on.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { LocalTools } from '../orchestrator/local-tools.ts'
import type { ToolPage } from '../orchestrator/tool-page.ts'
import { type Capability, parseCapability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'
import { isRecord, own } from '../protocol/parse.ts'
import { DirectoryPackages } from './directory-packages.ts'

export interface AddedPackage {
  /** the manifest's */
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly tools: readonly string[]
  readonly grants: readonly Capability[]
  /** secrets and variables that were given */
  readonly env: Readonly<Record<string, string>>
  /** it may start programs of this machine */
  readonly external: boolean
}

/** Where tools are when no `--store` is named. */
export function userDirectory(): string {
  const data = process.env['XDG_DATA_HOME']
  return join(data?.startsWith('/') ? data : join(homedir(), '.local', 'share'), 'tidepool')
}

export class AddedTools {
  readonly #directory: string
  readonly #packages: DirectoryPackages

  constructor(directory: string) {
    this.#directory = directory
    this.#packages = new DirectoryPackages(join(directory, 'packages'))
  }

  /** In the order in which they were added. Throws BtcpError where the list cannot be read. */
  list(): AddedPackage[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw damaged(this.#file)
    }
    const packages = parseList(text)
    if (!packages) throw damaged(this.#file)
    return packages
  }

  /** The package that has the tool, or is called so. */
  find(name: string): AddedPackage | undefined {
    const list = this.list()
    return list.find(({ tools }) => tools.includes(name)) ?? list.find((one) => one.name === name)
  }

  /** Adds the package, in place of the one of its name. Throws BtcpError where another package has a tool of the same name. */
  async add(added: AddedPackage, files: readonly PackageFile[]): Promise<AddedPackage | undefined> {
    const list = this.list()
    const before = list.find(({ name }) => name === added.name)
    const others = list.filter((one) => one !== before)
    for (const tool of added.tools) {
      const other = others.find(({ tools }) => tools.some((name) => name.toLowerCase() === tool.toLowerCase()))
      if (other)
        throw new BtcpError('INVALID_PARAMS', `Cannot add "${added.name}": the tool "${tool}" is there already, of "${other.name}"`, {
          effects: 'none',
        })
    }
    await this.#packages.keep(added.sha256, files)
    this.#write([...others, added])
    if (before && before.sha256 !== added.sha256) await this.#packages.forget(before.sha256)
    return before
  }

  async remove(name: string): Promise<void> {
    const list = this.list()
    const rest = list.filter((one) => one.name !== name)
    const removed = list.find((one) => one.name === name)
    this.#write(rest)
    if (removed && !rest.some(({ sha256 }) => sha256 === removed.sha256)) await this.#packages.forget(removed.sha256)
  }

  async files(added: AddedPackage): Promise<readonly PackageFile[]> {
    const files = await this.#packages.read(added.sha256)
    if (files) return files
    throw new BtcpError('INVALID_PARAMS', `Cannot find the package of "${added.name}": add it again`, { effects: 'none' })
  }

  /** Makes the tools of the package known to a sandbox, with what they may. */
  async register(
    tools: LocalTools,
    added: AddedPackage,
    more: { readonly grants?: readonly Capability[]; readonly page?: ToolPage } = {},
  ): Promise<void> {
    const registered = await tools.register(await this.files(added), {
      grants: [...new Set([...added.grants, ...(more.grants ?? [])])],
      env: added.env,
      allowExternal: added.external,
      ...(more.page ? { page: more.page } : {}),
    })
    if (registered.sha256 === added.sha256) return
    await registered.unregister()
    throw new BtcpError('INVALID_PARAMS', `Cannot use "${added.name}": its package has been changed since it was added; add it again`, {
      effects: 'none',
    })
  }

  /** All but `except`; one that cannot be used is told of, and the others are there. */
  async registerAll(tools: LocalTools, complain: (reason: string) => void, except?: AddedPackage): Promise<void> {
    for (const one of this.list()) {
      if (one.name === except?.name) continue
      await this.register(tools, one).catch((error: unknown) => {
        if (!(error instanceof BtcpError)) throw error
        complain(error.message)
      })
    }
  }

  get #file(): string {
    return join(this.#directory, 'tools.json')
  }

  #write(packages: readonly AddedPackage[]): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const fresh = `${this.#file}.${randomUUID()}`
    writeFileSync(fresh, `${JSON.stringify({ packages }, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(fresh, this.#file)
  }
}

const damaged = (path: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot read "${path}": it is damaged, or nobody's to read; remove it and add the tools again`, {
    effects: 'none',
  })

function parseList(text: string): AddedPackage[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const packages = isRecord(value) ? own(value, 'packages') : undefined
  if (!Array.isArray(packages)) return undefined
  const read = (packages as readonly unknown[]).map(parseOne)
  return read.every((one) => one !== undefined) ? read : undefined
}

function parseOne(value: unknown): AddedPackage | undefined {
  if (!isRecord(value)) return undefined
  const { name, version, sha256, tools, grants, env, external } = value
  if (typeof name !== 'string' || typeof version !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    return undefined
  if (!isTexts(tools) || !isTexts(grants) || !isRecord(env) || !isTexts(Object.values(env))) return undefined
  return {
    name,
    version,
    sha256,
    tools,
    grants: grants.flatMap((grant) => parseCapability(grant) ?? []),
    env: env as Record<string, string>,
    external: external === true,
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && (value as readonly unknown[]).every((item) => typeof item === 'string')
