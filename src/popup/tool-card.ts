/**
 * A tool as a person sees it on the page of tools: what the package says of itself, as text and marked as its own word, its hash, what it
 * asks for, and the variables that it is given.
 */
import type { PackagedTool, PackageManifest } from '../protocol/installed-tool.ts'
import type { Choice, ToolPreview, ToolState } from '../protocol/panel.ts'
import type { PackageFault } from '../protocol/tool-package.ts'
import { capabilityRow, secondQuestion } from './capability-row.ts'
import { button, element } from './element.ts'
import { harmless, harmlessLines } from './foreign-text.ts'
import { sizeText } from './size.ts'
import { variableFields, variableForm } from './tool-variables.ts'

type Preview = Extract<ToolPreview, { ok: true }>

/** What a person has decided on a package. */
export interface Decision {
  readonly env: Readonly<Record<string, string>>
  readonly choices: Readonly<Record<string, Choice>>
}

/** The package before it is installed. `onInstall` resolves to why it was not. */
export function reviewCard(
  preview: Preview,
  onInstall: (decision: Decision) => Promise<string | undefined>,
  onCancel: () => void,
): HTMLElement {
  const { manifest, sha256, bytes, capabilities, replaces } = preview
  const choices = new Map<string, Choice>()
  const variables = variableFields(manifest)
  const failed = element('p', { class: 'note warn', role: 'alert', hidden: '' })
  const install = button('Install', '', () => void run())
  const run = async (): Promise<void> => {
    install.disabled = true
    failed.hidden = true
    const reason = await onInstall({ env: variables.values(), choices: Object.fromEntries(choices) })
    if (reason === undefined) return
    failed.textContent = harmless(reason)
    failed.hidden = install.disabled = false
    install.focus()
  }
  const rights = capabilities.map((state) =>
    capabilityRow(state, state.choice, (choice) => choices.set(state.capability, choice), 'review-'),
  )
  return element(
    'article',
    { class: 'card', 'data-package': manifest.name, 'aria-labelledby': 'review-title' },
    element('h3', { id: 'review-title', tabindex: '-1' }, `${harmless(manifest.name)} ${harmless(manifest.version)}`),
    facts({
      ...(manifest.description === '' ? {} : { 'It says': manifest.description }),
      ...(manifest.provider === undefined ? {} : { 'It says it is by': manifest.provider }),
      Size: sizeText(bytes),
      'SHA-256': sha256,
    }),
    ...replaceNotes(replaces, sha256),
    toolList(manifest),
    ...externalNote(manifest.tools),
    ...readme(manifest),
    ...rightsList('It asks to …', rights, 'What stays at Deny it cannot do. A page of this site can ask you for it later.'),
    ...variables.fields,
    failed,
    element('div', { class: 'actions' }, install, button('Cancel', 'quiet', onCancel)),
  )
}

/** What a package that cannot be installed has wrong. */
export function faultCard(faults: readonly PackageFault[]): HTMLElement {
  return element(
    'article',
    { class: 'card', role: 'alert' },
    element('h3', { tabindex: '-1' }, 'This cannot be installed'),
    element('ul', { class: 'faults' }, ...faults.map((fault) => element('li', {}, ...faultParts(fault)))),
  )
}

function faultParts({ file, instancePath, message }: PackageFault): (Node | string)[] {
  const code = (text: string): HTMLElement => element('code', {}, harmless(text))
  const where = [...(file === '' ? [] : [code(file)]), ...(instancePath === '' ? [] : [' at ', code(instancePath)])]
  return [...where, ...(where.length > 0 ? [': '] : []), harmless(message)]
}

export interface ToolActions {
  choose(capability: string, choice: Choice): void
  /** resolves to whether it was done */
  configure(env: Readonly<Record<string, string>>): Promise<boolean>
  remove(): void
}

/** A tool that is installed. */
export function toolCard(state: ToolState, actions: ToolActions): HTMLElement {
  const { tool, manifest, version, sha256, capabilities } = state
  const rights = capabilities.map((one) =>
    capabilityRow(one, one.choice, (choice) => actions.choose(one.capability, choice), `${tool.name}-`),
  )
  const titleId = `tool-${tool.name}`
  return element(
    'article',
    { class: 'card', 'data-tool': tool.name, 'aria-labelledby': titleId },
    element('h3', { id: titleId }, tool.name),
    facts({ 'It says': tool.description, Package: `${manifest} ${version}`, 'SHA-256': sha256 }),
    ...externalNote([state]),
    ...rightsList('It may …', rights),
    ...variableForm(state, (env) => actions.configure(env)),
    removal(tool.name, () => actions.remove()),
  )
}

/** Nothing of a removed tool comes back, so it is asked a second time. */
function removal(name: string, onRemove: () => void): HTMLElement {
  const remove = button('Remove…', 'quiet', () => ask(), `Remove ${name}`)
  const row = element('div', { class: 'actions' }, remove)
  const ask = (): void => {
    row.querySelector('.sure')?.remove()
    const back = (): void => {
      row.querySelector('.sure')?.remove()
      remove.focus()
    }
    const question = secondQuestion('Remove it, with its files, its secrets and all that it was allowed?', 'Yes, remove', onRemove, back)
    row.append(question)
    question.querySelector('button')?.focus()
  }
  return row
}

function facts(rows: Readonly<Record<string, string>>): HTMLElement {
  const list = Object.entries(rows).flatMap(([term, text]) => [
    element('dt', {}, term),
    element('dd', {}, term === 'SHA-256' ? element('code', {}, text) : harmless(text)),
  ])
  return element('dl', { class: 'package' }, ...list)
}

function replaceNotes(replaces: Preview['replaces'], sha256: string): HTMLElement[] {
  return Object.entries(replaces).map(([name, former]) => {
    const words =
      former === sha256
        ? `The very same "${name}" is installed already, and keeps its files, its secrets and what it is allowed.`
        : `It replaces the "${name}" that is installed now (SHA-256 ${former.slice(0, 16)}…). The new one starts with nothing: not with the files, the secrets or what you allowed the former.`
    return element('p', { class: former === sha256 ? 'note' : 'note warn' }, words)
  })
}

function toolList({ tools }: PackageManifest): HTMLElement {
  const rows = tools.map(({ tool }) => element('li', {}, element('b', {}, tool.name), ` ${harmless(tool.description)}`))
  const title = tools.length === 1 ? 'Its tool' : `Its ${tools.length} tools`
  return element('div', {}, element('h4', {}, title), element('ul', { class: 'faults' }, ...rows))
}

function externalNote(tools: readonly PackagedTool[]): HTMLElement[] {
  const external = tools.filter(({ implementation }) => implementation.type === 'external').map(({ tool }) => tool.name)
  if (external.length === 0) return []
  const words =
    'starts a program of a computer, which a browser cannot do: here its calls are refused. It works with Tidepool on the command line.'
  return [element('p', { class: 'note warn' }, `${external.join(', ')} ${words}`)]
}

function readme({ readme: text }: PackageManifest): HTMLElement[] {
  if (text === undefined) return []
  return [element('details', {}, element('summary', {}, 'What its README says'), element('pre', { tabindex: '0' }, harmlessLines(text)))]
}

function rightsList(title: string, rows: readonly HTMLElement[], note?: string): HTMLElement[] {
  if (rows.length === 0)
    return [element('p', { class: 'note' }, 'It asks for nothing: not for the page, what the site has stored, files or the network.')]
  const notes = note === undefined ? [] : [element('p', { class: 'note' }, note)]
  return [element('h4', {}, title), element('ul', { class: 'rights' }, ...rows), ...notes]
}
