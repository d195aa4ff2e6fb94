// `npm run build:wheels [-- NAME...] [--check]`: builds the packages of scripts/build-wheels-packages.mjs from pinned sources into
// third_party/python and writes its lock.json and LICENSES.md; and our own extension, where wasm/python/_tidepool.c is. With --check nothing
// is written there: everything is built anew in another folder and compared, and the last line says COMPARED, or NOT COMPARED and why.
// The steps are the scripts of scripts/python-wheels.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeLicences } from './build-wheels-licences.mjs'
import { PACKAGES } from './build-wheels-packages.mjs'
import {
  ensureToolchain,
  findPyodide,
  growsMemory,
  pinnedIdentity,
  RECIPE,
  recipeHash,
  ROOT,
  runLogged,
  say,
  sha256,
  step,
  ToolchainMissing,
  WheelsError,
} from './build-wheels-toolchain.mjs'
import { evaluatedExports, ownsMemory, unresolvedImports, wheelEntries } from './wheel-archive.ts'

const OUT = join(ROOT, 'third_party', 'python')
const CACHE = join(ROOT, '.cache', 'python-wheels')
const EXTENSION = '_tidepool.cpython-314-wasm32-emscripten.so'
const EXTENSION_FOLDER = 'wasm/python'
/** The kernel's import modules. */
const EXTENSION_IMPORTS = ['tidepool', 'linux', 'cell']

/** @typedef {import('./build-wheels-packages.mjs').Package} Package */
/** @typedef {import('./build-wheels-toolchain.mjs').Toolchain} Toolchain */
/** @typedef {import('./python-packages-table.ts').PythonPackage} Row */
/** @typedef {import('./python-packages-table.ts').PythonLock} Lock */
/** `folder`: where the finished wheels go. @typedef {{ toolchain: Toolchain, stamp: string, folder: string }} Context */

