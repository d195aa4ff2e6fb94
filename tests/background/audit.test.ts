import 'fake-indexeddb/auto'
import { expect, test, vi } from 'vitest'

vi.mock('../../src/background/log-rotation.ts', () => ({ rotateLog: async () => undefined }))
const { begin, rows } = await import('../../src/background/audit.ts')

const row = (call: string) => ({
  time: 1,
  origin: 'https://a.example',
  call,
  tool: 'fs_read',
  capabilities: ['vfs:read'],
  decision: 'allowed' as const,
  outcome: 'running',
})
const DIGEST = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'

test('a row has the digest of the arguments, not the arguments', async () => {
  begin(row('a'), {})
  begin(row('secret'), { path: 'private' })({ outcome: 'ok', durationMs: 5 })
  const [second, first] = await rows()
  expect(first).toMatchObject({ call: 'a', outcome: 'running', digest: DIGEST, argumentBytes: 2 })
  expect(second).toMatchObject({ call: 'secret', outcome: 'ok', durationMs: 5, argumentBytes: 18 })
  expect(JSON.stringify(second)).not.toContain('private')
})

test('a call that ends after its row was written is the same row with its end', async () => {
  const end = begin(row('late'), {})
  expect((await rows()).filter(({ call }) => call === 'late')).toMatchObject([{ outcome: 'running' }])
  end({ outcome: 'TIMEOUT' })
  expect((await rows()).filter(({ call }) => call === 'late')).toMatchObject([{ outcome: 'TIMEOUT', digest: DIGEST }])
})

test('the newest five thousand are kept', async () => {
  for (let i = 0; i < 5_150; i += 1) begin(row(`many ${i}`), {})
  const kept = await rows()
  expect([kept.length, kept[0]?.call]).toEqual([5_000, 'many 5149'])
})
