/**
 * An HTML file as the page of a tool (`tidepool tool run --page FILE`), for trying a tool without a browser. It answers as the extension's
 * content script does (src/content/dom), as far as a document without layout can: nothing of it runs or loads, a style sheet hides nothing,
 * and a click has no effect.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { ToolPage } from '../orchestrator/tool-page.ts'
import { BtcpError } from '../protocol/error.ts'
import { isRecord, type JsonObject } from '../protocol/parse.ts'
import type { ImportName } from '../protocol/tool-imports.ts'

/** What is used of linkedom's elements; its own types want a browser's. */
interface Node {
  readonly nodeType: number
  readonly childNodes: Iterable<Node>
  textContent: string | null
}
interface Element extends Node {
  readonly localName: string
  readonly outerHTML: string
  readonly parentElement: Element | null
  matches(selector: string): boolean
  closest(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
  cloneNode(deep: boolean): Element
}
interface Document {
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
}

const ELEMENT = 1
const TEXT = 3
const FIELDS = 'input, textarea, select'
const SECRETS =
  'input[type="password" i], [autocomplete*="password" i], [autocomplete*="one-time-code" i], [autocomplete^="cc-" i], [autocomplete*=" cc-" i]'
const LABELS = '[type="button" i], [type="submit" i], [type="reset" i], [type="image" i], [type="checkbox" i], [type="radio" i]'
const UNSEEN = new Set(['script', 'style', 'template', 'noscript', 'head', 'title'])
const BLOCKS = new Set(
  'address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
)
const HIDDEN = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i

export interface HtmlPageOptions {
  /** the HTML file; without it a tool that asks for the page is told that there is none */
  readonly page?: string
  /** a JSON file of what `localStorage` holds: read at the start, written at each change; without it nothing is kept */
  readonly storage?: string
}

/** Throws BtcpError where a file cannot be read. */
export async function openHtmlPage({ page, storage }: HtmlPageOptions): Promise<ToolPage> {
  if (page === undefined) return new HtmlPage(undefined, storage)
  const { parseHTML } = await import('linkedom')
  const { document } = parseHTML(readText(page)) as unknown as { readonly document: Document }
  return new HtmlPage(document, storage)
}

class HtmlPage implements ToolPage {
  readonly #document: Document | undefined
  readonly #file: string | undefined
  readonly #storage: Map<string, string>

  constructor(document: Document | undefined, storage: string | undefined) {
    this.#document = document
    this.#file = storage
    this.#storage = storage === undefined ? new Map() : readStorage(storage)
  }