/** File name to hash, of every source. */
const PINS = new Map(
  readFileSync(join(RECIPE, 'sources.sha256'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => /** @type {[string, string]} */ (line.split(/\s+/u).toReversed())),
)

/** As in a file's name: `python_dateutil`. @param {string} name */
const fileStem = (name) => name.toLowerCase().replaceAll(/[-_.]+/gu, '_')

/** What a native wheel's name ends with. @param {{ python: string, abi: string }} interpreter */
function tagOf({ python, abi }) {
  const version = `cp${python.split('.').slice(0, 2).join('')}`
  return `${version}-${version}-${abi}`
}

/** The pinned file of a package; a test package has that of the package it tests. @param {Package} entry */
function sourceOf({ name, testsOf, recipe, prebuilt }) {
  const stem = fileStem(testsOf ?? name)
  const files = [...PINS.keys()].filter((file) => fileStem(file).startsWith(`${stem}_`) && /^\d/u.test(file.slice(stem.length + 1)))
  if (files.length !== 1) throw new WheelsError(`sources.sha256 has ${files.length} files of ${name}, not one`)
  const [file = ''] = files
  const kind = file.endsWith('.whl') ? 'wheel' : 'sdist'
  if ((kind === 'sdist') !== (recipe !== undefined || testsOf !== undefined))
    throw new WheelsError(`${name}: ${file} needs a recipe, or has one too many`)
  if (prebuilt ? !file.endsWith(`-${tagOf(findPyodide())}.whl`) : kind === 'wheel' && !file.endsWith('-none-any.whl'))
    throw new WheelsError(`${name}: ${file} is ${prebuilt ? 'not built for our ABI' : 'native, and the table does not say "prebuilt"'}`)
  return /** @type {const} */ ({ kind, file, sha256: PINS.get(file) ?? '' })
}

/** @param {Toolchain} toolchain @param {readonly string[]} files */
function fetchSources({ work }, files) {
  const missing = [...new Set(files)].toSorted()
  const pins = missing.map((file) => PINS.get(file) ?? '')
  return step(work, `sources-${sha256(missing.join()).slice(0, 8)}`, pins, () =>
    runLogged(work, 'sources', [
      'python3',
      join(RECIPE, 'get-source.py'),
      join(work, 'sources'),
      join(RECIPE, 'sources.sha256'),
      ...missing,
    ]),
  )
}

/** FreeType, libjpeg and qhull as static libraries. @param {Context} context */
function buildLibraries({ toolchain, stamp }) {
  const { work } = toolchain
  const qhull = [...PINS.keys()].find((file) => file.startsWith('scipy-')) ?? ''
  fetchSources(toolchain, [qhull])
  const inputs = [stamp, recipeHash('build-deps.sh'), recipeHash('sources/Cargo.lock'), qhull]
  return step(work, 'libraries', inputs, () => {
    const crates = join(work, 'crates')
    rmSync(crates, { recursive: true, force: true })
    // Below the folder of the build, because cargo writes beside the manifest.
    const vendor = 'rm -rf crate-list && cp -r "$1/sources" crate-list && cd crate-list && cargo vendor -q --locked "$2"'
    runLogged(work, 'crates', ['sh', '-c', vendor, '-', RECIPE, crates])
    runLogged(work, 'libraries', ['sh', join(RECIPE, 'build-deps.sh'), join(work, 'x'), crates, join(work, 'sources', qhull)])
  })
}

/** The untrimmed wheel of a native package. @param {string} work @param {string} name */
const rawWheel = (work, name) =>
  readdirSync(join(work, 'raw'))
    .filter((file) => fileStem(file).startsWith(`${fileStem(name)}_`))
    .map((file) => join(work, 'raw', file))[0] ?? ''

/** Cross-builds a native package and what it needs. @param {Package} entry @param {Context} context @returns {string} its stamp */
function buildRaw(entry, context) {
  const { name, recipe } = entry
  const { toolchain, stamp } = context
  if (recipe === undefined) return ''
  const { work } = toolchain
  const before = (recipe.needs ?? []).map((needed) => buildRaw(PACKAGES.find((other) => other.name === needed) ?? entry, context))
  const scripts = [recipe.script, 'build-meson.sh']
  const source = sourceOf(entry)
  if (recipe.needs?.includes('numpy')) {
    const inputs = [...before, stamp, recipeHash('install-cross-numpy.sh'), recipeHash('build-tools-numpy.txt')]
    const command = ['sh', join(RECIPE, 'install-cross-numpy.sh'), join(work, 'x'), rawWheel(work, 'numpy')]
    before.push(step(work, 'numpy-headers', inputs, () => runLogged(work, 'numpy-headers', command)))
  }
  const inputs = [...before, stamp, buildLibraries(context), source.sha256, JSON.stringify(recipe), ...scripts.map(recipeHash)]
  fetchSources(toolchain, [source.file])
  return step(work, name, inputs, () => {
    const folder = join(work, 'src', source.file.replace('.tar.gz', ''))
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(work, 'src'), { recursive: true })
    mkdirSync(join(work, 'raw'), { recursive: true })
    const stale = rawWheel(work, name)
    if (stale) rmSync(stale)
    runLogged(work, `${name}-unpack`, ['tar', '-C', join(work, 'src'), '-xzf', join(work, 'sources', source.file)])
    runLogged(work, name, ['sh', join(RECIPE, recipe.script), join(work, 'x'), folder, join(work, 'raw')], recipe.env)
  })
}

/** Refuses what a cell could not load, or what would go around the cell's bound on memory. @param {Context} context @param {string} label
 * @param {Buffer} module @param {readonly string[]} [importModules] what it imports from besides Emscripten's own */
function inspectModule({ toolchain }, label, module, importModules) {
  const evaluated = evaluatedExports(module)
  if (evaluated.length > 0) throw new WheelsError(`${label} exports ${evaluated.join(', ')}: Emscripten would evaluate text`)
  if (ownsMemory(module) || growsMemory(toolchain, module))
    throw new WheelsError(`${label} has a memory of its own, or grows the interpreter's`)
  const unresolved = unresolvedImports(module, toolchain.pyodide, importModules)
  if (unresolved.length > 0) throw new WheelsError(`${label} imports what Pyodide does not give: ${unresolved.join(', ')}`)
}

