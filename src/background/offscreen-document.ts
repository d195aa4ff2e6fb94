/**
 * The offscreen document: started when a call needs it, found again when this worker was stopped in between, and one link to it.
 * A call's promise settles once: with its result, or with DISCONNECTED/SANDBOX_ERROR when the document is gone.
 */
import { BtcpError } from '../protocol/error.ts'
import { LINK_WANTED, type PackageAnswer, type PackageOp, type ToOffscreen, type ToService } from '../protocol/link.ts'
import { thrownError, wireError } from '../protocol/message.ts'
import { type Owner, principalKey } from '../protocol/principal.ts'
import type { JsonValue } from '../protocol/parse.ts'
import type { ToolResult } from '../protocol/tool.ts'
import type { Transport } from '../protocol/transport.ts'
import type { Wheel, WheelOp } from '../protocol/wheel.ts'
import type { Snapshot } from './grants.ts'
import { rotateLog } from './log-rotation.ts'
import type { Asked, NestedAnswer } from './nested-call.ts'

const PAGE = 'src/offscreen/index.html'
const CONNECT_MS = 10_000
const LOOK_AGAIN_MS = 500

export interface OffscreenCall {
  readonly principal: Owner
  readonly request: Extract<ToOffscreen, { t: 'call' }>
  readonly onProgress: (progress: JsonValue) => void
  /** A program of the call asks for a tool. Throws BtcpError. */
  readonly onAsk: (asked: Asked) => Promise<NestedAnswer>
  /** A tool's module asks for something of the document. Throws BtcpError. */
  readonly onImport: (asked: Pick<Import, 'tool' | 'request'>) => Promise<JsonValue>
}
type Import = Extract<ToService, { t: 'import' }>
interface Waiting {
  readonly resolve: (result: ToolResult) => void
  readonly reject: (error: Error) => void
  readonly onProgress: (progress: JsonValue) => void
  readonly onAsk: OffscreenCall['onAsk']
  readonly onImport: OffscreenCall['onImport']
  /** of the tools that were allowed: what hears how they ended */
  readonly allowed: Map<number, (outcome: string) => void>
}

let link: Transport | undefined
let starting: Promise<Transport> | undefined
let linked: ((link: Transport) => void) | undefined
const waiting = new Map<string, Waiting>()
/** requests of the person, which no call stands behind */
const wheelRequests = new Map<number, PromiseWithResolvers<readonly Wheel[]>>()
const packageRequests = new Map<number, PromiseWithResolvers<PackageAnswer>>()
let lastRequest = 0
/** Which snapshot of each principal the document has, and who waits until it says so. */
const pushed = new Map<string, number>()
const acknowledged = new Map<string, number>()
const acknowledgements = new Set<() => void>()

/** The link, after the document is there. All who ask while it starts share one promise. */
async function ensureOffscreen(): Promise<Transport> {
  if (link) return link
  starting ??= start().finally(() => (starting = undefined))
  return await starting
}

/** Creates the document, or asks the one that is there for its Port. One that is just closing does not answer: then it is looked again. */
async function start(): Promise<Transport> {
  await rotateLog()
  const { promise: connected, resolve } = Promise.withResolvers<Transport>()
  linked = resolve
  for (let waited = 0; waited < CONNECT_MS; waited += LOOK_AGAIN_MS) {
    const found = await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT'] })
    if (found.length === 0) await create()
    else chrome.runtime.sendMessage(LINK_WANTED).catch(() => undefined)
    const late = new Promise<undefined>((give) => setTimeout(give, LOOK_AGAIN_MS, undefined))
    const transport = await Promise.race([connected, late])
    if (transport) return transport
  }
  throw new BtcpError('SANDBOX_ERROR', 'Cannot start the sandbox: its document does not answer', { effects: 'none' })
}

async function create(): Promise<void> {
  const justification = 'Runs the sandboxed computer of each site in workers of sandboxed frames.'
  const reasons = ['WORKERS', 'IFRAME_SCRIPTING'] as chrome.offscreen.Reason[]
  await chrome.offscreen.createDocument({ url: PAGE, reasons, justification })
}

/** The document has opened its Port. What an earlier Port knew is unknown to this one. */
export function acceptLink(transport: Transport): void {
  const former = link
  former?.close()
  if (former) lose(former)
  link = transport
  pushed.clear()
  acknowledged.clear()
  transport.listen(
    (message) => receive(message as ToService),
    () => lose(transport),
  )
  linked?.(transport)
}

function receive(message: ToService): void {
  switch (message.t) {
    case 'beat':
      return
    case 'acknowledged':
      acknowledged.set(principalKey(message.principal), message.epoch)
      for (const check of acknowledgements) check()
      return
    case 'progress':
      return waiting.get(message.call)?.onProgress(message.progress)
    case 'ask':
      return void answerAsk(message)
    case 'import':
      return void answerImport(message)
    case 'asked':
      return endAsked(message)
    case 'result':
      return settle(message.call)?.resolve(message.result)
    case 'failed':
      return settle(message.call)?.reject(thrownError(message.error))
    case 'wheelsAre':
      return takeOut(wheelRequests, message.request)?.resolve(message.wheels)
    case 'wheelsRefused':
      return takeOut(wheelRequests, message.request)?.reject(new Error(message.reason))
    case 'packageIs':
      return takeOut(packageRequests, message.request)?.resolve(message.answer)
    case 'packageRefused':
      return takeOut(packageRequests, message.request)?.reject(new Error(message.reason))
  }
}

