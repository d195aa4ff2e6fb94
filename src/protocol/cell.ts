/**
 * The cell's wire: what a broker (the orchestrator) and a cell say to each other over the broker port, by structured clone.
 * Each side parses what it receives with `parseToCell` / `parseToBroker` (cell-parse.ts); the types here are what a parser returns.
 * Corresponds to section 6 of docs/protocol.md.
 */
import type { Limits } from './limits.ts'

/** Raised when the wire changes; a cell of another version refuses to boot. */
export const CELL_WIRE_VERSION = 1

/** A cell holds at most so many memories more than its last `beat` says, also when its thread never rests again. */
export const MEMORIES_UNTOLD = 8

/** The broker's name of one run; unique in the life of a broker. */
export type CallId = string
/** Numbers a request and its answer on one port. */
export type RequestId = number
/** What a run writes to: 1 and 2, and 3 where it was asked for its result. */
export type OutputFd = 1 | 2 | 3

/** A tree of the host that is seen at `target`; its metadata comes in `metadata` (record streams; inode 1 is the mount's root)
 *  and its content by faults that name the mount. Mounts are numbered from 1; 0 is the cell's own file system. */
export interface CellMount {
  readonly mount: number
  readonly target: string
  readonly readOnly: boolean
  readonly metadata: readonly Uint8Array[]
}

export type ToCell =
  | {
      readonly t: 'boot'
      readonly version: number
      readonly limits: Limits
      readonly env: Readonly<Record<string, string>>
      /** with a seed, clock and randomness repeat */
      readonly seed?: number
      /** record streams in order: a base and its deltas, without `extent`; empty for a new file system. A file with holes has a `data` record
       *  (blob and offset 0) for each chunk that it has, and one of length 0 when it has none; other files have all their chunks. */
      readonly metadata: readonly Uint8Array[]
      /** sequence number of the first journal message minus one */
      readonly seq: number
      readonly mounts: readonly CellMount[]
      /** wasm memories that the cell may hold at once until the next `allow` */
      readonly memories: number
      /** tell every system call (`trace`) */
      readonly trace?: boolean
    }
  | {
      readonly t: 'run'
      readonly call: CallId
      /** program and arguments; the program is searched along PATH */
      readonly argv: readonly string[]
      readonly cwd?: string
      readonly env?: Readonly<Record<string, string>>
      /** whether `stdin` messages follow; otherwise standard input is empty */
      readonly stdin: boolean
      /** Whether its program has descriptor 3, to tell a result. What was written to 1 and 2 before is sent before. */
      readonly result?: boolean
    }
  | { readonly t: 'stdin'; readonly call: CallId; readonly bytes: Uint8Array | null /* null: end of input */ }
  | { readonly t: 'credit'; readonly call: CallId; readonly fd: OutputFd; readonly bytes: number }
  | { readonly t: 'kill'; readonly call: CallId; readonly signal: number }
  /** Nobody reads this run's output any more: its writers get SIGPIPE. */
  | { readonly t: 'close'; readonly call: CallId; readonly fd: OutputFd }
  /** What an `ask` is answered: JSON text for the program that asks. */
  | { readonly t: 'reply'; readonly req: RequestId; readonly answer: string }
  | { readonly t: 'fs'; readonly req: RequestId; readonly op: FsOp }
  | { readonly t: 'chunk'; readonly req: RequestId; readonly bytes?: Uint8Array; readonly errno?: number }
  /** Everything up to journal message `seq` is durable. */
  | { readonly t: 'committed'; readonly seq: number }
  /** The commit failed (quota, disk): waiting fsyncs answer `errno`. The broker keeps what it has received and tries again with its next
   *  commit, which an urgent message asks for; the cell sends nothing twice. */
  | { readonly t: 'commitFailed'; readonly seq: number; readonly errno: number }
  | { readonly t: 'allow'; readonly memories: number }
  | { readonly t: 'snippetSaid'; readonly snippet: number; readonly bytes: Uint8Array }
  /** It has ended by itself, or could not be started. */
  | { readonly t: 'snippetEnded'; readonly snippet: number; readonly reason: string }

