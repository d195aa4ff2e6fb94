/**
 * Calls of a library that is a process of the host's (`external`): it runs outside of every cell with the rights of the host's user, so only
 * a host that has such processes runs it, and only where its user has said so when it was registered.
 */
import { BtcpError } from '../protocol/error.ts'
import type { PackagedTool } from '../protocol/installed-tool.ts'
import { answerEnd, type LibraryEntry, libraryRequest } from './library-call.ts'
import type { Platform } from './platform.ts'
import type { Orchestrator } from './orchestrator.ts'
import { verifiedFiles } from './tool-mount.ts'
import type { AdmittedCall, ToolEnd } from './tool-run.ts'

const METHOD: Readonly<Record<LibraryEntry, string>> = {
  library_call: 'library.call',
  library_check: 'library.check',
  get_metadata: 'library.metadata',
}

/** Throws UNSUPPORTED for a tool that is a process of the host's, unless there are such and they are allowed. */
export function requireExternal(platform: Platform, tools: readonly PackagedTool[], isAllowed: boolean): void {
  const tool = tools.find(({ implementation }) => implementation.type === 'external')
  if (!tool || (platform.external && isAllowed)) return
  throw unsupported('register', tool.tool.name, platform)
}

export async function runExternal(orchestrator: Orchestrator, call: AdmittedCall, command: readonly string[]): Promise<ToolEnd> {
  const { platform, limits } = orchestrator
  const { principal, installed, arguments: args, timeoutMs, signal } = call
  const { name } = installed.tool
  if (!platform.external) throw unsupported('call', name, platform)
  const { workspace } = args
  const request = (directory: string) => libraryRequest(name, args, typeof workspace === 'string' ? workspace : directory)
  // Wrong arguments start no process.
  const { entry } = request('/')
  const answer = await platform.external.ask(
    { principal, name, command, env: installed.env, files: () => verifiedFiles(platform, principal) },
    { method: METHOD[entry], params: (directory) => request(directory).input || '{}', timeoutMs, ...(signal ? { signal } : {}), limits },
  )
  return 'failure' in answer ? answer : answerEnd(entry, answer.result)
}

function unsupported(action: string, name: string, { external }: Platform): BtcpError {
  const how = external
    ? 'to allow that, register it with allowExternal: true, or --allow-external on the command line'
    : 'external libraries need Node, and do not run in the extension'
  const text = `Cannot ${action} "${name}": it is a program that runs outside of the sandbox, with all rights of its user; ${how}`
  return new BtcpError('UNSUPPORTED', text, { effects: 'none' })
}
