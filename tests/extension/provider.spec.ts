/** The provider as a page meets it: absent until its user switches the site on, denied until something is granted, whole whatever the page does. */
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

/** A page that breaks every built-in it can reach, and then calls. */
const POISON = `
  const { getOwnPropertyNames, getOwnPropertyDescriptor, defineProperty } = Object
  const root = document.documentElement
  const setAttribute = root.setAttribute.bind(root)
  const broken = () => { throw new Error('patched') }
  for (const [name, value] of [['cap', 'shell:run'], ['signal', 'x'], ['get', broken], ['missing', []], ['timeout', 7]])
    defineProperty(Object.prototype, name, { __proto__: null, value, enumerable: true })
  for (const index of [0, 1]) defineProperty(Array.prototype, index, { __proto__: null, set: broken })
  Array.prototype.toJSON = broken
  const targets = [Array, Map, Set, WeakMap, MessagePort, MessageChannel, MessageEvent, EventTarget, AbortSignal, Function, Promise, String, Number, CustomEvent].map((one) => one.prototype)
  const all = [...targets, Array, JSON, Promise, Reflect, Object]
  for (let t = 0; t < all.length; t += 1) {
    const names = getOwnPropertyNames(all[t])
    for (let n = 0; n < names.length; n += 1) {
      const own = getOwnPropertyDescriptor(all[t], names[n])
      if (own.writable && names[n] !== 'constructor' && typeof own.value === 'function') all[t][names[n]] = broken
    }
  }
  void (async () => {
    const tool = await btcp.getTool('fs_read')
    try {
      await btcp.callTool('shell_run', { command: 'echo hi' })
    } catch (error) {
      setAttribute('data-answer', tool.name + ' ' + error.code + ' ' + error.data.missing[0])
    }
  })()
`

let sites: SiteServer
let tidepool: Tidepool
let page: Page

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

test.describe('a site that is off', () => {
  test('T30 shows nothing of the extension', async () => {
    page = await tidepool.open(`${sites.origin('off')}/`)
    const traces = await page.evaluate(() => {
      const heard: string[] = []
      for (const name of ['btcp:announceProvider', 'btcp:ready', 'btcp:port']) addEventListener(name, () => heard.push(name), true)
      dispatchEvent(new Event('btcp:requestProvider'))
      document.dispatchEvent(new Event('btcp:want'))
      return {
        names: Object.getOwnPropertyNames(window).filter((name) => /btcp|tidepool/i.test(name)),
        heard,
        html: document.documentElement.outerHTML,
      }
    })
    expect(traces.names).toEqual([])
    expect(traces.heard).toEqual([])
    expect(traces.html).not.toMatch(/btcp|tidepool|chrome-extension/i)
    await page.close()
  })

  test('T29 finds no file of the extension', async () => {
    page = await tidepool.open(`${sites.origin('off')}/`)
    const files = [
      'manifest.json',
      'src/icons/icon-16.png',
      'src/content/inpage.iife.js',
      'src/popup/index.html',
      'cell-worker.js',
      'src/sandbox/frame/index.html',
    ]
    const found = await page.evaluate(
      async (addresses) => {
        const image = (src: string): Promise<boolean> =>
          new Promise((resolve) => {
            const element = new Image()
            element.addEventListener('load', () => resolve(true))
            element.addEventListener('error', () => resolve(false))
            element.src = src
          })
        const script = (src: string): Promise<boolean> =>
          new Promise((resolve) => {
            const element = document.createElement('script')
            element.addEventListener('load', () => resolve(true))
            element.addEventListener('error', () => resolve(false))
            element.src = src
            document.head.append(element)
          })
        const out: string[] = []
        for (const address of addresses) {
          const fetched = await fetch(address).then(
            () => true,
            () => false,
          )
          if (fetched || (await image(address)) || (await script(address))) out.push(address)
        }
        return out
      },
      files.map((file) => tidepool.address(file)),
    )
    expect(found).toEqual([])
    await page.close()
  })

  test('is not offered on http of another machine', async () => {
    const other = await launchTidepool({ args: ['--host-resolver-rules=MAP *.test 127.0.0.1'] })
    const insecure = await other.open(`http://app.test:${sites.port}/`)
    const popup = await other.openPopup(insecure)
    expect(await popup.target.evaluate('[document.querySelector("#elsewhere").hidden, document.querySelector("#site").hidden]')).toEqual([
      false,
      true,
    ])
    await other.close()
  })
})

