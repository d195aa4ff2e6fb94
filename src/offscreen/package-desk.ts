/**
 * What a person puts together in the extension's page until it is a package: parts of files, in memory and within bounds, one upload a name
 * and owner, dropped when nothing came for a while. What it is, is read here; what was said of it elsewhere counts for nothing.
 */
import type { PackageFile } from '../protocol/installed-tool.ts'
import { joinedBytes } from '../protocol/joined-bytes.ts'
import type { PackageAnswer, PackageOp } from '../protocol/link.ts'
import { type Owner, principalKey } from '../protocol/principal.ts'
import { trimPackage } from '../protocol/tool-package.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import { readPackage } from '../orchestrator/package-reading.ts'

interface Upload {
  readonly files: Map<string, Uint8Array<ArrayBuffer>[]>
  bytes: number
  expiry: ReturnType<typeof setTimeout> | undefined
}

const KEPT_MS = 600_000
const UPLOADS = 4

/** A text for the person. */
export class PackageError extends Error {}

export class PackageDesk {
  readonly #orchestrator: Orchestrator
  readonly #onEmpty: () => void
  readonly #uploads = new Map<string, Upload>()

  /** `onEmpty` hears when nobody is at it any more. */
  constructor(orchestrator: Orchestrator, onEmpty: () => void) {
    this.#orchestrator = orchestrator
    this.#onEmpty = onEmpty
  }

  get isEmpty(): boolean {
    return this.#uploads.size === 0
  }

  /** Throws PackageError. */
  async answer(owner: Owner, op: PackageOp): Promise<PackageAnswer> {
    switch (op.op) {
      case 'put':
        this.#put(keyOf(owner, op.upload), op)
        return { ok: true }
      case 'read':
        return await this.#read(keyOf(owner, op.upload))
      case 'keep':
        return await this.#keep(keyOf(owner, op.upload))
      case 'discard':
        this.#discard(keyOf(owner, op.upload))
        return { ok: true }
      case 'forget':
        for (const tool of op.tools) await this.#orchestrator.forget(tool)
        for (const sha256 of op.packages) await this.#orchestrator.platform.packages.forget(sha256)
        return { ok: true }
    }
  }

  #put(key: string, { path, offset, bytes: text }: Extract<PackageOp, { op: 'put' }>): void {
    const upload = this.#uploads.get(key) ?? this.#begin(key)
    this.#mind(key, upload)
    const { limits } = this.#orchestrator
    const bytes = Uint8Array.fromBase64(text)
    const parts = upload.files.get(path) ?? []
    try {
      if (!isPath(path)) throw new PackageError(`Cannot read "${path}": this is no path in a package`)
      if (offset !== lengthOf(parts)) throw new PackageError(`Cannot read "${path}": a part of it is missing`)
      if (upload.bytes + bytes.length > limits.toolPackageBytes)
        throw new PackageError(`Cannot read the package: it is larger than ${limits.toolPackageBytes} bytes (limit toolPackageBytes)`)
      if (!upload.files.has(path) && upload.files.size >= limits.toolPackageFiles)
        throw new PackageError(`Cannot read the package: it has more than ${limits.toolPackageFiles} files (limit toolPackageFiles)`)
    } catch (error) {
      this.#discard(key)
      throw error
    }
    upload.bytes += bytes.length
    upload.files.set(path, [...parts, bytes])
  }

  async #read(key: string): Promise<PackageAnswer> {
    const files = this.#files(key)
    const read = await readPackage(this.#orchestrator.platform, files, this.#orchestrator.limits)
    return read.ok ? { ...read, bytes: lengthOf(files.map((file) => file.bytes)) } : read
  }

  async #keep(key: string): Promise<PackageAnswer> {
    const files = this.#files(key)
    const answer = await this.#read(key)
    if (!('sha256' in answer)) return answer
    await this.#orchestrator.platform.packages.keep(answer.sha256, files)
    this.#discard(key)
    return answer
  }

  #files(key: string): PackageFile[] {
    const upload = this.#uploads.get(key)
    if (!upload) throw new PackageError('Cannot read the package: it is not there any more. Choose it again.')
    return trimPackage([...upload.files].map(([path, parts]) => ({ path, bytes: joined(parts) })))
  }

  #begin(key: string): Upload {
    const [oldest] = this.#uploads.keys()
    if (this.#uploads.size >= UPLOADS && oldest !== undefined) this.#discard(oldest)
    const upload: Upload = { files: new Map(), bytes: 0, expiry: undefined }
    this.#uploads.set(key, upload)
    return upload
  }

  #mind(key: string, upload: Upload): void {
    clearTimeout(upload.expiry)
    upload.expiry = setTimeout(() => this.#discard(key), KEPT_MS)
  }

  #discard(key: string): void {
    clearTimeout(this.#uploads.get(key)?.expiry)
    this.#uploads.delete(key)
    if (this.isEmpty) this.#onEmpty()
  }
}

const keyOf = (owner: Owner, upload: string): string => `${principalKey(owner)} ${upload}`
const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0)

/** As PackageFile wants it. */
const isPath = (path: string): boolean =>
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !path.includes('\0')

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first] = parts
  if (first && parts.length === 1) return first
  return joinedBytes(parts)
}
