/**
 * Element refs: `@ref:N` names an element of this document while it lives and is in the document. A ref holds nothing: an element that the
 * page has dropped is gone, and its number is never given again.
 */
import { getter } from '../pristine.ts'

const isConnected = getter<Node, boolean>(Node.prototype, 'isConnected')

const numbers = new WeakMap<Element, number>()
const elements = new Map<number, WeakRef<Element>>()
const forget = new FinalizationRegistry<number>((number) => elements.delete(number))
let last = 0

export function refOf(element: Element): string {
  let number = numbers.get(element)
  if (number === undefined) {
    number = ++last
    numbers.set(element, number)
    elements.set(number, new WeakRef(element))
    forget.register(element, number)
  }
  return `@ref:${number}`
}

/** The element of a ref; undefined for another text, and for an element that is not in the document. */
export function elementOf(ref: string): Element | undefined {
  const number = /^@ref:([1-9][0-9]{0,14})$/.exec(ref)?.[1]
  const element = number === undefined ? undefined : elements.get(Number(number))?.deref()
  return element && isConnected(element) ? element : undefined
}