/** Where the finished file lies below the folder. @param {Package} entry @param {string} raw */
function wheelName({ name, testsOf, for: purpose }, raw) {
  const [, version] = basename(raw).split('-')
  const file = testsOf ? `${name.replace('-tests', '')}-${version}-tests.whl` : basename(raw)
  return purpose === 'tests' ? `tests/${file}` : file
}

/** Builds one package into the folder and returns its row. @param {Package} entry @param {Context} context @returns {Row} */
function buildPackage(entry, context) {
  const { toolchain, folder } = context
  const { work } = toolchain
  const source = sourceOf(entry)
  const native = PACKAGES.find(({ name }) => name === (entry.testsOf ?? entry.name)) ?? entry
  if (native.recipe) buildRaw(native, context)
  else fetchSources(toolchain, [source.file])
  const raw = native.recipe ? rawWheel(work, native.name) : join(work, 'sources', source.file)
  // A stamp says that it was fetched once, not that it is still the same file.
  if (source.kind === 'wheel' && sha256(readFileSync(raw)) !== source.sha256) throw new WheelsError(`${raw} is not the file that is pinned`)
  const wheel = wheelName(entry, raw)
  const scrub = [join(work, 'x'), work].flatMap((path) => ['--scrub', path])
  const linked = (entry.linked ?? []).flatMap((name) => ['--licence', join(RECIPE, 'licences', `${name}.txt`)])
  const select = entry.select ? ['--tests', entry.name, ...entry.select] : []
  const args = [join(RECIPE, 'trim-wheel.py'), raw, join(folder, wheel), ...scrub, ...linked, ...select]
  const env = { ...process.env, PYTHONHASHSEED: '0' }
  const facts = JSON.parse(execFileSync(join(work, 'x', 'bin', 'python'), args, { env, encoding: 'utf8' }))
  const licence = entry.licence ?? native.licence ?? facts.licence
  if (!licence) throw new WheelsError(`${entry.name}: its metadata has no SPDX expression; give one in the table`)
  const bytes = readFileSync(join(folder, wheel))
  const modules = wheelEntries(bytes).filter(({ name }) => name.endsWith('.so'))
  if (modules.length > 0 && !native.recipe && !entry.prebuilt)
    throw new WheelsError(`${wheel} holds compiled code, and its name says "any"`)
  for (const { name, data } of modules) inspectModule(context, `${wheel}: ${name}`, data)
  const row = { name: facts.name, version: facts.version, wheel, sha256: sha256(bytes), size: bytes.length, licence, source }
  const purpose = entry.for ? { for: entry.for } : {}
  return { ...row, native: modules.length > 0, imports: facts.imports, depends: facts.depends, ...purpose }
}

/** @param {Context} context @returns {Lock['extension']} */
function buildExtension(context) {
  const folder = join(ROOT, EXTENSION_FOLDER)
  if (!existsSync(folder)) return undefined
  const { work } = context.toolchain
  const out = join(context.folder, EXTENSION)
  runLogged(work, 'extension', ['sh', join(RECIPE, 'build-extension.sh'), join(work, 'x'), join(folder, '_tidepool.c'), out])
  const bytes = readFileSync(out)
  inspectModule(context, EXTENSION, bytes, EXTENSION_IMPORTS)
  if (bytes.includes(work) || bytes.includes(ROOT)) throw new WheelsError(`${EXTENSION} names the folder it was built in`)
  const files = readdirSync(folder).filter((file) => /\.[ch]$/u.test(file))
  const sources = files.toSorted().map((file) => [`${EXTENSION_FOLDER}/${file}`, sha256(readFileSync(join(folder, file)))])
  return { file: EXTENSION, sha256: sha256(bytes), size: bytes.length, sources: Object.fromEntries(sources) }
}

