/**
 * libffi for WebAssembly, as ctypes needs it: a call of any function of the table with arguments that lie in memory, and closures by
 * which C calls Python. The C ABI of wasm32 (WebAssembly tool conventions, "Basic C ABI"): structs go by address unless they hold a
 * single scalar, variadic arguments lie in a buffer. A call made this way has a frame of JavaScript on the stack, so it cannot wait.
 */
import { ExternKind, FUNCTION, HEADER, Section, section, text, ValueType, vector } from '../wasi/wasm-encoder.ts'
import { wasm } from '../wasi/webassembly.ts'
import type { PythonInstance } from './python-instance.ts'

/** FFI_TYPE_… */
const Type = { void: 0, longDouble: 4, struct: 13 } as const
type Letter = 'i' | 'j' | 'f' | 'd'
interface Scalar {
  readonly letter: Letter
  readonly size: number
  read(view: DataView, at: number): unknown
  write(view: DataView, at: number, value: never): void
}

const int32: Scalar = { letter: 'i', size: 4, read: (v, at) => v.getInt32(at, true), write: (v, at, x) => v.setInt32(at, x, true) }
const int64: Scalar = { letter: 'j', size: 8, read: (v, at) => v.getBigInt64(at, true), write: (v, at, x) => v.setBigInt64(at, x, true) }
const narrow = (size: 1 | 2, read: (view: DataView, at: number) => number): Scalar => ({
  letter: 'i',
  size,
  read,
  // A result is widened to a word, as libffi's `ffi_arg` is.
  write: (v, at, x) => (size === 1 ? v.setInt8(at, x) : v.setInt16(at, x, true)),
})
/** by FFI_TYPE; void, long double and struct are apart */
const SCALARS: readonly (Scalar | undefined)[] = [
  undefined,
  int32,
  { letter: 'f', size: 4, read: (v, at) => v.getFloat32(at, true), write: (v, at, x) => v.setFloat32(at, x, true) },
  { letter: 'd', size: 8, read: (v, at) => v.getFloat64(at, true), write: (v, at, x) => v.setFloat64(at, x, true) },
  undefined,
  narrow(1, (v, at) => v.getUint8(at)),
  narrow(1, (v, at) => v.getInt8(at)),
  narrow(2, (v, at) => v.getUint16(at, true)),
  narrow(2, (v, at) => v.getInt16(at, true)),
  int32,
  int32,
  int64,
  int64,
  undefined,
  int32,
]
const SLOT = 16
/** ctypes allows as many. */
const MOST_ARGUMENTS = 1_024
const CODES: Readonly<Record<Letter, number>> = { i: ValueType.i32, j: ValueType.i64, f: ValueType.f32, d: ValueType.f64 }

interface ArgumentType {
  readonly id: number
  readonly size: number
}
interface Signature {
  readonly result: ArgumentType
  readonly fixed: readonly ArgumentType[]
  readonly variadic: readonly ArgumentType[]
}

function typeAt(view: DataView, pointer: number): ArgumentType {
  let at = pointer
  let id = view.getUint16(at + 6, true)
  while (id === Type.struct) {
    const elements = view.getUint32(at + 8, true)
    const first = view.getUint32(elements, true)
    if (first === 0) return { id: Type.void, size: 0 }
    if (view.getUint32(elements + 4, true) !== 0) break
    at = first
    id = view.getUint16(at + 6, true)
  }
  if (id >= SCALARS.length) throw new Error('complex numbers cannot be passed')
  return { id, size: view.getUint32(at, true) }
}

function signatureAt(view: DataView, cif: number): Signature {
  const count = view.getUint32(cif + 4, true)
  const list = view.getUint32(cif + 8, true)
  const fixed = view.getUint32(cif + 24, true)
  if (count > MOST_ARGUMENTS) throw new Error('too many arguments')
  const types = Array.from({ length: count }, (_, i) => typeAt(view, view.getUint32(list + 4 * i, true)))
  return { result: typeAt(view, view.getUint32(cif + 12, true)), fixed: types.slice(0, fixed), variadic: types.slice(fixed) }
}

const byAddress = ({ id }: ArgumentType): boolean => id === Type.struct || id === Type.longDouble

/** One argument as the callee's parameters: a long double is two of them. */
function lettersOf({ id }: ArgumentType): Letter[] {
  if (id === Type.longDouble) return ['j', 'j']
  return id === Type.struct ? ['i'] : [SCALARS[id]?.letter ?? 'i']
}

function valuesAt(view: DataView, { id }: ArgumentType, at: number): unknown[] {
  if (id === Type.longDouble) return [view.getBigInt64(at, true), view.getBigInt64(at + 8, true)]
  return [id === Type.struct ? at : SCALARS[id]?.read(view, at)]
}

