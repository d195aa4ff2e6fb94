/**
 * What is in a module that an engine has accepted, by a reading of its own: it shares nothing with the gate, so that it finds what that
 * lets through by mistake. It may believe the sizes and counts, because the engine has.
 */
const TYPE_NAMES: Readonly<Record<number, string>> = { 0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F', 0x7b: 'v', 0x70: 'r', 0x6f: 'x' }
const PRIMITIVE = new Set(Object.keys(TYPE_NAMES).map(Number))

interface Contents {
  /** functions: `module.name letters:letters` */
  readonly imports: readonly string[]
  /** flags of all memories, imported or own */
  readonly memoryFlags: readonly number[]
  readonly ownMemories: number
  readonly tableElements: number
  readonly sections: readonly number[]
  /** anything that no module of the kernel has */
  readonly strange: readonly string[]
}

class Cursor {
  readonly bytes: Uint8Array
  at: number
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }
  byte(): number {
    return this.bytes[this.at++]!
  }
  number(): number {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.byte())
      value |= (byte & 127n) << shift
      if (byte < 128n) return Number(value)
    }
  }
  text(): string {
    const length = this.number()
    this.at += length
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString('utf8')
  }
}

export function contentsOf(bytes: Uint8Array): Contents {
  const types: string[] = []
  const imports: string[] = []
  const memoryFlags: number[] = []
  const sections: number[] = []
  const strange: string[] = []
  let ownMemories = 0
  let tableElements = 0
  const cursor = new Cursor(bytes, 8)
  const letters = (): string => {
    let out = ''
    for (let left = cursor.number(); left > 0; left--) {
      const code = cursor.byte()
      if (!PRIMITIVE.has(code)) strange.push(`value type ${code}`)
      out += TYPE_NAMES[code] ?? '?'
    }
    return out
  }
  const limits = (): { readonly flags: number; readonly most: number } => {
    const flags = cursor.byte()
    cursor.number()
    return { flags, most: flags & 1 ? cursor.number() : Infinity }
  }
  const readers: Readonly<Record<number, () => void>> = {
    1: () => {
      for (let left = cursor.number(); left > 0; left--) {
        if (cursor.byte() !== 0x60) return void strange.push('a type that is no function')
        const params = letters()
        types.push(`${params}:${letters()}`)
      }
    },
    2: () => {
      for (let left = cursor.number(); left > 0; left--) {
        const name = `${cursor.text()}.${cursor.text()}`
        const kind = cursor.byte()
        if (kind === 0) imports.push(`${name} ${types[cursor.number()]}`)
        else if (kind === 2) memoryFlags.push(limits().flags)
        else return void strange.push(`an import of kind ${kind}`)
      }
    },
    4: () => {
      for (let left = cursor.number(); left > 0; left--) {
        const type = cursor.byte()
        if (type !== 0x70 && type !== 0x6f) return void strange.push(`a table of ${type}`)
        const { flags, most } = limits()
        if (flags > 1) strange.push(`a table with flags ${flags}`)
        tableElements += most
      }
    },
    5: () => {
      ownMemories = cursor.number()
      for (let left = ownMemories; left > 0; left--) memoryFlags.push(limits().flags)
    },
  }
  while (cursor.at < bytes.length) {
    const id = cursor.byte()
    const size = cursor.number()
    const end = cursor.at + size
    sections.push(id)
    readers[id]?.()
    cursor.at = end
  }
  return { imports, memoryFlags, ownMemories, tableElements, sections, strange }
}
