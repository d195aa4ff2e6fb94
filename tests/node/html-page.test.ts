/** An HTML file as a tool's page: what each import answers, as the extension's own reading of pages does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHtmlPage } from '../../src/node/html-page.ts'
import type { ToolPage } from '../../src/orchestrator/tool-page.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tidepool-page-'))
const file = join(scratch, 'page.html')
const HTML = `<!doctype html><html><head><title> The &amp; title </title><style>h1 { color: red }</style></head><body>
<h1 id="top" class="a b">  the <b>sea</b>,
 again </h1><p hidden>hidden <i id="in">inside</i></p><p style="color: red; display:none">gone</p>
<div><p>one</p><p>two<br>three</p><script>x()</script></div>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<form><input name="q" value="typed"><input type="submit" value="Go"><input type="password" value="p" id="pw">
<textarea id="area">written</textarea><input type="file" id="file"><select><option>x</option></select></form></body></html>`

let page: ToolPage
beforeAll(async () => {
  writeFileSync(file, HTML)
  page = await openHtmlPage({ page: file })
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('finds, counts and reads as a page shows', () => {
  expect(page.run('dom_query', { selector: 'h1' })).toBe(true)
  expect(page.run('dom_query', { selector: 'h2' })).toBe(false)
  expect(page.run('dom_count', { selector: 'p' })).toBe(4)
  expect(page.run('dom_text', { selector: 'h1' })).toBe('the sea, again')
  expect(page.run('dom_text', { selector: 'h2' })).toBeNull()
  expect(page.run('dom_text', { selector: 'div' })).toBe('one\n\ntwo\nthree')
  expect(page.run('dom_text', { selector: 'title' })).toBe('The & title')
  expect(page.run('dom_text', { selector: 'table' })).toContain('1 2')
  const silent = ['p[hidden]', '#in', 'p[style]', '#area', 'input']
  expect(silent.filter((selector) => page.run('dom_text', { selector }) !== '')).toEqual([])
})

test('gives attributes and markup without what was typed', () => {
  expect(page.run('dom_attr', { selector: 'h1', name: 'class' })).toBe('a b')
  expect(page.run('dom_attr', { selector: 'h1', name: 'title' })).toBeNull()
  expect(page.run('dom_attr', { selector: 'h2', name: 'id' })).toBeNull()
  expect(page.run('dom_attr', { selector: '[name=q]', name: 'VALUE' })).toBeNull()
  expect(page.run('dom_attr', { selector: '[type=submit]', name: 'value' })).toBe('Go')
  const markup = String(page.run('dom_html', { selector: 'form' }))
  expect(markup).toContain('name="q"')
  for (const typed of ['typed', 'written', '"p"']) expect(markup).not.toContain(typed)
  expect(page.run('dom_text', { selector: 'b' })).toBe('sea')
})

test('changes texts, clicks without effect, and leaves secrets to the person', async () => {
  const own = await openHtmlPage({ page: file })
  expect(own.run('dom_set_text', { selector: 'h1', value: '<b>new</b>' })).toBe(true)
  expect(own.run('dom_text', { selector: 'h1' })).toBe('<b>new</b>')
  expect(own.run('dom_set_text', { selector: 'h2', value: 'x' })).toBe(false)
  expect(own.run('dom_click', { selector: 'h1' })).toBe(true)
  expect(own.run('dom_click', { selector: 'h2' })).toBe(false)
  expect(() => own.run('dom_set_text', { selector: '#pw', value: 'x' })).toThrow('passwords, codes and payments are for the person to give')
  expect(() => own.run('dom_click', { selector: '#file' })).toThrow('files are for the person to choose')
  expect(() => own.run('dom_set_text', { selector: 'style', value: 'x' })).toThrow('holds no text that a tool may set')
  expect(() => own.run('dom_click', { selector: 'p[hidden]' })).toThrow('the element is not visible')
  expect(() => own.run('dom_query', { selector: 'p[' })).toThrow('it is no CSS selector')
})

test('has no server for a request', () => {
  expect(() => page.run('http_fetch', { url: '/x' })).toThrow('Cannot fetch: an HTML file has no server')
})

test('keeps storage in a JSON file', async () => {
  const storage = join(scratch, 'storage.json')
  const first = await openHtmlPage({ page: file, storage })
  expect(first.run('storage_get', { key: 'a' })).toBeNull()
  first.run('storage_set', { key: 'a', value: '1' })
  expect(JSON.parse(readFileSync(storage, 'utf8'))).toEqual({ a: '1' })
  const second = await openHtmlPage({ storage })
  expect(second.run('storage_get', { key: 'a' })).toBe('1')
  expect(() => second.run('dom_query', { selector: 'h1' })).toThrow('there is none; give one with --page FILE.html')
  writeFileSync(storage, '[1]')
  await expect(openHtmlPage({ storage })).rejects.toThrow('it is no JSON object of texts')
  await expect(openHtmlPage({ page: join(scratch, 'none.html') })).rejects.toThrow('no such file, or it cannot be read')
})
