// The crates of a workspace as a vendored copy that holds exactly its Cargo.lock, and cargo's settings to build from it: same inputs give the
// same bytes in any folder. Used for the programs of the cell (build-wasm.mjs) and for the examples of tools (build-examples.mjs).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PARENT = join(fileURLToPath(new URL('..', import.meta.url)), '.cache', 'wasm-vendor')

/** Named after the lock, so that a change makes a new one.
 * @param {string} workspace @param {NodeJS.ProcessEnv} env */
export function ensureVendored(workspace, env) {
  const lock = readFileSync(join(workspace, 'Cargo.lock'))
  const vendor = join(PARENT, createHash('sha256').update(lock).digest('hex').slice(0, 16))
  if (existsSync(vendor)) return vendor
  console.log('build:wasm: vendoring crates')
  mkdirSync(PARENT, { recursive: true })
  const fresh = mkdtempSync(join(PARENT, 'fresh-'))
  execFileSync('cargo', ['vendor', '--locked', '--versioned-dirs', fresh], { cwd: workspace, env, stdio: ['ignore', 'ignore', 2] })
  for (const crate of readdirSync(fresh)) dropTranslations(join(fresh, crate))
  renameSync(fresh, vendor)
  return vendor
}

/** Removes all messages but the English ones from a crate and from its list of checksums: uucore's build script embeds whatever lies
 * beside it. @param {string} crate */
function dropTranslations(crate) {
  for (const folder of ['locales', 'locales/errors']) {
    const path = join(crate, folder)
    if (!existsSync(path)) continue
    const checksums = JSON.parse(readFileSync(join(crate, '.cargo-checksum.json'), 'utf8'))
    for (const file of readdirSync(path).filter((name) => name.endsWith('.ftl') && name !== 'en-US.ftl')) {
      rmSync(join(path, file))
      delete checksums.files[`${folder}/${file}`]
    }
    writeFileSync(join(crate, '.cargo-checksum.json'), JSON.stringify(checksums))
  }
}

/** Every path is remapped. @param {{ target: string, workspace: string, sysroot: string, vendor: string }} build @returns {string[]} */
export function cargoConfig({ target, workspace, sysroot, vendor }) {
  const remaps = [
    [vendor, '/vendor'],
    [workspace, '/wasm'],
    [sysroot, '/toolchain'],
  ].map(([from, to]) => `"--remap-path-prefix=${from}=${to}"`)
  return [
    'source.crates-io.replace-with="vendored"',
    `source.vendored.directory="${vendor}"`,
    `target.${target}.rustflags=[${remaps.join(', ')}]`,
  ].flatMap((setting) => ['--config', setting])
}
