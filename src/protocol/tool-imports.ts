/**
 * What a WebAssembly tool may import besides WASI Preview 1: one row an import (docs/protocol.md section 5). The kernel links a module by
 * this table (src/kernel/tool), the orchestrator finds in it what an import needs and who carries it out.
 */
import type { Capability } from './capability.ts'
import type { JsonObject } from './parse.ts'

/** `flag`: 1 or 0 · `count`: a whole number · `text`: bytes needed, written where they fit · `done`: 0. */
export type ImportResult = 'flag' | 'count' | 'text' | 'done'

export interface ToolImport {
  readonly module: 'btcp' | 'filesystem'
  /** the texts that it takes, each as pointer and length, by the name that the request gives them; after them, where the result is a text,
   *  come `out` and `cap` */
  readonly takes: readonly string[]
  readonly result: ImportResult
  /** who carries it out: the document that made the call, the files of the tool's owner, another tool */
  readonly place: 'document' | 'files' | 'tool'
  /** what every request needs; undefined where it depends on the request */
  readonly needs?: Capability
}

export const TOOL_IMPORTS = {
  dom_query: { module: 'btcp', takes: ['selector'], result: 'flag', place: 'document', needs: 'dom:read' },
  dom_count: { module: 'btcp', takes: ['selector'], result: 'count', place: 'document', needs: 'dom:read' },
  dom_text: { module: 'btcp', takes: ['selector'], result: 'text', place: 'document', needs: 'dom:read' },
  dom_attr: { module: 'btcp', takes: ['selector', 'name'], result: 'text', place: 'document', needs: 'dom:read' },
  dom_html: { module: 'btcp', takes: ['selector'], result: 'text', place: 'document', needs: 'dom:read' },
  dom_set_text: { module: 'btcp', takes: ['selector', 'value'], result: 'flag', place: 'document', needs: 'dom:write' },
  dom_click: { module: 'btcp', takes: ['selector'], result: 'flag', place: 'document', needs: 'dom:write' },
  storage_get: { module: 'btcp', takes: ['key'], result: 'text', place: 'document', needs: 'storage:local:read' },
  storage_set: { module: 'btcp', takes: ['key', 'value'], result: 'done', place: 'document', needs: 'storage:local:write' },
  /** `{ url, method?, headers?, body? }` → `{ status, headers, body, encoding? }` (fetch-request.ts) */
  http_fetch: { module: 'btcp', takes: ['request'], result: 'text', place: 'document', needs: 'network:fetch:same-origin' },
  /** `{ name, arguments? }` → the tool's structuredContent */
  call_tool: { module: 'btcp', takes: ['request'], result: 'text', place: 'tool' },
  read_file: { module: 'filesystem', takes: ['path'], result: 'text', place: 'files', needs: 'vfs:read' },
  /** a JSON list of names */
  list_directory: { module: 'filesystem', takes: ['path'], result: 'text', place: 'files', needs: 'vfs:read' },
  file_exists: { module: 'filesystem', takes: ['path'], result: 'flag', place: 'files', needs: 'vfs:read' },
  write_file: { module: 'filesystem', takes: ['path', 'content'], result: 'done', place: 'files', needs: 'vfs:write' },
} as const satisfies Record<string, ToolImport>

export type ImportName = keyof typeof TOOL_IMPORTS

export function toolImport(name: string): ToolImport | undefined {
  return Object.hasOwn(TOOL_IMPORTS, name) ? TOOL_IMPORTS[name as ImportName] : undefined
}

/** A tool's module asks for something outside. Bytes (`content` of write_file, the answer to read_file) are base64; the answer to a text is
 *  a text; null where there is no such thing; `{ nothing: TEXT }` where there is none for a reason that `last_error` tells. */
export interface ImportRequest {
  readonly import: ImportName
  readonly arguments: JsonObject
}

/** What an import answers below 0. */
export const IMPORT_ERROR = { notFound: -1, denied: -2, timeout: -3, invalid: -4, gone: -5, limit: -6 } as const
