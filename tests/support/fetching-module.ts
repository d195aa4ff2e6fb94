/** A tool that hands its arguments to `http_fetch` as they are, and gives the answer; where there is none `{ n, text }`, the import's number and
 *  its last error, in which quotes and backslashes are made plain. */
import { toolModule } from './tool-module.ts'
import { ins, line } from './wasm-encoder.ts'

const FAILURE = 1_024
const BEGIN = '{"n":-0,"text":"'
const DIGIT = FAILURE + 4 + BEGIN.indexOf('0')
const TEXT = FAILURE + 4 + BEGIN.length
const TEXT_BYTES = 1_024
const ANSWER = 128 * 1024
const PAGES = 160
const ANSWER_BYTES = PAGES * 64 * 1024 - ANSWER - 4

const ARGUMENTS = 0
const COUNT = 1
const AT = 2
const load8 = line(0x2d, 0, 0)
const store8 = line(0x3a, 0, 0)
const store16 = line(0x3b, 0, 0)
/** i32.lt_s, i32.or, i32.lt_u */
const [below, or, less] = [[0x48], [0x72], [0x49]]

/** One instruction after the other. */
const code = (...parts: readonly (readonly number[])[]): number[] => parts.flat()

/** Makes the byte at AT another where it is `from`. */
const plain = (from: number, to: number): number[] => [
  ...code(ins.get(AT), load8, ins.i32(from), ins.eq, ins.if),
  ...code(ins.get(AT), ins.i32(to), store8, ins.end),
]

export const fetchingModule = (): Uint8Array<ArrayBuffer> =>
  toolModule({
    imports: [
      { module: 'btcp', name: 'http_fetch', params: 'iiii', result: true },
      { module: 'btcp', name: 'last_error', params: 'ii', result: true },
    ],
    pages: PAGES,
    data: { at: FAILURE + 4, bytes: [...Buffer.from(BEGIN)] },
    execute: [
      ...code(ins.get(ARGUMENTS), ins.i32(4), ins.add, ins.get(ARGUMENTS), ins.load(0)),
      ...code(ins.i32(ANSWER + 4), ins.i32(ANSWER_BYTES), ins.call(0), ins.tee(COUNT), ins.i32(0), below, ins.if),
      ...code(ins.i32(DIGIT), ins.i32(48), ins.get(COUNT), ins.sub, store8),
      ...code(ins.i32(TEXT), ins.i32(TEXT_BYTES), ins.call(1), ins.set(COUNT)),
      ...code(ins.i32(TEXT), ins.set(AT), ins.loop),
      ...plain(0x22, 0x27),
      ...plain(0x5c, 0x2f),
      ...code(ins.get(AT), ins.i32(1), ins.add, ins.tee(AT), ins.get(COUNT), ins.i32(TEXT), ins.add, less),
      ...code(ins.brIf(0), ins.end),
      ...code(ins.get(COUNT), ins.i32(TEXT), ins.add, ins.i32(0x22), ins.i32(0x7d00), or, store16),
      ...code(ins.i32(FAILURE), ins.get(COUNT), ins.i32(BEGIN.length + 2), ins.add, ins.store(0)),
      ...code(ins.i32(FAILURE), ins.return, ins.end),
      ...code(ins.i32(ANSWER), ins.get(COUNT), ins.store(0), ins.i32(ANSWER)),
    ],
  })
