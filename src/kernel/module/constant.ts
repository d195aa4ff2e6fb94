/** Passes over a constant expression: the first value of a global, or where a segment begins. */
import { Malformed, type Reader } from './reader.ts'

const END = 0x0b
const FUNCREF = 0x70
const EXTERNREF = 0x6f
const VECTOR = 0xfd
const V128_CONST = 0x0c

/** What follows an instruction. */
const OPERANDS: Readonly<Record<number, (reader: Reader) => void>> = {
  // i32.const, i64.const, f32.const, f64.const
  0x41: (reader) => reader.skipNumber(5),
  0x42: (reader) => reader.skipNumber(10),
  0x43: (reader) => reader.skip(4),
  0x44: (reader) => reader.skip(8),
  // global.get, ref.func
  0x23: (reader) => void reader.unsigned(),
  0xd2: (reader) => void reader.unsigned(),
  // add, sub, mul of i32 and i64
  0x6a: () => {},
  0x6b: () => {},
  0x6c: () => {},
  0x7c: () => {},
  0x7d: () => {},
  0x7e: () => {},
}
const REF_NULL = 0xd0

export function constant(reader: Reader, holder: () => string): void {
  for (;;) {
    const code = reader.byte()
    if (code === END) return
    const operands = OPERANDS[code]
    if (operands) operands(reader)
    else if (code === REF_NULL) nullReference(reader, holder)
    else if (code === VECTOR && reader.unsigned() === V128_CONST) reader.skip(16)
    else throw new Malformed(`${holder()} begins with an expression that is not allowed (opcode 0x${code.toString(16)})`)
  }
}

function nullReference(reader: Reader, holder: () => string): void {
  const type = reader.byte()
  if (type !== FUNCREF && type !== EXTERNREF) throw new Malformed(`${holder()} begins with a null reference of a type that is not allowed`)
}
