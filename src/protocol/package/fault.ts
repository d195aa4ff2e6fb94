/**
 * What is wrong with a package: where, and what its author does about it. A parser reports and reads on, so that all faults are told at
 * once; it hands on nothing that it has reported.
 */
export interface PackageFault {
  /** the file of the package, `` for the package as a whole */
  readonly file: string
  /** a JSON Pointer into it, `` for the whole */
  readonly instancePath: string
  readonly message: string
}

/** Reports a fault at a JSON Pointer of one file. */
export type Report = (instancePath: string, message: string) => undefined

/** Of one package. */
const MOST = 100
const LENGTH = 1_000

export class Faults {
  readonly list: PackageFault[] = []

  of(file: string): Report {
    return (instancePath, message) => {
      if (this.list.length < MOST) this.list.push({ file, instancePath: instancePath.slice(0, LENGTH), message: message.slice(0, LENGTH) })
      return undefined
    }
  }
}

/** The pointer to `key` of what `at` points to. */
export const below = (at: string, key: string | number): string => `${at}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A text of the package's in a message. */
export const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)
