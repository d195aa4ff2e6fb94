/** Which files are wheels that run here, and what a person may ask of a site's wheels. */
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/protocol/limits.ts'
import { parseWheelName, parseWheelOp, wheelFault } from '../../src/protocol/wheel.ts'

const ZIP = Uint8Array.of(0x50, 0x4b, 3, 4)
const WHEEL = 'greet-1.2-py3-none-any.whl'
const reason = (file: string): string | undefined => {
  const parsed = parseWheelName(file)
  return parsed.ok ? undefined : parsed.reason
}

describe('the name of a wheel', () => {
  test.each([
    [WHEEL, 'greet', '1.2'],
    ['six-1.17.0-py2.py3-none-any.whl', 'six', '1.17.0'],
    ['ruamel.yaml-0.18.6-1-py3-none-any.whl', 'ruamel.yaml', '0.18.6'],
    ['a_b-2!1.0rc1+local.5-py314-none-any.whl', 'a_b', '2!1.0rc1+local.5'],
    ['fast-1-cp314-cp314-pyemscripten_2026_0_wasm32.whl', 'fast', '1'],
    ['fast-1-cp314-abi3-pyemscripten_2026_0_wasm32.whl', 'fast', '1'],
  ])('%s is read', (file, name, version) => {
    expect(parseWheelName(file)).toEqual({ ok: true, value: { name, version } })
  })

  test.each([
    'greet.whl',
    'greet-1.2.tar.gz',
    'greet-1.2-py3-none-any.whl.part',
    'greet-1.2-py3-none-any.whl\n',
    '../greet-1.2-py3-none-any.whl',
    'a/b-1.2-py3-none-any.whl',
    '.greet-1.2-py3-none-any.whl',
    'greet-1.2-py3-none-any-x-y-z.whl',
    'gréet-1.2-py3-none-any.whl',
    `${'g'.repeat(240)}-1-py3-none-any.whl`,
    '',
  ])('%j is none', (file) => {
    expect(reason(file)).toBe('its name is not that of a wheel, like NAME-VERSION-py3-none-any.whl')
  })

  test('a number that the browser has put in is named', () => {
    for (const file of ['greet-1.2-py3-none-any (1).whl', 'greet-1.2-py3-none-any(12).whl'])
      expect(reason(file)).toBe('the browser has put a number in brackets into its name: take it out again')
  })

  test.each(['cp314-cp314-manylinux_2_28_x86_64', 'cp313-cp313-pyemscripten_2026_0_wasm32', 'py2-none-any', 'py3-none-win_amd64'])(
    '%s is for another place',
    (tags) => {
      expect(reason(`greet-1.2-${tags}.whl`)).toBe(
        `it is made for another Python or machine (${tags}); what runs here is py3-none-any or cp314-cp314-pyemscripten_2026_0_wasm32`,
      )
    },
  )
})

test('a file is refused for its size, and when it is no zip file', () => {
  expect(wheelFault(WHEEL, 4, ZIP)).toBeUndefined()
  expect(wheelFault(WHEEL, LIMITS.wheelBytes, ZIP)).toBeUndefined()
  expect(wheelFault(WHEEL, LIMITS.wheelBytes + 1, ZIP)).toBe('it is larger than 64 MiB (limit wheelBytes)')
  expect(wheelFault(WHEEL, 3 * 1024 * 1024, ZIP, 2 * 1024 * 1024)).toBe('it is larger than 2 MiB (limit wheelBytes)')
  for (const head of [new Uint8Array(0), Uint8Array.of(0x50, 0x4b), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)])
    expect(wheelFault(WHEEL, head.length, head)).toBe('it is no zip file, which a wheel is inside')
})

describe('what is asked of the wheels', () => {
  const part = { op: 'add', file: WHEEL, offset: 0, bytes: 'UEsDBA==', last: true }

  test('is read into a copy of what was checked', () => {
    expect(parseWheelOp({ op: 'list', file: 5 })).toEqual({ ok: true, value: { op: 'list' } })
    expect(parseWheelOp({ op: 'remove', file: WHEEL, more: 1 })).toEqual({ ok: true, value: { op: 'remove', file: WHEEL } })
    expect(parseWheelOp({ ...part, path: '/etc' })).toEqual({ ok: true, value: part })
  })

  test.each([
    [undefined, ''],
    ['list', ''],
    [[], ''],
    [{}, 'file'],
    [Object.create({ op: 'list' }), 'file'],
    [{ op: 'move', file: WHEEL }, 'op'],
    [{ op: 'remove' }, 'file'],
    [{ op: 'remove', file: '../../.bashrc' }, 'file'],
    [{ ...part, file: `x/${WHEEL}` }, 'file'],
    [{ ...part, offset: -1 }, 'offset'],
    [{ ...part, offset: 0.5 }, 'offset'],
    [{ ...part, offset: LIMITS.wheelBytes + 1 }, 'offset'],
    [{ ...part, bytes: [80, 75] }, 'bytes'],
    [{ ...part, bytes: 'A'.repeat(4 * Math.ceil(LIMITS.fsWriteBytes / 3) + 1) }, 'bytes'],
    [{ ...part, last: undefined }, 'last'],
  ])('%# is refused at its fault', (value, at) => {
    expect(parseWheelOp(value)).toMatchObject({ ok: false, at })
  })
})
