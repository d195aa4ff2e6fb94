/**
 * The variables of a tool's environment that its user gives: secrets, whose values go in and never come back, and settings, which have a
 * value from the start.
 */
import type { PackageManifest } from '../protocol/installed-tool.ts'
import type { ToolState } from '../protocol/panel.ts'
import { button, element } from './element.ts'
import { harmless } from './foreign-text.ts'

type Env = Record<string, string>

/** Fields for all tools of a package that is not installed yet; `values` are those that were changed. */
export function variableFields({ tools }: PackageManifest): { fields: HTMLElement[]; values: () => Env } {
  const inputs = new Map<string, HTMLInputElement>()
  const fields: HTMLElement[] = []
  const add = (name: string, label: string, input: HTMLInputElement): void => {
    if (inputs.has(name)) return
    inputs.set(name, input)
    fields.push(field(label, input))
  }
  for (const { secrets } of tools)
    for (const { name, description } of secrets)
      add(name, `${labelOf(name, description)}: a secret, which only this package's tools get`, secretInput(name))
  for (const { variables } of tools)
    for (const [name, usual] of Object.entries(variables)) add(name, `${name} (a setting of the tool)`, settingInput(name, usual))
  return { fields, values: () => changed(inputs.values()) }
}

/** Of an installed tool. `onSave` resolves to whether it was done. */
export function variableForm(state: ToolState, onSave: (env: Env) => Promise<boolean>): HTMLElement[] {
  const { tool, secrets, set, values } = state
  const settings = Object.entries(values)
  if (secrets.length + settings.length === 0) return []
  const inputs: HTMLInputElement[] = []
  const fields = secrets.map(({ name, description }) => {
    const isSet = set.includes(name)
    const input = secretInput(name)
    inputs.push(input)
    const forget = button('Forget', 'quiet', () => void onSave({ [name]: '' }), `Forget ${name} of ${tool.name}`)
    return field(`${labelOf(name, description)}: ${isSet ? 'is set' : 'is not set'}`, input, ...(isSet ? [forget] : []))
  })
  for (const [name, value] of settings) {
    const input = settingInput(name, value)
    inputs.push(input)
    fields.push(field(name, input))
  }
  const save = button('Save', 'quiet', () => void store(), `Save the variables of ${tool.name}`)
  const form = element('details', { class: 'variables' }, element('summary', {}, titleOf(secrets.length, settings.length)), ...fields)
  form.append(element('div', { class: 'actions' }, save))
  const store = async (): Promise<void> => {
    // What is on its way is not carried over when the card is drawn anew.
    form.dataset['saving'] = ''
    const done = await onSave(changed(inputs))
    delete form.dataset['saving']
    if (done) for (const input of inputs) if (input.type === 'password') input.value = ''
  }
  return [form]
}

const titleOf = (secrets: number, settings: number): string =>
  secrets === 0 ? 'Settings' : settings === 0 ? 'Secrets' : 'Secrets and settings'

const labelOf = (name: string, description: string): string => (description === '' ? name : `${harmless(description)} (${name})`)

const secretInput = (name: string): HTMLInputElement => element('input', { type: 'password', name, autocomplete: 'off' })
const settingInput = (name: string, value: string): HTMLInputElement => element('input', { type: 'text', name, autocomplete: 'off', value })

function field(label: string, input: HTMLInputElement, ...beside: HTMLElement[]): HTMLElement {
  const labelled = element('label', {}, element('span', {}, label), input)
  return element('div', { class: 'variable' }, labelled, ...beside)
}

const changed = (inputs: Iterable<HTMLInputElement>): Env =>
  Object.fromEntries(
    [...inputs].flatMap(({ name, value, defaultValue }): [string, string][] => (value === defaultValue ? [] : [[name, value]])),
  )
