/** The ABIs (docs/tools.md): how a module is given its input and gives its result. Both are JSON, which is not read here. */
import type { ModuleRun } from '../../protocol/module-run.ts'
import { START, type TextForm } from '../module/gated-module.ts'
import { type Activation, unpack } from './activation.ts'
import { fault, ToolFault } from './tool-fault.ts'

type Bytes = Uint8Array<ArrayBuffer>

const PREFIX = 4
/** A pair of u32 that a function returns through memory. */
const PAIR = 8
const BRACE = 0x7b

export async function runEntry(activation: Activation, entry: Exclude<ModuleRun['entry'], 'check'>, input: Bytes): Promise<Bytes> {
  const { abi, hasStart } = activation.gated
  if (hasStart) await activation.call(START)
  if (abi.initialize) await activation.call('_initialize')
  switch (entry) {
    case 'execute':
      return await execute(activation, input)
    case 'library_call':
      return await callLibrary(activation, entry, abi.libraryCall, input)
    case 'library_check':
      return await callLibrary(activation, entry, abi.libraryCheck, input)
    case 'get_metadata':
      return await metadata(activation, abi.metadata)
  }
}

/** Arguments and result with their length before them. */
async function execute(activation: Activation, input: Bytes): Promise<Bytes> {
  const args = await activation.allocate(PREFIX + input.length)
  activation.guest.setU32(args, input.length)
  activation.guest.u8.set(input, args + PREFIX)
  const result = Number(await activation.call('execute', args)) >>> 0
  const value = prefixed(activation, 'execute', result)
  await free(activation, [args, PREFIX + input.length], [result, PREFIX + value.length])
  return value
}

async function callLibrary(activation: Activation, name: string, form: TextForm | undefined, input: Bytes): Promise<Bytes> {
  const args = await activation.allocate(input.length)
  activation.guest.u8.set(input, args)
  const [value, place] = await textOf(activation, name, form, args, input.length)
  await free(activation, [args, input.length], place)
  return value
}

async function metadata(activation: Activation, form: TextForm | undefined): Promise<Bytes> {
  if (form !== 'pointer') return (await textOf(activation, 'get_metadata', form))[0]
  const pointer = Number(await activation.call('get_metadata')) >>> 0
  activation.close()
  return described(activation, pointer)
}

async function textOf(
  activation: Activation,
  name: string,
  form: TextForm | undefined,
  ...args: number[]
): Promise<readonly [value: Bytes, place: readonly [number, number]]> {
  if (form === undefined || form === 'pointer') throw fault('load', `The module exports no "${name}"`)
  const place = await placeOf(activation, name, form, args)
  activation.close()
  return [activation.text(name, ...place), place]
}

async function placeOf(
  activation: Activation,
  name: string,
  form: Exclude<TextForm, 'pointer'>,
  args: number[],
): Promise<readonly [number, number]> {
  if (form === 'packed') return unpack(await activation.call(name, ...args))
  if (form === 'pair') {
    const [pointer, length] = (await activation.call(name, ...args)) as [number, number]
    return [pointer >>> 0, length >>> 0]
  }
  const pair = await activation.allocate(PAIR)
  await activation.call(name, pair, ...args)
  if (!activation.has(pair, PAIR)) throw activation.outOfBounds(name, pair, PAIR)
  return [activation.u32(pair), activation.u32(pair + PREFIX)]
}

/** The text at a pointer to its length. */
function prefixed(activation: Activation, name: string, pointer: number): Bytes {
  activation.close()
  if (pointer === 0) throw fault('result', `${name} gave the pointer 0: no result`)
  if (!activation.has(pointer, PREFIX)) throw activation.outOfBounds(name, pointer, PREFIX)
  return activation.text(name, pointer + PREFIX, activation.u32(pointer))
}

/** A module's description has its length before it, or a NUL after it. A length has a 0 as its highest byte, a text's first four have none. */
function described(activation: Activation, pointer: number): Bytes {
  const { u8 } = activation.guest
  if (pointer === 0 || !activation.has(pointer, PREFIX)) throw activation.outOfBounds('get_metadata', pointer, PREFIX)
  const isText = u8[pointer + PREFIX - 1] !== 0 || (u8[pointer] === BRACE && u8[pointer + PREFIX] !== BRACE)
  if (!isText) return prefixed(activation, 'get_metadata', pointer)
  const end = u8.indexOf(0, pointer)
  if (end < 0) throw fault('result', 'get_metadata gave a text that has no end')
  return activation.text('get_metadata', pointer, end - pointer)
}

/** The result is there by now, so a module that cannot free what it gave is let be. */
async function free(activation: Activation, ...places: readonly (readonly [pointer: number, bytes: number])[]): Promise<void> {
  const { dealloc } = activation.gated.abi
  if (!dealloc) return
  try {
    for (const [pointer, bytes] of places) await activation.call(dealloc.name, ...(dealloc.form === 'sized' ? [pointer, bytes] : [pointer]))
  } catch (error) {
    if (!(error instanceof ToolFault)) throw error
  }
}
