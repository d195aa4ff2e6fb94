/**
 * The wheels of a site, as its person changes them (src/popup/wheels.ts). No grant of the site is asked for and none is given: the
 * sender was an extension page of ours. What was added and removed is a row of the audit like the site's own calls.
 */
import type { WheelsState } from '../protocol/panel.ts'
import type { Origin } from '../protocol/principal.ts'
import { parseWheelOp, type WheelOp } from '../protocol/wheel.ts'
import { begin } from './audit.ts'
import { siteOf } from './grants.ts'
import { changeWheels } from './offscreen-document.ts'
import { isSiteOn } from './sites.ts'

/** Rejects with a text for the person. */
export async function answerWheels(origin: Origin, asked: unknown): Promise<WheelsState> {
  const parsed = parseWheelOp(asked)
  if (!parsed.ok) throw new Error(`Cannot change the wheels: ${parsed.reason}`)
  if (!(await isSiteOn(origin))) throw new Error('Tidepool is switched off for this site. Switch it on in the popup first.')
  const end = record(origin, parsed.value)
  try {
    const wheels = await changeWheels(siteOf(origin), parsed.value)
    end?.({ outcome: 'ok' })
    return { wheels }
  } catch (error) {
    end?.({ outcome: 'failed' })
    throw error
  }
}

/** One row a wheel: of its parts the last one counts, since before it there is nothing. */
function record(origin: Origin, op: WheelOp): ReturnType<typeof begin> | undefined {
  if (op.op === 'list' || (op.op === 'add' && !op.last)) return undefined
  const tool = op.op === 'add' ? 'wheel added by you' : 'wheel removed by you'
  const row = {
    time: Date.now(),
    origin,
    call: crypto.randomUUID(),
    tool,
    capabilities: [],
    decision: 'allowed',
    outcome: 'running',
  } as const
  return begin(row, { file: op.file })
}
