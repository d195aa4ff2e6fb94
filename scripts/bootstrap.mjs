// Makes a fresh machine ready: npm packages, Node 26, Chromium. Runs on Node 18 or newer, imports nothing that must be
// installed, and does nothing when all is there. `npm test` and `npm run demo` begin with it. The browser's path is kept in
// .cache/chromium.json, where the Playwright configuration and the demo read it.
import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, '.cache')
const CHROMIUM_FILE = join(CACHE, 'chromium.json')
const OLDEST_CHROMIUM = 137 // the first with JavaScript Promise Integration
const OLDEST_NODE = 26

/** @typedef {{ path: string, version: string, from: string }} Chromium */

class SetupError extends Error {}

/** @param {string} line */
const say = (line) => console.log(`setup: ${line}`)

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Runs a command with its output in a file under .cache; rejects with the end of that output.
 * @param {string} name @param {string} command @param {string[]} args @param {import('node:child_process').SpawnOptions} [options] */
async function runLogged(name, command, args, options = {}) {
  mkdirSync(CACHE, { recursive: true })
  const log = join(CACHE, `${name}.log`)
  const out = createWriteStream(log)
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  child.stdout?.pipe(out, { end: false })
  child.stderr?.pipe(out, { end: false })
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  await new Promise((resolve) => out.end(resolve))
  if (status === 0) return
  const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  throw new SetupError(`"${[command, ...args].join(' ')}" ended with status ${status}:\n${end}`)
}

/** Whether node_modules is what package-lock.json asks for (npm writes its hidden lock when an installation is complete). */
function packagesAreInstalled() {
  const hidden = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const installed = readJson(hidden).packages
  return Object.entries(readJson(join(ROOT, 'package-lock.json')).packages).every(
    ([path, { version, optional }]) => path === '' || installed[path]?.version === version || (optional && !installed[path]),
  )
}

export async function ensurePackages() {
  if (packagesAreInstalled()) return
  say('installing npm packages (npm ci) …')
  const npm = process.env['npm_execpath']
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    if (npm) await runLogged('npm-ci', process.execPath, [npm, ...args])
    else await runLogged('npm-ci', 'npm', args, { shell: process.platform === 'win32' })
  } catch (error) {
    throw new SetupError(`Cannot install the npm packages: ${messageOf(error)}\nThis needs a reachable npm registry.`)
  }
}

/** Node 26 stands in node_modules/.bin, which npm scripts have first on PATH. */
function checkNode() {
  const local = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const command = existsSync(local) ? local : process.execPath
  const version = execFileSync(command, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' }).trim()
  if (Number(version.slice(1).split('.')[0]) >= OLDEST_NODE) return
  throw new SetupError(
    `Cannot go on: Node ${OLDEST_NODE} is needed, this is ${version}, and npm has no build of it for ${process.platform}-${process.arch}. Install Node ${OLDEST_NODE} and try again.`,
  )
}

/** The version of a browser that takes --load-extension and has JSPI, or the reason why it is none.
 * @param {string} path @returns {{ version: string } | { reason: string }} */
function examineBrowser(path) {
  try {
    accessSync(path, constants.X_OK)
    if (process.platform === 'win32') return { version: 'unknown' } // chrome.exe prints no version there
    const line = execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'pipe'] }).trim()
    const version = /(\d+)\.\d+\.\d+\.\d+/.exec(line)
    if (!/^(Chromium|Google Chrome for Testing) /.test(line) || !version) return { reason: `"${line}" ignores --load-extension` }
    if (Number(version[1]) < OLDEST_CHROMIUM) return { reason: `${line} is older than ${OLDEST_CHROMIUM}` }
    return { version: version[0] }
  } catch (error) {
    return { reason: messageOf(error).split('\n')[0] ?? 'it does not start' }
  }
}

/** @returns {string[]} where an installed Chromium may be */
function installedBrowsers() {
  const named = process.env['TIDEPOOL_CHROMIUM']
  if (named) return [named]
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((dir) => ['chromium', 'chromium-browser'].map((name) => join(dir, name)))
  return [...onPath, '/Applications/Chromium.app/Contents/MacOS/Chromium'].filter((path) => existsSync(path))
}

/** @returns {Chromium | undefined} */
function findInstalled() {
  for (const path of installedBrowsers()) {
    const seen = examineBrowser(path)
    if ('version' in seen) return { path, version: seen.version, from: 'installed' }
    say(`not using ${path}: ${seen.reason}`)
  }
  return undefined
}

/** @returns {Promise<Chromium | undefined>} */
async function installDebianPackage() {
  const isDebian = existsSync('/etc/os-release') && /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'))
  if (!isDebian || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined
  say("installing Debian's package chromium (apt-get) …")
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await runLogged('apt-update', 'apt-get', ['-q', 'update'], { env })
    await runLogged('apt-install', 'apt-get', ['-q', '-y', '--no-install-recommends', 'install', 'chromium', 'fonts-liberation'], { env })
  } catch (error) {
    say(`apt-get failed, trying Playwright's download instead: ${messageOf(error).split('\n').slice(-1)[0]}`)
    return undefined
  }
  return findInstalled()
}

/** @returns {Promise<Chromium>} */
async function downloadWithPlaywright() {
  const path = createRequire(import.meta.url)('@playwright/test').chromium.executablePath()
  const cli = join(ROOT, 'node_modules', 'playwright', 'cli.js')
  if (!existsSync(path)) {
    say('downloading Chromium with Playwright …')
    await runLogged('playwright-install', process.execPath, [cli, 'install', '--no-shell', 'chromium'])
  }
  let seen = examineBrowser(path)
  if ('reason' in seen && process.platform === 'linux' && process.getuid?.() === 0) {
    say('installing the system libraries that Chromium needs …')
    await runLogged('playwright-install-deps', process.execPath, [cli, 'install-deps', 'chromium'])
    seen = examineBrowser(path)
  }
  if ('version' in seen) return { path, version: seen.version, from: 'Playwright' }
  throw new SetupError(
    `Chromium was downloaded but does not start: ${seen.reason}\nIts system libraries may be missing: sudo npx playwright install-deps chromium`,
  )
}

/** @returns {Promise<Chromium>} */
export async function ensureChromium() {
  const known = readChromium()
  if (known && existsSync(known.path) && (process.env['TIDEPOOL_CHROMIUM'] ?? known.path) === known.path) return known
  const chromium = findInstalled() ?? (await installDebianPackage()) ?? (await downloadWithPlaywright().catch(explainMissing))
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(CHROMIUM_FILE, JSON.stringify(chromium, null, 2) + '\n')
  say(`using Chromium ${chromium.version} (${chromium.from}): ${chromium.path}`)
  return chromium
}

/** @param {unknown} error @returns {never} */
function explainMissing(error) {
  throw new SetupError(
    `Cannot find or install a Chromium: ${messageOf(error)}\n` +
      `Install Chromium ${OLDEST_CHROMIUM} or newer (on Debian: apt-get install chromium), or name one in TIDEPOOL_CHROMIUM. Branded Chrome does not do: it ignores --load-extension.`,
  )
}

/** The browser that was chosen, for scripts that run after the bootstrap.
 * @returns {Chromium | undefined} */
export function readChromium() {
  try {
    return readJson(CHROMIUM_FILE)
  } catch {
    return undefined
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}

async function main() {
  await ensurePackages()
  checkNode()
  await ensureChromium()
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    rmSync(CHROMIUM_FILE, { force: true })
    console.error(error instanceof SetupError ? error.message : error)
    process.exitCode = 1
  })
}
