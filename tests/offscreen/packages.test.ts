/** Packages on their way into the extension: put in parts, read and hashed here, kept whole in IndexedDB, and gone when forgotten. */
import 'fake-indexeddb/auto'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PackageDesk } from '../../src/offscreen/package-desk.ts'
import { PackageStore } from '../../src/offscreen/package-store.ts'
import type { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { limitsWith } from '../../src/protocol/limits.ts'
import type { PackageOp } from '../../src/protocol/link.ts'
import { parseOrigin, type Principal } from '../../src/protocol/principal.ts'
import { file } from '../support/installed-tools.ts'

const OWNER = { kind: 'site', origin: parseOrigin('https://a.example')! } as const
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const MANIFEST = JSON.stringify({
  btcp: '1.0',
  name: 'probes',
  version: '1.0.0',
  capabilities: [],
  tools: [
    {
      name: 'probe',
      description: 'A probe.',
      inputSchema: { type: 'object' },
      capabilities: [],
      implementation: { type: 'js', module: 'a.js' },
    },
  ],
})
const CODE = 'export default () => 1'
const DIGEST = sha256(`${sha256(CODE)}  a.js\n${sha256(MANIFEST)}  manifest.json\n`)

const packages = new PackageStore()
const forgotten: Principal[] = []
const desk = (limits = {}, onEmpty = () => {}) =>
  new PackageDesk(
    {
      limits: limitsWith(limits),
      platform: {
        packages,
        sha256: async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
        text: { encode: (text: string) => new TextEncoder().encode(text) },
      },
      forget: async (principal: Principal) => void forgotten.push(principal),
    } as unknown as Orchestrator,
    onEmpty,
  )
const put = (path: string, text: string, offset = 0, upload = 'u'): PackageOp => ({ op: 'put', upload, path, offset, bytes: btoa(text) })

describe('packages in IndexedDB', () => {
  test('are there whole under their hash, apart from others, until they are forgotten', async () => {
    const [one, two] = [[file('a', '1'), file('b/c', '2')], [file('a', '3')]]
    await packages.keep('f0', one)
    await packages.keep('f', two)
    expect(await new PackageStore().read('f0')).toEqual(one)
    await packages.forget('f')
    await packages.forget('f')
    expect([await packages.read('f'), await packages.read('f0'), await packages.read('f00')]).toEqual([undefined, one, undefined])
    await packages.forget('f0')
    expect(await packages.read('f0')).toBeUndefined()
  })

  test('one that lacks a file is given back without it, so that its digest is wrong', async () => {
    await packages.keep('c', [file('a', '1'), file('b', '2')])
    const opened = indexedDB.open('tidepool packages')
    await new Promise((resolve) => opened.addEventListener('success', resolve))
    const tx = opened.result.transaction('file', 'readwrite')
    tx.objectStore('file').delete(['c', 'a'])
    await new Promise((resolve) => tx.addEventListener('complete', resolve))
    opened.result.close()
    expect(await packages.read('c')).toEqual([file('b', '2')])
  })
})

describe('an upload', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test('that comes in parts is read as the package that it is, by its own hash, and kept', async () => {
    const uploads = desk()
    await uploads.answer(OWNER, put('manifest.json', MANIFEST.slice(0, 10)))
    await uploads.answer(OWNER, put('manifest.json', MANIFEST.slice(10), 10))
    await uploads.answer(OWNER, put('a.js', CODE))
    const read = { ok: true, sha256: DIGEST, bytes: MANIFEST.length + CODE.length, manifest: { name: 'probes' } }
    expect(await uploads.answer(OWNER, { op: 'read', upload: 'u' })).toMatchObject(read)
    expect(await packages.read(DIGEST)).toBeUndefined()
    expect(await uploads.answer(OWNER, { op: 'keep', upload: 'u' })).toMatchObject(read)
    expect(await packages.read(DIGEST)).toEqual([file('manifest.json', MANIFEST), file('a.js', CODE)])
    await expect(uploads.answer(OWNER, { op: 'read', upload: 'u' })).rejects.toThrow('not there any more')
  })

  test('with faults is not kept', async () => {
    const uploads = desk()
    await uploads.answer(OWNER, put('a.txt', 'no manifest'))
    expect(await uploads.answer(OWNER, { op: 'keep', upload: 'u' })).toMatchObject({ ok: false })
  })

  test('of another site has the same name and is another one', async () => {
    const uploads = desk()
    await uploads.answer(OWNER, put('manifest.json', MANIFEST))
    const other = { kind: 'site', origin: parseOrigin('https://b.example')! } as const
    await expect(uploads.answer(other, { op: 'read', upload: 'u' })).rejects.toThrow('not there any more')
  })

  const refused: Record<string, readonly [PackageOp, string]> = {
    'a path that leads out': [put('../x', ''), 'no path in a package'],
    'an absolute path': [put('/x', ''), 'no path in a package'],
    'a part that has a gap before it': [put('x', 'b', 1), 'a part of it is missing'],
    'more bytes than the limit': [put('x', '123456789'), 'limit toolPackageBytes'],
  }
  for (const [what, [op, reason]] of Object.entries(refused))
    test(`with ${what} is refused and dropped`, async () => {
      const uploads = desk({ toolPackageBytes: 8 })
      await uploads.answer(OWNER, put('there', '1'))
      await expect(uploads.answer(OWNER, op)).rejects.toThrow(reason)
      await expect(uploads.answer(OWNER, { op: 'read', upload: 'u' })).rejects.toThrow('not there any more')
    })

  test('with more files than the limit is refused', async () => {
    const uploads = desk({ toolPackageFiles: 1 })
    await uploads.answer(OWNER, put('a', '1'))
    await uploads.answer(OWNER, put('a', '2', 1))
    await expect(uploads.answer(OWNER, put('b', '1'))).rejects.toThrow('limit toolPackageFiles')
  })

  test('that nobody goes on with is dropped after ten minutes, and the oldest when there are many', async () => {
    const empty = vi.fn()
    const uploads = desk({}, empty)
    await uploads.answer(OWNER, put('a', '1'))
    vi.advanceTimersByTime(599_000)
    await uploads.answer(OWNER, put('a', '1', 1))
    vi.advanceTimersByTime(599_000)
    expect(await uploads.answer(OWNER, { op: 'read', upload: 'u' })).toMatchObject({ ok: false })
    expect([uploads.isEmpty, empty.mock.calls.length]).toEqual([false, 0])
    vi.advanceTimersByTime(2_000)
    expect([uploads.isEmpty, empty.mock.calls.length]).toEqual([true, 1])
    await expect(uploads.answer(OWNER, { op: 'read', upload: 'u' })).rejects.toThrow('not there any more')
    for (let i = 0; i < 5; i += 1) await uploads.answer(OWNER, put('a', '1', 0, `upload ${i}`))
    await expect(uploads.answer(OWNER, { op: 'read', upload: 'upload 0' })).rejects.toThrow('not there any more')
    expect(await uploads.answer(OWNER, { op: 'read', upload: 'upload 1' })).toMatchObject({ ok: false })
    await uploads.answer(OWNER, { op: 'discard', upload: 'upload 1' })
    await expect(uploads.answer(OWNER, { op: 'read', upload: 'upload 1' })).rejects.toThrow('not there any more')
  })

  test('forgetting ends the cells of tools and removes packages', async () => {
    await packages.keep(DIGEST, [file('a', '1')])
    const tool = { kind: 'tool', owner: OWNER, tool: 'probe', sha256: DIGEST } as const
    await desk().answer(OWNER, { op: 'forget', tools: [tool], packages: [DIGEST] })
    expect([forgotten, await packages.read(DIGEST)]).toEqual([[tool], undefined])
  })
})
