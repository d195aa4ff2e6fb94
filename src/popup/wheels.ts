/**
 * The page of a site's Python packages: adds wheel files of the person's own, lists those that are there, removes them. It is a page
 * in a tab because a popup closes when the file dialog opens. Names that come back from the site's sandbox are set as text only.
 */
import type { SiteState, WheelsState } from '../protocol/panel.ts'
import { parseOrigin } from '../protocol/principal.ts'
import { parseWheelName, type Wheel, type WheelOp } from '../protocol/wheel.ts'
import { ask, textOf } from './ask.ts'
import { byId, element } from './element.ts'
import { acceptDrops } from './file-drop.ts'
import { showOrigin } from './origin.ts'
import { sizeText } from './size.ts'
import { uploadWheel } from './wheel-upload.ts'

const input = byId<HTMLInputElement>('files')
const origin = parseOrigin(new URLSearchParams(location.search).get('origin'))

const askWheels = async (op: WheelOp): Promise<WheelsState> => await ask({ t: 'wheels', origin: origin ?? '', op })

// --- what is there
function show({ wheels }: WheelsState): void {
  byId('none').hidden = wheels.length > 0
  byId('there').replaceChildren(...wheels.map(wheelRow))
}

function wheelRow({ file, size }: Wheel): HTMLLIElement {
  const remove = element('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${file}` }, 'Remove')
  remove.addEventListener('click', () => {
    remove.disabled = true
    act(askWheels({ op: 'remove', file }))
  })
  return element('li', {}, fileName(file, size), remove)
}

function fileName(file: string, size: number): HTMLElement {
  return element('span', { class: 'file' }, element('b', {}, file), ` ${sizeText(size)}`)
}

/** Shows what the worker answers, or why it did not and what is really there; the focus, whose button is gone, goes to the list's title. */
function act(answer: Promise<WheelsState>): void {
  byId('error').hidden = true
  answer
    .catch(async (error: unknown) => {
      showError(error)
      return await askWheels({ op: 'list' })
    })
    .then((state) => {
      show(state)
      byId('there-title').focus()
    })
    .catch(showError)
}

function showError(error: unknown): void {
  byId('error').textContent = textOf(error)
  byId('error').hidden = false
}

// --- what is added: one file after the other
let adding = Promise.resolve()

function addAll(files: Iterable<File>): void {
  for (const file of files) {
    const result = element('span', { class: 'result' }, 'Waiting …')
    const row = element('li', {}, fileName(file.name, file.size), result)
    byId('results').append(row)
    adding = adding.then(() => add(file, row, result))
  }
}

async function add(file: File, row: HTMLElement, result: HTMLElement): Promise<void> {
  const progress = element('progress', { max: '1', value: '0', 'aria-label': `Adding ${file.name}` })
  result.replaceChildren('Adding … ', progress)
  try {
    show(await uploadWheel(file, askWheels, (share) => (progress.value = share)))
    row.dataset['result'] = 'added'
    result.replaceChildren('Added. Next, in a command of this site: ', element('code', {}, `pip install ${packageName(file.name)}`))
  } catch (error) {
    row.dataset['result'] = 'refused'
    result.replaceChildren(`Not added: ${textOf(error)}.`.replace(/\.\.$/, '.'))
  }
}

function packageName(file: string): string {
  const name = parseWheelName(file)
  return name.ok ? name.value.name : file
}

input.addEventListener('change', () => {
  addAll([...(input.files ?? [])])
  input.value = ''
})

async function start(): Promise<void> {
  if (!origin) throw new Error('This page is opened from the popup of a site. There is no site here.')
  const { on } = await ask<SiteState>({ t: 'site', origin })
  if (!on) throw new Error(`Tidepool is switched off for ${origin}. Switch it on in the popup, and open this page again.`)
  showOrigin(byId('origin'), origin)
  byId('site').hidden = false
  acceptDrops(addAll)
  show(await askWheels({ op: 'list' }))
}

start().catch(showError)
