import { test } from '@playwright/test'
import { launchCells } from '../support/cell-extension.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
test('x', async () => {
  const cells = await launchCells({})
  cells.page.on('console', (m) => console.log('console', m.text()))
  console.log(
    await cells.page.evaluate(async (limits) => {
      const t0 = performance.now()
      const cell = await window.cellPage.start('probe')
      const t1 = performance.now()
      const ready = await window.cellPage.ask(cell, {
        t: 'boot',
        version: 1,
        limits,
        env: { PATH: '/bin' },
        metadata: [],
        seq: 0,
        mounts: [],
        memories: 64,
      })
      const t2 = performance.now()
      const out = []
      window.cellPage.say(cell, { t: 'run', call: 'a', argv: ['ls', '/'], stdin: false })
      for (;;) {
        const m = (await window.cellPage.next(cell, 2000)) as any
        out.push(m)
        if (!m || m.t === 'exit') break
      }
      return [ready, t1 - t0, t2 - t1, performance.now() - t2, out.map((m) => (m?.bytes ? new TextDecoder().decode(m.bytes) : m))]
    }, LIMITS),
  )
  await cells[Symbol.asyncDispose]()
})
