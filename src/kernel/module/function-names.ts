/** The names of a module's functions, from the custom section `name`: for messages only, so what is wrong in it counts as absent. */
import { Malformed, Reader } from './reader.ts'
import { type Section, SectionId } from './sections.ts'

const FUNCTION_NAMES = 1
const LONGEST = 200
/** As far as names are looked for. */
const MOST_BYTES = 4 * 1024 * 1024

/** A custom section's name and the place behind it; undefined where it has none. */
function headOf(section: Section): { readonly name: string; readonly reader: Reader } | undefined {
  if (section.id !== SectionId.custom) return undefined
  const reader = new Reader(section.body, 'custom section')
  try {
    return { name: reader.name(), reader }
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

export const isNames = (section: Section): boolean => headOf(section)?.name === 'name'

/** Read when the first name is asked for. */
export class FunctionNames {
  readonly #sections: readonly Section[]
  #names: Map<number, string> | undefined

  constructor(sections: readonly Section[]) {
    this.#sections = sections
  }

  get(index: number): string | undefined {
    this.#names ??= this.#read()
    return this.#names.get(index)
  }

  #read(): Map<number, string> {
    const names = new Map<number, string>()
    const section = this.#sections.find(isNames)
    if (!section) return names
    try {
      readInto(names, headOf(section)!.reader)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
    }
    return names
  }
}

function readInto(names: Map<number, string>, reader: Reader): void {
  while (!reader.isDone) {
    const id = reader.byte()
    const part = reader.sub(reader.unsigned(), 'names')
    if (id !== FUNCTION_NAMES) continue
    for (let left = part.count(2, Infinity); left > 0 && part.at < MOST_BYTES; left--)
      names.set(part.unsigned(), part.name().slice(0, LONGEST))
  }
}