export type ToBroker =
  /** The self-test passed and the file system is mounted. `proof` names each check that was made. */
  | { readonly t: 'ready'; readonly version: number; readonly proof: readonly string[] }
  | { readonly t: 'refused'; readonly reason: string }
  /** So many bytes of standard input have been read or dropped: the broker keeps at most `outputCreditBytes` under way. */
  | { readonly t: 'took'; readonly call: CallId; readonly bytes: number }
  | { readonly t: 'out'; readonly call: CallId; readonly fd: OutputFd; readonly bytes: Uint8Array }
  /** A program of the run asks for a tool: JSON text, at most `messageBytes` long (src/protocol/tool-request.ts). */
  | { readonly t: 'ask'; readonly req: RequestId; readonly call: CallId; readonly request: string }
  | {
      readonly t: 'exit'
      readonly call: CallId
      /** 0 … 255; for a signal 128 + signal */
      readonly status: number
      readonly signal?: number
      readonly usage: RunUsage
      readonly changed: readonly Change[]
      /** the last journal message that holds effects of this run; the answer waits until it is committed */
      readonly seq: number
      /** the run could not start at all */
      readonly error?: { readonly errno: number; readonly message: string }
    }
  | { readonly t: 'fault'; readonly req: RequestId; readonly mount: number; readonly ino: number; readonly index: number }
  | {
      readonly t: 'journal'
      readonly seq: number
      /** packed records (journal.ts); `data` records refer to `blobs` */
      readonly records: Uint8Array
      readonly blobs: readonly Uint8Array[]
      /** this message ends at a consistent point */
      readonly barrier: boolean
      /** someone waits for its commit (fsync) */
      readonly urgent: boolean
    }
  | {
      readonly t: 'answer'
      readonly req: RequestId
      readonly value?: FsValue
      readonly seq: number
      readonly error?: { readonly errno: number; readonly message: string }
    }
  /** Lines as strace(1) prints them, in order with the output of the same run. Only where the boot asked for them. */
  | { readonly t: 'trace'; readonly lines: string }
  /** A process for one script (js-wire.ts says what is said there; the broker carries bytes). Only where the host itself starts none. */
  | { readonly t: 'snippetStart' | 'snippetEnd'; readonly snippet: number }
  | { readonly t: 'snippetSay'; readonly snippet: number; readonly bytes: Uint8Array }
  /** So many bytes of it have been taken: at most JS_WINDOW_BYTES are under way. */
  | { readonly t: 'snippetTook'; readonly snippet: number; readonly bytes: number }
  /** Each second, at once when more than `MEMORIES_UNTOLD` memories were taken since the last one, and after an `allow` of fewer. */
  | { readonly t: 'beat'; readonly memories: number; readonly memoryBytes: number; readonly processes: number }

export interface RunUsage {
  readonly durationMs: number
  readonly processes: number
}
export interface Change {
  readonly path: string
  readonly kind: 'created' | 'modified' | 'removed'
}

/** Paths are absolute or relative to /home/user. */
export type FsOp =
  | { readonly op: 'read'; readonly path: string; readonly offset: number; readonly length: number }
  | {
      readonly op: 'write'
      readonly path: string
      readonly bytes: Uint8Array
      /** replace: the file is then exactly `bytes`; append: at its end; at: from `offset` on, the rest stays */
      readonly mode: 'replace' | 'append' | 'at'
      readonly offset: number
      readonly mkdirs: boolean
    }
  | { readonly op: 'list'; readonly path: string; readonly recursive: boolean; readonly limit: number; readonly cursor?: string }
  | { readonly op: 'stat'; readonly path: string; readonly follow: boolean }
  | { readonly op: 'remove'; readonly path: string; readonly recursive: boolean }
  | { readonly op: 'move'; readonly from: string; readonly to: string; readonly overwrite: boolean }
  | { readonly op: 'mkdir'; readonly path: string; readonly parents: boolean; readonly mode: number }
  /** make everything durable */
  | { readonly op: 'sync' }

export type FileType = 'file' | 'directory' | 'symlink' | 'device' | 'fifo'
export interface FileStat {
  readonly type: FileType
  readonly size: number
  /** milliseconds since the epoch */
  readonly mtime: number
  /** permission bits */
  readonly mode: number
  readonly nlink: number
  readonly target?: string
}
export interface ListEntry {
  /** relative to the listed directory */
  readonly name: string
  readonly type: FileType
  readonly size: number
  readonly mtime: number
  readonly mode: number
}
export type FsValue =
  | { readonly op: 'read'; readonly bytes: Uint8Array; readonly size: number; readonly eof: boolean }
  | { readonly op: 'write'; readonly path: string; readonly bytes: number; readonly size: number }
  | { readonly op: 'list'; readonly entries: readonly ListEntry[]; readonly next?: string }
  | { readonly op: 'stat'; readonly stat: FileStat }
  | { readonly op: 'remove' }
  | { readonly op: 'move' }
  | { readonly op: 'mkdir' }
  | { readonly op: 'sync' }
