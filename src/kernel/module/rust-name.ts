/**
 * A function's name as Rust mangles it, as a person wrote it: by the identifiers in it. What stands for types and crates' hashes is left out;
 * what is no such name stays as it is.
 */

/** As far as a name is read. */
const LONGEST = 500

export function rustName(written: string): string {
  const name = written.slice(0, LONGEST)
  const v0 = /^_?_R([A-Z].*)$/.exec(name)?.[1]
  if (v0 !== undefined) return identifiers(v0, /^(\d+)_?/).join('::') || name
  const legacy = /^_?_ZN(\d.*)E$/.exec(name)?.[1]
  if (legacy === undefined) return name
  const parts = identifiers(legacy, /^(\d+)/)
  if (/^h[0-9a-f]{16}$/.test(parts.at(-1) ?? '')) parts.pop()
  return parts.map(withSigns).join('::') || name
}

/** Each is its length and so many characters; `s…_` tells crates of one name apart, and `B…_` refers back. */
function identifiers(mangled: string, head: RegExp): string[] {
  const found: string[] = []
  for (let at = 0; at < mangled.length;) {
    const other = /^(?:[sB][0-9a-zA-Z]*_|[^\d])/.exec(mangled.slice(at))
    if (other) {
      at += other[0].length
      continue
    }
    const [whole = '', digits = ''] = head.exec(mangled.slice(at)) ?? []
    const start = at + whole.length
    const length = Number(digits)
    if (length > 0 && start + length <= mangled.length) found.push(mangled.slice(start, start + length))
    at = start + length
  }
  return found
}

const SIGNS: Readonly<Record<string, string>> = { LT: '<', GT: '>', RF: '&', BP: '*', u20: ' ', u7b: '{', u7d: '}', C: ',' }

/** `$LT$` and the like of the older form. */
const withSigns = (part: string): string =>
  part
    .replace(/^_(?=\$)/, '')
    .replace(/\$(\w+)\$/g, (whole, sign: string) => SIGNS[sign] ?? whole)
    .replaceAll('..', '::')
