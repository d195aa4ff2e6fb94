/** Text and UTF-8 as the orchestrator's TextCodec wants it; a byte order mark is a character like any other. */
import type { TextCodec } from '../orchestrator/platform.ts'

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

export const textCodec: TextCodec = {
  encode: (text) => encoder.encode(text),
  decode(bytes) {
    try {
      return { text: strict.decode(bytes), lossy: false }
    } catch {
      return { text: lenient.decode(bytes), lossy: true }
    }
  },
  decoder() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return (bytes) => (bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode())
  },
}
