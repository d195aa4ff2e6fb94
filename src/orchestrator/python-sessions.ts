/**
 * The Python sessions of all principals, by name: begins them, lets one call at a time into each, ends the idle ones, and remembers why
 * one ended until a call that names it has been told. A principal has at most `pythonSessions`.
 */
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import type { CellPool } from './cell-pool.ts'
import type { LiveCell } from './live-cell.ts'
import type { CancelSignal, Platform } from './platform.ts'
import type { PythonOutcome } from './python-run.ts'
import { type KeepOutput, PythonSession, type SessionRequest } from './python-session.ts'

export interface SessionOutcome extends PythonOutcome {
  /** the interpreter began with this call */
  readonly started: boolean
  /** why the one before ended, or this one in this call */
  readonly ended?: string
}

export interface SessionOptions {
  readonly maxOutputBytes?: number
  /** a program of another call asks for it */
  readonly nested?: boolean
}

/** A name that is in use, or whose end has not been told. */
interface Place {
  session: PythonSession | undefined
  /** resolves when those who came before are through */
  turn: Promise<unknown>
  /** calls that are in it or wait for it */
  users: number
  untold: string | undefined
}

/** Ends that nobody asks for are not remembered for ever. */
const PLACES = 64

export class PythonSessions {
  readonly #pool: CellPool
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #keep: KeepOutput
  readonly #places = new Map<string, Map<string, Place>>()

  constructor(pool: CellPool, platform: Platform, limits: Limits, keep: KeepOutput) {
    this.#pool = pool
    this.#platform = platform
    this.#limits = limits
    this.#keep = keep
  }

  /** Whether any interpreter lives. */
  get isEmpty(): boolean {
    return ![...this.#places.values()].some((places) => live(places).length > 0)
  }

  /** Runs a request in the session `name`, which begins if there is none. Throws BtcpError BUSY, CANCELLED, SANDBOX_ERROR. */
  async run(
    principal: Principal,
    name: string,
    call: string,
    request: SessionRequest,
    { maxOutputBytes, nested = false }: SessionOptions = {},
  ): Promise<SessionOutcome> {
    const place = this.#place(principal, name)
    // It could wait for the very call that asks for it.
    if (nested && place.users > 0)
      throw new BtcpError('BUSY', `Cannot run in session ${JSON.stringify(name)}: it runs another call`, { effects: 'none' })
    return await inTurn(place, request.signal, () =>
      this.#pool.use(principal, async (cell) => {
        const former = place.untold
        const started = place.session === undefined || place.session.ended !== undefined
        const session = started ? this.#begin(principal, name, place, cell) : place.session!
        const outcome = await session.call(call, request, maxOutputBytes)
        session.rest(() => void session.end(`it was idle for ${this.#limits.pythonSessionIdleMs / 1000} s (limit pythonSessionIdleMs)`))
        if (place.untold === former) place.untold = undefined
        const ended = former ?? session.ended
        return { ...outcome, started, ...(ended === undefined ? {} : { ended }) }
      }),
    )
  }

  /** Ends one session; why it had ended already, or undefined where it was there. */
  async end(principal: Principal, name: string): Promise<string | undefined> {
    const place = this.#places.get(principalKey(principal))?.get(name)
    if (!place?.session || place.session.ended !== undefined) {
      const untold = place?.untold ?? 'there was none'
      if (place) place.untold = undefined
      return untold
    }
    await place.session.end('it was ended by a call with "end"')
    place.untold = undefined
    return undefined
  }

  /** Ends all sessions of a principal; resolves when none is left. */
  async endAll(principal: Principal, reason: string): Promise<void> {
    const places = this.#places.get(principalKey(principal)) ?? new Map<string, Place>()
    await Promise.all(live(places).map(({ session }) => session.end(reason)))
  }

  #place(principal: Principal, name: string): Place {
    const key = principalKey(principal)
    const places = this.#places.get(key) ?? new Map<string, Place>()
    this.#places.set(key, places)
    const place = places.get(name) ?? { session: undefined, turn: Promise.resolve(), users: 0, untold: undefined }
    places.delete(name)
    places.set(name, place)
    for (const [old, { session, users }] of places)
      if (places.size > PLACES && users === 0 && (!session || session.ended !== undefined)) places.delete(old)
    return place
  }

  #begin(principal: Principal, name: string, place: Place, cell: LiveCell): PythonSession {
    const places = this.#places.get(principalKey(principal)) ?? new Map<string, Place>()
    const others = live(places).map(({ name: other }) => JSON.stringify(other))
    if (others.length >= this.#limits.pythonSessions)
      throw new BtcpError(
        'BUSY',
        `Cannot begin session ${JSON.stringify(name)}: open already: ${others.join(', ')} (limit pythonSessions). End one with { session, end: true }.`,
        { effects: 'none', limit: 'pythonSessions' },
      )
    const session = new PythonSession(cell, this.#platform, this.#limits, this.#keep)
    const leave = this.#pool.stay(principal)
    place.session = session
    void session.over.then(() => {
      leave()
      place.untold = session.ended
    })
    return session
  }
}

const live = (places: ReadonlyMap<string, Place>): { readonly name: string; readonly session: PythonSession }[] =>
  [...places].flatMap(([name, { session }]) => (session !== undefined && session.ended === undefined ? [{ name, session }] : []))

/** Waits until the calls before are through. */
async function inTurn<T>(place: Place, signal: CancelSignal | undefined, work: () => Promise<T>): Promise<T> {
  const through = Promise.withResolvers<void>()
  const before = place.turn
  place.turn = before.then(() => through.promise)
  place.users++
  try {
    await untilAborted(before, signal)
    return await work()
  } finally {
    place.users--
    through.resolve()
  }
}

async function untilAborted(turn: Promise<unknown>, signal: CancelSignal | undefined): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(new BtcpError('CANCELLED', 'Cannot begin the call: it was cancelled', { effects: 'none' }))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([turn, promise])
  } finally {
    promise.catch(() => {})
    signal?.removeEventListener('abort', abort)
  }
}
