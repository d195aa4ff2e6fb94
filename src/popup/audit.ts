/** The activity page: every call of every site, newest first, as the service worker wrote it down; exported as JSON lines. */
import browser from 'webextension-polyfill'
import type { AuditRow } from '../protocol/panel.ts'
import { byId, element } from './element.ts'

const SHOWN = 500
const search = byId<HTMLInputElement>('search')
let rows: readonly AuditRow[] = []

function show(): void {
  const wanted = search.value.trim().toLowerCase()
  const matching = rows.filter(({ origin, tool }) => `${origin} ${tool}`.toLowerCase().includes(wanted))
  byId('rows').replaceChildren(...matching.slice(0, SHOWN).map(tableRow))
  const more = matching.length > SHOWN ? `, the newest ${SHOWN} are shown` : ''
  byId('count').textContent = matching.length === 0 ? 'No calls.' : `${matching.length} ${matching.length === 1 ? 'call' : 'calls'}${more}.`
}

function tableRow(row: AuditRow): HTMLTableRowElement {
  const time = new Date(row.time)
  return element(
    'tr',
    {},
    element('td', {}, element('time', { datetime: time.toISOString() }, time.toLocaleString())),
    element('td', {}, row.origin),
    element('td', { class: 'words' }, row.tool),
    element('td', { class: 'words' }, row.capabilities.join(', ')),
    element('td', { 'data-decision': row.decision }, row.decision),
    element('td', {}, row.outcome),
    number(row.imports),
    number(row.argumentBytes),
    number(row.resultBytes),
    number(row.durationMs),
    element('td', { class: 'digest', title: row.digest }, row.digest),
  )
}

const number = (value: number | undefined): HTMLElement =>
  element('td', { class: 'n' }, value === undefined ? '' : String(Math.round(value)))

byId('export').addEventListener('click', () => {
  const lines = rows.toReversed().map((row) => `${JSON.stringify(row)}\n`)
  const url = URL.createObjectURL(new Blob(lines, { type: 'application/jsonl' }))
  element('a', { href: url, download: 'tidepool-activity.jsonl' }).click()
  URL.revokeObjectURL(url)
})
search.addEventListener('input', show)

async function load(): Promise<void> {
  const answer: readonly AuditRow[] | { error: string } = await browser.runtime.sendMessage({ t: 'audit' })
  if ('error' in answer) byId('count').textContent = answer.error
  else {
    rows = answer.toSorted((a, b) => b.seq - a.seq)
    show()
  }
}

void load()
