/**
 * The wire between the offscreen document and a frame (it creates and ends workers, nothing more), and between a frame and the
 * workers in it (it gives them compiled modules). The broker port of a cell goes through the frame unopened.
 */

/** Offscreen document → frame, on the port that came with the first message. */
export type ToFrame =
  /** Start a cell; its broker port is transferred with this message. */
  { readonly t: 'cell'; readonly id: string } | { readonly t: 'end'; readonly id: string } | { readonly t: 'ping' }

/** Frame → offscreen document. */
export type FromFrame =
  | { readonly t: 'ready' }
  | { readonly t: 'pong' }
  /** The worker has failed by itself. */
  | { readonly t: 'ended'; readonly id: string; readonly reason: string }

/** Frame → worker, the first message; the broker port and the feed port come with it. */
export interface WorkerStart {
  readonly t: 'start'
}
/** Worker → frame, on the feed port. */
export interface ModuleNeed {
  readonly t: 'need'
  readonly name: string
}
/** Frame → worker. `module` is a WebAssembly.Module; without it there is no such module, or it cannot be read. */
export interface ModuleAnswer {
  readonly t: 'module'
  readonly name: string
  readonly module?: unknown
}

/** Names of our own built modules; nothing else can be asked for. */
export const MODULE_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/
