/**
 * The page of a site's tools: reads a package that a person picked, shows what it is and asks for, installs it, lists those that are there.
 * It is a page in a tab because a popup closes when the file dialog opens. Whatever a package says of itself is set as text only.
 */
import browser from 'webextension-polyfill'
import type { SiteState, ToolOp, ToolPreview, ToolsState, ToolState } from '../protocol/panel.ts'
import { parseOrigin } from '../protocol/principal.ts'
import type { PackageFault } from '../protocol/tool-package.ts'
import { ask, textOf } from './ask.ts'
import { byId, element } from './element.ts'
import { acceptDrops } from './file-drop.ts'
import { showOrigin } from './origin.ts'
import { type Decision, faultCard, reviewCard, toolCard } from './tool-card.ts'
import { packageFiles, putFiles, UnreadableZip } from './tool-upload.ts'

const origin = parseOrigin(new URLSearchParams(location.search).get('origin'))

const askTools = async <T extends object>(op: ToolOp): Promise<T> => await ask({ t: 'tools', origin: origin ?? '', op })
const list = async (): Promise<ToolsState> => await askTools({ op: 'list' })

// --- what is there
const cards = new Map<string, { readonly state: string; readonly card: HTMLElement }>()

/** Draws anew only what has changed, and keeps what a person has begun in it. */
function show({ tools }: ToolsState): void {
  byId('none').hidden = tools.length > 0
  const former = new Map(cards)
  cards.clear()
  for (const state of tools) {
    const drawn = former.get(state.tool.name)
    const text = JSON.stringify(state)
    const card = drawn?.state === text ? drawn.card : cardOf(state)
    cards.set(state.tool.name, { state: text, card })
  }
  const shown = [...cards.values()].map(({ card }) => card)
  const restore = [...cards].map(([name, { card }]) => carryOver(former.get(name)?.card, card))
  if (shown.some((card, i) => byId('there').children[i] !== card) || shown.length !== byId('there').children.length)
    byId('there').replaceChildren(...shown)
  for (const focus of restore) focus()
}

function cardOf(state: ToolState): HTMLElement {
  const tool = state.tool.name
  return toolCard(state, {
    choose: (capability, choice) => void act(askTools({ op: 'choose', tool, capability, choice })),
    configure: async (env) => await act(askTools({ op: 'configure', tool, env })),
    remove: () => void remove(tool),
  })
}

async function remove(tool: string): Promise<void> {
  if (!(await act(askTools({ op: 'remove', tool })))) return
  say(`${tool} is removed. Nothing of it is left.`)
  byId('there-title').focus()
}

const CONTROLS = 'button, input, summary'

/** Call the result when `fresh` stands where `former` stood: it has the focus then, if that had it. */
function carryOver(former: HTMLElement | undefined, fresh: HTMLElement): () => void {
  if (!former || former === fresh) return () => undefined
  if (former.querySelector('details[open]')) fresh.querySelector('details')?.setAttribute('open', '')
  for (const input of former.querySelectorAll<HTMLInputElement>('.variables:not([data-saving]) input')) {
    const same = fresh.querySelector<HTMLInputElement>(`.variables input[name="${CSS.escape(input.name)}"]`)
    if (same && input.value !== input.defaultValue) same.value = input.value
  }
  const [before, after] = [former, fresh].map((card) => [...card.querySelectorAll<HTMLElement>(CONTROLS)])
  const at = before?.findIndex((control) => control === document.activeElement) ?? -1
  if (at === -1) return () => undefined
  return () => (before?.length === after?.length ? after?.[at] : fresh.querySelector<HTMLElement>('summary'))?.focus()
}

/** Shows what the worker answers, or why it did not and what is really there. Resolves to whether it was done. */
async function act(answer: Promise<ToolsState>): Promise<boolean> {
  byId('error').hidden = true
  try {
    show(await answer)
    return true
  } catch (error) {
    showError(error)
    await list().then(show).catch(showError)
    return false
  }
}

