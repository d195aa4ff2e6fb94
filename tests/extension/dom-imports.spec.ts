/**
 * The table of DOM imports over real documents of Chromium: the rows that a tool's module uses, driven without the tool. Ours are the
 * content script's own functions, put into the page before its first script.
 */
import { chromium, expect, test, type Browser, type Page } from '@playwright/test'
import { build, type Rolldown } from 'vite'
import { browserPath } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

let sites: SiteServer
let browser: Browser
let script: string

test.beforeAll(async () => {
  sites = await serveSites()
  const built = (await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      lib: { entry: 'src/content/dom/imports.ts', formats: ['iife'], name: 'tidepoolImports' },
    },
  })) as Rolldown.RolldownOutput[]
  script = `${built[0]!.output[0].code}\n;globalThis.tidepoolImports = tidepoolImports`
  browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] })
})
test.afterAll(async () => {
  await browser.close()
  await sites[Symbol.asyncDispose]()
})

let pages = 0
async function open(body: string, name = 'dom'): Promise<Page> {
  const path = `/dom-${++pages}`
  sites.route(path, `<!doctype html><meta charset=utf-8><title>t</title>${body}`)
  const page = await browser.newPage()
  await page.addInitScript(script)
  await page.goto(`${sites.origin(name)}${path}`)
  return page
}

/** What an import answers with everything granted; its error as `CODE: text`. */
async function ask(page: Page, name: string, args: object): Promise<unknown> {
  return await page.evaluate(
    ([method, given]) => {
      const ours = globalThis as unknown as { tidepoolImports: { runDomImport(method: string, params: object): unknown } }
      const principal = { kind: 'tool', owner: { kind: 'site', origin: location.origin }, tool: 'x', sha256: 'a'.repeat(64) }
      const grants = ['dom:write', 'storage:local:write', 'storage:session:write'].map((capability) => ({
        id: capability,
        principal,
        manifest: 'x',
        capability,
        caveats: {},
        duration: 'session',
        grantedAt: 0,
        taken: 0,
        boundTo: [],
      }))
      try {
        return ours.tidepoolImports.runDomImport(`dom/${method}`, {
          principal,
          manifest: 'x',
          builtIn: false,
          call: 'c',
          grants,
          arguments: given,
        })
      } catch (error) {
        const { message, data } = error as { message: string; data?: { btcpCode: string; limit?: string } }
        return `${data?.btcpCode ?? 'thrown'}${data?.limit === undefined ? '' : `(${data.limit})`}: ${message}`
      }
    },
    [name, args] as const,
  )
}

const REFUSED = expect.stringMatching(/^CAPABILITY_DENIED: Cannot /)
const INVALID = expect.stringMatching(/^INVALID_PARAMS: /)

test('a module reads elements, attributes and markup, and is told what there is not', async () => {
  const page = await open('<h1 id=top title=T>Head <b>line</b></h1><p>one</p><p>two</p><svg><text class=s>drawn</text></svg>')
  expect(await ask(page, 'dom_query', { selector: 'h1' })).toBe(true)
  expect(await ask(page, 'dom_query', { selector: 'h2' })).toBe(false)
  expect(await ask(page, 'dom_count', { selector: 'p' })).toBe(2)
  expect(await ask(page, 'dom_count', { selector: 'h2' })).toBe(0)
  expect(await ask(page, 'dom_text', { selector: 'h1' })).toBe('Head line')
  expect(await ask(page, 'dom_text', { selector: '.s' })).toBe('drawn')
  expect(await ask(page, 'dom_text', { selector: 'h2' })).toBe(null)
  expect(await ask(page, 'dom_attr', { selector: 'h1', name: 'TITLE' })).toBe('T')
  expect(await ask(page, 'dom_attr', { selector: 'h1', name: '__proto__' })).toBe(null)
  expect(await ask(page, 'dom_attr', { selector: 'h2', name: 'title' })).toBe(null)
  expect(await ask(page, 'dom_html', { selector: 'h1' })).toBe('<h1 id="top" title="T">Head <b>line</b></h1>')
  expect(await ask(page, 'dom_html', { selector: 'h2' })).toBe(null)
  for (const selector of ['][', '', 'p:nothing()', 5, undefined, 'p'.repeat(4_097)])
    for (const name of ['dom_query', 'dom_count', 'dom_text', 'dom_html', 'dom_click'])
      expect([name, await ask(page, name, { selector })]).toEqual([name, INVALID])
  await page.close()
})

