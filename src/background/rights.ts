/**
 * Changes of what a site may do, from wherever they come (consent window, popup, the page itself, the browser's settings), in the
 * one order that holds: storage, then the orchestrator's snapshot, then the calls that lost their ground, then the page's event.
 */
import type { Capability } from '../protocol/capability.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import type { Choice } from '../protocol/panel.ts'
import type { Origin } from '../protocol/principal.ts'
import { endUngranted } from './calls.ts'
import { changeTools, dropPassing, grant, grantsOf, revoke, siteOf, snapshotOf } from './grants.ts'
import { publish, publishNothing } from './offscreen-document.ts'
import { switchOff, switchOn, wakeDocuments } from './sites.ts'
import { portsOf } from './tab-ports.ts'
import { writeTools } from './tools.ts'

const GRANTS = ['once', 'session', 'always'] as const
/** What comes with the site switch, when the site does not have it already. */
const WITH_SWITCH: readonly Capability[] = ['vfs:read']

/** Gives and takes what was chosen, of the site or of the tool. Resolves when a taken capability can no longer be used by anything that
 *  runs. */
export async function applyChoices(origin: Origin, choices: ReadonlyMap<Capability, Choice>, tool?: InstalledTool): Promise<void> {
  const chosenAs = (choice: Choice): Capability[] => [...choices.keys()].filter((name) => choices.get(name) === choice)
  for (const duration of GRANTS) {
    const names = chosenAs(duration)
    if (names.length > 0) await grant(origin, names, duration, tool)
  }
  const denied = chosenAs('deny')
  if (denied.length > 0) await revoke(origin, denied, tool)
  await enforce(origin)
}

/** Takes the capabilities back, all of them when none is named. */
export async function withdraw(origin: Origin, capabilities?: readonly Capability[], tool?: InstalledTool): Promise<void> {
  await revoke(origin, capabilities, tool)
  await enforce(origin)
}

/** The site has these tools from now on. Of those that are gone nothing is left to the site: their grants are gone, their calls have ended
 *  when this resolves. */
export async function replaceTools(origin: Origin, tools: readonly InstalledTool[], gone: readonly InstalledTool[]): Promise<void> {
  await writeTools(origin, tools)
  await changeTools(origin, gone)
  await enforce(origin)
  for (const port of portsOf(origin)) port.notify('notifications/tools/list_changed')
}

export async function turnOn(origin: Origin): Promise<void> {
  const { grants } = await snapshotOf(origin)
  const held = grantsOf(grants, siteOf(origin))
  const missing = WITH_SWITCH.filter((name) => !held.some((grant) => grant.capability === name))
  if (missing.length > 0) await grant(origin, missing, 'always')
  await switchOn(origin)
  await announce(origin)
}

/** Nothing of the site goes on, and no document of it has a Port. What was granted for always stands when it is switched on again. */
export async function turnOff(origin: Origin): Promise<void> {
  await switchOff(origin)
  for (const port of portsOf(origin)) port.switchOff()
  await dropPassing(origin)
  await publishNothing(siteOf(origin), await snapshotOf(origin))
}

async function enforce(origin: Origin): Promise<void> {
  const snapshot = await snapshotOf(origin)
  const told = publish(siteOf(origin), snapshot)
  await endUngranted(origin, snapshot)
  await told
  await announce(origin)
}

async function announce(origin: Origin): Promise<void> {
  const ports = portsOf(origin)
  for (const port of ports) port.notify('notifications/capabilities/changed')
  await wakeDocuments(origin, new Set(ports.map((port) => port.caller.tabId)))
}
