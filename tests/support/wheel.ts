/** Small pure wheels for tests, as `pip wheel` makes them: deflated, with a .dist-info and a RECORD of hashes. */
import { createHash } from 'node:crypto'
import { strToU8, zipSync } from 'fflate'

export interface TestWheel {
  readonly file: string
  readonly bytes: Uint8Array
}

/** A wheel of the package `name` with these modules, by file name. */
export function pureWheel(name: string, version: string, modules: Readonly<Record<string, string>>): TestWheel {
  const info = `${name}-${version}.dist-info`
  const files: Record<string, string> = {
    ...modules,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  }
  const record = Object.entries(files).map(([path, text]) => `${path},sha256=${digest(text)},${Buffer.byteLength(text)}\n`)
  files[`${info}/RECORD`] = `${record.join('')}${info}/RECORD,,\n`
  const entries = Object.entries(files).map(([path, text]) => [path, strToU8(text)] as const)
  return { file: `${name}-${version}-py3-none-any.whl`, bytes: zipSync(Object.fromEntries(entries), { level: 6 }) }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')
