/**
 * The page of a site's tools: reads a package that a person picked, shows what it is and asks for, installs it, lists those that are there.
 * It is a page in a tab because a popup closes when the file dialog opens. Whatever a package says of itself is set as text only.
 */
import browser from 'webextension-polyfill'
import type { PanelRequest, SiteState, ToolOp, ToolPreview, ToolsState } from '../protocol/panel.ts'
import { parseOrigin } from '../protocol/principal.ts'
import { byId, element } from './element.ts'
import { showOrigin } from './origin.ts'
import { type Decision, faultCard, reviewCard, toolCard } from './tool-card.ts'
import { packageFiles, putFiles } from './tool-upload.ts'

const origin = parseOrigin(new URLSearchParams(location.search).get('origin'))

async function ask<T extends object>(request: PanelRequest): Promise<T> {
  const answer: T | { error: string } = await browser.runtime.sendMessage(request)
  if ('error' in answer) throw new Error(answer.error)
  return answer
}

const askTools = async <T extends object>(op: ToolOp): Promise<T> => await ask({ t: 'tools', origin: origin ?? '', op })

// --- what is there
function show({ tools }: ToolsState): void {
  byId('none').hidden = tools.length > 0
  byId('there').replaceChildren(
    ...tools.map((state) => {
      const tool = state.tool.name
      return toolCard(state, {
        choose: (capability, choice) => act(askTools({ op: 'choose', tool, capability, choice })),
        configure: (env) => act(askTools({ op: 'configure', tool, env })),
        remove: () => act(askTools({ op: 'remove', tool })),
      })
    }),
  )
}

/** Shows what the worker answers, or why it did not and what is really there. */
function act(answer: Promise<ToolsState>): void {
  byId('error').hidden = true
  answer
    .catch(async (error: unknown) => {
      showError(error)
      return await askTools<ToolsState>({ op: 'list' })
    })
    .then(show)
    .catch(showError)
}

function showError(error: unknown): void {
  byId('error').textContent = textOf(error)
  byId('error').hidden = false
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

// --- what is added: one package at a time; picking another one gives up the former
let upload: string | undefined

async function review(picked: readonly File[]): Promise<void> {
  if (picked.length === 0) return
  byId('error').hidden = true
  await discard()
  const mine = (upload = crypto.randomUUID())
  const progress = element('progress', { max: '1', value: '0', 'aria-label': 'Reading the tool' })
  byId('progress').replaceChildren('Reading … ', progress)
  try {
    await putFiles(await packageFiles(picked), mine, askTools, (share) => (progress.value = share))
    const preview = await askTools<ToolPreview>({ op: 'preview', upload: mine })
    if (mine === upload) byId('review').replaceChildren(preview.ok ? cardOf(preview, mine) : faultCard(preview.faults))
  } catch (error) {
    byId('review').replaceChildren(faultCard([{ file: '', instancePath: '', message: textOf(error) }]))
  } finally {
    if (mine === upload) byId('progress').replaceChildren()
  }
}

function cardOf(preview: Extract<ToolPreview, { ok: true }>, mine: string): HTMLElement {
  const install = async ({ env, choices }: Decision): Promise<ToolsState> => {
    const state = await askTools<ToolsState>({ op: 'install', upload: mine, env, choices })
    byId('review').replaceChildren()
    byId('there-title').focus()
    return state
  }
  return reviewCard(
    preview,
    (decision) => act(install(decision)),
    () => void discard(),
  )
}

async function discard(): Promise<void> {
  const former = upload
  upload = undefined
  byId('review').replaceChildren()
  if (former !== undefined) await askTools({ op: 'discard', upload: former }).catch(() => undefined)
}

for (const id of ['files', 'folder'])
  byId<HTMLInputElement>(id).addEventListener('change', (event) => {
    const input = event.target as HTMLInputElement
    const picked = [...(input.files ?? [])]
    input.value = ''
    void review(picked)
  })

/** A file that is dropped anywhere on this page is read; the browser would else open it. */
function acceptDrops(): void {
  const drop = byId('drop')
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
    drop.classList.add('over')
  })
  document.addEventListener('dragleave', () => drop.classList.remove('over'))
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    drop.classList.remove('over')
    void review([...(event.dataTransfer?.files ?? [])])
  })
}

async function start(): Promise<void> {
  if (!origin) throw new Error('This page is opened from the popup of a site. There is no site here.')
  const { on } = await ask<SiteState>({ t: 'site', origin })
  if (!on) throw new Error(`Tidepool is switched off for ${origin}. Switch it on in the popup, and open this page again.`)
  showOrigin(byId('origin'), origin)
  byId('site').hidden = false
  acceptDrops()
  show(await askTools<ToolsState>({ op: 'list' }))
}

start().catch(showError)
