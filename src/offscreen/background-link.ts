/**
 * The offscreen document's end of the link to the service worker: takes snapshots of grants to the gate, runs calls behind it,
 * and beats while one runs or a session of Python lives on, because a service worker that hears nothing for 30 s is stopped. When its
 * Port is lost the calls that came over it end: nobody is left who could be answered, and nothing is tried again.
 */
import { BtcpError } from '../protocol/error.ts'
import { builtInTool, capabilitiesOf } from '../protocol/built-in-tools.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import { LINK_PORT, type ToOffscreen, type ToService } from '../protocol/link.ts'
import { manifestOf } from '../protocol/manifest.ts'
import { thrownError, wireError } from '../protocol/message.ts'
import { ownerOf, type ToolPrincipal } from '../protocol/principal.ts'
import type { ToolResult } from '../protocol/tool.ts'
import { portTransport, type Transport } from '../protocol/transport.ts'
import { callTool } from '../orchestrator/catalog.ts'
import { FileError } from '../orchestrator/file-error.ts'
import { Gate } from '../orchestrator/gate.ts'
import { callInstalled } from '../orchestrator/installed-call.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import { changeWheels } from '../orchestrator/wheels.ts'
import { GatedDesk } from './gated-desk.ts'
import { PackageDesk, PackageError } from './package-desk.ts'

type Call = Extract<ToOffscreen, { t: 'call' }>

export class BackgroundLink {
  readonly #orchestrator: Orchestrator
  readonly #onIdle: (idle: boolean) => void
  readonly #calls = new Map<string, AbortController>()
  readonly #desks = new Map<string, GatedDesk>()
  readonly #packages: PackageDesk
  /** requests of the person that are under way */
  #requests = 0
  #isIdle = true
  /** Its snapshots are those of one Port: a service worker that comes back sends them again. */
  #gate = new Gate(() => Date.now())
  #transport: Transport | undefined
  #beat: ReturnType<typeof setInterval> | undefined

  /** `onIdle` hears when no call runs any more, and when one does again. */
  constructor(orchestrator: Orchestrator, onIdle: (idle: boolean) => void) {
    this.#orchestrator = orchestrator
    this.#packages = new PackageDesk(orchestrator, () => this.#mind())
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
      case 'package':
        return void this.#answerPackage(message)
      case 'allowed':
        return this.#desks.get(message.call)?.settle(message.ask, 'allowed')
      case 'answered':
        return this.#desks.get(message.call)?.settle(message.ask, { result: message.result })
      case 'imported':
        return this.#desks.get(message.call)?.settle(message.ask, { value: message.value })
      case 'refused':
        return this.#desks.get(message.call)?.settle(message.ask, thrownError(message.error))
      case 'cancel':
        return this.#calls
          .get(message.call)
          ?.abort(new BtcpError('CANCELLED', 'Cannot finish the call: it was cancelled', { effects: 'unknown' }))
    }
  }

  async #takeOver({ principal, epoch, grants, tools }: Extract<ToOffscreen, { t: 'grants' }>): Promise<void> {
    const send = this.#sender()
    const gate = this.#gate
    const updated = gate.update(principal, epoch, grants, tools)
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
  ): Promise<ToolResult> {
    const owner = ownerOf(principal)
    const desk = new GatedDesk(this.#orchestrator, this.#gate, call, owner, send)
    this.#desks.set(call, desk)
    const onProgress = progress ? { onProgress: (value: object) => send({ t: 'progress', call, progress: value as never }) } : {}
    const timeout = timeoutMs === undefined ? {} : { timeoutMs }
    const common = { call, arguments: args, signal: controller.signal, ...timeout, ...onProgress }
    if (principal.kind === 'tool') {
      const installed = this.#installed(principal)
      return await this.#gate.run(desk.requestOf(installed), tool, controller, () =>
        callInstalled(this.#orchestrator, { ...common, owner, installed, desk: desk.deskOf({ installed, arguments: args }) }),
      )
    }
    const manifest = manifestOf(tool)?.name ?? ''
    const row = builtInTool(tool)
    const capabilities = row ? capabilitiesOf(row.tool, args) : []
    return await this.#gate.run({ principal, manifest, builtIn: true, call, capabilities }, tool, controller, () =>
      callTool(this.#orchestrator, { ...common, principal, tool, desk }),
    )
  }

  #installed({ owner, tool: name, sha256 }: ToolPrincipal): InstalledTool {
    const found = this.#gate.tools(owner).find((one) => one.tool.name === name && one.sha256 === sha256)
    if (!found) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${name}": no such tool`, { effects: 'none' })
    return found
  }

  async #answerPackage({ request, principal, op }: Extract<ToOffscreen, { t: 'package' }>): Promise<void> {
    await this.#forPerson(
      async () => ({ t: 'packageIs', request, answer: await this.#packages.answer(principal, op) }),
      (reason) => ({ t: 'packageRefused', request, reason }),
    )
  }

  async #changeWheels({ request, principal, op }: Extract<ToOffscreen, { t: 'wheels' }>): Promise<void> {
    await this.#forPerson(
      async () => ({ t: 'wheelsAre', request, wheels: await changeWheels(this.#orchestrator, principal, op) }),
      (reason) => ({ t: 'wheelsRefused', request, reason }),
    )
  }

  /** No grant is asked for: behind it stands the person, whom the service worker has told from the site by the sender. */
  async #forPerson(work: () => Promise<ToService>, refusal: (reason: string) => ToService): Promise<void> {
    const send = this.#sender()
    this.#requests += 1
    this.#mind()
    try {
      send(await work())
    } catch (error) {
      const isKnown = error instanceof FileError || error instanceof BtcpError || error instanceof PackageError
      if (!isKnown) console.error('A request of the person failed:', error)
      send(refusal(isKnown ? error.message : 'Cannot do it: something failed in the extension'))
    } finally {
      this.#requests -= 1
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

  /** Beats exactly while calls run or a session of Python lives on: what is taken back must reach it. What a person puts together here keeps
   *  the document, too. */
  #mind(): void {
    const busy = this.#calls.size > 0 || this.#requests > 0 || !this.#orchestrator.python.isEmpty
    if (busy !== (this.#beat !== undefined)) {
      clearInterval(this.#beat)
      this.#beat = busy ? setInterval(() => this.#sendBeat(), LIMITS.beatMs) : undefined
    }
    const idle = !busy && this.#packages.isEmpty
    if (idle === this.#isIdle) return
    this.#isIdle = idle
    this.#onIdle(idle)
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
