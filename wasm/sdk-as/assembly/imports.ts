// The imports of module btcp as functions; docs/tools.md has what each needs. A failure throws, and so ends the call with a text that says
// which import and why; a text that is not there is null.
import * as host from './host'
import { Json } from './json'

/** Enough for most texts, so that most are asked for once. */
const FIRST_CAPACITY: i32 = 4 * 1024
/** A text that grows each time it is asked for is given up. */
const TRIES: i32 = 8

const NOT_FOUND: i32 = -1

/** A text in UTF-8 where an import finds it. */
class Utf8 {
  private bytes: ArrayBuffer

  constructor(text: string) {
    this.bytes = String.UTF8.encode(text)
  }

  get at(): usize {
    return changetype<usize>(this.bytes)
  }

  get length(): i32 {
    return this.bytes.byteLength
  }
}

/** Whether an element matches. Needs dom:read. */
export function domQuery(selector: string): bool {
  const text = new Utf8(selector)
  return number('dom_query', host.dom_query(text.at, text.length)) != 0
}

/** How many elements match. Needs dom:read. */
export function domCount(selector: string): i32 {
  const text = new Utf8(selector)
  return number('dom_count', host.dom_count(text.at, text.length))
}

/** The text of the first element that matches. Needs dom:read. */
export function domText(selector: string): string | null {
  return ask('dom_text', new Utf8(selector), null, (one, two, out, capacity) => host.dom_text(one.at, one.length, out, capacity))
}

/** An attribute of the first element that matches. Needs dom:read. */
export function domAttr(selector: string, name: string): string | null {
  return ask('dom_attr', new Utf8(selector), new Utf8(name), (one, two, out, capacity) =>
    host.dom_attr(one.at, one.length, two!.at, two!.length, out, capacity),
  )
}

/** The HTML of the first element that matches. Needs dom:read. */
export function domHtml(selector: string): string | null {
  return ask('dom_html', new Utf8(selector), null, (one, two, out, capacity) => host.dom_html(one.at, one.length, out, capacity))
}

/** Sets the text of the first element that matches; false if there is none. Needs dom:write. */
export function domSetText(selector: string, value: string): bool {
  const one = new Utf8(selector)
  const two = new Utf8(value)
  return number('dom_set_text', host.dom_set_text(one.at, one.length, two.at, two.length)) != 0
}

/** Clicks the first element that matches; false if there is none. Needs dom:write. */
export function domClick(selector: string): bool {
  const text = new Utf8(selector)
  return number('dom_click', host.dom_click(text.at, text.length)) != 0
}

/** A value of the page's localStorage. Needs storage:local:read. */
export function storageGet(key: string): string | null {
  return ask('storage_get', new Utf8(key), null, (one, two, out, capacity) => host.storage_get(one.at, one.length, out, capacity))
}

/** Sets a value of the page's localStorage. Needs storage:local:write. */
export function storageSet(key: string, value: string): void {
  const one = new Utf8(key)
  const two = new Utf8(value)
  number('storage_set', host.storage_set(one.at, one.length, two.at, two.length))
}

/** `{ url, method?, headers?, body? }` → `{ status, headers, body, encoding? }`, to the page's own origin. Needs network:fetch:same-origin. */
export function httpFetch(request: Json): Json {
  const answer = ask('http_fetch', new Utf8(request.toString()), null, (one, two, out, capacity) =>
    host.http_fetch(one.at, one.length, out, capacity),
  )
  return answer == null ? fail('http_fetch', NOT_FOUND) : Json.parse(answer)
}

/** Calls another tool and answers its structuredContent. Needs what that tool needs, also of the tools and the site that called this one. */
export function callTool(name: string, args: Json): Json {
  const request = Json.object().set('name', Json.text(name)).set('arguments', args)
  const answer = ask('call_tool', new Utf8(request.toString()), null, (one, two, out, capacity) =>
    host.call_tool(one.at, one.length, out, capacity),
  )
  return answer == null ? fail('call_tool', NOT_FOUND) : Json.parse(answer)
}

export enum Level {
  Debug,
  Info,
  Warn,
  Error,
}

/** A line for the tool's author; the caller's answer does not have it. Needs nothing. */
export function log(level: Level, text: string): void {
  const line = new Utf8(text)
  host.log(level, line.at, line.length)
}

function number(name: string, answer: i32): i32 {
  if (answer < 0) fail(name, answer)
  return answer
}

/** Asks for a text until it fits. The host keeps an answer that did not fit for the same question asked again at once. */
function ask(
  name: string,
  one: Utf8,
  two: Utf8 | null,
  call: (one: Utf8, two: Utf8 | null, out: usize, capacity: i32) => i32,
): string | null {
  let capacity = FIRST_CAPACITY
  for (let i = 0; i < TRIES; i++) {
    const buffer = new ArrayBuffer(capacity)
    const out = changetype<usize>(buffer)
    const needed = call(one, two, out, capacity)
    if (needed == NOT_FOUND) return null
    if (number(name, needed) <= capacity) return String.UTF8.decodeUnsafe(out, needed)
    capacity = needed
  }
  throw new Error(name + ': over a limit: it grows each time it is asked for')
}

function words(answer: i32): string {
  if (answer == NOT_FOUND) return 'not found'
  if (answer == -2) return 'denied'
  if (answer == -3) return 'timeout'
  if (answer == -5) return 'the document is gone'
  if (answer == -6) return 'over a limit'
  return 'invalid'
}

/** Does not come back. */
function fail(name: string, answer: i32): Json {
  const buffer = new ArrayBuffer(1024)
  const out = changetype<usize>(buffer)
  const needed = host.last_error(out, buffer.byteLength)
  const said = needed > 0 && needed <= buffer.byteLength ? ': ' + String.UTF8.decodeUnsafe(out, needed) : ''
  throw new Error(name + ': ' + words(answer) + said)
}
