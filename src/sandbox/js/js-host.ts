/**
 * What the runtime needs of the thread that a script runs in. The browser's worker and the Node process each implement it; everything
 * here is taken before the powers are removed, and none of it is given to the script but `globals`.
 */
export interface JsHost {
  /** Takes every power away and proves that it is gone; rejects with an Error that names the check that failed. */
  prove(): Promise<void>
  /** The port to the cell. */
  send(message: Uint8Array<ArrayBuffer>): void
  listen(hear: (raw: unknown) => void): void
  /** Runs a module's text. Its address is what positions in it begin with. */
  load(source: string): LoadedModule
  /** Hears of what nobody caught: an exception of a task, a rejection. */
  onUncaught(listener: (error: unknown) => void): void
  setTimeout(task: () => void, milliseconds: number): number
  clearTimeout(id: number): void
  /** After the host's other tasks have had their turn. */
  macrotask(task: () => void): void
  readonly now: () => number
  readonly encode: (text: string) => Uint8Array
  decode(bytes: Uint8Array): string
  /** At most 65,536 bytes at once. */
  getRandomValues(into: unknown): unknown
  /** Harmless things of the web by their names (TextEncoder, URL …), which the script gets as they are. */
  readonly globals: Readonly<Record<string, unknown>>
}

export interface LoadedModule {
  readonly address: string
  readonly done: Promise<unknown>
}
