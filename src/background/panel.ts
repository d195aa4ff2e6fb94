/**
 * What the extension's own pages ask for: the state of a site, its switch, one choice, the audit's rows, its wheels and tools. They are pages of the
 * extension, so a person stands behind each request.
 */
import { isOffered, offeredCapabilities, parseCapability } from '../protocol/capability.ts'
import type { PanelRequest, SiteState } from '../protocol/panel.ts'
import { parseOrigin, type Origin } from '../protocol/principal.ts'
import { rows } from './audit.ts'
import { capabilityStates, forgetDenials, isSilenced } from './consent.ts'
import { applyChoices, turnOff, turnOn } from './rights.ts'
import { hostPattern, isSiteOn } from './sites.ts'
import { answerTools } from './tool-panel.ts'
import { toolsOf } from './tools.ts'
import { answerWheels } from './wheels.ts'

export async function answerPanel(request: PanelRequest): Promise<unknown> {
  switch (request.t) {
    case 'site':
      return await siteState(originOf(request.origin))
    case 'switch': {
      const origin = originOf(request.origin)
      await (request.on ? turnOn(origin) : turnOff(origin))
      await forgetDenials(origin)
      return await siteState(origin)
    }
    case 'choose': {
      const origin = originOf(request.origin)
      const capability = parseCapability(request.capability)
      if (!capability) throw new Error(`Cannot choose: there is no capability "${request.capability}"`)
      if (request.choice !== 'deny' && !isOffered(capability, 'site'))
        throw new Error(`Cannot choose: "${capability}" is not offered to sites`)
      await applyChoices(origin, new Map([[capability, request.choice]]))
      await forgetDenials(origin)
      return await siteState(origin)
    }
    case 'audit':
      return await rows()
    case 'wheels':
      return await answerWheels(originOf(request.origin), request.op)
    case 'tools':
      return await answerTools(originOf(request.origin), request.op)
  }
}

function originOf(value: string): Origin {
  const origin = parseOrigin(value)
  if (!origin) throw new Error('Tidepool works on https pages, and on http pages of this machine (localhost).')
  return origin
}

async function siteState(origin: Origin): Promise<SiteState> {
  const capabilities = await capabilityStates(origin, offeredCapabilities('site'))
  const [on, silenced, tools] = await Promise.all([isSiteOn(origin), isSilenced(origin), toolsOf(origin)])
  return { origin, on, hostPattern: hostPattern(origin), capabilities, silenced, tools: tools.length }
}
