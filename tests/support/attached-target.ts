/** A target that Playwright does not show (an action's popup), driven over the browser's own debugging session. */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CDPSession } from '@playwright/test'

const WAIT_MS = 10_000

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Attaches to the first target that fits, as soon as there is one. */
export async function attachTarget(browser: CDPSession, fits: (target: { url: string; type: string }) => boolean): Promise<AttachedTarget> {
  const end = Date.now() + WAIT_MS
  while (Date.now() < end) {
    const { targetInfos } = await browser.send('Target.getTargets')
    const found = targetInfos.find(fits)
    if (found) {
      const { sessionId } = await browser.send('Target.attachToTarget', { targetId: found.targetId, flatten: false })
      return new AttachedTarget(browser, found.targetId, sessionId)
    }
    await sleep(50)
  }
  throw new Error('Cannot attach: no such target has come')
}

export class AttachedTarget {
  readonly #browser: CDPSession
  readonly #targetId: string
  readonly #sessionId: string
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #lastId = 0

  constructor(browser: CDPSession, targetId: string, sessionId: string) {
    this.#browser = browser
    this.#targetId = targetId
    this.#sessionId = sessionId
    browser.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
      if (from !== sessionId) return
      const answer = JSON.parse(message) as Answer
      this.#waiting.get(answer.id ?? 0)?.(answer)
    })
  }

  async send<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#lastId
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    await this.#browser.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message: JSON.stringify({ id, method, params }) })
    const answer = await answered
    this.#waiting.delete(id)
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result as T
  }

  /** The value of an expression there; a promise is awaited. It counts as the user's own action. */
  async evaluate<T>(expression: string): Promise<T> {
    interface Evaluated {
      readonly result: { readonly value: T }
      readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
    }
    const params = { expression, awaitPromise: true, returnByValue: true, userGesture: true }
    const { result, exceptionDetails } = await this.send<Evaluated>('Runtime.evaluate', params)
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  async waitFor(expression: string): Promise<void> {
    const end = Date.now() + WAIT_MS
    while (Date.now() < end) {
      if (await this.evaluate<boolean>(`Boolean(${expression})`)) return
      await sleep(25)
    }
    throw new Error(`Waited in vain for ${expression}; the page says: ${await this.evaluate<string>('document.body.innerText')}`)
  }

  /** Presses the element as a person does. */
  async click(selector: string): Promise<void> {
    const [x, y] = await this.evaluate<[number, number]>(
      `(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: 'center' }); const r = (e.closest('label') ?? e).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`,
    )
    const at = { x, y, button: 'left', clickCount: 1 }
    await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at })
    await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at })
  }

  /** A picture of the whole page. A popup is drawn only as far as it is seen, so what must be scrolled to is put below it. */
  async screenshot(path: string): Promise<void> {
    await this.evaluate('Promise.allSettled(document.getAnimations().map((animation) => animation.finished))')
    const [height, step] = await this.evaluate<[number, number]>('[document.body.scrollHeight, innerHeight]')
    const parts: { readonly top: number; readonly url: string }[] = []
    for (let y = 0; y < height; y += step) {
      const top = await this.evaluate<number>(`(scrollTo(0, ${y}), scrollY)`)
      const { data } = await this.send<{ data: string }>('Page.captureScreenshot', { format: 'png' })
      parts.push({ top, url: `data:image/png;base64,${data}` })
    }
    const whole = await this.evaluate<string>(`(${stack})(${JSON.stringify(parts)}, ${height})`)
    writeFileSync(path, Buffer.from(whole.slice(whole.indexOf(',') + 1), 'base64'))
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#targetId }).catch(() => undefined)
  }
}

/** Runs in the target: draws the pictures, each at its height, and gives the whole as a data URL. */
const stack = `async (parts, height) => {
  const canvas = document.createElement('canvas')
  for (const { top, url } of parts) {
    const image = new Image()
    image.src = url
    await image.decode()
    if (top === 0) Object.assign(canvas, { width: image.naturalWidth, height })
    canvas.getContext('2d').drawImage(image, 0, top)
  }
  return canvas.toDataURL()
}`
