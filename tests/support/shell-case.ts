/**
 * The form of tests/shell/cases/*.yaml and tests/python/cases/*.yaml: command lines with what Debian 12's bash and GNU tools answered and,
 * in those of Python, CPython (scripts/record-cases.mjs).
 * Bytes that are no UTF-8 stand as base64. Process numbers in job messages differ from run to run and are compared as `PID`.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export type Recorded = string | { readonly base64: string }

export interface ShellCase {
  readonly sh: string
  readonly name?: string
  readonly files?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Why the case does not run: a feature that does not exist yet. */
  readonly skip?: string
  /** What differs from the reference on purpose, and why; the case is then expected to differ. */
  readonly differs?: string
  readonly stdout: Recorded
  readonly stderr: Recorded
  readonly status: number
}

export interface ShellCaseFamily {
  readonly family: string
  readonly files: Readonly<Record<string, string>>
  readonly cases: readonly ShellCase[]
}

/** The folder of tests whose cases are meant. */
export type CaseSuite = 'shell' | 'python'

export function readFamilies(suite: CaseSuite): ShellCaseFamily[] {
  const folder = fileURLToPath(new URL(`../${suite}/cases/`, import.meta.url))
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => {
      const { files = {}, cases } = parse(readFileSync(folder + name, 'utf8')) as { files?: Record<string, string>; cases: ShellCase[] }
      return { family: name.replace('.yaml', ''), files, cases }
    })
}

/** The command line that succeeds where the suite's programs are in the cell. */
export const PROBE: Readonly<Record<CaseSuite, string>> = { shell: 'type -P cat', python: 'type -P python3 python' }

/** Bytes as they are recorded. */
export function recorded(bytes: Uint8Array): Recorded {
  const text = new TextDecoder().decode(bytes)
  const again = new TextEncoder().encode(text)
  const same = again.length === bytes.length && again.every((byte, i) => byte === bytes[i])
  return same ? withoutPids(text) : { base64: Buffer.from(bytes).toString('base64') }
}

function withoutPids(text: string): string {
  return text.replace(/^(bash: line \d+:) +\d+( (?:Killed|Terminated|Hangup|Aborted|Interrupt))/gm, '$1 PID$2')
}
