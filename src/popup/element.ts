/** Elements of the extension's own pages, found and made by code: what comes from a site is only ever set as text. */

/** The element with the id; a page without it is our own mistake. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`Cannot find #${id} in this page`)
  return found as T
}

type Attributes = Readonly<Record<string, string>>

/** `element('p', { class: 'note' }, 'text', child)`; a child that is a string becomes text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** `label` is its accessible name where the text alone does not say what it is about. */
export function button(text: string, kind: '' | 'quiet', onPress: () => void, label?: string): HTMLButtonElement {
  const made = element('button', { type: 'button', class: kind, ...(label === undefined ? {} : { 'aria-label': label }) }, text)
  made.addEventListener('click', onPress)
  return made
}
