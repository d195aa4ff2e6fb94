/**
 * Modules that lie (T77–T92): each is off a good one in one point. On any host the same comes of it: an error that says what and where, or
 * the module harms itself alone; the next call of a good tool is answered.
 */
import { I32, I64, ins, line, section, text, uleb, vector } from '../support/wasm-encoder.ts'
import { digitResult, EXPORTS, prefixed, RESULT_AT, toolModule, u32 } from '../support/tool-module.ts'
import { type Contract, equal } from './check.ts'
import { answers, fails, packageOf, probe, type ToolMachine } from './tool-machine.ts'

const GOOD = toolModule()
const HEADER = line(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
const READ = ['dom:read'] as const
const DOM_QUERY = { module: 'btcp', name: 'dom_query', params: 'ii', result: true } as const
const DOM_TEXT = { module: 'btcp', name: 'dom_text', params: 'iiii', result: true } as const
const SET_TEXT = { module: 'btcp', name: 'dom_set_text', params: 'iiii', result: true } as const
const STORAGE_GET = { module: 'btcp', name: 'storage_get', params: 'iiii', result: true } as const
/** `h1`, where the modules below keep it. */
const H1_AT = 200
const PAGE = 65_536

/** A module of raw sections after the header, for what the encoder cannot say. */
const raw = (...sections: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> => Uint8Array.from([...HEADER, ...sections.flat()])

/** The good module with the bytes of one section replaced or put before the code. */
function withSection(id: number, items: readonly (readonly number[])[], before: number): Uint8Array<ArrayBuffer> {
  const out = [...HEADER]
  let isIn = false
  for (let at = 8; at < GOOD.length;) {
    const from = at
    const own = GOOD[at++]!
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const byte = GOOD[at++]!
      size |= (byte & 127) << shift
      if (byte < 128) break
    }
    at += size
    if (!isIn && own >= before) {
      out.push(...section(id, items))
      isIn = true
    }
    if (own !== id) out.push(...GOOD.subarray(from, at))
  }
  return Uint8Array.from(out)
}

/** Memory with `h1` besides the result. */
const withHeading = (result: string) => ({
  at: RESULT_AT,
  bytes: [...prefixed(result), ...Array<number>(H1_AT - RESULT_AT - 4 - result.length).fill(0), ...Buffer.from('h1')],
})

export const hostileTools: Contract<ToolMachine> = {
  'T77 what is no module is refused with its name': async (machine) => {
    await fails(machine, new TextEncoder().encode('<html>404</html>'), /tool\.wasm.*no WebAssembly/)
    await fails(machine, GOOD.slice(0, 4), /tool\.wasm/)
    await fails(machine, Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), /version/)
    await fails(machine, Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), /component/)
    for (let cut = 9; cut < GOOD.length; cut += Math.ceil(GOOD.length / 8)) await fails(machine, GOOD.slice(0, cut), /tool\.wasm/)
    await answers(machine, GOOD)
  },

  'T78 an export that is missing, of another type or no function is named': async (machine) => {
    const { alloc, execute } = EXPORTS
    await fails(machine, toolModule({ exports: { alloc } }), /"execute"/)
    await fails(machine, toolModule({ exports: { execute } }), /"alloc"/)
    await fails(machine, toolModule({ exports: { alloc, execute: 2 } }), /"execute".*\(i32, i32\)/)
    await fails(
      machine,
      toolModule({ more: [{ params: 'I', result: true, locals: 0, code: ins.i32(0) }], exports: { alloc, execute: 3 } }),
      /i64/,
    )
    const global = withSection(
      7,
      [
        [...text('memory'), 2, 0],
        [...text('alloc'), 0, 0],
        [...text('execute'), 3, 0],
      ],
      7,
    )
    await fails(machine, global, /tool\.wasm/)
    const noMemory = withSection(
      7,
      [
        [...text('alloc'), 0, 0],
        [...text('execute'), 0, 1],
      ],
      7,
    )
    await fails(machine, noMemory, /memory/)
    await answers(machine, GOOD)
  },

  'T79 what alloc gives is not believed': async (machine) => {
    for (const given of [0, -1, 2 * PAGE - 1, 2 * PAGE, -2 * PAGE]) await fails(machine, toolModule({ alloc: ins.i32(given) }), /"?alloc"?/)
    await fails(machine, toolModule({ alloc: ins.unreachable }), /alloc/)
    await fails(machine, toolModule({ alloc: [...ins.i32(1), ...ins.i32(0), 0x6d] }), /alloc/)
    equal((await probe(machine, toolModule({ alloc: ins.i32(4_097) }))).value, { ok: true }, 'a pointer that is not aligned')
    await answers(machine, GOOD)
  },

  'T80 what execute gives is not believed': async (machine) => {
    for (const given of [-1, 0x7fff_ffff, 2 * PAGE, 2 * PAGE - 3, -8])
      await fails(machine, toolModule({ execute: ins.i32(given) }), /execute/)
    const long = (length: number) => toolModule({ data: { at: RESULT_AT, bytes: u32(length) } })
    for (const length of [2 * PAGE, 0xffff_ffff, 0x7fff_ffff])
      await fails(machine, long(length), /execute|toolResultBytes/, { code: length === 2 * PAGE ? 'EXECUTION_ERROR' : 'LIMIT_EXCEEDED' })
    const args = { args: { n: 1 } }
    equal((await probe(machine, toolModule({ execute: ins.get(0) }), args)).value, { n: 1 }, 'the result where the arguments are')
    await answers(machine, GOOD)
  },

  'T81 a result is UTF-8, JSON, and of a size, or an error': async (machine) => {
    await fails(machine, toolModule({ result: Uint8Array.from([34, 0xff, 0xfe, 34]) }), /UTF-8/)
    await fails(machine, toolModule({ result: Uint8Array.from([34, 0xed, 0xa0, 0x80, 34]) }), /UTF-8/)
    await fails(machine, toolModule({ result: '' }), /JSON/)
    await fails(machine, toolModule({ result: '{"ok":' }), /JSON/)
    await fails(machine, toolModule({ result: 'NaN' }), /JSON/)
    await fails(machine, toolModule({ result: '['.repeat(1_000) + ']'.repeat(1_000) }), /JSON|deep/)
    const large = toolModule({ pages: 1_700, data: { at: RESULT_AT, bytes: u32(100 * 2 ** 20) } })
    await fails(machine, large, /toolResultBytes/, { code: 'LIMIT_EXCEEDED' })
    await answers(machine, GOOD)
  },

  'T82 only a plain memory will do, and one that grows inside a call is looked at anew': async (machine) => {
    await fails(machine, withSection(5, [[3, 1, 2]], 5), /shared/)
    await fails(machine, withSection(5, [[4, 1]], 5), /64/)
    await fails(
      machine,
      withSection(
        5,
        [
          [0, 1],
          [0, 1],
        ],
        5,
      ),
      /memor/,
    )
    await fails(machine, withSection(5, [[0, ...uleb(65_536)]], 5), /memory/, { code: 'LIMIT_EXCEEDED' })
    equal((await probe(machine, withSection(5, [[1, 2, ...uleb(65_536)]], 5))).value, { ok: true }, 'a maximum of 4 GiB')
    const grows = [...ins.i32(1), ...ins.grow, ...ins.drop]
    const inAlloc = toolModule({ alloc: [...grows, ...ins.size, ...ins.i32(PAGE), 0x6c, ...ins.i32(1_024), ...ins.sub] })
    equal((await probe(machine, inAlloc, { args: { text: 'x'.repeat(300) } })).value, { ok: true }, 'alloc that grows the memory')
    const forEver = [...ins.loop, ...ins.i32(16), ...ins.grow, ...ins.i32(-1), ...ins.eq, ...ins.eqz, ...ins.brIf(0), ...ins.end]
    equal((await probe(machine, toolModule({ execute: [...forEver, ...ins.i32(RESULT_AT)] }))).value, { ok: true }, 'growth to the quota')
    await answers(machine, GOOD)
  },

  'T83 a start function runs once, under the deadline; an exported _start is nothing': async (machine) => {
    const start = (code: readonly number[]) => toolModule({ more: [{ params: '', result: false, locals: 0, code }], start: 3 })
    await fails(machine, start(ins.unreachable), /start|unreachable/)
    await fails(machine, start([...ins.loop, ...ins.br(0), ...ins.end]), /deadline|time/i, { code: 'TIMEOUT', timeoutMs: 1_000 })
    const counts = [...ins.i32(RESULT_AT + 9), 0x2d, 0, 0, ...ins.i32(1), ...ins.add]
    const once = toolModule({
      more: [{ params: '', result: false, locals: 0, code: [...ins.i32(RESULT_AT + 9), ...counts, ...line(0x3a, 0, 0)] }],
      start: 3,
      result: '{"n":0}',
    })
    for (let i = 0; i < 3; i++) equal((await probe(machine, once)).value, { n: 1 }, `run ${i}`)
    const command = toolModule({
      more: [{ params: '', result: false, locals: 0, code: ins.unreachable }],
      exports: { ...EXPORTS, _start: 3 },
    })
    equal((await probe(machine, command)).value, { ok: true }, 'an exported _start')
    await answers(machine, GOOD)
  },

  'T84 a module that takes for ever to compile or to run is over at the deadline': async (machine) => {
    const locals = raw(section(1, [[0x60, 0, 0]]), section(3, [[0]]), section(10, [[8, 1, ...uleb(2 ** 31), I32, ...ins.end]]))
    await fails(machine, locals, /tool\.wasm/)
    const body = [0, ...Array.from({ length: 2_000 }, () => [...ins.i32(1), ...ins.drop]).flat(), ...ins.end]
    const functions = 500
    const many = raw(
      section(1, [[0x60, 0, 0]]),
      section(
        3,
        Array.from({ length: functions }, () => [0]),
      ),
      section(
        10,
        Array.from({ length: functions }, () => [...uleb(body.length), ...body]),
      ),
    )
    await fails(machine, many, /"?(?:alloc|memory|execute)"?/)
    const targets = 20_000
    const table = [...ins.block, ...ins.i32(0), 0x0e, ...vector(Array.from({ length: targets }, () => [0])), 0, ...ins.end]
    equal((await probe(machine, toolModule({ execute: [...table, ...ins.i32(RESULT_AT)] }))).value, { ok: true }, 'a giant br_table')
    const forEver = [...ins.loop, ...ins.br(0), ...ins.end, ...ins.i32(0)]
    await fails(machine, toolModule({ execute: forEver }), /deadline|time/i, { code: 'TIMEOUT', timeoutMs: 1_000 })
    await answers(machine, GOOD)
  },

  'T85 tables have a size, and segments beyond the end are an error of the module': async (machine) => {
    const table = (count: number) => withSection(4, [[0x70, 0, ...uleb(count)]], 5)
    await fails(machine, table(10_000_000), /table/, { code: 'LIMIT_EXCEEDED' })
    equal((await probe(machine, table(65_536))).value, { ok: true }, 'the largest table')
    await fails(machine, toolModule({ data: { at: 2 * PAGE - 2, bytes: [1, 2, 3, 4] } }), /data|segment|bounds/)
    await answers(machine, GOOD)
  },

  'T86 calls of one tool at a time are apart, also while an import waits': async (machine) => {
    const waits = toolModule({
      imports: [DOM_QUERY],
      data: withHeading('{"n":0}'),
      execute: digitResult([...ins.i32(H1_AT), ...ins.i32(2), ...ins.call(0)]),
    })
    await machine.install(packageOf(waits, { capabilities: READ }), READ)
    const called = await Promise.all(Array.from({ length: 6 }, () => machine.call('probe')))
    equal(
      called.map(({ value }) => value),
      Array.from({ length: 6 }, () => ({ n: 1 })),
      'six at a time',
    )
    const recursive = toolModule({ execute: [...ins.get(0), ...ins.call(1)] })
    await fails(machine, recursive, /stack/)
    await answers(machine, GOOD)
  },

  'T87 after its end a call reaches nothing': async (machine) => {
    const stops = toolModule({
      imports: [SET_TEXT],
      data: withHeading('{"n":0}'),
      execute: [
        ...line(...ins.loop, ...ins.i32(1), ...ins.brIf(0), ...ins.end),
        ...line(...ins.i32(H1_AT), ...ins.i32(2), ...ins.i32(H1_AT), ...ins.i32(2), ...ins.call(0)),
        ...line(...ins.drop, ...ins.i32(RESULT_AT)),
      ],
    })
    const before = await machine.page()
    await fails(machine, stops, /deadline|time/i, { code: 'TIMEOUT', timeoutMs: 500, capabilities: ['dom:write'] })
    equal(await machine.page(), before, 'the page')
    await answers(machine, GOOD)
  },

  'T88 an import that is unknown, of another module or of another type is refused at load; one that is not granted answers −2 without effect':
    async (machine) => {
      const importing = (module: string, name: string, params: string) => toolModule({ imports: [{ module, name, params, result: true }] })
      await fails(machine, importing('btcp', 'dom_frobnicate', 'ii'), /dom_frobnicate/)
      await fails(machine, importing('env', 'dom_text', 'iiii'), /env\.dom_text|"env"/)
      await fails(machine, importing('btcp', 'dom_text', 'Iiii'), /dom_text.*i64/)
      await fails(machine, importing('btcp', '__proto__', ''), /__proto__/)
      await fails(machine, importing('constructor', 'prototype', ''), /constructor/)
      const before = await machine.page()
      const sets = (config?: object) =>
        [
          toolModule({
            imports: [SET_TEXT],
            data: withHeading('{"n":-0}'),
            execute: digitResult([...ins.i32(H1_AT), ...ins.i32(2), ...ins.i32(H1_AT), ...ins.i32(2), ...ins.call(0)], true),
          }),
          config ? { config } : {},
        ] as const
      equal((await probe(machine, ...sets())).value, { n: -2 }, 'without its grant')
      await fails(machine, sets()[0], /dom_set_text/, { config: { strict: true } })
      equal(await machine.page(), before, 'the page')
      await answers(machine, GOOD)
    },

  'T89 dealloc is the module’s own affair': async (machine) => {
    const twice = toolModule({ dealloc: [...ins.i32(0), ...ins.i32(-1), ...ins.store(0)] })
    const { value, text } = await probe(machine, twice)
    if (value === undefined && !/dealloc/.test(text)) throw new Error(`expected a result or an error of dealloc, got ${text}`)
    const one = toolModule({ more: [{ params: 'i', result: false, locals: 0, code: [] }], exports: { alloc: 0, execute: 1, dealloc: 3 } })
    equal((await probe(machine, one)).value, { ok: true }, 'dealloc of one parameter')
    equal((await probe(machine, toolModule({ exports: { alloc: 0, execute: 1 } }))).value, { ok: true }, 'no dealloc')
    await answers(machine, GOOD)
  },

  'T90 garbage-collected types are refused': async (machine) => {
    const array = [0x5e, I64, 1]
    const bomb = raw(section(1, [array, [0x60, 0, 0]]), section(3, [[1]]), section(10, [[4, 0, ...ins.end]]))
    await fails(machine, bomb, /garbage|array|struct|type/i)
    const struct = raw(section(1, [[0x5f, 1, I32, 1]]))
    await fails(machine, struct, /garbage|array|struct|type/i)
    const anyref = raw(section(1, [[0x60, 1, 0x6e, 0]]))
    await fails(machine, anyref, /anyref|type/i)
    await answers(machine, GOOD)
  },

  'T91 what is changed after it was granted has to be granted anew': async (machine) => {
    const reads = (result: string) =>
      toolModule({
        imports: [DOM_TEXT],
        data: withHeading(result),
        execute: [
          ...ins.i32(H1_AT),
          ...ins.i32(2),
          ...ins.i32(H1_AT + 100),
          ...ins.i32(100),
          ...ins.call(0),
          ...ins.drop,
          ...ins.i32(RESULT_AT),
        ],
      })
    equal((await probe(machine, reads('{"n":1}'), { capabilities: READ })).value, { n: 1 }, 'with its grant')
    const changed = await probe(machine, reads('{"n":2}'), { capabilities: READ, grants: [] })
    equal([changed.value, changed.code], [undefined, 'CAPABILITY_DENIED'], 'changed')
    equal((await probe(machine, reads('{"n":2}'), { capabilities: READ })).value, { n: 2 }, 'granted anew')
  },

  'T92 a storage key is a key, whatever it is called': async (machine) => {
    const keyed = (key: string) =>
      toolModule({
        imports: [STORAGE_GET],
        data: { at: RESULT_AT, bytes: [...prefixed('{"n":-0}'), ...Array<number>(H1_AT - RESULT_AT - 12).fill(0), ...Buffer.from(key)] },
        execute: digitResult(
          [...ins.i32(H1_AT), ...ins.i32(Buffer.byteLength(key)), ...ins.i32(1_024), ...ins.i32(100), ...ins.call(0)],
          true,
        ),
      })
    for (const key of ['__proto__', 'constructor', 'toString', 'length', 'getItem', 'of another site'])
      equal((await probe(machine, keyed(key), { capabilities: ['storage:local:read'] })).value, { n: -1 }, key)
    await answers(machine, GOOD)
  },
}