function showError(error: unknown): void {
  byId('error').textContent = textOf(error)
  byId('error').hidden = false
  byId('error').scrollIntoView({ block: 'nearest' })
}

const say = (text: string): void => byId('progress').replaceChildren(element('p', { class: 'note' }, text))

/** What stands changes elsewhere, too: a call takes what was given once, the consent window gives. A question that is open is left alone. */
let refreshing: ReturnType<typeof setTimeout> | undefined
function followChanges(): void {
  browser.storage.onChanged.addListener(() => {
    clearTimeout(refreshing)
    refreshing = setTimeout(() => {
      if (!byId('there').querySelector('.sure, [data-saving]')) void list().then(show, () => undefined)
    }, REFRESH_MS)
  })
}
const REFRESH_MS = 200

// --- what is added: one package at a time; picking another one gives up the former
interface Upload {
  readonly name: string
  readonly controller: AbortController
}
let upload: Upload | undefined

async function review(picked: readonly File[]): Promise<void> {
  if (picked.length === 0) return
  byId('error').hidden = true
  giveUp()
  const mine = (upload = { name: crypto.randomUUID(), controller: new AbortController() })
  const { signal } = mine.controller
  const progress = element('progress', { max: '1', value: '0', 'aria-label': 'Reading the tool' })
  byId('progress').replaceChildren('Reading … ', progress)
  const card = await read(picked, mine, (share) => (progress.value = share)).catch((error: unknown) => faultCard(faultsOf(error)))
  if (signal.aborted) return void drop(mine)
  byId('progress').replaceChildren()
  byId('review').replaceChildren(card)
  card.querySelector('h3')?.focus()
  if (card.dataset['package'] === undefined) void drop(mine)
}

async function read(picked: readonly File[], mine: Upload, onProgress: (share: number) => void): Promise<HTMLElement> {
  await putFiles(await packageFiles(picked), mine.name, askTools, onProgress, mine.controller.signal)
  const preview = await askTools<ToolPreview>({ op: 'preview', upload: mine.name })
  if (!preview.ok) return faultCard(preview.faults)
  const { name, version } = preview.manifest
  const install = async ({ env, choices }: Decision): Promise<string | undefined> => {
    try {
      show(await askTools({ op: 'install', upload: mine.name, env, choices }))
    } catch (error) {
      return textOf(error)
    }
    upload = undefined
    byId('review').replaceChildren()
    say(`${name} ${version} is installed.`)
    byId('there-title').focus()
    return undefined
  }
  return reviewCard(preview, install, () => {
    giveUp()
    byId('files').focus()
  })
}

function faultsOf(error: unknown): readonly PackageFault[] {
  return error instanceof UnreadableZip ? error.faults : [{ file: '', instancePath: '', message: textOf(error) }]
}

/** What was read for it is gone there, too. */
function giveUp(): void {
  const former = upload
  upload = undefined
  byId('review').replaceChildren()
  byId('progress').replaceChildren()
  former?.controller.abort()
  if (former) void drop(former)
}

async function drop({ name }: Upload): Promise<void> {
  await askTools({ op: 'discard', upload: name }).catch(() => undefined)
}

for (const id of ['files', 'folder'])
  byId<HTMLInputElement>(id).addEventListener('change', (event) => {
    const input = event.target as HTMLInputElement
    const picked = [...(input.files ?? [])]
    input.value = ''
    void review(picked)
  })
addEventListener('pagehide', giveUp)

async function start(): Promise<void> {
  if (!origin) throw new Error('This page is opened from the popup of a site. There is no site here.')
  const { on } = await ask<SiteState>({ t: 'site', origin })
  showOrigin(byId('origin'), origin)
  byId('add').hidden = !on
  byId('site').hidden = false
  show(await list())
  if (on) acceptDrops((files) => void review(files))
  else showError(`Tidepool is switched off for ${origin}: its tools do not run. Switch it on in the popup, and open this page again.`)
  followChanges()
}

start().catch(showError)
