/**
 * The orchestrator's gate: asks `decide` again before a call begins and for whatever a running call reaches for, with the grants that
 * the service worker last sent. Invariants: without a snapshot everything is denied; after a revocation is acknowledged nothing goes on
 * that needed the grant.
 */
import { type Capability, type CapabilityRequest, decide, type Grant } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'

interface Snapshot {
  readonly epoch: number
  readonly grants: readonly Grant[]
}
interface RunningCall {
  readonly request: Omit<CapabilityRequest, 'now'>
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

  /** What the principal holds from now on. Resolves with the epoch when no call goes on that it does not allow. */
  async update(principal: Principal, epoch: number, grants: readonly Grant[]): Promise<number> {
    const key = principalKey(principal)
    const known = this.#snapshots.get(key)
    if (known && known.epoch > epoch) return known.epoch
    this.#snapshots.set(key, { epoch, grants })
    const revoked = [...this.#running].filter(({ request }) => principalKey(request.principal) === key && this.#missing(request).length > 0)
    for (const { request, cancel } of revoked) cancel.abort(denied(request.manifest, this.#missing(request), 'unknown'))
    await Promise.all(revoked.map(({ ended }) => ended))
    return epoch
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
    const running: RunningCall = { request, cancel: remember, ended }
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
    return this.#missing(request).length === 0
  }

  /** Throws CAPABILITY_DENIED unless the grants allow it now. */
  check(request: Omit<CapabilityRequest, 'now'>, tool: string): void {
    const missing = this.#missing(request)
    if (missing.length > 0) throw denied(tool, missing, 'none')
  }

  #missing(request: Omit<CapabilityRequest, 'now'>): readonly Capability[] {
    const grants = this.#snapshots.get(principalKey(request.principal))?.grants ?? []
    const decision = decide(grants, { ...request, now: this.#now() })
    return decision.allow ? [] : decision.missing
  }
}

function denied(tool: string, missing: readonly Capability[], effects: 'none' | 'unknown'): BtcpError {
  return new BtcpError('CAPABILITY_DENIED', `Cannot call "${tool}": capability "${missing[0]}" is not granted`, { missing, effects })
}