export function foreignCalls(python: PythonInstance) {
  const view = (): DataView => python.fresh().view

  /** Room on C's stack for as long as `work` takes. */
  function withStack<T>(bytes: number, work: (at: number) => T): T {
    const { stackPointer } = python
    const old = stackPointer.value
    const at = (old - bytes) & ~(SLOT - 1)
    stackPointer.value = at
    try {
      return work(at)
    } finally {
      stackPointer.value = old
    }
  }

  /** A struct is copied: the callee owns what it is given. */
  function copied(type: ArgumentType, from: number, to: number): number {
    if (type.id !== Type.struct) return from
    python.fresh().u8.copyWithin(to, from, from + type.size)
    return to
  }

  const room = (types: readonly ArgumentType[]): number => types.reduce((sum, { size }) => sum + ((size + SLOT - 1) & ~(SLOT - 1)), 0)

  return {
    ffi_call_js(cif: number, f: number, out: number, list: number): void {
      const { result, fixed, variadic } = signatureAt(view(), cif)
      const all = [...fixed, ...variadic]
      const buffer = SLOT * variadic.length
      withStack(room(all) + buffer, (at) => {
        const v = view()
        const args: unknown[] = byAddress(result) ? [out] : []
        let free = at + buffer
        const sources = all.map((type, i) => {
          const source = copied(type, v.getUint32(list + 4 * i, true), free)
          free += (type.size + SLOT - 1) & ~(SLOT - 1)
          return source
        })
        fixed.forEach((type, i) => args.push(...valuesAt(v, type, sources[i]!)))
        if (variadic.length > 0) args.push(at)
        let next = at
        variadic.forEach((type, i) => {
          const source = sources[fixed.length + i]!
          // A struct goes by address. A long double is aligned to 8 bytes: so Emscripten has it.
          const size = type.id === Type.struct ? 4 : Math.max(4, type.size)
          const align = Math.min(size, 8)
          next = (next + align - 1) & ~(align - 1)
          if (type.id === Type.struct) v.setUint32(next, source, true)
          else python.fresh().u8.copyWithin(next, source, source + type.size)
          next += size
        })
        const value = python.callForeign(f, ...args)
        if (result.id === Type.void || byAddress(result)) return
        SCALARS[result.id]!.write(view(), out, value as never)
      })
    },

    ffi_closure_alloc_js(size: number, out: number): number {
      const closure = python.allocate(8, size)
      if (closure === 0) return 0
      const index = python.tableSlot()
      view().setUint32(out, index, true)
      view().setUint32(closure, index, true)
      return closure
    },

    ffi_closure_free_js(closure: number): void {
      python.freeTableSlot(view().getUint32(closure, true))
      python.free(closure)
    },

    /** 0, or 1 (FFI_BAD_TYPEDEF) where the types cannot be passed. */
    ffi_prep_closure_loc_js(closure: number, cif: number, f: number, data: number, code: number): number {
      try {
        const signature = signatureAt(view(), cif)
        const enter = (...args: unknown[]): unknown => callBack(signature, args, { cif, f, data })
        const { result, fixed, variadic } = signature
        const params = [
          ...(byAddress(result) ? (['i'] as const) : []),
          ...fixed.flatMap(lettersOf),
          ...(variadic.length > 0 ? (['i'] as const) : []),
        ]
        const letter = result.id === Type.void || byAddress(result) ? undefined : SCALARS[result.id]!.letter
        python.setTableSlot(code, typedFunction(enter, params, letter))
        view().setUint32(closure + 4, cif, true)
        view().setUint32(closure + 8, f, true)
        view().setUint32(closure + 12, data, true)
        return 0
      } catch {
        return 1
      }
    },
  }

  /** Lays the arguments out in memory and calls `f(cif, result, arguments, data)`, as libffi's closures do. */
  function callBack(
    { result, fixed, variadic }: Signature,
    args: readonly unknown[],
    to: { cif: number; f: number; data: number },
  ): unknown {
    const count = fixed.length + variadic.length
    return withStack(SLOT + SLOT * count + 4 * count, (at) => {
      const v = view()
      // The result of a function of Python's that fails.
      v.setBigInt64(at, 0n, true)
      let next = 0
      const out = byAddress(result) ? (args[next++] as number) : at
      const list = at + SLOT + SLOT * count
      fixed.forEach((type, i) => {
        const slot = at + SLOT * (i + 1)
        const value = args[next++]
        if (type.id === Type.longDouble) {
          v.setBigInt64(slot, value as bigint, true)
          v.setBigInt64(slot + 8, args[next++] as bigint, true)
        } else if (type.id !== Type.struct) SCALARS[type.id]?.write(v, slot, value as never)
        v.setUint32(list + 4 * i, type.id === Type.struct ? (value as number) : slot, true)
      })
      variadic.forEach((_, i) => v.setUint32(list + 4 * (fixed.length + i), (args[next] as number) + 4 * i, true))
      python.callForeign(to.f, to.cif, out, list, to.data)
      return result.id === Type.void || byAddress(result) ? undefined : resultAt(view(), result, out)
    })
  }
}

/** A closure leaves narrow results widened to a word. */
function resultAt(view: DataView, { id }: ArgumentType, at: number): unknown {
  const scalar = SCALARS[id]!
  return scalar.letter === 'i' ? view.getInt32(at, true) : scalar.read(view, at)
}

/** A function of JavaScript with a type of WebAssembly, which a table takes: a module that imports it and exports it again. */
function typedFunction(f: unknown, params: readonly Letter[], result: Letter | undefined): unknown {
  const type = [FUNCTION, ...vector(params.map((p) => [CODES[p]])), ...vector(result ? [[CODES[result]]] : [])]
  const bytes = Uint8Array.from([
    ...HEADER,
    ...section(Section.type, vector([type])),
    ...section(Section.import, vector([[...text('e'), ...text('f'), ExternKind.function, 0]])),
    ...section(Section.export, vector([[...text('f'), ExternKind.function, 0]])),
  ])
  return new wasm.Instance(new wasm.Module(bytes), { e: { f } }).exports['f']
}