test('a ref names its element while it is in the document', async () => {
  const page = await open(`<ul><li>one<li>two<li>${'x'.repeat(300)}</ul>`)
  const found = await ask(page, 'page_query', { selector: 'li' })
  expect(found).toEqual({
    count: 3,
    items: [
      { ref: '@ref:1', tag: 'li', text: 'one' },
      { ref: '@ref:2', tag: 'li', text: 'two' },
      { ref: '@ref:3', tag: 'li', text: 'x'.repeat(200) },
    ],
  })
  await page.evaluate(() => document.querySelector('ul')!.prepend(document.createElement('li')))
  expect(await ask(page, 'page_query', { selector: 'li', limit: 2 })).toMatchObject({
    count: 4,
    items: [{ ref: '@ref:4' }, { ref: '@ref:1' }],
  })
  expect(await ask(page, 'dom_text', { selector: '@ref:2' })).toBe('two')
  await page.evaluate(() => document.querySelectorAll('li')[2]!.remove())
  expect(await ask(page, 'dom_text', { selector: '@ref:2' })).toBe(null)
  expect(await ask(page, 'dom_query', { selector: '@ref:99' })).toBe(false)
  expect(await ask(page, 'dom_query', { selector: '@ref:0' })).toBe(false)
  await page.close()
})

test('T11 a clobbered document is read and changed as it is', async () => {
  const page = await open(
    `<body><p id=real>real</p><form name=querySelector></form><form name=querySelectorAll></form><img name=body><form name=importNode></form><form name=location></form>
     <form id=form><input name=getAttribute><input name=outerHTML><input name=matches><input name=localName><input name=closest><input name=textContent>
     <input name=isConnected><input name=checkVisibility><button name=click>go</button><button name=dispatchEvent></button><input name=querySelectorAll>text</form>`,
  )
  expect(await ask(page, 'dom_count', { selector: 'form' })).toBe(5)
  expect(await ask(page, 'dom_html', { selector: '#form' })).toContain('>go</button>')
  expect(await ask(page, 'page_query', { selector: '#form' })).toMatchObject({
    items: [{ tag: 'form', text: expect.stringContaining('text') }],
  })
  expect(await ask(page, 'dom_set_text', { selector: '#form', value: 'set' })).toBe(true)
  expect(await page.evaluate(() => document.getElementById('form')!.innerHTML)).toBe('set')
  await page.close()
})

test('T95 values of fields are in no text, no attribute and no markup, and no selector guesses a secret one', async () => {
  const page = await open(
    `<form id=f><input type=password value=secret1 name=p><input autocomplete="billing cc-number" value=secret2><input name=cardNumber value=secret3>
     <textarea id=t>secret4</textarea><input value=secret5><input type=hidden value=secret6><input type=checkbox value=box><button value=b>Send</button>
     <template><input type=password value=secret7></template></form>`,
  )
  const html = (await ask(page, 'dom_html', { selector: '#f' })) as string
  expect(html).not.toContain('secret')
  expect(html).toContain('value="box"')
  expect(await ask(page, 'dom_html', { selector: '#t' })).toBe('<textarea id="t"></textarea>')
  for (const selector of ['[type=password]', '[autocomplete]', '[name=cardNumber]', 'input:nth-of-type(4)', '[type=hidden]', 'textarea']) {
    for (const name of ['value', 'VALUE']) expect([selector, await ask(page, 'dom_attr', { selector, name })]).toEqual([selector, null])
    expect([selector, await ask(page, 'dom_text', { selector })]).toEqual([selector, ''])
  }
  expect(await ask(page, 'dom_attr', { selector: '[type=checkbox]', name: 'value' })).toBe('box')
  expect(await ask(page, 'dom_attr', { selector: 'button', name: 'value' })).toBe('b')
  for (const selector of ['[value^="s"]', 'input[VALUE*=secret]', '[\\76 alue^=s]', 'form:has([value^=s])', '[*|value^=s]'])
    for (const name of ['dom_query', 'dom_count', 'page_query', 'dom_text', 'dom_click'])
      expect([selector, await ask(page, name, { selector })]).toEqual([selector, INVALID])
  // The original is as it was.
  expect(
    await page.evaluate(() => [...document.querySelectorAll('input')].filter((input) => input.value.startsWith('secret')).length),
  ).toBe(5)
  await page.close()
})

test('copying markup runs nothing of the page and loads nothing', async () => {
  const page = await open(
    `<div id=d><x-made></x-made></div><script>window.made = 0; customElements.define('x-made', class extends HTMLElement { constructor() { super(); window.made++ } })</script>`,
  )
  expect(await ask(page, 'dom_html', { selector: '#d' })).toBe('<div id="d"><x-made></x-made></div>')
  expect(await page.evaluate(() => (window as unknown as { made: number }).made)).toBe(1)
  await page.close()
})

