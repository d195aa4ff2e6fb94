/**
 * `tidepool tool check`: what a package is and asks for, and everything that is wrong with it. Its modules are loaded as for a call, by the
 * gate of a cell, and nothing of them runs.
 */
import { moduleNotes, type CheckedImport } from '../orchestrator/module-check.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import { readPackage } from '../orchestrator/package-reading.ts'
import { type Capability, capabilityRow } from '../protocol/capability.ts'
import { type Implementation, type PackagedTool, type PackageFile, type PackageManifest } from '../protocol/installed-tool.ts'
import type { PackageFault } from '../protocol/tool-package.ts'
import { printable } from './printable.ts'

export interface CheckedPackage {
  readonly manifest: PackageManifest
  readonly sha256: string
  /** lines for a person; what a stranger wrote begins none */
  readonly report: readonly string[]
  /** modules that cannot be loaded, a line each */
  readonly failures: readonly string[]
}

/** What is wrong with the package, or what it is. */
export async function checkPackage(orchestrator: Orchestrator, files: readonly PackageFile[]): Promise<readonly string[] | CheckedPackage> {
  const { platform, limits } = orchestrator
  const read = await readPackage(platform, files, limits)
  if (!read.ok) return read.faults.map(faultLine)
  const { manifest, sha256 } = read
  await platform.packages.keep(sha256, files)
  const report = [`${manifest.name} ${manifest.version}${manifest.provider === undefined ? '' : ` by ${manifest.provider}`}`]
  if (manifest.description !== '') report.push(manifest.description)
  report.push(`sha256 ${sha256}, ${files.length} file${files.length === 1 ? '' : 's'}`)
  const failures: string[] = []
  for (const packaged of manifest.tools) {
    report.push('', ...toolLines(packaged))
    const loaded = await moduleNotes(orchestrator, packaged, { manifest: manifest.name, version: manifest.version, sha256 })
    if ('failure' in loaded) failures.push(`${packaged.tool.name}: ${loaded.failure}`)
    else report.push(...importLines(loaded.imports, packaged.tool.capabilities))
  }
  return {
    manifest,
    sha256,
    report: report.map((line) => printable(line.replaceAll(/\s*[\r\n\u2028\u2029]+\s*/g, ' '))),
    failures: failures.map(printable),
  }
}

/** `FILE#POINTER: MESSAGE`, as compilers have it. */
export function faultLine({ file, instancePath, message }: PackageFault): string {
  const place = `${file === '' ? 'the package' : file}${instancePath === '' ? '' : `#${instancePath}`}`
  return printable(`${place}: ${message}`)
}

function toolLines({ tool, implementation, secrets, variables }: PackagedTool): string[] {
  const lines = [`tool ${tool.name}: ${tool.description}`, `  runs ${runsText(implementation)}`]
  if (tool.capabilities.length === 0) lines.push('  needs nothing')
  for (const capability of tool.capabilities) lines.push(`  needs ${capabilityText(capability)}`)
  for (const { name, description } of secrets) lines.push(`  secret ${name}${description === '' ? '' : `: ${description}`}`)
  for (const [name, value] of Object.entries(variables)) lines.push(`  variable ${name} (default ${JSON.stringify(value)})`)
  return lines
}

const capabilityText = (capability: Capability): string => {
  const { risk, sentence } = capabilityRow(capability)
  return `${capability} (${risk}): ${sentence}`
}

function runsText(implementation: Implementation): string {
  switch (implementation.type) {
    case 'wasm':
      return `${implementation.module}, a WebAssembly module of ABI ${implementation.abi}`
    case 'python': {
      const { start } = implementation
      return start.run === 'file'
        ? `${start.file}, by python3`
        : `the Python module ${start.module}${start.call === undefined ? '' : `, its ${start.call}()`}`
    }
    case 'js':
      return `${implementation.module}, by js${implementation.form === 'function' ? ': its default export' : ''}`
    case 'external':
      return `${implementation.command.join(' ')}: a program outside of the sandbox, with all rights of its user (--allow-external)`
  }
}

/** The imports that reach out, each with what it needs. */
function importLines(imports: readonly CheckedImport[], declared: readonly Capability[]): string[] {
  return imports.map(({ name, needs }) => {
    if (needs === undefined) return `  imports ${name}: what that needs depends on the request`
    const note = declared.includes(needs) ? '' : ', which is not declared: it answers -2 (denied)'
    return `  imports ${name}: needs ${needs}${note}`
  })
}
