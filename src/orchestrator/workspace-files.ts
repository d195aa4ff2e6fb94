/**
 * The files that a tool reaches by its imports (`read_file` and its kin): those of its owner, below one directory, the workspace. Invariant:
 * nothing outside of the workspace is touched or told of, whatever path is named and wherever links lead. A path is cleaned first, which is
 * what the grants are asked about; then each of its parts is looked at, links are followed here and never by the cell, and where they led
 * elsewhere the grants are asked about that, too.
 */
import type { FileStat, FsOp, FsValue } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import type { Limits } from '../protocol/limits.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import { type ImportRequest, TOOL_IMPORTS } from '../protocol/tool-imports.ts'
import type { Capability } from '../protocol/capability.ts'
import { joinedBytes } from '../protocol/joined-bytes.ts'
import { FileError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { ToolFiles } from './tool-desk.ts'

export interface Workspace {
  /** a file operation as the owner */
  readonly fs: (op: FsOp) => Promise<FsValue>
  /** absolute */
  readonly root: string
  readonly limits: Limits
  /** Throws CAPABILITY_DENIED unless the tool may do that to that path. */
  readonly check: (capability: Capability, path: string) => void
}

/** Where a tool finds files; the caller of a library may name another place. */
const WORKSPACE = '/home/user'

/** The root of the files that a call of the tool reaches. Throws INVALID_PARAMS. */
export function workspaceFor({ implementation }: InstalledTool, args: JsonObject, limits: Limits): string {
  const isLibrary = implementation.type === 'wasm' && implementation.abi === 'library'
  return isLibrary ? workspaceOf(args, limits) : WORKSPACE
}

/** The workspace that a call of a library names, or the usual one. Throws INVALID_PARAMS. */
export function workspaceOf({ workspace = WORKSPACE }: JsonObject, limits: Limits): string {
  if (typeof workspace !== 'string' || !workspace.startsWith('/')) throw invalid(`its workspace is no absolute path`)
  const path = cleaned(workspace, '/', limits)
  if (path === undefined) throw invalid(`its workspace ${quoted(workspace)} leads out of the file system`)
  return path
}

export function workspaceFiles(workspace: Workspace): ToolFiles {
  return {
    pathOf: (request) => pathOf(workspace, request),
    run: async (request) => {
      try {
        return await HANDLERS[request.import]!(workspace, request)
      } catch (error) {
        throw error instanceof CellFsError ? fileFault(request, error.errno) : error
      }
    },
  }
}

type Handler = (workspace: Workspace, request: ImportRequest) => Promise<JsonValue>

const HANDLERS: Readonly<Partial<Record<ImportRequest['import'], Handler>>> = {
  async read_file(workspace, request) {
    const { path, stat } = await found(workspace, request)
    if (!stat) return null
    if (stat.type !== 'file') throw invalid(`${subject(request)} is no file`)
    return (await contentOf(workspace, path, request)).toBase64()
  },

  async list_directory(workspace, request) {
    const { path, stat } = await found(workspace, request)
    if (!stat) return null
    if (stat.type !== 'directory') throw invalid(`${subject(request)} is no directory`)
    return JSON.stringify(await namesIn(workspace, path, request))
  },

  async file_exists(workspace, request) {
    return (await found(workspace, request)).stat !== undefined
  },

  async write_file(workspace, request) {
    const bytes = writtenBytes(workspace.limits, request)
    const { path, stat } = await found(workspace, request)
    if ((stat && stat.type !== 'file') || path === '/' || textOf(request, 'path').endsWith('/'))
      throw invalid(`${subject(request)} is no file`)
    await workspace.fs({ op: 'write', path, bytes, mode: 'replace', offset: 0, mkdirs: true })
    return null
  },
}

// --- paths
/** The absolute path that a request means, before links are looked at. */
function pathOf({ root, limits }: Workspace, request: ImportRequest): string {
  const named = textOf(request, 'path')
  const path = cleaned(named.startsWith('/') ? named : `${root}/${named}`, root, limits)
  if (path === undefined) throw outside(request)
  return path
}

/** Without `.`, `..` and empty parts; undefined where it is not below `root`. Throws INVALID_PARAMS for what is no path. */
function cleaned(path: string, root: string, { pathBytes }: Limits): string | undefined {
  if (path.includes('\0')) throw invalid('its path has a NUL')
  if (path.length >= pathBytes) throw invalid('its path is too long (limit pathBytes)')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  const whole = `/${parts.join('/')}`
  return isWithin(whole, root) ? whole : undefined
}

const isWithin = (path: string, root: string): boolean => root === '/' || path === root || path.startsWith(`${root}/`)
const below = (directory: string, name: string): string => (directory === '/' ? `/${name}` : `${directory}/${name}`)
const above = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))
const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.')

interface Found {
  /** without links */
  readonly path: string
  /** undefined where there is no such thing */
  readonly stat: FileStat | undefined
}

/** What the request's path leads to, of which the grants have been asked. */
async function found(workspace: Workspace, request: ImportRequest): Promise<Found> {
  const { root, limits, check } = workspace
  const path = pathOf(workspace, request)
  const realRoot = (await walk(workspace, request, '/', '/', partsOf(root))).path
  const end = await walk(workspace, request, realRoot, realRoot, partsOf(path.slice(root === '/' ? 0 : root.length)))
  if (end.path.length >= limits.pathBytes) throw invalid('its path is too long (limit pathBytes)')
  const { needs } = TOOL_IMPORTS[request.import] as { readonly needs?: Capability }
  if (needs !== undefined && end.path !== path) check(needs, end.path)
  return end
}

