/** `Buffer` as programs for Node use it to read and write texts: a Uint8Array that knows utf8, base64, base64url, hex and latin1. */
import { joinedBytes } from '../../../protocol/joined-bytes.ts'
import type { JsHost } from '../js-host.ts'

const PIECE = 8192

export type BufferClass = ReturnType<typeof makeBuffer>

export function makeBuffer(host: Pick<JsHost, 'encode' | 'decode'>) {
  const textOf = (bytes: Uint8Array, encoding: unknown): string => {
    switch (nameOf(encoding)) {
      case 'utf8':
        return host.decode(bytes)
      case 'base64':
        return bytes.toBase64()
      case 'base64url':
        return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
      case 'hex':
        return bytes.toHex()
      case 'latin1': {
        let text = ''
        for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
        return text
      }
    }
  }
  const bytesOf = (text: string, encoding: unknown): Uint8Array => {
    switch (nameOf(encoding)) {
      case 'utf8':
        return host.encode(text)
      case 'base64':
      case 'base64url':
        return Uint8Array.fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
      case 'hex':
        return Uint8Array.fromHex(text)
      case 'latin1':
        return Uint8Array.from(text, (character) => character.charCodeAt(0))
    }
  }

  class Buffer extends Uint8Array {
    static alloc(length: number): Buffer {
      return new Buffer(length)
    }
    static override from(value: unknown, encoding?: unknown): Buffer {
      if (value instanceof ArrayBuffer) return new Buffer(value)
      return Buffer.concat([typeof value === 'string' ? bytesOf(value, encoding) : Uint8Array.from(value as ArrayLike<number>)])
    }
    static concat(list: readonly Uint8Array[]): Buffer {
      return new Buffer(joinedBytes(list).buffer)
    }
    static isBuffer(value: unknown): boolean {
      return value instanceof Buffer
    }
    static byteLength(value: string | Uint8Array, encoding?: unknown): number {
      return typeof value === 'string' ? bytesOf(value, encoding).length : value.length
    }
    override toString(encoding?: unknown, start = 0, end = this.length): string {
      return textOf(this.subarray(start, end), encoding)
    }
    equals(other: Uint8Array): boolean {
      return this.length === other.length && this.every((byte, at) => byte === other[at])
    }
    toJSON(): object {
      return { type: 'Buffer', data: [...this] }
    }
  }
  return Buffer
}

type Encoding = 'utf8' | 'base64' | 'base64url' | 'hex' | 'latin1'

function nameOf(encoding: unknown): Encoding {
  const name = (typeof encoding === 'string' ? encoding.toLowerCase() : 'utf8').replace(/^utf-8$/, 'utf8')
  if (name === 'binary' || name === 'ascii') return 'latin1'
  if (['utf8', 'base64', 'base64url', 'hex', 'latin1'].includes(name)) return name as Encoding
  throw new TypeError(`Unknown encoding: ${String(encoding)}`)
}
