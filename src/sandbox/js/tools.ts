/**
 * The object `btcp` of a script: the tools that the call which runs the script may use. Each request is decided outside of the cell; what the
 * script says of itself counts for nothing.
 */
import { JS_TOOL_BYTES } from '../../protocol/js-wire.ts'
import type { Activity } from './activity.ts'
import type { JsHost } from './js-host.ts'
import { type CellPort, RequestError } from './port.ts'

interface Refusal {
  readonly btcpCode: string
  readonly number?: number | null
  readonly message: string
  readonly data?: object
}

/** A tool that failed or may not be called; `code` is the name (`CAPABILITY_DENIED`), `number` that of JSON-RPC or null. */
class BtcpError extends Error {
  readonly code: string
  readonly number: number | null
  readonly data: object
  constructor({ btcpCode, number, message, data }: Refusal) {
    super(message)
    this.name = 'BtcpError'
    this.code = btcpCode
    this.number = number ?? null
    this.data = { btcpCode, ...data }
  }
}

export class Tools {
  readonly #port: CellPort
  readonly #activity: Activity
  readonly #host: JsHost
  readonly api: Readonly<Record<string, unknown>>

  constructor(port: CellPort, activity: Activity, host: JsHost, env: Readonly<Record<string, string>>) {
    this.#port = port
    this.#activity = activity
    this.#host = host
    this.api = Object.freeze({
      /** The tool's structuredContent. */
      call: async (name: unknown, args: unknown = {}) => (await this.#ask({ tool: String(name), args }))['structuredContent'],
      tools: async () => (await this.#ask({ tools: true }))['tools'],
      env: { ...env },
      BtcpError,
    })
  }

  async #ask(request: object): Promise<Readonly<Record<string, unknown>>> {
    const bytes = this.#host.encode(JSON.stringify(request))
    if (bytes.length > JS_TOOL_BYTES)
      throw new BtcpError({
        btcpCode: 'INVALID_PARAMS',
        number: -32602,
        message: `Cannot call a tool: its arguments are more than ${JS_TOOL_BYTES} bytes`,
      })
    const { ok, error } = JSON.parse(await this.#answer(bytes)) as { ok?: Readonly<Record<string, unknown>>; error?: Refusal }
    if (ok) return ok
    throw new BtcpError(error ?? { btcpCode: 'INTERNAL_ERROR', message: 'Cannot call a tool: there is no answer' })
  }

  async #answer(bytes: Uint8Array): Promise<string> {
    try {
      return this.#host.decode((await this.#activity.during(this.#port.ask({ op: 'tool' }, bytes))).bytes)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      throw new BtcpError({ btcpCode: 'INTERNAL_ERROR', message: `Cannot call a tool: its answer is too large (${error.code})` })
    }
  }
}
