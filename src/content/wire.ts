/**
 * The page's side of the wire: numbers requests, settles each once, hands progress to the call it belongs to and notifications
 * to listeners. Ids only grow, so an answer that comes too late or twice finds nobody.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { BtcpError, BTCP_CODES, type BtcpCode, type BtcpErrorData } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { copyData, create, freeze, getter, uncurry } from './pristine.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: unknown) => void) | undefined
}

export interface Wire {
  request(method: string, params: unknown, options?: RequestOptions): Promise<unknown>
  /** A message from the extension. */
  receive(message: unknown): void
  /** Calls `fn` for each notification of the extension that belongs to no call. */
  listen(fn: (method: string, params: Record<string, unknown>) => void): void
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly onProgress: ((progress: unknown) => void) | undefined
  readonly release: () => void
}
type Incoming = { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown }

const SafePromise = Promise
const NO_OPTIONS = freeze(create(null) as RequestOptions)
const onAbort = uncurry(EventTarget.prototype.addEventListener)
const offAbort = uncurry(EventTarget.prototype.removeEventListener)
const isAborted = getter<AbortSignal, boolean>(AbortSignal.prototype, 'aborted')
const report = typeof reportError === 'function' ? reportError : () => undefined

export const badParams = (what: string, reason: string): BtcpError => new BtcpError('INVALID_PARAMS', `Cannot ${what}: ${reason}`)

/** Calls a listener of the page; what it throws is the page's own error. */
export function callListener(fn: (value: unknown) => void, value: unknown): void {
  try {
    fn(value)
  } catch (error) {
    report(error)
  }
}

export function createWire(post: (message: unknown) => void): Wire {
  const pending = create(null) as Record<number, Pending | undefined>
  let lastId = 0
  let listener: ((method: string, params: Record<string, unknown>) => void) | undefined

  const send = (
    method: string,
    params: unknown,
    options: RequestOptions,
    resolve: (v: unknown) => void,
    reject: (e: Error) => void,
  ): void => {
    const data = copyData(params, LIMITS.messageBytes, (reason) => badParams(`send "${method}"`, reason))
    const { signal, onProgress } = options
    if (signal && isAborted(signal))
      throw new BtcpError('CANCELLED', `Cannot run "${method}": it was cancelled before it began`, { effects: 'none' })
    const id = ++lastId
    const cancel = (): void => post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
    const release = (): void => (signal ? offAbort(signal, 'abort', cancel) : undefined)
    if (signal) onAbort(signal, 'abort', cancel)
    pending[id] = { resolve, reject, onProgress, release }
    post({ jsonrpc: '2.0', id, method, params: data })
  }

  const settle = (message: Incoming): void => {
    const id = message.id as number
    const waiting = pending[id]
    if (!waiting) return
    delete pending[id]
    waiting.release()
    if (message.error === undefined) waiting.resolve(message.result)
    else waiting.reject(errorFrom(message.error))
  }

  return {
    request: (method, params, options = NO_OPTIONS) =>
      new SafePromise((resolve, reject) => {
        send(method, params, options, resolve, reject)
      }),
    receive(value) {
      const message = value as Incoming
      if (typeof message.id === 'number') return settle(message)
      const params = (message.params ?? {}) as Record<string, unknown>
      if (message.method !== 'notifications/progress') return listener?.(message.method as string, params)
      const onProgress = pending[params['requestId'] as number]?.onProgress
      if (onProgress) callListener(onProgress, params['progress'])
    },
    listen(fn) {
      listener = fn
    },
  }
}

function errorFrom(error: unknown): BtcpError {
  const { message, data } = error as { message: string; data: BtcpErrorData & { btcpCode: BtcpCode } }
  const known = data.btcpCode in BTCP_CODES ? data.btcpCode : 'INTERNAL_ERROR'
  return new BtcpError(known, message, data)
}
