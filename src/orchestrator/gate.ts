/**
 * The orchestrator's gate: asks `decide` again before a call begins and for whatever a running call reaches for, with the grants that
 * the service worker last sent. Invariants: without a snapshot everything is denied; after a revocation is acknowledged nothing goes on
 * that needed the grant.
 */
import { type Capability, type CapabilityRequest, decide, type Grant } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { ownerOf, type Principal, principalKey } from '../protocol/principal.ts'

interface Snapshot {
  readonly epoch: number
  readonly grants: readonly Grant[]
  /** those of an owner; undefined where nobody says */
  readonly tools: readonly InstalledTool[] | undefined
}
interface RunningCall {
  readonly request: Omit<CapabilityRequest, 'now'>
  readonly tool: string
  readonly cancel: AbortControllerLike
  readonly ended: Promise<void>
}
/** What ends a call; `reason` is what its caller gets. */
export interface AbortControllerLike {
  abort(reason: BtcpError): void
}

export class Gate {
  readonly #now: () => number
  readonly #snapshots = new Map<string, Snapshot>()
  /** calls, and what their programs have asked for */
  readonly #running = new Set<RunningCall>()

  /** `now` gives milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** What the principal holds from now on; an owner's snapshot holds its tools' grants, too, and the tools. Resolves with the epoch when no
   *  call goes on that it does not allow, and none of a tool that the owner has no longer. */
  async update(principal: Principal, epoch: number, grants: readonly Grant[], tools?: readonly InstalledTool[]): Promise<number> {
    const key = principalKey(principal)
    const known = this.#snapshots.get(key)
    if (known && known.epoch > epoch) return known.epoch
    this.#snapshots.set(key, { epoch, grants, tools })
    const revoked = [...this.#running].filter(({ request }) => keysOf(request.principal).includes(key) && this.#isOver(request))
    for (const { request, tool, cancel } of revoked) cancel.abort(denied(tool, this.#missing(request), 'unknown'))
    await Promise.all(revoked.map(({ ended }) => ended))
    return epoch
  }

  /** The tools that the owner has now. */
  tools(owner: Principal): readonly InstalledTool[] {
    return this.#snapshots.get(principalKey(owner))?.tools ?? []
  }

  /** Runs `work` if the grants allow it. A revocation meanwhile aborts `cancel`, and the call ends with CAPABILITY_DENIED. */
  async run<T>(request: Omit<CapabilityRequest, 'now'>, tool: string, cancel: AbortControllerLike, work: () => Promise<T>): Promise<T> {
    this.check(request, tool)
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    let reason: BtcpError | undefined
    const remember: AbortControllerLike = {
      abort: (error) => {
        reason = error
        cancel.abort(error)
      },
    }
    const running: RunningCall = { request, tool, cancel: remember, ended }
    this.#running.add(running)
    try {
      const result = await work()
      if (reason) throw reason
      return result
    } catch (error) {
      throw reason ?? error
    } finally {
      this.#running.delete(running)
      resolve()
    }
  }

  /** Whether the grants allow it now. */
  allows(request: Omit<CapabilityRequest, 'now'>): boolean {
    return !this.#isOver(request)
  }

  /** Throws CAPABILITY_DENIED unless the grants allow it now. */
  check(request: Omit<CapabilityRequest, 'now'>, tool: string): void {
    if (this.#isOver(request)) throw denied(tool, this.#missing(request), 'none')
  }

  #isOver(request: Omit<CapabilityRequest, 'now'>): boolean {
    return this.#missing(request).length > 0 || !this.#isThere(request.principal)
  }

  #isThere(principal: Principal): boolean {
    if (principal.kind !== 'tool') return true
    const [own, owners] = [principal, principal.owner].map((one) => this.#snapshots.get(principalKey(one)))
    if (!owners?.tools) return (own ?? owners) !== undefined
    return owners.tools.some(({ tool, sha256 }) => tool.name === principal.tool && sha256 === principal.sha256)
  }

  #missing(request: Omit<CapabilityRequest, 'now'>): readonly Capability[] {
    const grants = keysOf(request.principal).flatMap((key) => this.#snapshots.get(key)?.grants ?? [])
    const decision = decide(grants, { ...request, now: this.#now() })
    return decision.allow ? [] : decision.missing
  }
}

/** The snapshots in which a principal's grants may be: its own, and its owner's. */
const keysOf = (principal: Principal): readonly string[] => [...new Set([principalKey(principal), principalKey(ownerOf(principal))])]

function denied(tool: string, missing: readonly Capability[], effects: 'none' | 'unknown'): BtcpError {
  const reason = missing.length > 0 ? `capability "${missing[0]}" is not granted` : 'the tool is not there any more'
  return new BtcpError('CAPABILITY_DENIED', `Cannot call "${tool}": ${reason}`, { missing, effects })
}
