/** The wire between the offscreen document, a frame and its workers: what is not of it is nothing. */
import { describe, expect, test } from 'vitest'
import { ToolModules } from '../../src/sandbox/frame/tool-modules.ts'
import { parseFromFrame, parseFromWorker, parseToFrame, parseToScriptWorker, parseToWorker } from '../../src/protocol/frame.ts'

const CELL = '0b8f7c1e-4a57-4b1e-9c39-0f4d5b6a7c8d'
const STRANGE: readonly unknown[] = [
  undefined,
  null,
  1,
  'ping',
  [],
  ['ping'],
  { t: 'unknown' },
  { t: 1 },
  { T: 'ping' },
  new Map([['t', 'ping']]),
]

describe('parseToFrame', () => {
  test.for([{ t: 'ping' }, { t: 'start', cell: CELL }, { t: 'end', cell: CELL }] as const)('reads %o', (message) => {
    expect(parseToFrame({ ...message, more: 'is left out' })).toEqual(message)
  })
  test.for([...STRANGE, { t: 'start' }, { t: 'end', cell: 7 }, { t: 'end', cell: '../x' }, { t: 'end', cell: 'a'.repeat(65) }])(
    'refuses %o',
    (message) => expect(parseToFrame(message)).toBe(undefined),
  )
  test('reads no property that is inherited', () => {
    expect(parseToFrame(Object.create({ t: 'ping' }))).toBe(undefined)
  })
})

describe('parseFromFrame', () => {
  test.for([{ t: 'open' }, { t: 'pong' }, { t: 'ended', cell: CELL, reason: 'it failed' }] as const)('reads %o', (message) => {
    expect(parseFromFrame(message)).toEqual(message)
  })
  test.for([...STRANGE, { t: 'ended', cell: CELL }, { t: 'ended', cell: CELL, reason: {} }, { t: 'ended', cell: 'X Y', reason: '' }])(
    'refuses %o',
    (message) => expect(parseFromFrame(message)).toBe(undefined),
  )
  test('shortens a reason', () => {
    expect(parseFromFrame({ t: 'ended', cell: CELL, reason: 'x'.repeat(1_000) })).toEqual({
      t: 'ended',
      cell: CELL,
      reason: 'x'.repeat(300),
    })
  })
})

describe('parseFromWorker', () => {
  test('reads what a worker asks for', () => {
    expect(parseFromWorker({ t: 'need', name: 'shell' })).toEqual({ t: 'need', name: 'shell' })
    expect(parseFromWorker({ t: 'read', name: 'shell' })).toEqual({ t: 'read', name: 'shell' })
    expect(parseFromWorker({ t: 'find', name: 'btcp 0f /opt/tool/x.wasm' })).toEqual({ t: 'find', name: 'btcp 0f /opt/tool/x.wasm' })
    expect(parseFromWorker({ t: 'keep', name: 'key', module: 'anything' })).toEqual({ t: 'keep', name: 'key', module: 'anything' })
    expect(parseFromWorker({ t: 'keep', name: 'k'.repeat(5_001), module: 'anything' })).toBe(undefined)
    expect(parseFromWorker({ t: 'snippetStart', snippet: 1, more: 2 })).toEqual({ t: 'snippetStart', snippet: 1 })
    expect(parseFromWorker({ t: 'snippetEnd', snippet: 0 })).toEqual({ t: 'snippetEnd', snippet: 0 })
  })
  test.for([...STRANGE, { t: 'need' }, { t: 'need', name: ['shell'] }, { t: 'snippetStart', snippet: -1 }, { t: 'snippetEnd' }])(
    'refuses %o',
    (message) => {
      expect(parseFromWorker(message)).toBe(undefined)
    },
  )
})

describe('parseToWorker', () => {
  test('reads the modules of a start', () => {
    const modules = [{ name: 'shell', programs: ['sh', 'bash'], bytes: 7 }]
    expect(parseToWorker({ t: 'start', modules: [{ ...modules[0], more: 1 }] })).toEqual({ t: 'start', modules })
  })
  test('reads a module, and that there is none', () => {
    const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    expect(parseToWorker({ t: 'module', name: 'shell', module })).toEqual({ t: 'module', name: 'shell', module })
    expect(parseToWorker({ t: 'module', name: 'shell' })).toEqual({ t: 'module', name: 'shell' })
  })
  test('reads a module of a tool that was kept, and that none was', () => {
    const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    expect(parseToWorker({ t: 'kept', name: 'key', module })).toEqual({ t: 'kept', name: 'key', module })
    expect(parseToWorker({ t: 'kept', name: 'key' })).toEqual({ t: 'kept', name: 'key' })
  })
  test('reads the bytes of a module; anything but bytes is none', () => {
    expect(parseToWorker({ t: 'bytes', name: 'shell', bytes: Uint8Array.of(1) })).toEqual({
      t: 'bytes',
      name: 'shell',
      bytes: Uint8Array.of(1),
    })
    expect(parseToWorker({ t: 'bytes', name: 'shell', bytes: 'no' })).toEqual({ t: 'bytes', name: 'shell' })
  })
  test('reads that a script’s worker has ended', () => {
    const message = { t: 'snippetEnded', snippet: 1, reason: 'x'.repeat(400) }
    expect(parseToWorker(message)).toEqual({ ...message, reason: 'x'.repeat(300) })
    expect(parseToScriptWorker({ t: 'script', more: 1 })).toEqual({ t: 'script' })
    expect(parseToScriptWorker({ t: 'start' })).toBe(undefined)
  })
  test.for([
    ...STRANGE,
    { t: 'start' },
    { t: 'start', modules: {} },
    { t: 'start', modules: [{ name: 'shell', programs: ['sh', 1], bytes: 7 }] },
    { t: 'start', modules: [{ name: 'shell', programs: ['sh'] }] },
    { t: 'module', name: 1 },
    { t: 'snippetEnded', snippet: 1 },
    { t: 'snippetEnded', snippet: 0.5, reason: 'x' },
  ])('refuses %o', (message) => expect(parseToWorker(message)).toBe(undefined))
})

describe('ToolModules', () => {
  const module = (): WebAssembly.Module => new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))

  test('what is kept under a key is never replaced, and nothing but a module is kept', () => {
    const modules = new ToolModules()
    const [first, second] = [module(), module()]
    modules.keep('key', { not: 'a module' })
    expect(modules.find('key')).toBe(undefined)
    modules.keep('key', first)
    modules.keep('key', second)
    expect(modules.find('key')).toBe(first)
    expect(modules.find('other')).toBe(undefined)
  })

  test('four are kept, and no more', () => {
    const modules = new ToolModules()
    for (const key of ['a', 'b', 'c', 'd', 'e']) modules.keep(key, module())
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => modules.find(key) !== undefined)).toEqual([true, true, true, true, false])
  })
})
