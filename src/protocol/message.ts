/**
 * The messages of the BTCP wire: JSON-RPC 2.0 between a page and the extension (docs/protocol.md section 1). Every hop reads
 * what it gets with `parseMessage`, which returns a copy made of plain data, and drops the original.
 * Invariant: ids of one connection are whole numbers that only grow, so an id is never used twice.
 */
import { BTCP_CODES, BtcpError, type BtcpCode, type BtcpErrorData } from './error.ts'
import { LIMITS } from './limits.ts'
import { isRecord, own, parseJson, type JsonObject, type JsonValue } from './parse.ts'

export const PROTOCOL_VERSION = '1.0'

export interface RequestMessage {
  readonly jsonrpc: '2.0'
  readonly id: number
  readonly method: string
  readonly params: JsonObject
}
export interface NotificationMessage {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params: JsonObject
}
export interface ResultMessage {
  readonly jsonrpc: '2.0'
  readonly id: number
  readonly result: JsonValue
}
export interface ErrorMessage {
  readonly jsonrpc: '2.0'
  /** null: the request could not be read so far */
  readonly id: number | null
  readonly error: WireError
}
export interface WireError {
  readonly code: number
  readonly message: string
  readonly data: BtcpErrorData
}
export type Message = RequestMessage | NotificationMessage | ResultMessage | ErrorMessage

export const request = (id: number, method: string, params: JsonObject): RequestMessage => ({ jsonrpc: '2.0', id, method, params })
export const notification = (method: string, params: JsonObject): NotificationMessage => ({ jsonrpc: '2.0', method, params })
export const resultOf = (id: number, result: JsonValue): ResultMessage => ({ jsonrpc: '2.0', id, result })
export const errorOf = (id: number | null, error: unknown): ErrorMessage => ({ jsonrpc: '2.0', id, error: wireError(error) })

/** An error as it may leave the extension: what is no BtcpError says nothing about our inside. */
export function wireError(error: unknown): WireError {
  if (error instanceof BtcpError) return { code: error.code, message: error.message, data: error.data }
  const btcpCode = 'INTERNAL_ERROR'
  return { code: BTCP_CODES[btcpCode], message: 'Cannot answer: something failed inside the extension', data: { btcpCode } }
}

/** The error of a received message as one to throw; a code that we do not know becomes INTERNAL_ERROR. */
export function thrownError(error: WireError): BtcpError {
  const { btcpCode, ...data } = error.data
  return new BtcpError(btcpCode, error.message, data)
}

const METHOD = /^[a-zA-Z][a-zA-Z_-]*(?:\/[a-zA-Z_]+)*$/
const METHOD_LENGTH = 64

/** Reads a message. What is none throws BtcpError INVALID_REQUEST (or INVALID_PARAMS where only its data is at fault). */
export function parseMessage(value: unknown): Message {
  if (!isRecord(value) || own(value, 'jsonrpc') !== '2.0') throw invalid('it is no JSON-RPC 2.0 message')
  const id = own(value, 'id')
  const method = own(value, 'method')
  if (method !== undefined) return parseCall(value, id, method)
  if (own(value, 'error') !== undefined) return { jsonrpc: '2.0', id: parseId(id, true), error: parseWireError(own(value, 'error')) }
  return { jsonrpc: '2.0', id: parseId(id, false) as number, result: data(own(value, 'result') ?? null, 'result') }
}

function parseCall(value: Record<string, unknown>, id: unknown, method: unknown): RequestMessage | NotificationMessage {
  if (typeof method !== 'string' || method.length > METHOD_LENGTH || !METHOD.test(method)) throw invalid('"method" is no method name')
  const params = data(own(value, 'params') ?? {}, 'params')
  if (!isRecord(params)) throw new BtcpError('INVALID_PARAMS', `Cannot run "${method}": "params" is no object`)
  if (id === undefined) return { jsonrpc: '2.0', method, params }
  return { jsonrpc: '2.0', id: parseId(id, false) as number, method, params }
}

function parseId(id: unknown, orNull: boolean): number | null {
  if (orNull && id === null) return null
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw invalid('"id" is no whole number from 1 up')
  return id
}

function data(value: unknown, name: string): JsonValue {
  const parsed = parseJson(value)
  if (!parsed.ok)
    throw new BtcpError('INVALID_PARAMS', `Cannot read message: "${name}" ${parsed.reason}`, {
      errors: [{ instancePath: parsed.at, message: parsed.reason }],
    })
  if (weight(parsed.value) > LIMITS.messageBytes)
    throw new BtcpError('INVALID_PARAMS', `Cannot read message: "${name}" is larger than ${LIMITS.messageBytes} bytes`, {
      limit: 'messageBytes',
    })
  return parsed.value
}

function parseWireError(value: unknown): WireError {
  const error = isRecord(value) ? value : {}
  const message = own(error, 'message')
  const given = parseJson(own(error, 'data') ?? {})
  const copied = given.ok && isRecord(given.value) ? given.value : {}
  const btcpCode = parseCode(copied['btcpCode'])
  return {
    code: BTCP_CODES[btcpCode],
    message: typeof message === 'string' ? message.slice(0, 4_096) : 'The other side gave no reason',
    data: { ...copied, btcpCode },
  }
}

const parseCode = (value: unknown): BtcpCode =>
  typeof value === 'string' && Object.hasOwn(BTCP_CODES, value) ? (value as BtcpCode) : 'INTERNAL_ERROR'

/** About how many bytes the data takes on the wire: a character counts one, as it does in most texts. */
export function weight(value: JsonValue): number {
  if (typeof value === 'string') return value.length + 8
  if (typeof value !== 'object' || value === null) return 8
  if (Array.isArray(value)) return value.reduce<number>((sum, item: JsonValue) => sum + weight(item), 16)
  return Object.entries(value as JsonObject).reduce((sum, [key, item]) => sum + key.length + weight(item), 16)
}

const invalid = (reason: string): BtcpError => new BtcpError('INVALID_REQUEST', `Cannot read message: ${reason}`)

export const isRequest = (message: Message): message is RequestMessage => 'method' in message && 'id' in message
export const isNotification = (message: Message): message is NotificationMessage => 'method' in message && !('id' in message)
export const isAnswer = (message: Message): message is ResultMessage | ErrorMessage => !('method' in message)
