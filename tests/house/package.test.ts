/** The built package (`npm run build:node`), as its users meet it: ES module, CommonJS, types under Node's own resolution, command. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '..', '..')
const USER = mkdtempSync(join(tmpdir(), 'tidepool-package-'))

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist/node/index.js'))) throw new Error('Cannot test the package: it is not built. Use "npm run build:node".')
  mkdirSync(join(USER, 'node_modules'))
  symlinkSync(ROOT, join(USER, 'node_modules', 'tidepool'), 'junction')
})
afterAll(() => rmSync(USER, { recursive: true, force: true }))

const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: USER, encoding: 'utf8' }).trim()

test('publint finds nothing to say', { timeout: 120_000 }, async () => {
  const { messages } = await publint({ pkgDir: ROOT, strict: true, pack: 'npm' })
  expect(messages.map((message) => formatMessage(message, packageJson))).toEqual([])
})

test('it can be imported as an ES module and required as CommonJS', () => {
  expect(run('--input-type=module', '-e', "import { Sandbox } from 'tidepool'; console.log(typeof Sandbox.create)")).toBe('function')
  expect(run('--input-type=commonjs', '-e', "const { Sandbox } = require('tidepool'); console.log(typeof Sandbox.create)")).toBe('function')
})

test('its types hold in both kinds of module without skipping any declaration', { timeout: 120_000 }, () => {
  writeFileSync(
    join(USER, 'as-module.mts'),
    "import { Sandbox } from 'tidepool'\nexport const sandbox: Promise<Sandbox> = Sandbox.create()\n",
  )
  writeFileSync(
    join(USER, 'as-commonjs.cts'),
    "import tidepool = require('tidepool')\nexport const create: () => Promise<tidepool.Sandbox> = () => tidepool.Sandbox.create()\n",
  )
  writeFileSync(join(USER, 'wrong.mts'), "import { Sandbox } from 'tidepool'\nexport const wrong: number = Sandbox.create()\n")
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--types',
    'node',
    '--typeRoots',
    join(ROOT, 'node_modules/@types'),
  ]
  const compile = (file: string): string => spawnSync('tsc', [...options, file], { cwd: USER, encoding: 'utf8' }).stdout
  expect(compile('as-module.mts')).toBe('')
  expect(compile('as-commonjs.cts')).toBe('')
  expect(compile('wrong.mts')).toContain('TS2322')
})

test('the command says its version', () => {
  expect(run(join(ROOT, packageJson.bin.tidepool), '--version')).toBe(packageJson.version)
})
