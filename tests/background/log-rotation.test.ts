import 'fake-indexeddb/auto'
import { expect, test, vi } from 'vitest'

const session = new Map<string, unknown>()
const area = {
  get: async (key: string) => (session.has(key) ? { [key]: session.get(key) } : {}),
  set: async (values: object) => {
    for (const [key, value] of Object.entries(values)) session.set(key, value)
  },
}
vi.mock('webextension-polyfill', () => ({ default: { storage: { local: area, session: area } } }))

const load = async () => {
  vi.resetModules()
  return (await import('../../src/background/log-rotation.ts')).rotateLog
}
/** What is written into tables, in bytes, while `work` runs. */
async function bytesWritten(work: () => Promise<void>): Promise<number> {
  const add = vi.spyOn(IDBObjectStore.prototype, 'add')
  await work()
  const bytes = add.mock.calls.reduce((sum, [value]) => sum + (value as Uint8Array).byteLength, 0)
  add.mockRestore()
  return bytes
}

test('enough is written once in the life of a browser for a new log, and nothing of it stays', async () => {
  const rotateLog = await load()
  expect(await bytesWritten(rotateLog)).toBeGreaterThan(4 * 1024 * 1024)
  expect(await bytesWritten(rotateLog)).toBe(0)
  const again = await load()
  expect(await bytesWritten(again)).toBe(0)
  const count = await new Promise((resolve) => {
    const request = indexedDB.open('tidepool log')
    request.addEventListener('success', () => {
      const counted = request.result.transaction('filling').objectStore('filling').count()
      counted.addEventListener('success', () => resolve(counted.result))
    })
  })
  expect(count).toBe(0)
})

test('the next life of the browser writes again', async () => {
  session.clear()
  expect(await bytesWritten(await load())).toBeGreaterThan(4 * 1024 * 1024)
})
