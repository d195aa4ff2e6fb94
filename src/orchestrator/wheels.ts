/**
 * The wheels that the person at the browser adds to a site: its folder `~/.local/share/wheels`, in which pip looks for names. The write is
 * the person's own and asks for no grant; it goes to the principal's own file system, like any file operation of its cell.
 * Invariant: the path is made here, of a name that parseWheelName has read, and under it lies a whole wheel or none.
 */
import type { FsOp, FsValue } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Principal } from '../protocol/principal.ts'
import { parseWheelName, parseWheelOp, type Wheel, type WheelOp } from '../protocol/wheel.ts'
import { FileError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { Orchestrator } from './orchestrator.ts'

const FOLDER = '/home/user/.local/share/wheels'
/** What a wheel's name ends in while it comes: pip does not see it. */
const PART = '.part'
const SHOWN = 1_000

/** The part of a wheel that has come. */
type Part = Extract<WheelOp, { op: 'add' }>

/** Does it and gives back the wheels that are there then. Throws FileError (ENOSPC and the like), BtcpError. */
export async function changeWheels(orchestrator: Orchestrator, principal: Principal, asked: unknown): Promise<readonly Wheel[]> {
  const parsed = parseWheelOp(asked)
  if (!parsed.ok) throw new BtcpError('INVALID_PARAMS', `Cannot change the wheels: ${parsed.reason}`, { effects: 'none' })
  const folder = new WheelFolder(orchestrator, principal)
  const op = parsed.value
  if (op.op === 'add') await folder.add(op)
  if (op.op === 'remove') await folder.remove(op.file, op.file)
  return (await folder.list()).filter(({ file }) => parseWheelName(file).ok)
}

class WheelFolder {
  readonly #orchestrator: Orchestrator
  readonly #principal: Principal

  constructor(orchestrator: Orchestrator, principal: Principal) {
    this.#orchestrator = orchestrator
    this.#principal = principal
  }

  /** Everything that is a file, by its name; nothing where the folder is not there yet. */
  async list(): Promise<Wheel[]> {
    try {
      const { entries } = await this.#fs({ op: 'list', path: FOLDER, recursive: false, limit: SHOWN }, 'list', FOLDER)
      return entries.filter(({ type }) => type === 'file').map(({ name, size }) => ({ file: name, size }))
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return []
      throw error
    }
  }

  async remove(name: string, file: string): Promise<void> {
    await this.#fs({ op: 'remove', path: `${FOLDER}/${name}`, recursive: false }, 'remove', file)
  }

  async add(part: Part): Promise<void> {
    if (part.offset === 0) await this.#removeParts()
    try {
      await this.#append(part)
    } catch (error) {
      await this.remove(part.file + PART, part.file).catch(() => {})
      throw error
    }
  }

  async #append({ file, offset, bytes: text, last }: Part): Promise<void> {
    const { limits } = this.#orchestrator
    const bytes = Uint8Array.fromBase64(text)
    const end = offset + bytes.length
    if (end > limits.wheelBytes || bytes.length > limits.fsWriteBytes)
      throw new BtcpError('INVALID_PARAMS', `Cannot add "${file}": it is too large (limit wheelBytes)`, { effects: 'none' })
    const path = `${FOLDER}/${file}${PART}`
    const mode = offset === 0 ? 'replace' : 'append'
    const { size } = await this.#fs({ op: 'write', path, bytes, mode, offset: 0, mkdirs: true }, 'add', file)
    if (size !== end)
      throw new BtcpError('BUSY', `Cannot add "${file}": a wheel is added to this site in another tab, too`, { effects: 'none' })
    if (last) await this.#fs({ op: 'move', from: path, to: `${FOLDER}/${file}`, overwrite: true }, 'add', file)
  }

  /** What is left of wheels that never came whole, because their page was closed. */
  async #removeParts(): Promise<void> {
    for (const { file } of await this.list()) {
      const name = file.slice(0, -PART.length)
      if (file.endsWith(PART) && parseWheelName(name).ok) await this.remove(file, name)
    }
  }

  async #fs<Op extends FsOp['op']>(op: Extract<FsOp, { op: Op }>, action: string, file: string): Promise<Extract<FsValue, { op: Op }>> {
    try {
      const value = await this.#orchestrator.fs(this.#principal, op)
      if (value.op !== op.op) throw new BtcpError('SANDBOX_ERROR', `Cannot ${action} "${file}": the cell answered something else`)
      return value as Extract<FsValue, { op: Op }>
    } catch (error) {
      throw error instanceof CellFsError ? new FileError(action, file, error.errno) : error
    }
  }
}
