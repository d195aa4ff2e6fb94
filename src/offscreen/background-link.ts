/**
 * The offscreen document's end of the link to the service worker: takes snapshots of grants to the gate, runs calls behind it,
 * and beats while one runs or a session of Python lives on, because a service worker that hears nothing for 30 s is stopped. When its
 * Port is lost the calls that came over it end: nobody is left who could be answered, and nothing is tried again.
 */
import { BtcpError } from '../protocol/error.ts'
import { builtInTool, capabilitiesOf } from '../protocol/built-in-tools.ts'
import { LIMITS } from '../protocol/limits.ts'
import { LINK_PORT, type ToOffscreen, type ToService } from '../protocol/link.ts'
import { manifestOf } from '../protocol/manifest.ts'
import { thrownError, wireError } from '../protocol/message.ts'
import { portTransport, type Transport } from '../protocol/transport.ts'
import { callTool } from '../orchestrator/catalog.ts'
import { FileError } from '../orchestrator/file-error.ts'
import { Gate } from '../orchestrator/gate.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import { changeWheels } from '../orchestrator/wheels.ts'
import { GatedDesk } from './gated-desk.ts'

type Call = Extract<ToOffscreen, { t: 'call' }>

export class BackgroundLink {
  readonly #orchestrator: Orchestrator
  readonly #onIdle: (idle: boolean) => void
  readonly #calls = new Map<string, AbortController>()
  readonly #desks = new Map<string, GatedDesk>()
  /** requests of the person that are under way */
  #wheelRequests = 0
  /** Its snapshots are those of one Port: a service worker that comes back sends them again. */
  #gate = new Gate(() => Date.now())
  #transport: Transport | undefined
  #beat: ReturnType<typeof setInterval> | undefined

  /** `onIdle` hears when no call runs any more, and when one does again. */
  constructor(orchestrator: Orchestrator, onIdle: (idle: boolean) => void) {
    this.#orchestrator = orchestrator
    this.#onIdle = onIdle
  }

  /** Opens the Port. One that is open already is closed with all its calls: its service worker has no memory of it. */
  connect(): void {
    this.#lose()
    const transport = portTransport(chrome.runtime.connect({ name: LINK_PORT }))
    this.#transport = transport
    transport.listen(
      (message) => this.#receive(message as ToOffscreen),
      () => this.#lose(),
    )
  }

  close(): void {
    this.#lose()
  }

  #receive(message: ToOffscreen): void {
    switch (message.t) {
      case 'grants':
        return void this.#takeOver(message)
      case 'call':
        return void this.#run(message)
      case 'wheels':
        return void this.#changeWheels(message)
      case 'allowed':
        return this.#desks.get(message.call)?.settle(message.ask, 'allowed')
      case 'answered':
        return this.#desks.get(message.call)?.settle(message.ask, message.result)
      case 'refused':
        return this.#desks.get(message.call)?.settle(message.ask, thrownError(message.error))
      case 'cancel':
        return this.#calls
          .get(message.call)
          ?.abort(new BtcpError('CANCELLED', 'Cannot finish the call: it was cancelled', { effects: 'unknown' }))
    }
  }

  async #takeOver({ principal, epoch, grants }: Extract<ToOffscreen, { t: 'grants' }>): Promise<void> {
    const send = this.#sender()
    const gate = this.#gate
    const updated = gate.update(principal, epoch, grants)
    if (!gate.allows({ principal, manifest: manifestOf('python_run')?.name ?? '', builtIn: true, call: '', capabilities: ['python:run'] }))
      await this.#orchestrator.python.endAll(principal, 'capability "python:run" was taken back')
    send({ t: 'acknowledged', principal, epoch: await updated })
  }

  async #run(message: Call): Promise<void> {
    const { call } = message
    const send = this.#sender()
    const controller = new AbortController()
    this.#calls.set(call, controller)
    this.#mind()
    try {
      send({ t: 'result', call, result: await this.#gated(message, controller, send) })
    } catch (error) {
      if (!(error instanceof BtcpError)) console.error('A call failed:', error)
      send({ t: 'failed', call, error: wireError(error) })
    } finally {
      this.#calls.delete(call)
      this.#desks.delete(call)
      this.#mind()
    }
  }

  async #gated(
    { call, principal, tool, arguments: args, timeoutMs, progress }: Call,
    controller: AbortController,
    send: (message: ToService) => void,
  ) {
    const manifest = manifestOf(tool)?.name ?? ''
    const row = builtInTool(tool)
    const capabilities = row ? capabilitiesOf(row.tool, args) : []
    const desk = new GatedDesk(this.#orchestrator, this.#gate, call, principal, send)
    this.#desks.set(call, desk)
    const onProgress = progress ? { onProgress: (value: object) => send({ t: 'progress', call, progress: value as never }) } : {}
    const timeout = timeoutMs === undefined ? {} : { timeoutMs }
    return await this.#gate.run({ principal, manifest, builtIn: true, call, capabilities }, tool, controller, () =>
      callTool(this.#orchestrator, { call, principal, tool, arguments: args, signal: controller.signal, desk, ...timeout, ...onProgress }),
    )
  }

  /** No grant is asked for: behind it stands the person, whom the service worker has told from the site by the sender. */
  async #changeWheels({ request, principal, op }: Extract<ToOffscreen, { t: 'wheels' }>): Promise<void> {
    const send = this.#sender()
    this.#wheelRequests += 1
    this.#mind()
    try {
      send({ t: 'wheelsAre', request, wheels: await changeWheels(this.#orchestrator, principal, op) })
    } catch (error) {
      const isKnown = error instanceof FileError || error instanceof BtcpError
      if (!isKnown) console.error('A change of wheels failed:', error)
      send({ t: 'wheelsRefused', request, reason: isKnown ? error.message : 'Cannot change the wheels: something failed in the extension' })
    } finally {
      this.#wheelRequests -= 1
      this.#mind()
    }
  }

  /** Sends on the Port that is open now, and on no later one. */
  #sender(): (message: ToService) => void {
    const transport = this.#transport
    return (message) => {
      if (transport !== undefined && transport === this.#transport) transport.send(message)
    }
  }

  /** Beats exactly while calls run or a session of Python lives on: what is taken back must reach it. */
  #mind(): void {
    const busy = this.#calls.size > 0 || this.#wheelRequests > 0 || !this.#orchestrator.python.isEmpty
    if (busy === (this.#beat !== undefined)) return
    clearInterval(this.#beat)
    this.#beat = busy ? setInterval(() => this.#sendBeat(), LIMITS.beatMs) : undefined
    this.#onIdle(!busy)
  }

  #sendBeat(): void {
    this.#transport?.send({ t: 'beat' } satisfies ToService)
    this.#mind()
  }

  #lose(): void {
    const transport = this.#transport
    this.#transport = undefined
    transport?.close()
    this.#gate = new Gate(() => Date.now())
    const lost = new BtcpError('DISCONNECTED', 'Cannot finish the call: the extension was restarted', { effects: 'unknown' })
    for (const controller of this.#calls.values()) controller.abort(lost)
  }
}
