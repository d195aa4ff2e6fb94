// The sample of the demo: requests to a web shop that never was. The same lines every time, so that answers can be compared.
const PAGES = ['/', '/basket', '/search', '/product/17', '/product/42', '/login', '/checkout', '/account', '/help', '/api/stock']

/** A linear congruential generator (Numerical Recipes): 0 ≤ x < 1, repeatable. */
function numbers(seed) {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/** CSV with `count` rows: id, time, page, status, milliseconds, and `error` or `ok`. */
export function makeRequests(count) {
  const next = numbers(2026)
  const lines = ['id,time,page,status,ms,outcome']
  for (let id = 1; id <= count; id++) {
    const page = PAGES[Math.floor(next() ** 2 * PAGES.length)]
    const failed = next() < (page === '/checkout' ? 0.2 : 0.04)
    const status = failed ? (next() < 0.5 ? 500 : 503) : 200
    const ms = Math.round(20 + 400 * next() ** 4 + (failed ? 900 * next() : 0))
    const time = new Date(Date.UTC(2026, 0, 1) + id * 4_321).toISOString().slice(0, 19)
    lines.push(`${id},${time},${page},${status},${ms},${failed ? 'error' : 'ok'}`)
  }
  return lines.join('\n') + '\n'
}
