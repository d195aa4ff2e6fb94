// The demo page: seven steps from "no computer" to an answer. Everything here is what a page of yours may do, too.
// Each step is a button; `document.body.dataset.step` says which steps are done, for whoever drives the page.
import { makeRequests } from './sample.js'

const NEEDED = ['shell:run', 'python:run', 'vfs:write', 'vfs:read']
const QUESTIONS = {
  'How many requests failed?': 'cat requests.csv | grep error | wc -l',
  'Which pages fail most?': 'grep error requests.csv | cut -d, -f3 | sort | uniq -c | sort -rn | head -5',
  'How slow is the slowest?': 'sort -t, -k5,5nr requests.csv | head -3',
  'Save a report': 'mkdir -p report && grep error requests.csv > report/errors.csv && wc -l report/errors.csv',
}
const FIGURE = `import pandas as pd
import matplotlib.pyplot as plt

requests = pd.read_csv('requests.csv')
requests['failed'] = requests['outcome'] == 'error'
share = requests.groupby('page')['failed'].mean().sort_values() * 100

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
figure.set_layout_engine('constrained')
left.barh(share.index, share, color='#0b7285')
left.set_title('Failed requests, %')
for outcome, group in requests.groupby('outcome'):
    right.hist(group['ms'], 50, histtype='step', label=outcome)
right.set_yscale('log')
right.set_title('Milliseconds a request')
right.legend()

share.idxmax()`

const $ = (id) => document.getElementById(id)
const sample = makeRequests(20_000)
const done = new Set()

$('preview').textContent = sample.split('\n').slice(0, 4).join('\n') + '\n…'

function say(button, text, kind = 'plain') {
  const verdict = document.querySelector(`output[for="${button}"]`)
  verdict.textContent = text
  verdict.dataset.kind = kind
}

/** Marks a step as done and opens the next ones. */
function finish(step, opens = []) {
  done.add(step)
  document.body.dataset.step = [...done].join(' ')
  $(`step-${step}`).dataset.state = 'done'
  for (const [next, button] of opens) {
    if (!done.has(next)) $(`step-${next}`).dataset.state = 'open'
    $(button).disabled = false
  }
}

/** An error as a person should read it: what failed, and what to do where the page knows. */
function explain(error) {
  const missing = error?.data?.missing
  if (missing) return `Not allowed: ${missing.join(', ')}. Grant it in step 2 or in the popup.`
  return error?.message ?? String(error)
}

function bytes(n) {
  return n < 1024 ? `${n} B` : n < 1024 * 1024 ? `${(n / 1024).toFixed(1)} KB` : `${(n / 1024 / 1024).toFixed(1)} MB`
}

// 1. The provider appears the moment the site is switched on, without a reload.
function provider() {
  if (!window.btcp) return say('check', 'Not yet: this page cannot see Tidepool. Open its popup and turn the switch on.', 'bad')
  say('check', `Tidepool ${window.btcp.version} is here.`, 'good')
  finish('switch', [['grant', 'grant']])
}
window.addEventListener('btcp:ready', provider)
$('check').addEventListener('click', provider)
if (window.btcp) provider()

// 2. One request; the answer is the user's, given in the extension's own window.
$('grant').addEventListener('click', async () => {
  say('grant', 'Look at the window that has opened …')
  try {
    const answer = await window.btcp.requestCapabilities(NEEDED, {
      reason: 'The demo counts failed requests in a CSV file and draws them.',
    })
    if (!answer.granted) return say('grant', `You said no to ${answer.denied.join(', ')}. Ask again when you like.`, 'bad')
    say('grant', `Granted: ${answer.approved.join(', ')}${answer.duration ? ` (${answer.duration})` : ''}.`, 'good')
    finish('grant', [['file', 'put']])
  } catch (error) {
    say('grant', explain(error), 'bad')
  }
})

// 3. Write the file into this site's own file system.
$('put').addEventListener('click', async () => {
  say('put', 'Writing …')
  const start = performance.now()
  try {
    const { size } = await window.btcp.call('fs_write', { path: 'requests.csv', content: sample })
    say('put', `requests.csv, ${bytes(size)}, in ${Math.round(performance.now() - start)} ms.`, 'good')
    finish('file', [['run', 'run']])
    await showFiles()
  } catch (error) {
    say('put', explain(error), 'bad')
  }
})

// 4. Run a command line; output streams in while it runs, and Stop cancels it.
for (const [question, command] of Object.entries(QUESTIONS)) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = question
  button.addEventListener('click', () => {
    $('command').value = command
    for (const other of $('presets').children) other.setAttribute('aria-pressed', String(other === button))
  })
  $('presets').append(button)
}
$('presets').firstElementChild.click()