/** @returns {Lock | undefined} */
function readLock() {
  const path = join(OUT, 'lock.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** Puts what was built now into the lock. @param {Toolchain} toolchain @param {readonly Row[]} built @param {Lock['extension']} extension */
function writeLock({ identity, python, abi }, built, extension) {
  const old = readLock()
  const rows = new Map([...(old?.packages ?? []), ...built].map((row) => [row.name, row]))
  const packages = PACKAGES.flatMap(({ name }) => rows.get(name) ?? []).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const kept = extension ?? old?.extension
  const lock = { python, abi, toolchain: identity, packages, ...(kept ? { extension: kept } : {}) }
  writeFileSync(join(OUT, 'lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
  const files = new Set(packages.map(({ wheel }) => wheel))
  for (const file of ['', 'tests/'].flatMap((folder) => readdirSync(join(OUT, folder)).map((name) => folder + name)))
    if (file.endsWith('.whl') && !files.has(file)) rmSync(join(OUT, file))
}

/** @param {readonly string[]} names */
function selectPackages(names) {
  const unknown = names.find((name) => name !== 'extension' && !PACKAGES.some((entry) => entry.name === name))
  if (unknown !== undefined) throw new WheelsError(`no package "${unknown}" in scripts/build-wheels-packages.mjs`)
  return PACKAGES.filter(({ name }) => names.length === 0 || names.includes(name))
}

/** @param {string} work @param {string} folder @param {readonly string[]} names */
function build(work, folder, names) {
  const selected = selectPackages(names)
  const context = { ...ensureToolchain(work), folder }
  mkdirSync(join(folder, 'tests'), { recursive: true })
  const built = selected.map((entry) => {
    const row = buildPackage(entry, context)
    say(`${row.wheel}: ${row.size} bytes, sha256 ${row.sha256.slice(0, 16)}`)
    return row
  })
  const extension = names.length === 0 || names.includes('extension') ? buildExtension(context) : undefined
  return { toolchain: context.toolchain, built, extension }
}

/** @param {readonly string[]} names */
function check(names) {
  const lock = readLock()
  if (lock === undefined) throw new WheelsError('there is no third_party/python/lock.json to compare with')
  if (JSON.stringify(lock.toolchain) !== JSON.stringify(pinnedIdentity()))
    return console.log('NOT COMPARED: the lock was made with another toolchain than the one that is pinned now')
  mkdirSync(CACHE, { recursive: true })
  const work = mkdtempSync(join(CACHE, 'check-'))
  try {
    const { built, extension } = build(work, join(work, 'dist'), names)
    const locked = new Map([
      ...lock.packages.map((row) => /** @type {const} */ ([row.wheel, row.sha256])),
      [EXTENSION, lock.extension?.sha256],
    ])
    const files = [...built.map((row) => [row.wheel, row.sha256]), ...(extension ? [[extension.file, extension.sha256]] : [])]
    const different = files.filter(([file, hash]) => locked.get(file ?? '') !== hash).map(([file]) => file)
    if (different.length > 0) throw new WheelsError(`a rebuild differs from third_party/python: ${different.join(', ')}`)
    console.log(`COMPARED: ${files.length} files are what third_party/python holds`)
  } catch (error) {
    if (!(error instanceof ToolchainMissing)) throw error
    console.log(`NOT COMPARED: ${error.message}`)
  }
  // Kept when something failed: the logs are in it.
  rmSync(work, { recursive: true, force: true })
}

/** @param {readonly string[]} names */
function buildAndWrite(names) {
  const dist = join(CACHE, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const { toolchain, built, extension } = build(join(CACHE, 'build'), dist, names)
  mkdirSync(join(OUT, 'tests'), { recursive: true })
  for (const file of [...built.map(({ wheel }) => wheel), ...(extension ? [extension.file] : [])])
    copyFileSync(join(dist, file), join(OUT, file))
  writeLock(toolchain, built, extension)
  writeLicences(OUT)
  const { packages = [] } = readLock() ?? {}
  const total = packages.filter((row) => !row.for).reduce((sum, { size }) => sum + size, 0)
  say(`third_party/python holds ${packages.length} packages, ${(total / 1e6).toFixed(1)} MB without those of tests`)
}

try {
  const { values, positionals } = parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true })
  if (values.check) check(positionals)
  else buildAndWrite(positionals)
} catch (error) {
  if (!(error instanceof WheelsError)) throw error
  console.error(`build:wheels: ${error.message}`)
  process.exitCode = 1
}