  run(name: ImportName, args: JsonObject): unknown {
    switch (name) {
      case 'dom_query':
        return this.#find(args) !== null
      case 'dom_count':
        return [...this.#search(args, (document, selector) => document.querySelectorAll(selector))].length
      case 'dom_text':
        return textOf(this.#find(args))
      case 'dom_attr':
        return attributeOf(this.#find(args), given(args, 'name'))
      case 'dom_html':
        return markupOf(this.#find(args))
      case 'dom_set_text':
        return setText(this.#find(args), given(args, 'value'))
      case 'dom_click':
        return click(this.#find(args))
      case 'storage_get':
        return this.#storage.get(given(args, 'key')) ?? null
      case 'storage_set':
        return this.#store(given(args, 'key'), given(args, 'value'))
      case 'http_fetch':
        throw new BtcpError('UNSUPPORTED', 'Cannot fetch: an HTML file has no server; the extension and a page of a program can', {
          effects: 'none',
        })
      case 'call_tool':
      case 'read_file':
      case 'list_directory':
      case 'file_exists':
      case 'write_file':
        throw new BtcpError('UNSUPPORTED', `Cannot import "${name}": that is not the page's`, { effects: 'none' })
    }
  }

  #find(args: JsonObject): Element | null {
    return this.#search(args, (document, selector) => document.querySelector(selector))
  }

  #search<T>(args: JsonObject, look: (document: Document, selector: string) => T): T {
    if (!this.#document)
      throw new BtcpError('UNSUPPORTED', 'Cannot read the page: there is none; give one with --page FILE.html', { effects: 'none' })
    try {
      return look(this.#document, given(args, 'selector'))
    } catch (error) {
      throw error instanceof BtcpError ? error : invalid('selector', 'it is no CSS selector')
    }
  }

  #store(key: string, value: string): void {
    this.#storage.set(key, value)
    if (this.#file !== undefined) writeFileSync(this.#file, `${JSON.stringify(Object.fromEntries(this.#storage), null, 2)}\n`)
  }
}

const isSecret = (element: Element): boolean => element.matches(SECRETS)
const holdsValue = (element: Element): boolean =>
  isSecret(element) || (element.matches(FIELDS) && !(element.localName === 'input' && element.matches(LABELS)))
const isHidden = (element: Element): boolean => element.getAttribute('hidden') !== null || HIDDEN.test(element.getAttribute('style') ?? '')

/** The text that a page shows of the element: white space as it flows, a line for each block. */
function textOf(element: Element | null): string | null {
  if (!element) return null
  for (let at: Element | null = element; at; at = at.parentElement) if (isHidden(at)) return ''
  if (element.closest(`${FIELDS}, ${SECRETS}`)) return ''
  if (element.localName === 'title') return (element.textContent ?? '').trim()
  return flow(element)
    .replaceAll(/[ \t\r\f]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

function flow(node: Node): string {
  if (node.nodeType === TEXT) return (node.textContent ?? '').replaceAll(/\s+/g, ' ')
  if (node.nodeType !== ELEMENT) return ''
  const element = node as Element
  if (UNSEEN.has(element.localName) || isHidden(element) || element.matches(FIELDS)) return ''
  if (element.localName === 'br') return '\n'
  const inner = [...element.childNodes].map(flow).join('')
  if (element.localName === 'td' || element.localName === 'th') return `${inner}\t`
  return BLOCKS.has(element.localName) ? `\n${inner}\n` : inner
}

function attributeOf(element: Element | null, name: string): string | null {
  if (!element || (name.toLowerCase() === 'value' && holdsValue(element))) return null
  return element.getAttribute(name)
}

function markupOf(element: Element | null): string | null {
  if (!element) return null
  const copy = element.cloneNode(true)
  for (const inner of [copy, ...copy.querySelectorAll('*')]) {
    if (!holdsValue(inner)) continue
    if (inner.getAttribute('value') !== null) inner.setAttribute('value', '')
    if (inner.localName === 'textarea') inner.textContent = ''
  }
  return copy.outerHTML
}

function setText(element: Element | null, value: string): boolean {
  if (!element) return false
  refuseSecret(element, 'set the text')
  if (element.matches('script, style, html, head, body, head *'))
    throw denied('set the text', `<${element.localName}> holds no text that a tool may set`)
  if (element.localName === 'select' || (element.localName === 'input' && element.matches(LABELS)))
    throw invalid('selector', 'the element takes no text')
  if (isHidden(element)) throw invalid('selector', 'the element is not visible')
  if (element.localName === 'input') element.setAttribute('value', value)
  else element.textContent = value
  return true
}

function click(element: Element | null): boolean {
  if (!element) return false
  refuseSecret(element, 'click')
  if (isHidden(element)) throw invalid('selector', 'the element is not visible')
  return true
}

function refuseSecret(element: Element, what: string): void {
  if (isSecret(element)) throw denied(what, 'passwords, codes and payments are for the person to give')
  if (element.matches('input[type="file" i]')) throw denied(what, 'files are for the person to choose')
}

const denied = (what: string, reason: string): BtcpError =>
  new BtcpError('CAPABILITY_DENIED', `Cannot ${what}: ${reason}`, { missing: [], effects: 'none' })

const invalid = (name: string, reason: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot use the page: "${name}": ${reason}`, {
    errors: [{ instancePath: `/${name}`, message: reason }],
    effects: 'none',
  })

function given(args: JsonObject, name: string): string {
  const value = args[name]
  if (typeof value === 'string') return value
  throw invalid(name, 'it is no text')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new BtcpError('INVALID_PARAMS', `Cannot read "${path}": no such file, or it cannot be read`, { effects: 'none' })
  }
}

/** A file that is not there yet is made by the first change. */
function readStorage(path: string): Map<string, string> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new BtcpError('INVALID_PARAMS', `Cannot read "${path}": it cannot be read`, { effects: 'none' })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value) && Object.values(value).every((item) => typeof item === 'string'))
      return new Map(Object.entries(value as Record<string, string>))
  } catch {
    // Said below.
  }
  throw new BtcpError('INVALID_PARAMS', `Cannot read "${path}": it is no JSON object of texts`, { effects: 'none' })
}
