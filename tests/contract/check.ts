/**
 * The few assertions that contract suites are written in: no test framework, so that the same suite runs under vitest and in a page of
 * a real browser.
 */
export type Contract<Subject> = Readonly<Record<string, (subject: Subject) => Promise<void>>>

export function equal(actual: unknown, expected: unknown, what = 'value'): void {
  const [a, b] = [show(actual), show(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}

/** The promise must be rejected; the error comes back for a look. */
export async function rejected(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('expected a rejection')
}

function show(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      inner instanceof Uint8Array ? { bytes: [...inner] } : inner instanceof Map ? { map: [...inner] } : inner,
    ) ?? 'undefined'
  )
}