test('a field is set as typing sets it, another element gets a text', async () => {
  const page = await open(
    `<input id=i value=old><textarea id=t></textarea><p id=p>old <b>text</b></p><input id=n type=number><input id=r readonly value=kept><input id=d disabled>
     <script>
       window.heard = []
       for (const name of ['input', 'change']) addEventListener(name, (event) => heard.push([event.target.id, name, event.target.value, event.isTrusted]))
       Object.defineProperty(document.getElementById('i'), 'value', { set() { heard.push('tracked') }, get() { return 'tracked' }, configurable: true })
       delete document.getElementById('i').value
     </script>`,
  )
  expect(await ask(page, 'dom_set_text', { selector: '#i', value: 'new' })).toBe(true)
  expect(await ask(page, 'dom_set_text', { selector: '#t', value: 'a\nb' })).toBe(true)
  expect(await ask(page, 'dom_set_text', { selector: '#p', value: '<i>x</i>' })).toBe(true)
  expect(await ask(page, 'dom_set_text', { selector: '#none', value: 'x' })).toBe(false)
  expect(await ask(page, 'dom_set_text', { selector: '#n', value: 'seven' })).toEqual(INVALID)
  expect(await ask(page, 'dom_set_text', { selector: '#r', value: 'x' })).toEqual(INVALID)
  expect(await ask(page, 'dom_set_text', { selector: '#d', value: 'x' })).toEqual(INVALID)
  expect(await ask(page, 'dom_set_text', { selector: '#p' })).toEqual(INVALID)
  expect(await page.evaluate(() => [(window as unknown as { heard: unknown }).heard, document.getElementById('p')!.innerHTML])).toEqual([
    [
      ['i', 'input', 'new', false],
      ['i', 'change', 'new', false],
      ['t', 'input', 'a\nb', false],
      ['t', 'change', 'a\nb', false],
    ],
    '&lt;i&gt;x&lt;/i&gt;',
  ])
  await page.close()
})

test('T95 what only the person may give is refused: passwords, payments, files, frames, permissions', async () => {
  const page = await open(
    `<input type=password class=a><input autocomplete=current-password class=b><input autocomplete="section-x billing cc-csc" class=c><input name=cvv class=d>
     <input autocomplete=one-time-code class=e><input type=file class=f><label class=g>Choose <input type=file></label><iframe class=h src="${sites.origin('other')}/"></iframe>
     <object class=i width=10 height=10></object><permission class=j type=camera>p</permission><script class=k>1</script><style class=l>p {}</style>`,
  )
  await page.evaluate(() => document.addEventListener('click', () => (document.title = 'clicked'), true))
  for (const name of 'abcdefhij') {
    expect([name, await ask(page, 'dom_click', { selector: `.${name}` })]).toEqual([name, REFUSED])
    expect([name, await ask(page, 'dom_set_text', { selector: `.${name}`, value: 'x' })]).toEqual([name, REFUSED])
  }
  expect(await ask(page, 'dom_click', { selector: '.g' })).toEqual(REFUSED)
  for (const selector of ['.k', '.l', 'head', 'title', 'html', 'body'])
    expect([selector, await ask(page, 'dom_set_text', { selector, value: 'alert(1)' })]).toEqual([selector, REFUSED])
  expect(await page.title()).toBe('t')
  expect(await page.evaluate(() => [...document.querySelectorAll('input')].every((input) => input.value === ''))).toBe(true)
  await page.close()
})

test('T95 a click leaves neither the site nor the window, downloads nothing and runs no address', async () => {
  const other = sites.origin('other')
  const page = await open(
    `<a class=a href="${other}/">x</a><a class=b href="javascript:document.title='ran'">x</a><a class=c href="/" target=_blank>x</a><a class=d href="/" download>x</a>
     <a class=e href="mailto:a@b.example">x</a><a class=f href="/" ping="${other}/">x</a><a href="${other}/"><b class=g>x</b></a><a class=h href="data:text/html,x">x</a>
     <form action="${other}/"><button class=i>x</button><input type=submit class=j value=x><button type=button class=z>fine</button></form>
     <form><button class=k formaction="${other}/">x</button><button class=l formtarget=_blank>x</button><label class=m>x <input type=submit formaction="javascript:1"></label></form>
     <svg><a href="${other}/"><text y=20 class=n>x</text></a></svg><p class=o hidden>x</p><button class=p disabled>x</button><p class=q style="visibility:hidden">x</p>`,
  )
  await page.evaluate(() => document.addEventListener('click', (event) => (document.title += (event.target as Element).className), true))
  for (const name of 'abcdefghijklmn') expect([name, await ask(page, 'dom_click', { selector: `.${name}` })]).toEqual([name, REFUSED])
  for (const name of 'opq') expect([name, await ask(page, 'dom_click', { selector: `.${name}` })]).toEqual([name, INVALID])
  expect(await ask(page, 'dom_click', { selector: '.z' })).toBe(true)
  expect(await ask(page, 'dom_click', { selector: '.nothing' })).toBe(false)
  expect(await page.title()).toBe('tz')
  await page.close()
})

