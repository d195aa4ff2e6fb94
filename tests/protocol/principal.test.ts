/** Origins that may be enabled, and that two principals never share a key. */
import { expect, test } from 'vitest'
import { parseOrigin, principalKey } from '../../src/protocol/principal.ts'

test('secure origins and loopback are origins', () => {
  for (const text of [
    'https://a.example',
    'https://xn--bcher-kva.example',
    'https://a.example:8443',
    'https://[::1]',
    'http://localhost:3000',
    'http://app.localhost:8080',
    'http://127.0.0.1',
  ])
    expect(parseOrigin(text)).toBe(text)
})

test('T04: opaque origins, other schemes and texts that are none are refused', () => {
  for (const value of [
    'null',
    'http://a.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'https://a.example/',
    'https://a.example/path',
    'https://user@a.example',
    'https://A.example',
    'https://a.example:0',
    'https://a.example:65536',
    'https://',
    'chrome-extension://abc',
    'file://',
    'data:text/html,x',
    'about:blank',
    ' https://a.example',
    'https://a.example\n',
    'https://a b',
    '',
    null,
    undefined,
    { toString: () => 'https://a.example' },
  ])
    expect(parseOrigin(value)).toBeUndefined()
})

test('no two principals have one key', () => {
  const origin = parseOrigin('https://a.example')!
  const owner = { kind: 'site', origin } as const
  const keys = [
    principalKey(owner),
    principalKey({ kind: 'site', origin: parseOrigin('https://a.example:444')! }),
    principalKey({ kind: 'tool', owner, tool: 'a', sha256: 'b c' }),
    principalKey({ kind: 'tool', owner, tool: 'a b', sha256: 'c' }),
    principalKey({ kind: 'tool', owner: { kind: 'local', name: 'https://a.example' }, tool: 'a', sha256: 'b c' }),
    principalKey({ kind: 'local', name: 'https://a.example' }),
    principalKey({ kind: 'local', name: 'site https://a.example' }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})
