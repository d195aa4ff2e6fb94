/**
 * The site's own storage (`localStorage`, `sessionStorage`) for `storage_get` and `storage_set`. A key of the page may be called
 * as a method, `getItem` or `__proto__`: the prototype's own methods are used, and a key is only ever an argument.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { BtcpError } from '../../protocol/error.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import { uncurry } from '../pristine.ts'
import { bounded, invalid, textOf } from './element.ts'

const get = uncurry(Storage.prototype.getItem)
const set = uncurry(Storage.prototype.setItem)

const KEY_LENGTH = 4_096

type Area = 'local' | 'session'

/** A module's import names no area: it is the local one. */
export function areaOf({ area }: JsonObject): Area {
  if (area === undefined || area === 'local') return 'local'
  if (area === 'session') return 'session'
  throw invalid('area', 'it is neither "local" nor "session"')
}

/** `{ area?, key } → { value }` */
export function getItem(args: JsonObject): JsonValue {
  const value = get(storageOf(areaOf(args)), textOf(args, 'key', KEY_LENGTH))
  return { value: value === null ? null : bounded(value) }
}

/** `{ area?, key, value } → { area, key }` */
export function setItem(args: JsonObject): JsonValue {
  const area = areaOf(args)
  const key = textOf(args, 'key', KEY_LENGTH)
  const value = textOf(args, 'value', LIMITS.toolImportBytes)
  const storage = storageOf(area)
  try {
    set(storage, key, value)
  } catch {
    throw new BtcpError('INTERNAL_ERROR', `Cannot store ${JSON.stringify(key)}: the browser keeps no more for this site`, {
      limit: 'siteStorage',
      effects: 'none',
    })
  }
  return { area, key }
}

function storageOf(area: Area): Storage {
  let storage: Storage | null
  try {
    storage = area === 'local' ? localStorage : sessionStorage
  } catch {
    storage = null
  }
  if (storage) return storage
  throw new BtcpError('UNSUPPORTED', `Cannot use the ${area} storage: this document has none, or the browser's settings forbid it`, {
    effects: 'none',
  })
}
