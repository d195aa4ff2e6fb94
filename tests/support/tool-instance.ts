/** A module of ABI btcp, instantiated here and called as the host does, without a cell: for the SDKs' own tests, whose modules ask for nothing. */
export class ToolInstance {
  readonly #exports: Exports

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const abort = (message: number): never => {
      throw new Error(this.#utf16(message))
    }
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { abort } }).exports as unknown as Exports
  }

  /** From JSON to JSON. Throws what the module aborts with. */
  call(json: string): string {
    const { alloc, dealloc, execute } = this.#exports
    const bytes = new TextEncoder().encode(json)
    const args = alloc(4 + bytes.length)
    this.#view.setUint32(args, bytes.length, true)
    new Uint8Array(this.#view.buffer, args + 4).set(bytes)
    const result = execute(args) >>> 0
    const length = this.#view.getUint32(result, true)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(this.#view.buffer, result + 4, length))
    dealloc(args, 4 + bytes.length)
    dealloc(result, 4 + length)
    return text
  }

  get #view(): DataView {
    return new DataView(this.#exports.memory.buffer)
  }

  #utf16(at: number): string {
    return new TextDecoder('utf-16le').decode(new Uint8Array(this.#view.buffer, at, this.#view.getUint32(at - 4, true)))
  }
}

interface Exports {
  readonly memory: WebAssembly.Memory
  readonly alloc: (size: number) => number
  readonly dealloc: (at: number, size: number) => void
  readonly execute: (args: number) => number
}
