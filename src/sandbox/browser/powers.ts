/**
 * What code in a cell's worker finds in its global scope: the names below and no others. It is a list of what stays, so that a power
 * that a future browser adds is gone as well; the policy, not this list, is what holds guests that get around it.
 */

const ECMASCRIPT = `
  AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DisposableStack Error
  EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map
  Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set String SuppressedError Symbol SyntaxError Temporal TypeError
  URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI decodeURIComponent encodeURI
  encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape`
const HARMLESS = 'TextDecoder TextEncoder console self'

const KEPT: ReadonlySet<string> = new Set(`${ECMASCRIPT} ${HARMLESS}`.trim().split(/\s+/))

/** Removes every other name from the global object and its prototypes. Throws when one cannot be removed. Idempotent. */
export function removePowers(): void {
  for (const [holder, name] of powers()) {
    if (!Reflect.deleteProperty(holder, name) && !isConstant(holder, name)) throw new Error(`"${name}" cannot be removed`)
  }
}

/** A number of the interface's own (`TEMPORARY`): it stays, and nothing can be done with it. */
function isConstant(holder: object, name: string): boolean {
  return typeof Reflect.getOwnPropertyDescriptor(holder, name)?.value === 'number'
}

/** Own names of the global object and of the prototypes that are a global object's only (EventTarget's are every port's, too). */
function powers(): [object, string][] {
  const found: [object, string][] = []
  let holder: object | null = globalThis
  while (holder && holder !== EventTarget.prototype && holder !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(holder)) if (name !== 'constructor' && !KEPT.has(name)) found.push([holder, name])
    holder = Object.getPrototypeOf(holder) as object | null
  }
  return found
}