test.describe('a site that is on', () => {
  test.beforeAll(async () => {
    page = await tidepool.site(sites.origin('app'))
  })

  test('answers ping without a reload', async () => {
    expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  })

  test('has its provider before its first script runs, and only in the top frame', async () => {
    sites.route(
      '/early',
      '<!doctype html><script>window.seen = [typeof btcp, btcp.isBtcp, btcpReady]; Promise.resolve().then(() => btcp.ready).then(() => (window.isReady = true))</script><iframe src="/"></iframe>',
    )
    const early = await tidepool.open(`${sites.origin('app')}/early`)
    await early.waitForFunction(() => (window as { isReady?: boolean }).isReady)
    expect(await early.evaluate(() => (window as { seen?: unknown }).seen)).toEqual(['object', true, true])
    expect(await early.frames()[1]?.evaluate(() => 'btcp' in window)).toBe(false)
    await early.close()
  })

  test('is discovered as EIP-6963 providers are', async () => {
    const { info, same, frozen } = await page.evaluate(() => {
      let detail: { info: { name: string; rdns: string; uuid: string; icon: string }; provider: unknown } | undefined
      addEventListener('btcp:announceProvider', (event) => (detail = (event as CustomEvent).detail))
      dispatchEvent(new Event('btcp:requestProvider'))
      return {
        info: detail?.info,
        same: detail?.provider === window.btcp,
        frozen: Object.isFrozen(detail) && Object.isFrozen(detail?.info),
      }
    })
    expect(info).toMatchObject({
      name: 'Tidepool',
      rdns: 'dev.tidepool',
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      icon: expect.stringMatching(/^data:image\/svg/),
    })
    expect([same, frozen]).toEqual([true, true])
  })

  test('lists the tools with their schemas, and says which capability is missing', async () => {
    const tools = await ask<{ name: string; inputSchema: object }[]>(page, 'listTools')
    expect(tools.value?.map((tool) => tool.name)).toEqual([
      'shell_run',
      'python_run',
      'js_run',
      'code_execute',
      'fs_read',
      'fs_write',
      'fs_list',
      'fs_stat',
      'fs_remove',
      'fs_move',
      'page_text',
      'page_query',
      'storage_get',
      'storage_set',
    ])
    const granted = await ask<{ name: string }[]>(page, 'listTools', { includeUngranted: false })
    expect(granted.value?.map((tool) => tool.name)).toEqual(['fs_read', 'fs_list', 'fs_stat'])
    const { failure } = await callTool(page, 'shell_run', { command: 'echo hi' })
    expect(failure).toMatchObject({
      name: 'BtcpError',
      code: 4100,
      message: 'Cannot call "shell_run": capability "shell:run" is not granted',
      data: { btcpCode: 'CAPABILITY_DENIED', missing: ['shell:run'], effects: 'none' },
    })
  })

  test('says with a code what is wrong about a request', async () => {
    const codes: [Parameters<typeof ask>[1], unknown[], number, string][] = [
      ['request', [{ method: 'nothing/here' }], -32601, 'METHOD_NOT_FOUND'],
      ['request', [{ method: 'constructor' }], -32601, 'METHOD_NOT_FOUND'],
      ['callTool', ['rm_rf'], -32010, 'TOOL_NOT_FOUND'],
      ['callTool', ['__proto__'], -32010, 'TOOL_NOT_FOUND'],
      ['getTool', ['toString'], -32010, 'TOOL_NOT_FOUND'],
      ['callTool', ['fs_read', { path: 7 }], -32602, 'INVALID_PARAMS'],
      ['callTool', ['fs_read', { path: 'a', other: 1 }], -32602, 'INVALID_PARAMS'],
      ['callTool', ['fs_read', { path: 'a' }, { maxOutputBytes: 5 }], -32602, 'INVALID_PARAMS'],
      ['callTool', ['fs_read', { path: 'a' }, { timeout: 1 }], -32602, 'INVALID_PARAMS'],
      ['requestCapabilities', [['geolocation']], 4200, 'UNSUPPORTED'],
      ['requestCapabilities', [['*']], -32602, 'INVALID_PARAMS'],
      ['requestCapabilities', [[]], -32602, 'INVALID_PARAMS'],
    ]
    for (const [method, args, code, btcpCode] of codes) {
      const { failure } = await ask(page, method, ...args)
      expect([method, args, failure?.code, failure?.data.btcpCode]).toEqual([method, args, code, btcpCode])
    }
  })

  test('preflight says what would be asked', async () => {
    const { value } = await ask(page, 'preflightCapabilities', ['vfs:read', 'shell:run', 'geolocation'])
    expect(value).toEqual({ 'vfs:read': 'granted', 'shell:run': 'prompt', geolocation: 'denied' })
  })

  test('T09 patched prototypes change neither grants nor results', async () => {
    sites.route('/poisoned', `<!doctype html><script>${POISON}</script>`)
    const victim = await tidepool.open(`${sites.origin('app')}/poisoned`)
    // Playwright's own code runs in the page's world and is broken there as well: the answer is read from another world.
    await expect(victim.locator('html')).toHaveAttribute('data-answer', 'fs_read 4100 shell:run')
    await victim.close()
  })

  test('T10 strange arguments are copied once, refused or inert', async () => {
    const codes = await page.evaluate(async () => {
      const attempt = async (args: unknown): Promise<unknown> => {
        try {
          await window.btcp.callTool('fs_stat', args)
          return 'ok'
        } catch (error) {
          return (error as { data?: { btcpCode: string } }).data?.btcpCode ?? String(error)
        }
      }
      let reads = 0
      const getter = {
        get path() {
          reads += 1
          return 7
        },
      }
      const cyclic: Record<string, unknown> = {}
      cyclic['path'] = cyclic
      const many = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`k${i}`, i]))
      const proxy = new Proxy(
        {},
        { ownKeys: () => ['path'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => 8 },
      )
      const results = {
        getter: await attempt(getter),
        reads: 0,
        cyclic: await attempt(cyclic),
        many: await attempt(many),
        proxy: await attempt(proxy),
        toJSON: await attempt({ path: 1, toJSON: 'x' }),
        proto: await attempt(JSON.parse('{"path":"a","__proto__":{"x":1}}')),
        constructor: await attempt(JSON.parse('{"path":"a","constructor":1}')),
        fn: await attempt({ path: () => 1 }),
        big: await attempt({ path: 1n }),
        instance: await attempt(new Map()),
        date: await attempt({ path: new Date() }),
        text: await attempt('text'),
      }
      return { ...results, reads }
    })
    expect(codes).toEqual({
      getter: 'INVALID_PARAMS',
      reads: 1,
      cyclic: 'INVALID_PARAMS',
      many: 'INVALID_PARAMS',
      proxy: 'INVALID_PARAMS',
      toJSON: 'INVALID_PARAMS',
      proto: 'INVALID_PARAMS',
      constructor: 'INVALID_PARAMS',
      fn: 'INVALID_PARAMS',
      big: 'INVALID_PARAMS',
      instance: 'INVALID_PARAMS',
      date: 'INVALID_PARAMS',
      text: 'INVALID_PARAMS',
    })
  })

  test('T12 the page can neither replace, change nor delete window.btcp', async () => {
    const answers = await page.evaluate(() => {
      const attempt = (act: () => unknown): unknown => {
        try {
          return act()
        } catch (error) {
          return (error as Error).name
        }
      }
      const before = window.btcp
      return [
        attempt(() => Object.defineProperty(window, 'btcp', { value: 1 })),
        attempt(() => Reflect.deleteProperty(window, 'btcp')),
        attempt(() => Reflect.set(window, 'btcp', 1)),
        attempt(() => Reflect.set(window.btcp, 'callTool', 1)),
        attempt(() => Reflect.set((window.btcp as unknown as Record<string, object>)['callTool']!, 'x', 1)),
        Object.isFrozen(window.btcp),
        window.btcp === before,
      ]
    })
    expect(answers).toEqual(['TypeError', false, false, false, false, true, true])
    expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  })

  test('T14 a message beyond the size cap is refused before it is sent', async () => {
    const { failure } = await (async () =>
      await page.evaluate(async () => {
        try {
          await window.btcp.callTool('fs_write', { path: 'a', content: 'x'.repeat(512 * 1024 * 1024 - 64) })
          return { failure: undefined }
        } catch (error) {
          const { code, message } = error as { code: number; message: string }
          return { failure: { code, message } }
        }
      }))()
    expect(failure).toEqual({ code: -32602, message: 'Cannot send "tools/call": it is larger than 33554432 bytes' })
    const transferables = await page.evaluate(async () => {
      const refused: unknown[] = []
      for (const value of [new MessageChannel().port1, new ArrayBuffer(8), new Uint8Array(8), document, new OffscreenCanvas(1, 1)])
        await window.btcp.request({ method: 'ping', params: { value } }).then(
          () => refused.push('sent'),
          (error: { code: number }) => refused.push(error.code),
        )
      return refused
    })
    expect(transferables).toEqual([-32602, -32602, -32602, -32602, -32602])
  })
})
