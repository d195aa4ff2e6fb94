/** An origin as a person should read it: whole, in punycode (an origin's serialization already is), its host in bold. */
import { element } from './element.ts'

export function showOrigin(into: HTMLElement, origin: string): void {
  const { protocol, host } = new URL(origin)
  into.replaceChildren(element('span', { class: 'scheme' }, `${protocol}//`), host)
}
