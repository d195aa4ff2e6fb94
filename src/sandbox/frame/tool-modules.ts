/**
 * Modules of installed tools that a cell of this frame has compiled, for the frame's later cells (docs/decisions/0019-frame-module-cache.md).
 * A frame is one principal's. Invariant: what is kept under a key is never replaced, so no cell changes what another one finds.
 */

/** A tool has one module, a library perhaps some. */
const MOST = 4

export class ToolModules {
  readonly #kept = new Map<string, WebAssembly.Module>()

  find(key: string): WebAssembly.Module | undefined {
    return this.#kept.get(key)
  }

  /** Does nothing where there is one of that key, or there are too many. */
  keep(key: string, module: unknown): void {
    if (module instanceof WebAssembly.Module && !this.#kept.has(key) && this.#kept.size < MOST) this.#kept.set(key, module)
  }
}
