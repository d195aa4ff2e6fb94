/**
 * What the orchestrator needs of the world, so that the same core runs in the extension and in Node: starting and ending a cell,
 * tables to keep files in, trees of the host, time, hashes. A feature that works in one host only is a bug in this interface.
 */
import type { PackageFile } from '../protocol/installed-tool.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Principal } from '../protocol/principal.ts'
import type { ToolFailure } from '../protocol/tool-record.ts'
import type { Transport } from '../protocol/transport.ts'
import type { Tables } from './store/tables.ts'

export interface Platform {
  /** Starts a cell's thread or process. Nothing has been said on its port yet. Rejects when it cannot start. */
  startCell(principal: Principal): Promise<CellHandle>
  /** Starts a process for one script of a cell. Absent where the cell's own frame does it. */
  startSnippet?(limits: Limits): Promise<SnippetHandle>
  /** Opens what the principal's files lie in. Throws TablesError. */
  tables(principal: Principal): Promise<Tables>
  /** Removes what the principal's files lay in; its cell has ended. */
  forget(principal: Principal): Promise<void>
  /** the packages of installed tools, by their digest */
  readonly packages: Packages
  /** Processes of the host's own, for libraries that are one. Absent where the host has none to give. */
  readonly external?: ExternalHost
  /** Trees of the host that the principal's cell sees. */
  mounts(principal: Principal): readonly Mount[]
  /** milliseconds since the epoch, and milliseconds that only grow */
  readonly clock: { now(): number; monotonic(): number }
  /** Calls `then` once after `ms`; the result cancels. For what is `idle` nobody waits: it does not keep a program alive. */
  timer(ms: number, then: () => void, idle?: 'idle'): () => void
  sha256(bytes: Uint8Array): Promise<Uint8Array>
  /** text ↔ UTF-8 */
  readonly text: TextCodec
  /** a name that is used once */
  newId(): string
}

/** Where packages lie. What is read may have been changed there; who reads verifies it (tool-mount.ts). */
export interface Packages {
  read(sha256: string): Promise<readonly PackageFile[] | undefined>
  keep(sha256: string, files: readonly PackageFile[]): Promise<void>
  /** Nobody has it any more. Idempotent. */
  forget(sha256: string): Promise<void>
}

/** Processes that run outside of every cell, with the rights of the host's user: a library each (JSON-RPC 2.0, docs/protocol.md section 5). */
export interface ExternalHost {
  /** Asks the library's process, which is started where there is none. Throws BtcpError TIMEOUT, CANCELLED. */
  ask(library: ExternalLibrary, request: ExternalRequest): Promise<ExternalAnswer>
  /** Ends the principal's process, or all of them. Idempotent. */
  end(principal?: Principal): void
}

export interface ExternalLibrary {
  readonly principal: Principal
  /** the tool's name, for errors */
  readonly name: string
  readonly command: readonly string[]
  /** all that its environment has besides PATH */
  readonly env: Readonly<Record<string, string>>
  /** The files of its package, verified; read when its process is started. */
  files(): Promise<readonly PackageFile[]>
}

export interface ExternalRequest {
  readonly method: string
  /** The JSON text of its parameters; `directory` is where the process runs. */
  readonly params: (directory: string) => string
  readonly timeoutMs: number
  readonly signal?: CancelSignal
  readonly limits: Limits
}

/** The answer's `result`, integers exact (`parseLibraryJson`). */
export type ExternalAnswer = { readonly result: unknown } | { readonly failure: ToolFailure }

export interface CellHandle {
  /** `onClose` is called when the cell has ended by itself, too. */
  readonly port: Transport
  /** Ends the cell at once, whatever it does. Idempotent. */
  terminate(): void
}

/** The process of one script. */
export interface SnippetHandle {
  /** Throws where it is known to be gone. */
  send(message: Uint8Array): void
  /** Called once. `ended` hears why it is gone where it has ended by itself. */
  listen(hear: (message: unknown) => void, ended: (reason: string) => void): void
  /** Ends it at once, whatever it does. Idempotent. */
  terminate(): void
}

export interface TextCodec {
  encode(text: string): Uint8Array<ArrayBuffer>
  /** Bytes that are no UTF-8 become U+FFFD, and `lossy` says so. */
  decode(bytes: Uint8Array): { readonly text: string; readonly lossy: boolean }
  /** Decodes a stream that is cut anywhere: `bytes` as they come, and nothing at its end. */
  decoder(): (bytes?: Uint8Array) => string
}

/** A tree of the host, walked when it was mounted; its content is read when a cell asks. */
export interface Mount {
  /** where it is seen: an absolute path of the cell */
  readonly target: string
  readonly readOnly: boolean
  /** record streams (protocol/journal.ts); inode 1 is the mount's root */
  readonly metadata: readonly Uint8Array[]
  /** Chunk `index` of file `ino`. Rejects when the file cannot be read. */
  content(ino: number, index: number): Promise<Uint8Array>
}

/** As much of AbortSignal as is needed; any AbortSignal is one. */
export interface CancelSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
