/**
 * The object that a page sees as `window.btcp`: frozen, and each method a thin request on the wire. Shapes and failures are those
 * of docs/protocol.md section 1; an option that does not exist is refused rather than ignored.
 */
import { firstText, type ToolResult } from '../protocol/tool.ts'
import { VERSION } from '../protocol/version.ts'
import { create, freeze, keys } from './pristine.ts'
import { badParams, callListener, type RequestOptions, type Wire } from './wire.ts'

const CALL_OPTIONS = ['timeout', 'signal', 'onProgress', 'onMissing'] as const
const REQUEST_OPTIONS = ['signal', 'onProgress'] as const
const CONSENT_OPTIONS = ['reason', 'signal', 'tool'] as const
/** whose capabilities: those of an installed tool, else the site's own */
const HOLDER_OPTIONS = ['tool'] as const

/** Which notification of the wire is which event of the provider. */
const EVENTS = freeze({
  __proto__: null,
  'notifications/tools/list_changed': 'toolsChanged',
  'notifications/capabilities/changed': 'capabilitiesChanged',
  'notifications/connected': 'connect',
  'notifications/disconnected': 'disconnect',
}) as unknown as Readonly<Record<string, string | undefined>>
const EVENT_NAMES = ['ready', 'connect', 'disconnect', 'toolsChanged', 'capabilitiesChanged', 'message'] as const

type Listener = (value: unknown) => void
type Options = Record<string, unknown>

/** Thrown by `call` when the tool itself failed; `result` is what `callTool` would have given. */
class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly result: ToolResult
  constructor(result: ToolResult) {
    super(firstText(result) ?? 'The tool failed without a reason')
    this.result = result
  }
}

export function createProvider(wire: Wire): object {
  const { fire, on, off } = createEvents()
  let isReady = (): void => undefined
  const ready = new SafePromise<void>((resolve) => (isReady = resolve))
  const greet = async (): Promise<void> => {
    try {
      await wire.request('hello', { protocolVersion: '1.0' })
    } catch {
      return
    }
    isReady()
    fire('ready', undefined)
  }
  wire.listen((method, params) => {
    fire('message', { method, params })
    const event = EVENTS[method]
    if (event !== undefined) fire(event, params)
    if (event === 'connect') void greet()
  })

  const callTool = (name: unknown, args: unknown = {}, given?: unknown): Promise<unknown> => {
    const options = optionsOf('call a tool', given, CALL_OPTIONS)
    const params = create(null) as Options
    params['name'] = name
    params['arguments'] = args
    if (options['timeout'] !== undefined) params['timeoutMs'] = options['timeout']
    if (options['onMissing'] !== undefined) params['onMissing'] = options['onMissing']
    if (options['onProgress'] !== undefined) params['progress'] = true
    return wire.request('tools/call', params, options)
  }

  return frozen({
    isBtcp: true,
    version: VERSION,
    protocolVersion: '1.0',
    ready,
    listTools: async (filter: unknown = {}) => field(await wire.request('tools/list', filter), 'tools'),
    getTool: async (name: unknown) => await wire.request('tools/get', { name }),
    callTool: async (name: unknown, args?: unknown, options?: unknown) => await callTool(name, args, options),
    call: async (name: unknown, args?: unknown, options?: unknown) => {
      const result = (await callTool(name, args, options)) as ToolResult
      if (result.isError) throw new ToolError(result)
      return result.structuredContent
    },
    requestCapabilities: async (capabilities: unknown, given?: unknown) => {
      const options = optionsOf('request capabilities', given, CONSENT_OPTIONS)
      return await wire.request('capabilities/request', { capabilities, reason: options['reason'], tool: options['tool'] }, options)
    },
    preflightCapabilities: async (capabilities: unknown, given?: unknown) => {
      const { tool } = optionsOf('look at capabilities', given, HOLDER_OPTIONS)
      return await wire.request('capabilities/preflight', { capabilities, tool })
    },
    getGrantedCapabilities: async (given?: unknown) => {
      const { tool } = optionsOf('list capabilities', given, HOLDER_OPTIONS)
      return field(await wire.request('capabilities/list', { tool }), 'grants')
    },
    revokeCapabilities: async (capabilities?: unknown, given?: unknown) => {
      const { tool } = optionsOf('give capabilities back', given, HOLDER_OPTIONS)
      await wire.request('capabilities/revoke', { capabilities, tool })
    },
    request: async (message: { method?: unknown; params?: unknown } = {}, given?: unknown) => {
      const { method, params = {} } = message
      if (typeof method !== 'string') throw badParams('send a request', '"method" is no text')
      return await wire.request(method, params, optionsOf(`send "${method}"`, given, REQUEST_OPTIONS))
    },
    on,
    off,
  })
}

const SafePromise = Promise

const field = (value: unknown, name: string): unknown => (value as Record<string, unknown>)[name]

/** The options as own properties, each read once; a name outside `known` is an error that says so. */
function optionsOf(action: string, given: unknown, known: readonly string[]): Options & RequestOptions {
  const out = create(null) as Options
  if (given === undefined || given === null) return out
  if (typeof given !== 'object') throw badParams(action, 'the options are no object')
  const names = keys(given)
  for (let n = 0; n < names.length; n++) {
    const name = names[n]!
    let offered = false
    for (let i = 0; i < known.length; i++) offered ||= known[i] === name
    if (!offered) throw badParams(action, `there is no option "${name}"`)
    out[name] = (given as Options)[name]
  }
  return out
}

interface Events {
  readonly fire: (name: string, value: unknown) => void
  readonly on: (name: unknown, fn: unknown) => void
  readonly off: (name: unknown, fn: unknown) => void
}

function createEvents(): Events {
  const listeners = create(null) as Record<string, Record<number, Listener | undefined>>
  for (let i = 0; i < EVENT_NAMES.length; i++) listeners[EVENT_NAMES[i]!] = create(null) as Record<number, Listener>
  let count = 0
  const listOf = (name: unknown): Record<number, Listener | undefined> => {
    const list = typeof name === 'string' ? listeners[name] : undefined
    if (!list) throw badParams('listen', `there is no event "${typeof name === 'string' ? name : typeof name}"`)
    return list
  }
  return {
    fire(name, value) {
      const list = listeners[name]
      for (const key in list) {
        const fn = list[key as unknown as number]
        if (fn) callListener(fn, value)
      }
    },
    on: (name: unknown, fn: unknown) => {
      if (typeof fn !== 'function') throw badParams('listen', 'the listener is no function')
      listOf(name)[++count] = fn as Listener
    },
    off: (name: unknown, fn: unknown) => {
      const list = listOf(name)
      for (const key in list) if (list[key as unknown as number] === fn) delete list[key as unknown as number]
    },
  }
}

function frozen(provider: Record<string, unknown>): object {
  for (const name in provider) freeze(provider[name])
  return freeze(provider)
}