test('a click on a link of the site follows it; one whose base opens windows does not', async () => {
  const page = await open('<a id=here href="#part">x</a><svg><text y=20 id=s>x</text></svg>')
  await page.evaluate(() => document.getElementById('s')!.addEventListener('click', () => (document.title = 'drawn')))
  expect(await ask(page, 'dom_click', { selector: '#here' })).toBe(true)
  expect(new URL(page.url()).hash).toBe('#part')
  expect(await ask(page, 'dom_click', { selector: '#s' })).toBe(true)
  expect(await page.title()).toBe('drawn')
  await page.evaluate(() => document.head.append(Object.assign(document.createElement('base'), { target: '_blank' })))
  expect(await ask(page, 'dom_click', { selector: '#here' })).toEqual(REFUSED)
  await page.close()
})

test('T92 keys are keys: __proto__, constructor, getItem; of another site there is none; a full storage is fast', async () => {
  test.setTimeout(180_000)
  const page = await open('', 'keys')
  for (const key of ['__proto__', 'constructor', 'getItem', 'setItem', 'length', '', 'ü\0'])
    for (const area of ['local', 'session']) {
      expect([key, await ask(page, 'storage_get', { area, key })]).toEqual([key, { value: null }])
      expect(await ask(page, 'storage_set', { area, key, value: `v ${key}` })).toEqual({ area, key })
      expect([key, await ask(page, 'storage_get', { area, key })]).toEqual([key, { value: `v ${key}` }])
    }
  expect(await ask(page, 'storage_get', { key: 'getItem' })).toEqual({ value: 'v getItem' })
  const other = await open('', 'keys-other')
  expect(await ask(other, 'storage_get', { key: 'getItem' })).toEqual({ value: null })
  for (const args of [{ key: 5 }, {}, { key: 'k'.repeat(4_097) }, { area: 'cookie', key: 'k' }, { area: '__proto__', key: 'k' }])
    expect(await ask(page, 'storage_get', args)).toEqual(INVALID)
  expect(await ask(page, 'storage_set', { key: 'k', value: null })).toEqual(INVALID)

  // As many keys as the browser keeps; a million do not fit.
  const kept = await page.evaluate(() => {
    let kept = 0
    try {
      for (; kept < 1_000_000; kept++) sessionStorage.setItem(`k${kept}`, '')
    } catch {}
    return kept
  })
  expect(kept).toBeGreaterThan(100_000)
  const started = Date.now()
  expect(await ask(page, 'storage_get', { area: 'session', key: `k${kept - 1}` })).toEqual({ value: '' })
  expect(await ask(page, 'storage_set', { area: 'session', key: 'big', value: 'x'.repeat(1_000_000) })).toBe(
    'INTERNAL_ERROR(siteStorage): Cannot store "big": the browser keeps no more for this site',
  )
  expect(Date.now() - started).toBeLessThan(20_000)
  await other.close()
  await page.close()
})

test('what is larger than an import may give is an error that names the limit', async () => {
  const page = await open('<p>x</p>')
  await page.evaluate(() => (document.querySelector('p')!.textContent = 'ä'.repeat(5_000_000)))
  for (const name of ['dom_text', 'dom_html'])
    expect(await ask(page, name, { selector: 'p' })).toEqual(expect.stringMatching(/^INTERNAL_ERROR\(toolImportBytes\): /))
  expect(await ask(page, 'dom_count', { selector: 'p' })).toBe(1)
  await page.close()
})

test('a document without storage says so', async () => {
  sites.route('/opaque', (_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html', 'content-security-policy': 'sandbox allow-scripts' })
      .end('<!doctype html><h1>A site</h1>'),
  )
  const page = await browser.newPage()
  await page.addInitScript(script)
  await page.goto(`${sites.origin('opaque')}/opaque`)
  for (const [name, args] of [
    ['storage_get', { key: 'k' }],
    ['storage_set', { key: 'k', value: 'v' }],
  ] as const)
    expect(await ask(page, name, args)).toBe(
      "UNSUPPORTED: Cannot use the local storage: this document has none, or the browser's settings forbid it",
    )
  await page.close()
})
