/**
 * Signals of one process: dispositions and what is pending, as signal(7) describes. Numbers are Linux's.
 * A caught signal runs no handler: it only becomes pending, wakes a waiting call with EINTR once, and the program asks for it.
 */
export const Signal = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  POLL: 29,
  PWR: 30,
  SYS: 31,
} as const
export const LAST_SIGNAL = 31

/** WASI's numbers for `proc_raise`, by WASI signal (it has no 16, so from CHLD on they differ from Linux's). */
export const fromWasiSignal = (signal: number): number => (signal >= 16 ? signal + 1 : signal)

export const Disposition = { Default: 0, Ignore: 1, Catch: 2 } as const
export type Disposition = (typeof Disposition)[keyof typeof Disposition]

/** What a signal does to a process. */
export type SignalEffect = 'nothing' | 'terminate' | 'stop' | 'continue' | 'interrupt'

const DEFAULT_IGNORED = new Set<number>([Signal.CHLD, Signal.URG, Signal.WINCH])
const DEFAULT_STOP = new Set<number>([Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU])

export class SignalState {
  readonly #dispositions = new Uint8Array(LAST_SIGNAL + 1)
  /** bit n: caught signal n is pending */
  pending = 0
  /** A caught signal came and no call has answered EINTR for it yet. */
  interrupted = false

  disposition(signal: number): Disposition {
    return this.#dispositions[signal] as Disposition
  }

  setDisposition(signal: number, disposition: Disposition): void {
    this.#dispositions[signal] = disposition
    if (disposition !== Disposition.Catch) this.pending &= ~(1 << signal)
  }

  /** Records the signal and says what follows from it. CONT continues whatever its disposition is. */
  deliver(signal: number): SignalEffect {
    const disposition = this.#dispositions[signal]
    if (signal === Signal.KILL) return 'terminate'
    if (signal === Signal.STOP) return 'stop'
    if (disposition === Disposition.Catch) {
      this.pending |= 1 << signal
      this.interrupted = true
      return signal === Signal.CONT ? 'continue' : 'interrupt'
    }
    if (signal === Signal.CONT) return 'continue'
    if (disposition === Disposition.Ignore || DEFAULT_IGNORED.has(signal)) return 'nothing'
    return DEFAULT_STOP.has(signal) ? 'stop' : 'terminate'
  }

  /** Caught signals that came since the last call, as a mask of 32 bits. */
  take(): number {
    const mask = this.pending
    this.pending = 0
    this.interrupted = false
    return mask >>> 0
  }

  /** For a spawned or exec'ed program: what was ignored stays so, what was caught is default again. */
  forNewImage(): SignalState {
    const state = new SignalState()
    for (let signal = 1; signal <= LAST_SIGNAL; signal++)
      if (this.#dispositions[signal] === Disposition.Ignore) state.#dispositions[signal] = Disposition.Ignore
    return state
  }

  /** For a clone: everything but what is pending. */
  forClone(): SignalState {
    const state = new SignalState()
    state.#dispositions.set(this.#dispositions)
    return state
  }
}
