/** What a person gives a tool on the command line: capabilities, secrets, variables, and the right to start programs. */
import { type Capability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { PackageFile, PackageManifest } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import { parsePackage, trimPackage } from '../protocol/tool-package.ts'
import { readPackageFiles } from './package-source.ts'
import { complain } from './printable.ts'
import { askSecret } from './secret.ts'
import { faultLine } from './tool-check.ts'

export interface GrantFlags {
  readonly grant?: readonly Capability[]
  readonly grantAll?: true
  readonly secret?: readonly string[]
  readonly var?: Readonly<Record<string, string>>
  readonly allowExternal?: true
}

/** The package's files, as they are hashed. Throws BtcpError INVALID_PARAMS. */
export const packageAt = async (path: string): Promise<PackageFile[]> => trimPackage(await readPackageFiles(path, LIMITS))

/** Throws BtcpError INVALID_PARAMS with all that is wrong. */
export function manifestOf(files: readonly PackageFile[]): PackageManifest {
  const parsed = parsePackage(files)
  if (parsed.ok) return parsed.manifest
  const lines = parsed.faults.map(faultLine)
  throw new BtcpError('INVALID_PARAMS', ['Cannot use the package:', ...lines].join(lines.length === 1 ? ' ' : '\n  '), { effects: 'none' })
}

export function requireAllowed({ tools }: PackageManifest, { allowExternal }: GrantFlags): void {
  const external = tools.find(({ implementation }) => implementation.type === 'external')
  if (external && !allowExternal)
    throw new BtcpError(
      'UNSUPPORTED',
      `Cannot add "${external.tool.name}": it is a program that runs outside of the sandbox, with all your rights; to allow that, add --allow-external`,
      {
        effects: 'none',
      },
    )
}

/** Throws INVALID_PARAMS for what the package does not ask for. */
export function grantsOf({ name, tools }: PackageManifest, { grant = [], grantAll }: GrantFlags): Capability[] {
  const declared = [...new Set(tools.flatMap(({ tool }) => tool.capabilities))]
  const other = grant.find((capability) => !declared.includes(capability))
  if (other !== undefined)
    throw new BtcpError('INVALID_PARAMS', `Cannot grant "${other}" to "${name}": it does not ask for it`, { effects: 'none' })
  return grantAll ? declared : [...new Set(grant)]
}

/** Secrets and variables as they were given; a secret that was not is asked for where somebody sits at the terminal. */
export async function environmentOf(
  { name, tools }: PackageManifest,
  { secret: given = [], var: variables = {} }: GrantFlags,
): Promise<Record<string, string>> {
  const declared = new Map(tools.flatMap(({ secrets }) => secrets.map((secret) => [secret.name, secret.description] as const)))
  const known = new Set(tools.flatMap((tool) => Object.keys(tool.variables)))
  const unknown = Object.keys(variables).find((variable) => !known.has(variable) && !declared.has(variable))
  if (unknown !== undefined)
    throw new BtcpError('INVALID_PARAMS', `Cannot set "${unknown}" for "${name}": it has no such variable`, { effects: 'none' })
  const env: Record<string, string> = { ...variables }
  const asked = given.map((text) => ({
    variable: text.split('=', 1)[0] ?? '',
    value: text.includes('=') ? text.slice(text.indexOf('=') + 1) : undefined,
  }))
  for (const { variable, value } of asked) {
    if (!declared.has(variable))
      throw new BtcpError('INVALID_PARAMS', `Cannot give "${variable}" to "${name}": it asks for no such secret`, { effects: 'none' })
    env[variable] = value ?? (await askSecret(variable, declared.get(variable) ?? ''))
  }
  for (const [variable, description] of declared) {
    if (Object.hasOwn(env, variable)) continue
    if (process.stdin.isTTY) env[variable] = await askSecret(variable, description)
    else complain(`the secret ${variable} is not set: give it by --secret ${variable}`)
  }
  return env
}
