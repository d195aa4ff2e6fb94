/** What a tool may ask of the network: the forms of a request, and that no text makes it go to another origin. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BtcpError } from '../../src/protocol/error.ts'
import { type FetchRequest, parseFetchRequest } from '../../src/protocol/fetch-request.ts'
import { importSubject } from '../../src/protocol/import-subject.ts'
import { LIMITS } from '../../src/protocol/limits.ts'

const ORIGIN = 'https://a.example'
const parse = (request: object, origin?: string): FetchRequest => parseFetchRequest(JSON.stringify(request), origin)
const codeOf = (request: unknown, origin: string | undefined = ORIGIN): string => {
  try {
    parseFetchRequest(typeof request === 'string' ? request : JSON.stringify(request), origin)
    return 'ok'
  } catch (error) {
    return error instanceof BtcpError ? error.data.btcpCode : String(error)
  }
}
const urlOf = (url: string, origin = ORIGIN): string => {
  try {
    return parse({ url }, origin).url
  } catch (error) {
    return (error as BtcpError).data.btcpCode
  }
}

test('a request is read whole', () => {
  expect(parse({ url: '/x?y=1', method: 'POST', headers: { 'X-A': 'b c', accept: '' }, body: 'z' }, ORIGIN)).toEqual({
    url: 'https://a.example/x?y=1',
    host: 'a.example',
    method: 'POST',
    headers: [
      ['X-A', 'b c'],
      ['accept', ''],
    ],
    body: 'z',
  })
  expect(parse({ url: '/x' }, ORIGIN)).toEqual({ url: 'https://a.example/x', host: 'a.example', method: 'GET', headers: [] })
})

test('what is no request is told', () => {
  for (const text of ['', 'null', '[]', '"x"', '{', '{}', '{"url":1}', '{"url":null}'])
    expect([text, codeOf(text)]).toEqual([text, 'INVALID_PARAMS'])
  expect(codeOf({ url: '/x', credentials: 'include' })).toBe('INVALID_PARAMS')
  expect(codeOf('{"__proto__":{"url":"/x"}}')).toBe('INVALID_PARAMS')
  for (const method of ['get', 'TRACE', 'CONNECT', '', 1, null, 'GET '])
    expect([method, codeOf({ url: '/x', method })]).toEqual([method, 'INVALID_PARAMS'])
  for (const more of [{ body: 'x' }, { method: 'HEAD', body: '' }, { method: 'POST', body: 1 }, { headers: [] }, { headers: 'a: b' }])
    expect([more, codeOf({ url: '/x', ...more })]).toEqual([more, 'INVALID_PARAMS'])
  const large = JSON.stringify({ url: '/x', method: 'POST', body: 'a'.repeat(LIMITS.toolImportBytes) })
  expect(() => parseFetchRequest(large, ORIGIN)).toThrow(
    expect.objectContaining({ data: expect.objectContaining({ limit: 'toolImportBytes' }) }),
  )
})

describe('a URL', () => {
  test('is absolute or begins with one slash', () => {
    expect(urlOf('https://a.example')).toBe('https://a.example')
    expect(urlOf('HTTPS://A.Example:443/X')).toBe('https://a.example/X')
    expect(urlOf('https://a.example?q#f')).toBe('https://a.example?q#f')
    expect(urlOf('/a/../..//b')).toBe('https://a.example/a/../..//b')
    expect(urlOf('http://[::1]:80/x', 'http://[::1]')).toBe('http://[::1]/x')
    for (const url of ['x', './x', '../x', '?x', '#x', '', '//a.example/', 'https:/a.example/', 'https:a.example', 'https:///a.example'])
      expect([url, urlOf(url)]).toEqual([url, 'INVALID_PARAMS'])
    expect(urlOf(`/${'a'.repeat(8_191)}`)).toHaveLength(8_192 + ORIGIN.length)
    expect(urlOf(`/${'a'.repeat(8_192)}`)).toBe('INVALID_PARAMS')
  })

  test('of another origin is not offered', () => {
    for (const url of [
      'http://a.example/',
      'https://b.example/',
      'https://a.example:444/',
      'https://a.example:80/',
      'https://a.example:443:443/',
      'https://a.example./',
      'https://a.example.evil/',
      'https://sub.a.example/',
      'https://a%2eexample/',
      'https://ａ.example/',
    ])
      expect([url, urlOf(url)]).toEqual([url, 'UNSUPPORTED'])
  })

  test('has one reading', () => {
    for (const url of [
      '/\\b',
      '\\\\b',
      '/\tx',
      '/\nx',
      ' /x',
      '/x ',
      '/x\u0000',
      '/\u200b/b',
      '/x\u202e',
      'https://a.example\\@b/',
      'https://u@a.example/',
      'https://u:p@a.example/',
    ])
      expect([url, urlOf(url)]).toEqual([url, 'INVALID_PARAMS'])
    for (const url of [
      'file:///x',
      'data:,x',
      'blob:https://a.example/x',
      'javascript:1',
      'chrome-extension://x/',
      'ws://a.example/',
      'about:blank',
      'view-source:https://a.example',
    ])
      expect([url, urlOf(url)]).toEqual([url, 'INVALID_PARAMS'])
  })

  test('whatever it is: what is let through, the browser, too, takes for the origin', () => {
    const parts = [
      'https',
      'http',
      ':',
      '/',
      '//',
      '\\',
      '@',
      'a.example',
      'b.example',
      ':443',
      ':80',
      '.',
      '..',
      '%2f',
      '?',
      '#',
      '\t',
      ' ',
      '[',
      ']',
      'é',
      'x',
    ]
    const url = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((some) => some.join('')),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(url, fc.constantFrom('https://a.example', 'http://a.example', 'http://x.localhost:8080'), (given, origin) => {
        for (const text of [given, `${origin}${given}`, `/${given}`]) {
          const read = urlOf(text, origin)
          if (read === 'INVALID_PARAMS' || read === 'UNSUPPORTED') continue
          const { origin: meant, username, password } = new URL(read)
          expect([text, meant, username, password]).toEqual([text, origin, '', ''])
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('stays as it is where no origin is known', () => {
    expect(parse({ url: '/x' })).toMatchObject({ url: '/x' })
    expect(parse({ url: '/x' })).not.toHaveProperty('host')
    expect(parse({ url: 'https://b.example:8443/x' })).toMatchObject({ url: 'https://b.example:8443/x', host: 'b.example' })
    expect(codeOf({ url: 'file:///x' }, undefined)).toBe('INVALID_PARAMS')
  })
})

describe('a header', () => {
  const headersCode = (headers: object): string => codeOf({ url: '/x', headers })

  test('is a token and a value', () => {
    expect(headersCode({ "a!#$%&'*+-.^_`|~9": 'b\tc é', Authorization: 'Bearer x' })).toBe('ok')
    for (const headers of [
      { '': '1' },
      { 'a b': '1' },
      { 'a:': '1' },
      { 'a\r\nb': '1' },
      { é: '1' },
      { a: 'x\r\ny' },
      { a: 'x\n' },
      { a: ' x' },
      { a: '\0' },
      { a: '🌊' },
      { a: 1 },
      { a: null },
    ])
      expect([headers, headersCode(headers)]).toEqual([headers, 'INVALID_PARAMS'])
    expect(headersCode({ a: 'x'.repeat(8_193) })).toBe('INVALID_PARAMS')
    expect(headersCode(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ''])))).toBe('INVALID_PARAMS')
    expect(headersCode({ a: '1', A: '2' })).toBe('INVALID_PARAMS')
    expect(parseFetchRequest('{"url":"/x","headers":{"__proto__":"1"}}', ORIGIN).headers).toEqual([['__proto__', '1']])
  })

  test('that the browser says is not for a tool to say, in any case', () => {
    for (const name of [
      'Cookie',
      'cookie2',
      'Set-Cookie',
      'HOST',
      'Origin',
      'Referer',
      'Sec-Fetch-Site',
      'sec-',
      'Proxy-Authorization',
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      'Upgrade',
      'Access-Control-Request-Method',
      'Service-Worker',
      'X-HTTP-Method-Override',
      'User-Agent',
      'Via',
      'TE',
    ])
      expect([name, headersCode({ [name]: 'x' })]).toEqual([name, 'INVALID_PARAMS'])
  })
})

test('a grant is asked for the server that is meant', () => {
  const subject = (request: string, origin?: string) => importSubject({ import: 'http_fetch', arguments: { request } }, origin)
  expect(subject('{"url":"/x"}', 'http://x.localhost:8080')).toEqual({ host: 'x.localhost' })
  expect(subject('{"url":"/x"}', 'http://[::1]:8080')).toEqual({ host: '[::1]' })
  expect(subject('{"url":"/x"}')).toEqual({})
  expect(subject('{"url":"https://B.example/x"}')).toEqual({ host: 'b.example' })
  expect(importSubject({ import: 'dom_text', arguments: { selector: 'h1', key: 1 } })).toEqual({ selector: 'h1' })
})
