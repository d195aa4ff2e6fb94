/**
 * A tool as a person sees it on the page of tools: what the package says of itself, as text and marked as its own word, its hash, what it
 * asks for, and the variables that it is given. Values of secrets go in and never come back.
 */
import type { PackageManifest, Secret } from '../protocol/installed-tool.ts'
import type { Choice, ToolPreview, ToolState } from '../protocol/panel.ts'
import type { PackageFault } from '../protocol/tool-package.ts'
import { capabilityRow } from './capability-row.ts'
import { element } from './element.ts'

type Preview = Extract<ToolPreview, { ok: true }>

/** What a person has decided on a package. */
export interface Decision {
  readonly env: Readonly<Record<string, string>>
  readonly choices: Readonly<Record<string, Choice>>
}

/** The package before it is installed. */
export function reviewCard(preview: Preview, onInstall: (decision: Decision) => void, onCancel: () => void): HTMLElement {
  const { manifest, sha256, bytes, capabilities, replaces } = preview
  const choices = new Map<string, Choice>()
  const variables = variableFields(manifest)
  const install = button('Install', '', () => {
    install.disabled = true
    onInstall({ env: variables.values(), choices: Object.fromEntries(choices) })
  })
  const rights = capabilities.map((state) => capabilityRow(state, 'deny', (choice) => choices.set(state.capability, choice), 'review-'))
  return element(
    'article',
    { class: 'card', 'data-package': manifest.name },
    element('h3', {}, `${manifest.name} ${manifest.version}`),
    facts({
      Says: manifest.description,
      ...(manifest.provider === undefined ? {} : { By: manifest.provider }),
      'SHA-256': sha256,
      Size: sizeText(bytes),
    }),
    ...replaceNotes(replaces, sha256),
    ...toolList(manifest),
    ...readme(manifest),
    ...rightsList('It asks to …', rights),
    ...variables.fields,
    element('div', { class: 'actions' }, install, button('Cancel', 'quiet', onCancel)),
  )
}

/** What a package that cannot be installed has wrong. */
export function faultCard(faults: readonly PackageFault[]): HTMLElement {
  const rows = faults.map(({ file, instancePath, message }) =>
    element('li', {}, ...(file === '' ? [] : [element('code', {}, `${file}${instancePath}`), ' ']), message),
  )
  return element(
    'article',
    { class: 'card', role: 'alert' },
    element('h3', {}, 'This cannot be installed'),
    element('ul', { class: 'faults' }, ...rows),
  )
}

export interface ToolActions {
  choose(capability: string, choice: Choice): void
  configure(env: Readonly<Record<string, string>>): void
  remove(): void
}

/** A tool that is installed. */
export function toolCard(state: ToolState, actions: ToolActions): HTMLElement {
  const { tool, manifest, version, sha256, capabilities, secrets, set } = state
  const rights = capabilities.map((one) =>
    capabilityRow(one, one.choice, (choice) => actions.choose(one.capability, choice), `${tool.name}-`),
  )
  return element(
    'article',
    { class: 'card', 'data-tool': tool.name },
    element('h3', {}, tool.name),
    facts({ Says: tool.description, Package: `${manifest} ${version}`, 'SHA-256': sha256 }),
    ...rightsList('It may …', rights),
    ...(secrets.length > 0 ? [secretForm(secrets, set, (env) => actions.configure(env))] : []),
    element(
      'div',
      { class: 'actions' },
      button('Remove', 'quiet', () => actions.remove(), `Remove ${tool.name}`),
    ),
  )
}

function facts(rows: Readonly<Record<string, string>>): HTMLElement {
  const list = Object.entries(rows).flatMap(([term, text]) => [
    element('dt', {}, term),
    element('dd', {}, term === 'SHA-256' ? element('code', {}, text) : text),
  ])
  return element('dl', { class: 'package' }, ...list)
}

function replaceNotes(replaces: Preview['replaces'], sha256: string): HTMLElement[] {
  return Object.entries(replaces).map(([name, former]) => {
    const words =
      former === sha256
        ? `"${name}" is installed already, and is the very same.`
        : `It replaces "${name}", which is another one (SHA-256 ${former.slice(0, 16)}…): what that was allowed, this is not.`
    return element('p', { class: 'note warn' }, words)
  })
}

function toolList({ tools }: PackageManifest): HTMLElement[] {
  if (tools.length === 1 && tools[0]?.tool.name !== undefined) return [element('p', { class: 'note' }, `Tool: ${tools[0].tool.name}`)]
  const rows = tools.map(({ tool }) => element('li', {}, element('b', {}, tool.name), ` ${tool.description}`))
  return [element('ul', { class: 'faults' }, ...rows)]
}

function readme({ readme: text }: PackageManifest): HTMLElement[] {
  if (text === undefined) return []
  return [element('details', {}, element('summary', {}, 'What its README says'), element('pre', {}, text))]
}

function rightsList(title: string, rows: readonly HTMLElement[]): HTMLElement[] {
  if (rows.length === 0) return [element('p', { class: 'note' }, 'It asks for nothing of the page, its storage or your files.')]
  return [element('h2', {}, title), element('ul', { class: 'rights' }, ...rows)]
}

/** Fields for the secrets and variables of all tools of the package. */
function variableFields({ tools }: PackageManifest): { fields: HTMLElement[]; values: () => Record<string, string> } {
  const inputs = new Map<string, { readonly input: HTMLInputElement; readonly usual: string }>()
  const fields: HTMLElement[] = []
  const add = (name: string, label: string, type: 'password' | 'text', usual: string): void => {
    if (inputs.has(name)) return
    const input = element('input', { type, name, autocomplete: 'off', value: usual })
    inputs.set(name, { input, usual })
    fields.push(element('label', { class: 'variable' }, element('span', {}, label), input))
  }
  for (const { secrets, variables } of tools) {
    for (const { name, description } of secrets) add(name, `${description} (${name}, given to this tool alone)`, 'password', '')
    for (const [name, usual] of Object.entries(variables)) add(name, name, 'text', usual)
  }
  const values = (): Record<string, string> =>
    Object.fromEntries(
      [...inputs].flatMap(([name, { input, usual }]): [string, string][] => (input.value === usual ? [] : [[name, input.value]])),
    )
  return { fields, values }
}

function secretForm(secrets: readonly Secret[], set: readonly string[], onSave: (env: Record<string, string>) => void): HTMLElement {
  const inputs = secrets.map(({ name }) => element('input', { type: 'password', name, autocomplete: 'off' }))
  const fields = secrets.map(({ name, description }, i) => {
    const label = `${description} (${name}): ${set.includes(name) ? 'is set' : 'is not set'}`
    return element('label', { class: 'variable' }, element('span', {}, label), inputs[i]!)
  })
  const save = button('Save', 'quiet', () =>
    onSave(Object.fromEntries(inputs.flatMap(({ name, value }): [string, string][] => (value === '' ? [] : [[name, value]])))),
  )
  return element('details', {}, element('summary', {}, 'Secrets'), ...fields, element('div', { class: 'actions' }, save))
}

function button(text: string, kind: '' | 'quiet', onPress: () => void, label?: string): HTMLButtonElement {
  const made = element('button', { type: 'button', class: kind, ...(label === undefined ? {} : { 'aria-label': label }) }, text)
  made.addEventListener('click', onPress)
  return made
}

function sizeText(bytes: number): string {
  return bytes < 1_000 ? `${bytes} bytes` : bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(2)} MB`
}
