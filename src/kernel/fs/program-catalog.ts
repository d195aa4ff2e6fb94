/** Which programs there are: what /bin and /usr/bin list and what spawn starts. The host gives it (wasm/dist/lock.json). */
export interface ProgramCatalog {
  /** every program's name, ascending */
  names(): Iterable<string>
  find(name: string): ProgramModule | undefined
  /** The module's bytes, for a guest that reads the file; `done` may be called at once. */
  read(module: string, done: (bytes: Uint8Array | undefined) => void): void
}

export interface ProgramModule {
  /** the module's name in wasm/dist, as `loadModule` takes it */
  readonly module: string
  /** raw bytes of the module */
  readonly size: number
}
