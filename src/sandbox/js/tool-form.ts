/**
 * A script as a tool: a module with `export default (args, btcp) => result`. It is called with the JSON of standard input, and standard output
 * has nothing but the JSON of its result: what it logs goes to standard error.
 */
import type { Form, Running } from './form.ts'
import { prepareSource } from './source.ts'

const PAGE = /^(?:document|window|localStorage|sessionStorage) is not defined$/
const ASK = 'a tool is not in the page; it asks it by await btcp.call("page_text", { selector }), page_query or storage_get'

type Tool = (args: unknown, btcp: object) => unknown

export function toolForm(running: Running): Form {
  const { start, input, tools, write, finish } = running
  const stream = { write: async (data: unknown) => await print(running, data) }
  return {
    logsTo: 2,
    prepare: prepareSource,
    globals: { stdout: stream },
    async through({ default: tool }) {
      if (typeof tool !== 'function')
        throw new TypeError(`Cannot call "${start.name}": it exports no function; a tool is "export default (args, btcp) => result"`)
      const args = argumentsOf(await input.text())
      const json = resultOf(await called(() => (tool as Tool)(args, tools.api)))
      write(1, `${json}\n`)
      finish(0)
    },
  }
}

/** What the code of a page reaches for is not here: says what is. */
async function called(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof ReferenceError && PAGE.test(error.message)) {
      const message = `${error.message}: ${ASK}`
      const stack = error.stack?.replace(error.message, () => message)
      Object.assign(error, { message, stack })
    }
    throw error
  }
}

async function print({ write, drained, activity }: Running, data: unknown): Promise<void> {
  write(2, data instanceof Uint8Array ? data : String(data))
  await activity.during(drained(2))
}

function argumentsOf(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TypeError(`Cannot read the arguments: standard input is no JSON: ${(error as SyntaxError).message}`, { cause: error })
  }
}

function resultOf(value: unknown): string {
  const json = value === undefined ? 'null' : (JSON.stringify(value) as string | undefined)
  if (json === undefined) throw new TypeError(`Cannot answer: the result is a ${typeof value}, which JSON has not`)
  return json
}
