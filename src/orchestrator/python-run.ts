/**
 * Python code in a cell: how the interpreter is started for it (wasm/python/lib/_tidepool_run.py runs it there), and what came of it:
 * output as of any command, and what it told on descriptor 3.
 */
import { type PythonRecord, parsePythonRecord } from '../protocol/code-record.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Principal } from '../protocol/principal.ts'
import type { CollectedRun, Orchestrator } from './orchestrator.ts'
import type { TextCodec } from './platform.ts'
import type { RunSpec } from './run.ts'
import { ToldLines } from './told-lines.ts'

export interface PythonRequest extends Pick<RunSpec, 'cwd' | 'env' | 'timeoutMs' | 'signal' | 'ask'>, Partial<Pick<RunSpec, 'output'>> {
  /** the code, or the path of its file */
  readonly source: string
  readonly isPath: boolean
  readonly args: readonly string[]
  /** an error of the code is told and not printed */
  readonly quiet?: boolean
}
export interface PythonOutcome extends CollectedRun {
  /** what the code told; missing where it ended in a way that tells nothing (os._exit, a signal) */
  readonly record?: PythonRecord
}

const START = '/usr/lib/python3.14/_tidepool_start.py'

/** How the interpreter is started; a session gets its code later. */
export function pythonArgv(limits: Limits, run: Pick<PythonRequest, 'source' | 'isPath' | 'args' | 'quiet'> | 'session'): string[] {
  const { resultBytes, valueBytes, richBytes, richItems } = limits
  const bounds = { resultBytes, valueBytes, richBytes, richItems }
  if (run === 'session') return ['python3', START, JSON.stringify({ ...bounds, session: true }), '']
  const { source, isPath, args, quiet = false } = run
  return ['python3', START, JSON.stringify({ ...bounds, isPath, quiet }), source, ...args]
}

export function readRecord(line: Uint8Array | undefined, text: TextCodec, limits: Limits): PythonRecord | undefined {
  return line && parsePythonRecord(text.decode(line).text, limits)
}

/** Runs the code in an interpreter of its own. Throws CellFsError, BtcpError. */
export async function runPython(
  orchestrator: Orchestrator,
  principal: Principal,
  { source, isPath, args, quiet, ...spec }: PythonRequest & Pick<RunSpec, 'stdin'>,
  options: { readonly call?: string; readonly maxOutputBytes?: number; readonly unlimited?: boolean } = {},
): Promise<PythonOutcome> {
  const { limits, platform } = orchestrator
  const lines = new ToldLines(limits)
  let told: Uint8Array | undefined
  const result = (bytes: Uint8Array): void => {
    for (const line of lines.take(bytes)) told = line
  }
  const argv = pythonArgv(limits, { source, isPath, args, ...(quiet ? { quiet } : {}) })
  const run = await orchestrator.run(principal, { ...spec, argv, result }, options)
  const record = readRecord(told, platform.text, limits)
  return record ? { ...run, record } : run
}
