// `npm run build:node` → dist/node: the package as Node uses it. `index.js`, `index.cjs` and `cli.js` are the host's side;
// `cell/` is all that a locked child process may read (its one script and the WebAssembly modules); `types` and `types-cjs` are
// the declarations that the compiler wrote.
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(ROOT, 'dist', 'node')
const TYPED_FOLDERS = ['protocol', 'orchestrator', 'node']

/** Bundles entries for Node; packages stay imports, except where nothing may be imported.
 * @param {string} outDir @param {Record<string, string>} input @param {{ cjs?: boolean, alone?: boolean }} [how] */
async function bundle(outDir, input, { cjs = false, alone = false } = {}) {
  await build({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    publicDir: false,
    ssr: alone ? { noExternal: true, target: 'node' } : { target: 'node' },
    build: {
      ssr: true,
      target: 'node26',
      outDir,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: {
        input,
        output: {
          format: cjs ? 'cjs' : 'es',
          entryFileNames: cjs ? '[name].cjs' : '[name].js',
          chunkFileNames: '[name]-[hash].js',
          ...(alone || cjs ? { codeSplitting: false } : {}),
        },
      },
    },
  })
}

/** @param {string} from @param {string} name the folder's beside the cell's script */
function copyModules(from, name) {
  const to = join(OUT, 'cell', name)
  mkdirSync(to, { recursive: true })
  for (const file of readdirSync(from)) if (/\.(wasm|json|zip|whl)$/.test(file)) cpSync(join(from, file), join(to, file))
}

/** Gathers the folders' declarations into one tree. @param {string} outDir @param {'module' | 'commonjs'} type */
function writeTypes(outDir, type) {
  for (const folder of TYPED_FOLDERS) {
    const from = join(ROOT, '.cache', 'types', folder, 'src', folder)
    for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.d.ts'))) {
      const to = join(outDir, folder, name)
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, readFileSync(join(from, name), 'utf8').replaceAll(/((?:from|import\() ?['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'))
    }
  }
  writeFileSync(join(outDir, 'package.json'), `{ "type": "${type}" }\n`)
}

await import('./build-python.ts')

const compiled = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-b', 'src/node'], {
  cwd: ROOT,
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
if (compiled.status !== 0) process.exit(1)

rmSync(OUT, { recursive: true, force: true })
const source = join(ROOT, 'src')
await bundle(OUT, { index: join(source, 'node/index.ts'), cli: join(source, 'node/cli.ts') })
await bundle(OUT, { index: join(source, 'node/index.ts') }, { cjs: true })
for (const name of readdirSync(join(source, 'sandbox/node')).filter((file) => file.endsWith('-process.ts')))
  await bundle(join(OUT, 'cell'), { [name.slice(0, -'.ts'.length)]: join(source, 'sandbox/node', name) }, { alone: true })
copyModules(join(ROOT, 'wasm', 'dist'), 'wasm')
copyModules(join(ROOT, 'dist', 'python'), 'python')
writeTypes(join(OUT, 'types'), 'module')
writeTypes(join(OUT, 'types-cjs'), 'commonjs')
chmodSync(join(OUT, 'cli.js'), 0o755)