let running
$('stop').addEventListener('click', () => running?.abort())
$('command').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !$('run').disabled) $('run').click()
})
$('run').addEventListener('click', async () => {
  running = new AbortController()
  $('run').disabled = true
  $('stop').hidden = false
  $('output').hidden = false
  $('output').textContent = ''
  say('run', 'Running …')
  try {
    const result = await window.btcp.callTool('shell_run', { command: $('command').value }, { signal: running.signal })
    const { stdout, stderr, exitCode, durationMs } = result.structuredContent
    $('output').textContent = stdout
    if (stderr) $('output').append(Object.assign(document.createElement('span'), { className: 'err', textContent: stderr }))
    if (!stdout && !stderr) $('output').textContent = '(no output)'
    say(
      'run',
      `Exit status ${exitCode}, ${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms.`,
      exitCode === 0 ? 'good' : 'bad',
    )
    finish('run', [
      ['figure', 'draw'],
      ['denied', 'deny'],
    ])
    await showFiles()
  } catch (error) {
    say('run', explain(error), 'bad')
  } finally {
    $('run').disabled = false
    $('stop').hidden = true
  }
})

async function showFiles() {
  const { entries } = await window.btcp.call('fs_list', { path: '/home/user', recursive: true })
  const rows = entries.map(({ name, type, size, mtime }) => {
    const row = document.createElement('tr')
    const cells = [type === 'directory' ? `${name}/` : name, type === 'directory' ? '' : bytes(size), new Date(mtime).toLocaleTimeString()]
    row.append(...cells.map((text, i) => Object.assign(document.createElement('td'), { textContent: text, className: i === 1 ? 'n' : '' })))
    return row
  })
  $('files').tBodies[0].replaceChildren(...rows)
  $('files').hidden = rows.length === 0
}

// 5. Python in a session: variables and imports stay for the next drawing. Figures come back as images in the result's content.
// The first one compiles Python, pandas and matplotlib.
const PATIENCE = { timeoutMs: 120_000 }
$('code').value = FIGURE
$('draw').addEventListener('click', async () => {
  $('draw').disabled = true
  say('draw', 'Drawing …')
  const start = performance.now()
  try {
    const result = await window.btcp.callTool(
      'python_run',
      { code: $('code').value, session: 'demo', ...PATIENCE },
      { timeout: PATIENCE.timeoutMs },
    )
    const { stdout, value, valueText, error } = result.structuredContent
    showFigure(result.content.find(({ type }) => type === 'image'))
    const printed = stdout + (error?.traceback ?? '')
    $('python-output').textContent = printed
    $('python-output').hidden = printed === ''
    if (error) return say('draw', `${error.type}: ${error.message}`, 'bad')
    const text = valueText ?? (value === null ? '' : String(value))
    say('draw', `${text ? `Value ${text}, ` : ''}${Math.round(performance.now() - start)} ms.`, 'good')
    finish('figure')
  } catch (error) {
    say('draw', explain(error), 'bad')
  } finally {
    $('draw').disabled = false
  }
})

function showFigure(image) {
  $('figure').hidden = image === undefined
  if (image) $('figure').src = `data:${image.mimeType};base64,${image.data}`
}

// 6. Three attempts, each of which must fail.
const FETCH = `python3 -c 'from urllib.request import urlopen; urlopen("http://127.0.0.1/")'`
const ATTEMPTS = [
  {
    what: 'Read the text of this page',
    how: "callTool('page_text')",
    try: async () => {
      await window.btcp.callTool('page_text', { selector: 'h1' })
      return undefined
    },
  },
  {
    what: 'Reach the network from Python',
    how: FETCH,
    try: () => failing(FETCH),
  },
  {
    what: "Look at the machine's files",
    how: 'cat /etc/shadow',
    try: () => failing('cat /etc/shadow'),
  },
]

async function failing(command) {
  const { exitCode, stderr } = await window.btcp.call('shell_run', { command })
  return exitCode === 0 ? undefined : stderr.trimEnd().split('\n').at(-1)
}

$('deny').addEventListener('click', async () => {
  $('attempts').replaceChildren()
  let refused = 0
  for (const attempt of ATTEMPTS) {
    const why = await attempt.try().catch((error) => error.message)
    if (why) refused++
    const row = document.createElement('li')
    row.dataset.kind = why ? 'good' : 'bad'
    row.append(
      Object.assign(document.createElement('strong'), { textContent: `${attempt.what}: ` }),
      why ? 'refused' : 'allowed',
      document.createElement('br'),
      Object.assign(document.createElement('code'), { textContent: why ?? attempt.how }),
    )
    $('attempts').append(row)
  }
  say('deny', `${refused} of ${ATTEMPTS.length} refused.`, refused === ATTEMPTS.length ? 'good' : 'bad')
  if (refused === ATTEMPTS.length) finish('denied', [['tool', 'tool']])
})

// 7. A tool that the user has installed. What it needs is asked for the tool, by its name, where it has not been granted yet.
$('tool').addEventListener('click', async () => {
  say('tool', 'Calling …')
  try {
    const { words, links, headings } = await window.btcp.call('page_statistics', {}, { onMissing: 'prompt' })
    say('tool', `This page has ${words} words, ${links} links and ${headings} headings.`, 'good')
    finish('tool')
  } catch (error) {
    const isMissing = error?.data?.btcpCode === 'TOOL_NOT_FOUND'
    say('tool', isMissing ? 'It is not installed yet: open the popup, Tools of others, and pick the file.' : explain(error), 'bad')
  }
})
