/**
 * Built-ins as they were when our script began, which at document_start is before any code of the page. In-page code uses these and
 * syntax only: no method of a prototype that the page can replace, no iteration protocol, no inherited property.
 * In the isolated world they guard against another thing: a document or form whose named elements hide its own methods.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */

/** `fn` as a function of its `this`; a later change of Function.prototype does not reach it. */
export const uncurry = Function.prototype.bind.bind(Function.prototype.call) as <T, A extends readonly unknown[], R>(
  fn: (this: T, ...args: A) => R,
) => (self: T, ...args: A) => R

export const { create, defineProperty, freeze, getOwnPropertyDescriptor, keys } = Object
const { getPrototypeOf } = Object
const { isFinite } = Number
const { isArray } = Array

/** The getter of an accessor property as a function of its object. */
export function getter<T, R>(prototype: object, name: string): (self: T) => R {
  const found = getOwnPropertyDescriptor(prototype, name)?.get
  if (!found) throw new TypeError(`Cannot capture "${name}": it is no accessor`)
  return uncurry(found as (this: T) => R)
}

/** What a message may hold: deep enough for any tool, small enough that a copy takes no noticeable time. */
const DEPTH = 64
const NODES = 100_000

/**
 * A copy of JSON data, made with captured built-ins: each property is read once, `toJSON` is a key like any other, and setters
 * that a page put on a prototype do not run. Throws `refuse(reason)` for what JSON cannot say.
 */
export function copyData(value: unknown, maxBytes: number, refuse: (reason: string) => Error): unknown {
  let nodes = NODES
  let bytes = maxBytes
  const spend = (cost: number): void => {
    bytes -= cost
    if (bytes < 0) throw refuse(`it is larger than ${maxBytes} bytes`)
  }
  const copy = (item: unknown, depth: number): unknown => {
    if (--nodes < 0) throw refuse(`it holds more than ${NODES} values`)
    spend(8)
    if (item === null || typeof item === 'boolean') return item
    if (typeof item === 'string') {
      spend(item.length)
      return item
    }
    if (typeof item === 'number' && isFinite(item)) return item
    if (typeof item !== 'object') throw refuse(`a ${typeof item} is no JSON data`)
    if (depth === 0) throw refuse(`it is nested deeper than ${DEPTH} levels`)
    return isArray(item) ? copyArray(item, depth) : copyObject(item, depth)
  }
  const copyArray = (list: readonly unknown[], depth: number): unknown[] => {
    const out: unknown[] = []
    const { length } = list
    for (let i = 0; i < length; i++) put(out, i, copy(list[i], depth - 1))
    return out
  }
  const copyObject = (object: object, depth: number): object => {
    const prototype: object | null = getPrototypeOf(object)
    if (prototype !== null && getPrototypeOf(prototype) !== null) throw refuse('it holds an object that is no plain object')
    const out = create(null) as object
    const names = keys(object)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const inner = (object as Record<string, unknown>)[name]
      if (inner === undefined) continue
      spend(name.length)
      put(out, name, copy(inner, depth - 1))
    }
    return out
  }
  return copy(value, DEPTH)
}

/** Defines an own property, whatever setters the prototype has by now. */
export function put(target: object, key: string | number, value: unknown): void {
  defineProperty(target, key, { __proto__: null, value, enumerable: true, writable: true, configurable: true } as PropertyDescriptor)
}
