/**
 * Discovery as in EIP-6963: a page asks with `btcp:requestProvider`, each provider in it answers with `btcp:announceProvider`; ours
 * announces itself once unasked. `btcp:ready` says that the extension has answered.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { freeze, uncurry } from './pristine.ts'

const NAME = 'Tidepool'
const RDNS = 'dev.tidepool'
const ICON =
  'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"%3E%3Crect width="32" height="32" rx="8" fill="%230e7490"/%3E%3Cpath d="M5 19q4-5 8 0t8 0 6-2" fill="none" stroke="%23fff" stroke-width="3" stroke-linecap="round"/%3E%3C/svg%3E'

const add = uncurry(EventTarget.prototype.addEventListener)
const dispatch = uncurry(EventTarget.prototype.dispatchEvent)
const Detailed = CustomEvent
const SafePromise = Promise
const then = uncurry(SafePromise.prototype.then) as (promise: Promise<unknown>, fn: () => void) => Promise<unknown>
const uuid = crypto.randomUUID()

export function announce(provider: object): void {
  const detail = freeze({ info: freeze({ uuid, name: NAME, icon: ICON, rdns: RDNS }), provider })
  const answer = (): boolean => dispatch(window, new Detailed('btcp:announceProvider', { detail }))
  add(window, 'btcp:requestProvider', answer)
  answer()
  void then((provider as { ready: Promise<void> }).ready, () => void dispatch(window, new Detailed('btcp:ready')))
}
