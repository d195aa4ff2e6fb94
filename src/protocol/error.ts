/**
 * Errors on the BTCP wire (docs/protocol.md section 2). `data.btcpCode` is canonical, the number is for JSON-RPC.
 * Texts say action, colon, state: `Cannot call "page_click": capability "dom:write" is not granted`. They hold no host
 * path, no stack and no other origin.
 */
export const BTCP_CODES = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  USER_REJECTED: 4001,
  CAPABILITY_DENIED: 4100,
  UNSUPPORTED: 4200,
  RATE_LIMITED: 4290,
  DISCONNECTED: 4900,
  TAB_GONE: 4901,
  TOOL_NOT_FOUND: -32010,
  TIMEOUT: -32011,
  CANCELLED: -32012,
  SANDBOX_ERROR: -32013,
  BUSY: -32015,
} as const

export type BtcpCode = keyof typeof BTCP_CODES

/** What may have happened in the outside world before a call failed. */
export type Effects = 'none' | 'unknown'

export interface BtcpErrorData {
  readonly btcpCode: BtcpCode
  /** CAPABILITY_DENIED: the capabilities that lack a grant. */
  readonly missing?: readonly string[]
  /** Where a call had begun: whether it can have had an effect. */
  readonly effects?: Effects
  readonly retryAfterMs?: number
  /** TIMEOUT: what the command had printed, capped as a result is. */
  readonly stdout?: string
  readonly stderr?: string
  /** INVALID_PARAMS: one entry a violation. */
  readonly errors?: readonly { readonly instancePath: string; readonly message: string }[]
  readonly limit?: string
  readonly suggestions?: readonly string[]
}

export class BtcpError extends Error {
  override readonly name = 'BtcpError'
  readonly code: number
  readonly data: BtcpErrorData

  constructor(btcpCode: BtcpCode, message: string, data: Omit<BtcpErrorData, 'btcpCode'> = {}) {
    super(message)
    this.code = BTCP_CODES[btcpCode]
    this.data = { btcpCode, ...data }
  }
}
