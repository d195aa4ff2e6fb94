/** What the processes of a browser hold, after their garbage has been collected as far as a test can ask for it. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CDPSession } from '@playwright/test'
import { attachTarget } from './attached-target.ts'

/** Live WebAssembly memories that one renderer has room for. */
const MEMORIES = 125

/** Resident bytes of all renderers together; the service worker and the offscreen document are in one of them. */
export async function rendererBytes(browser: CDPSession): Promise<number> {
  await collectGarbage(browser)
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { id }) => sum + residentBytes(id), 0)
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

/** In every document and worker, twice: what a finalizer lets go is collected the second time. */
async function collectGarbage(browser: CDPSession): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const { targetInfos } = await browser.send('Target.getTargets', { filter: [{}] })
    const wanted = targetInfos.filter(({ type }) =>
      ['page', 'iframe', 'worker', 'service_worker', 'other', 'background_page'].includes(type),
    )
    for (const { targetId } of wanted) {
      const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: false })
      const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' })
      await browser.send('Target.sendMessageToTarget', { sessionId, message }).catch(() => undefined)
      await sleep(100)
      await browser.send('Target.detachFromTarget', { sessionId }).catch(() => undefined)
    }
    await sleep(300)
  }
}

/** How many memories live in the renderer of the sandbox frames: what the engine has room for, less what can still be made there. */
export async function liveMemories(browser: CDPSession, frameAddress: string): Promise<number> {
  const frame = await attachTarget(browser, ({ url }) => url === frameAddress)
  const free = await frame.evaluate<number>(`(() => {
    const made = []
    try {
      for (;;) made.push(new WebAssembly.Memory({ initial: 1 }))
    } catch {
      return made.length
    }
  })()`)
  return MEMORIES - free
}