/** Goes from a directory down, a part at a time. Nothing outside of `root` is looked at: only what is above it is passed through. */
async function walk(workspace: Workspace, request: ImportRequest, root: string, from: string, parts: readonly string[]): Promise<Found> {
  const { limits } = workspace
  const todo = [...parts]
  let at: Found = { path: from, stat: undefined }
  let links = 0
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    const path: string = part === '..' ? above(at.path) : below(at.path, part)
    const isLooked = isWithin(path, root)
    if (!isLooked && !isWithin(root, path)) throw outside(request)
    const stat = isLooked ? await statOf(workspace, path) : undefined
    if (isLooked && !stat) {
      // Behind what is missing a link's `..` means nothing.
      if (todo.includes('..')) throw outside(request)
      return { path: todo.reduce(below, path), stat }
    }
    if (stat?.type !== 'symlink') {
      at = { path, stat }
      continue
    }
    if (++links > limits.symlinks) throw invalid(`${subject(request)} has too many symbolic links`)
    const target = stat.target ?? ''
    todo.unshift(...partsOf(target))
    if (target.startsWith('/')) at = { path: '/', stat: undefined }
  }
  if (!isWithin(at.path, root)) throw outside(request)
  return at.stat ? at : { path: at.path, stat: await statOf(workspace, at.path) }
}

async function statOf({ fs }: Workspace, path: string): Promise<FileStat | undefined> {
  try {
    const value = await fs({ op: 'stat', path, follow: false })
    return value.op === 'stat' ? value.stat : undefined
  } catch (error) {
    if (error instanceof CellFsError && (error.errno === ENOENT || error.errno === ENOTDIR)) return undefined
    throw error
  }
}

// --- content
async function contentOf({ fs, limits }: Workspace, path: string, request: ImportRequest): Promise<Uint8Array> {
  const most = limits.toolImportBytes
  const parts: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const part = await fs({ op: 'read', path, offset: bytes, length: Math.min(limits.fsReadBytes, most - bytes + 1) })
    if (part.op !== 'read') throw confused()
    parts.push(part.bytes)
    bytes += part.bytes.length
    if (bytes > most) throw overLimit(request, most)
    if (part.eof || part.bytes.length === 0) break
  }
  return joinedBytes(parts)
}

async function namesIn({ fs, limits }: Workspace, path: string, request: ImportRequest): Promise<string[]> {
  const names: string[] = []
  let cursor: string | undefined
  let length = 0
  do {
    const part: FsValue = await fs({ op: 'list', path, recursive: false, limit: LIST_PART, ...(cursor === undefined ? {} : { cursor }) })
    if (part.op !== 'list') throw confused()
    for (const { name } of part.entries) {
      names.push(name)
      length += name.length
    }
    if (length > limits.toolImportBytes) throw overLimit(request, limits.toolImportBytes)
    cursor = part.next
  } while (cursor !== undefined)
  return names
}

function writtenBytes({ toolImportBytes }: Limits, request: ImportRequest): Uint8Array<ArrayBuffer> {
  const content = textOf(request, 'content')
  if (content.length > Math.ceil(toolImportBytes / 3) * 4) throw overLimit(request, toolImportBytes)
  try {
    const bytes = Uint8Array.fromBase64(content)
    if (bytes.length <= toolImportBytes) return bytes
  } catch {
    throw invalid('its content is not base64')
  }
  throw overLimit(request, toolImportBytes)
}

function textOf({ arguments: args }: ImportRequest, name: string): string {
  const value = args[name]
  if (typeof value !== 'string') throw invalid(`it has no ${name}`)
  return value
}

// --- errors
const ENOENT = 44
const ENOSPC = 51
const ENOTDIR = 54
const LIST_PART = 10_000
const SHOWN = 200

const quoted = (path: string): string => `"${path.length > SHOWN ? `${path.slice(0, SHOWN)}…` : path}"`
const subject = (request: ImportRequest): string => quoted(textOf(request, 'path'))

const invalid = (reason: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot reach a file of the workspace: ${reason}`, { effects: 'none' })
const outside = (request: ImportRequest): BtcpError => invalid(`${subject(request)} leads out of it`)
const confused = (): BtcpError => new BtcpError('SANDBOX_ERROR', 'Cannot finish the call: the cell answered something else')

function overLimit(request: ImportRequest, most: number): BtcpError {
  return new BtcpError(
    'INVALID_PARAMS',
    `Cannot reach a file of the workspace: ${subject(request)} has more than ${most} bytes (limit toolImportBytes)`,
    { effects: 'none', limit: 'toolImportBytes' },
  )
}

function fileFault(request: ImportRequest, errno: number): BtcpError {
  const { message } = new FileError(request.import === 'write_file' ? 'write' : 'read', textOf(request, 'path'), errno)
  return new BtcpError('INVALID_PARAMS', message, { effects: 'unknown', ...(errno === ENOSPC ? { limit: 'fsBytes' } : {}) })
}
