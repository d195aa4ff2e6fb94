/**
 * The boot self-test of a browser cell (section 4 of ARCHITECTURE.md): before any guest code, the worker proves that it is where it
 * should be. A failed fetch would prove nothing, since offline it always fails: what counts is that the policy says it has stopped it.
 */
const WAIT_MS = 5_000

/** For each of these the policy must object, which it does before anything is looked up or sent. */
const ADDRESSES = { http: 'http://tidepool.invalid/', https: 'https://tidepool.invalid/', ws: 'ws://tidepool.invalid/' } as const

/** Names of the checks that passed; docs/protocol.md section 7 lists them. Throws an Error that names the first one that did not. */
export async function selfTest(): Promise<readonly string[]> {
  if (globalThis.origin !== 'null') throw new Error(`the origin is "${globalThis.origin}" and not opaque`)
  for (const name of ['chrome', 'browser']) if (name in globalThis) throw new Error(`"${name}" is within reach`)
  if (opensDatabase()) throw new Error('IndexedDB is within reach')
  if (makesCode()) throw new Error('the policy allows code from text')
  await Promise.all(Object.entries(ADDRESSES).map(([name, address]) => provesBlocked(name, address)))
  return ['opaque origin', 'no extension API', 'no IndexedDB', 'no code from text', ...Object.keys(ADDRESSES).map((name) => `no ${name}`)]
}

/** An opaque origin throws at `open` itself. */
function opensDatabase(): boolean {
  try {
    indexedDB.open('tidepool')
    return true
  } catch {
    return false
  }
}

function makesCode(): boolean {
  try {
    Reflect.construct(Function, [''])
    return true
  } catch {
    return false
  }
}

async function provesBlocked(name: string, address: string): Promise<void> {
  const policy = await violation(address, () => attempt(address))
  if (policy === undefined) throw new Error(`the policy does not stop ${name}`)
  if (!/(?:^|;)\s*connect-src 'none'\s*(?:;|$)/.test(policy)) throw new Error('the policy allows some addresses')
}

/** The text of the policy that stopped `address`; undefined when none says so in time. */
function violation(address: string, act: () => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    const settle = (policy?: string): void => {
      clearTimeout(timer)
      globalThis.removeEventListener('securitypolicyviolation', listener)
      resolve(policy)
    }
    const listener = (event: Event): void => {
      const { blockedURI, disposition, effectiveDirective, originalPolicy } = event as SecurityPolicyViolationEvent
      if (blockedURI === address && disposition === 'enforce' && effectiveDirective === 'connect-src') settle(originalPolicy)
    }
    const timer = setTimeout(settle, WAIT_MS)
    globalThis.addEventListener('securitypolicyviolation', listener)
    act()
  })
}

function attempt(address: string): void {
  if (address.startsWith('ws:')) openSocket(address)
  else void fetch(address, { mode: 'no-cors' }).catch(() => {})
}

function openSocket(address: string): void {
  try {
    const socket = new WebSocket(address)
    socket.addEventListener('open', () => socket.close())
  } catch {
    // Some engines throw here besides the event.
  }
}
