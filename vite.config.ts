/**
 * `vite build` → dist/extension. Three things that crxjs does not do by itself: the cell's worker becomes one classic script that a frame can
 * start from a blob; the built WebAssembly modules and their lock are copied; and web_accessible_resources are taken out of the manifest again
 * (crxjs opens the content scripts to every site, by which any page could detect the extension; registering them needs no such thing).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crx } from '@crxjs/vite-plugin'
import { build, defineConfig, type Plugin } from 'vite'
import manifest from './manifest.json' with { type: 'json' }

const OUT = 'dist/extension'
/** folders whose files go into the extension, and the names they have there */
const COPIED = { 'wasm/dist': 'wasm', 'dist/python': 'python' }

/** Bundles `entry` into one script without imports or exports. */
async function classicScript(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'chrome140',
      modulePreload: false,
      rolldownOptions: { input: entry, output: { format: 'iife', codeSplitting: false } },
    },
  })
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []))
  const chunks = outputs.filter((one) => one.type === 'chunk')
  if (chunks.length !== 1) throw new Error(`Cannot bundle ${entry}: it became ${chunks.length} files instead of one`)
  return chunks[0]!.code
}

function cellFiles(): Plugin {
  return {
    name: 'tidepool:cell-files',
    apply: 'build',
    async generateBundle() {
      for (const name of ['cell-worker', 'js-worker'])
        this.emitFile({ type: 'asset', fileName: `${name}.js`, source: await classicScript(`src/sandbox/browser/${name}.ts`) })
      for (const [from, to] of Object.entries(COPIED))
        for (const name of readdirSync(from))
          if (/\.(?:wasm|zip|whl)$/.test(name) || name === 'lock.json')
            this.emitFile({ type: 'asset', fileName: `${to}/${name}`, source: readFileSync(join(from, name)) })
    },
  }
}

function noWebAccessibleResources(): Plugin {
  let folder = OUT
  return {
    name: 'tidepool:no-web-accessible-resources',
    apply: 'build',
    enforce: 'post',
    configResolved({ build }) {
      folder = build.outDir
    },
    closeBundle() {
      const path = join(folder, 'manifest.json')
      if (!existsSync(path)) return
      const { web_accessible_resources: _, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
      writeFileSync(path, `${JSON.stringify(rest, null, 2)}\n`)
    },
  }
}

export default defineConfig({
  plugins: [crx({ manifest }), cellFiles(), noWebAccessibleResources()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'chrome140',
    modulePreload: false,
    rolldownOptions: {
      input: {
        consent: 'src/popup/consent.html',
        audit: 'src/popup/audit.html',
        wheels: 'src/popup/wheels.html',
        tools: 'src/popup/tools.html',
        offscreen: 'src/offscreen/index.html',
      },
    },
  },
})
