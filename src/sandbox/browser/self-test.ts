/**
 * The boot self-test of a browser cell (architecture.md section 4): before any guest code, the worker proves that it is where it
 * should be. A failed fetch would prove nothing, since offline it always fails: what counts is that the policy says it has stopped it.
 */

/** What the test looks at; a worker's global scope. */
export interface Scope extends EventTarget {
  readonly origin: string
  readonly indexedDB?: IDBFactory
}

/** For each of these the policy must object. Nothing listens there, and nothing is reached. */
const ADDRESSES: readonly (readonly [string, string])[] = [
  ['http', 'http://127.0.0.1:9/'],
  ['https', 'https://tidepool.invalid/'],
  ['ws', 'ws://127.0.0.1:9/'],
]
const WAIT_MS = 5_000

/** The names of the checks that passed. Throws an Error that names the first one that did not. */
export async function selfTest(scope: Scope): Promise<readonly string[]> {
  if (scope.origin !== 'null') throw new Error(`the origin is ${scope.origin} instead of an opaque one`)
  for (const name of ['chrome', 'browser']) if (name in scope) throw new Error(`"${name}" is within reach`)
  if (await opensDatabase(scope.indexedDB)) throw new Error('IndexedDB is within reach')
  for (const [name, address] of ADDRESSES) if (!(await isBlocked(scope, name, address))) throw new Error(`the policy does not stop ${name}`)
  return ['opaque origin', 'no extension API', 'no IndexedDB', ...ADDRESSES.map(([name]) => `no ${name}`)]
}

async function opensDatabase(factory: IDBFactory | undefined): Promise<boolean> {
  if (!factory) return false
  try {
    const request = factory.open('tidepool')
    return await new Promise((resolve) => {
      request.addEventListener('success', () => resolve(true))
      request.addEventListener('upgradeneeded', () => resolve(true))
      request.addEventListener('error', () => resolve(false))
    })
  } catch {
    return false
  }
}

async function isBlocked(scope: Scope, name: string, address: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const onViolation = (event: Event): void => {
      const { effectiveDirective, disposition } = event as SecurityPolicyViolationEvent
      if (effectiveDirective === 'connect-src' && disposition === 'enforce') settle(true)
    }
    const timer = setTimeout(() => settle(false), WAIT_MS)
    const settle = (blocked: boolean): void => {
      clearTimeout(timer)
      scope.removeEventListener('securitypolicyviolation', onViolation)
      resolve(blocked)
    }
    scope.addEventListener('securitypolicyviolation', onViolation)
    // The event comes before the failure; a success, or a failure without the event, is no proof.
    attempt(name, address, () => setTimeout(() => settle(false), 50))
  })
}

function attempt(name: string, address: string, done: () => void): void {
  if (name !== 'ws') return void fetch(address, { mode: 'no-cors' }).then(done, done)
  try {
    const socket = new WebSocket(address)
    for (const end of ['open', 'error', 'close']) socket.addEventListener(end, done)
  } catch {
    done()
  }
}
