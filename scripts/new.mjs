// `npm run new tool -- --lang rust|as|c|python|js NAME [--dir DIR]`: a tool that builds and passes its test, made of the language's template
// (wasm/sdk*/template, wasm/templates). `__NAME__` in it becomes the name, `__TOOL__` the tool's (with _ for -), `__SDK__` and `__ROOT__` the way from
// the file to the SDK and to this folder. Writes nothing over what is there.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = realpathSync(fileURLToPath(new URL('..', import.meta.url)))
const USAGE = 'Usage: npm run new tool -- --lang rust|as|c|python|js NAME [--dir DIR]'

/** The folder of the template, the folder of the SDK, and what the tool is tried with.
 * @type {Readonly<Record<string, { template: string, sdk: string, input: string, page: boolean }>>} */
const LANGUAGES = {
  rust: { template: 'wasm/sdk/template', sdk: 'wasm/sdk', input: '{"greeting":"Ahoy"}', page: true },
  as: { template: 'wasm/sdk-as/template', sdk: 'wasm/sdk-as', input: '{"greeting":"Ahoy"}', page: true },
  c: { template: 'wasm/sdk-c/template', sdk: 'wasm/sdk-c', input: '{"greeting":"Ahoy"}', page: true },
  python: { template: 'wasm/templates/python', sdk: '', input: '{"text":"the open sea"}', page: false },
  js: { template: 'wasm/templates/js', sdk: '', input: '{"text":"the open sea"}', page: false },
}
/** Of other languages’ builds, in case somebody has built a template where it lies. */
const LEFT_OUT = new Set(['target', '.target', 'node_modules', 'tool.wasm', 'Cargo.lock'])

/** @param {string} text @returns {never} */
function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { lang: { type: 'string' }, dir: { type: 'string' } } })
    return { ...values, words: positionals }
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : 'Cannot read the command line'}\n${USAGE}`)
  }
}

const { lang = '', dir = process.env['INIT_CWD'] ?? process.cwd(), words } = readCommandLine()
const [kind, name = '', ...more] = words
if (kind !== 'tool' || name === '' || more.length > 0) fail(USAGE)
const language = Object.hasOwn(LANGUAGES, lang) ? LANGUAGES[lang] : undefined
if (!language) fail(`Cannot make a tool in "${lang}": give --lang ${Object.keys(LANGUAGES).join('|')}`)
if (!/^[a-z][a-z0-9-]{0,63}$/.test(name) || name.endsWith('-'))
  fail(`Cannot make "${name}": a name has lower-case letters, digits and -, begins with a letter and has at most 64`)
const target = join(resolve(process.env['INIT_CWD'] ?? '.', dir), name)
if (existsSync(target)) fail(`Cannot make "${target}": it is there already`)

mkdirSync(dirname(target), { recursive: true })
const whole = `${target}.new`
cpSync(join(ROOT, language.template), whole, {
  recursive: true,
  errorOnExist: true,
  force: false,
  filter: (path) => !LEFT_OUT.has(basename(path)),
})
const place = realpathSync(dirname(target))
for (const path of readdirSync(whole, { recursive: true, withFileTypes: true })) {
  if (path.isFile()) fill(join(path.parentPath, path.name))
}
renameSync(whole, target)

/** Replaces the placeholders of one file. @param {string} file */
function fill(file) {
  // Where the file will lie: the ways lead from there.
  const from = dirname(join(place, name, relative(whole, file)))
  const text = readFileSync(file, 'utf8')
  const filled = text
    .replaceAll('__NAME__', name)
    .replaceAll('__TOOL__', name.replaceAll('-', '_'))
    .replaceAll('__SDK__', () => way(from, join(ROOT, language?.sdk ?? '')))
    .replaceAll('__ROOT__', () => way(from, ROOT))
  if (filled !== text) writeFileSync(file, filled)
}

/** A relative path with `/`, which begins with a dot. @param {string} from @param {string} to */
function way(from, to) {
  const path = relative(from, to).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

const shown = relative(process.env['INIT_CWD'] ?? process.cwd(), target)
  .split(sep)
  .join('/')
const steps = /```sh\n(?<steps>[\s\S]*?)```/.exec(readFileSync(join(target, 'README.md'), 'utf8'))?.groups?.['steps'] ?? ''
const { input, page } = language
process.stdout.write(`Made ${shown}. Next:

(cd ${shown}
${steps})
npx tidepool tool check ${shown}
npx tidepool tool run ${shown} '${input}'${page ? ` --page ${shown}/page.html --grant dom:read` : ''}
`)