/** Answers on the link that asked, and on no later one. */
function answerer(): (message: ToOffscreen) => void {
  const asker = link
  return (message) => {
    if (asker !== undefined && asker === link) asker.send(message)
  }
}

async function answerAsk(asked: Extract<ToService, { t: 'ask' }>): Promise<void> {
  const { call, ask } = asked
  const waits = waiting.get(call)
  const send = answerer()
  if (!waits) return
  try {
    const answer = await waits.onAsk(asked)
    if ('result' in answer) return send({ t: 'answered', call, ask, result: answer.result })
    waits.allowed.set(ask, answer.allowed)
    send({ t: 'allowed', call, ask })
  } catch (error) {
    if (!(error instanceof BtcpError)) console.error('A nested call failed:', error)
    send({ t: 'refused', call, ask, error: wireError(error) })
  }
}

async function answerImport(asked: Import): Promise<void> {
  const { call, ask } = asked
  const waits = waiting.get(call)
  const send = answerer()
  if (!waits) return
  try {
    send({ t: 'imported', call, ask, value: await waits.onImport(asked) })
  } catch (error) {
    if (!(error instanceof BtcpError)) console.error('An import failed:', error)
    send({ t: 'refused', call, ask, error: wireError(error) })
  }
}

function endAsked({ call, ask, outcome }: Extract<ToService, { t: 'asked' }>): void {
  const allowed = waiting.get(call)?.allowed
  allowed?.get(ask)?.(outcome)
  allowed?.delete(ask)
}

function settle(call: string): Waiting | undefined {
  const found = waiting.get(call)
  waiting.delete(call)
  return found
}

function takeOut<T>(requests: Map<number, PromiseWithResolvers<T>>, request: number): PromiseWithResolvers<T> | undefined {
  const found = requests.get(request)
  requests.delete(request)
  return found
}

function lose(transport: Transport): void {
  if (link !== transport) return
  link = undefined
  for (const call of waiting.keys())
    settle(call)?.reject(new BtcpError('SANDBOX_ERROR', 'Cannot finish the call: the sandbox was closed', { effects: 'unknown' }))
  for (const request of wheelRequests.keys())
    takeOut(wheelRequests, request)?.reject(new Error('Cannot reach the files of this site: the sandbox was closed. Try again.'))
  for (const request of packageRequests.keys())
    takeOut(packageRequests, request)?.reject(new Error('Cannot reach the tools of this site: the sandbox was closed. Try again.'))
  for (const check of acknowledgements) check()
}

/** Runs a call there. `snapshot` says what the principal holds, and is sent first where the document does not have it. */
export async function runOffscreen(
  { principal, request, onProgress, onAsk, onImport }: OffscreenCall,
  snapshot: Snapshot,
  renew: boolean,
): Promise<ToolResult> {
  const transport = await ensureOffscreen()
  if (renew || pushed.get(principalKey(principal)) !== snapshot.epoch) push(transport, principal, snapshot)
  return await new Promise((resolve, reject) => {
    waiting.set(request.call, { resolve, reject, onProgress, onAsk, onImport, allowed: new Map() })
    transport.send(request)
  })
}

/** Does there what a person wants of the principal's wheels, whatever the site holds. Rejects with a text for the person. */
export async function changeWheels(principal: Owner, op: WheelOp): Promise<readonly Wheel[]> {
  const transport = await ensureOffscreen()
  const answer = Promise.withResolvers<readonly Wheel[]>()
  const request = ++lastRequest
  wheelRequests.set(request, answer)
  transport.send({ t: 'wheels', request, principal, op } satisfies ToOffscreen)
  return await answer.promise
}

/** Does there what a person wants of packages. Rejects with a text for the person. */
export async function changePackage(principal: Owner, op: PackageOp): Promise<PackageAnswer> {
  const transport = await ensureOffscreen()
  const answer = Promise.withResolvers<PackageAnswer>()
  const request = ++lastRequest
  packageRequests.set(request, answer)
  transport.send({ t: 'package', request, principal, op } satisfies ToOffscreen)
  return await answer.promise
}

export function cancelOffscreen(call: string): void {
  if (waiting.has(call)) link?.send({ t: 'cancel', call } satisfies ToOffscreen)
}

/** Sends what a running call has taken since, before what is sent next. */
export function renewGrants(principal: Owner, snapshot: Snapshot): void {
  if (link) push(link, principal, snapshot)
}

function push(transport: Transport, principal: Owner, { epoch, grants, tools }: Snapshot): void {
  pushed.set(principalKey(principal), epoch)
  transport.send({ t: 'grants', principal, epoch, grants, tools } satisfies ToOffscreen)
}

/** Tells the document that nothing of the principal goes on, whatever it holds: what lives on between its calls ends, too. With its next
 *  call the document learns anew what it holds. */
export async function publishNothing(principal: Owner, { epoch }: Snapshot): Promise<void> {
  await publish(principal, { epoch, grants: [], tools: [] })
  pushed.delete(principalKey(principal))
}

/** Tells the document what the principal holds now, and waits until it has taken it over. Without a document nothing runs that
 *  could go on under a former grant, so there is nothing to wait for. */
export async function publish(principal: Owner, snapshot: Snapshot): Promise<void> {
  const transport = link
  if (!transport) return
  push(transport, principal, snapshot)
  await new Promise<void>((resolve) => {
    const check = (): void => {
      const isDone = link !== transport || (acknowledged.get(principalKey(principal)) ?? -1) >= snapshot.epoch
      if (!isDone) return
      acknowledgements.delete(check)
      resolve()
    }
    acknowledgements.add(check)
    check()
  })
}
