#!/usr/bin/env node
// `tidepool`: finds a Node that can run it (26 or newer: this one, or the one that the package brings), builds the package first
// when this is a clone that has not been built, and hands over. Plain JavaScript for any Node from 18 on; imports nothing but Node.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const NEEDED = 26
const FAILED = 125

/** @param {string} text @returns {never} */
function fail(text) {
  process.stderr.write(`tidepool: ${text}\n`)
  process.exit(FAILED)
}

function suitableNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED) return process.execPath
  for (const folder of [join(ROOT, 'node_modules'), join(ROOT, '..')]) {
    const node = join(folder, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
    if (!existsSync(node)) continue
    const said = spawnSync(node, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' }).stdout ?? ''
    if (Number(/^v(\d+)/.exec(said)?.[1]) >= NEEDED) return node
  }
  return undefined
}

/** @param {string[]} args */
function step(args) {
  const done = spawnSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (done.status !== 0) fail('Cannot build the package: see above')
}

const cli = join(ROOT, 'dist', 'node', 'cli.js')
const isClone = existsSync(join(ROOT, 'src', 'node', 'cli.ts'))
if (!existsSync(cli) && isClone) {
  process.stderr.write('tidepool: building it first, once\n')
  step([join(ROOT, 'scripts', 'bootstrap.mjs')])
  const node = suitableNode()
  if (!node) fail(`Cannot build: Node ${NEEDED} or newer is needed, this is ${process.versions.node}`)
  const done = spawnSync(node, [join(ROOT, 'scripts', 'build-node.mjs')], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (done.status !== 0) fail('Cannot build the package: see above')
}
if (!existsSync(cli)) fail('Cannot start: the package is incomplete')

const node = suitableNode()
if (!node) fail(`Cannot start: Node ${NEEDED} or newer is needed, this is ${process.versions.node}`)
if (node === process.execPath) {
  await import(cli)
} else {
  const child = spawn(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends its signals to both; the child decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', () => fail('Cannot start Node'))
  child.on('exit', (status, signal) => (signal ? process.kill(process.pid, signal) : process.exit(status ?? FAILED)))
}
