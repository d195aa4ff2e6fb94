/** From a program to a process that runs it: an instance, the directories it finds open, and its place in the table. */
import type { ByteString } from '../vfs/byte-string.ts'
import { type Directory, FileKind } from '../vfs/inode.ts'
import { O } from '../vfs/open-file.ts'
import type { System } from '../wasi/system.ts'
import { Descriptor } from './fd-table.ts'
import { HostCode } from './host-program.ts'
import type { Preopen, Process, ProcessParts } from './process.ts'
import type { Program } from './program.ts'

export type ProcessImage = Pick<ProcessParts, 'argv' | 'env' | 'exe' | 'preopens' | 'instance' | 'entry'>

/** Everything of a process that its program brings. Throws EAGAIN or ENOMEM where there is no memory for it. */
export function imageOf(system: System, program: Program, env: readonly ByteString[], cwd: Directory): ProcessImage {
  const { code, argv, exe } = program
  if (code instanceof HostCode) return hostImage(system, code, program, env)
  const instance = system.pool.acquire(code)
  const preopens = code.own ? [preopen('/', system.vfs.root, false)] : foreignPreopens(system, cwd)
  return { argv, env, exe, preopens, instance, entry: instance.start }
}

/** Its descriptors are Unix numbers: it has no preopens. */
function hostImage(system: System, code: HostCode, { argv, exe }: Program, env: readonly ByteString[]): ProcessImage {
  const instance = code.program.instantiate(argv, env)
  const entry = async (): Promise<void> => {
    const { current } = system.scheduler
    const status = await instance.start()
    if (current!.alive && current!.instance === instance) system.table.exit(current!, status)
  }
  return { argv, env, exe, preopens: [], instance, entry }
}

export function startProgram(
  system: System,
  parts: Omit<ProcessParts, keyof ProcessImage | 'pid' | 'startedAt'> & { readonly program: Program; readonly env: readonly ByteString[] },
): Process {
  const { program, env, ...rest } = parts
  return system.table.add({ ...rest, ...imageOf(system, program, env, parts.cwd) })
}

const preopen = (name: ByteString, directory: Directory, confine: boolean): Preopen => ({
  name,
  descriptor: new Descriptor(directory.open(O.RDONLY), false),
  confine,
})

/** What a foreign module finds open: wasi-libc finds the preopen with the longest prefix of an absolute path; `.` is what is left for relative ones. */
export function foreignPreopens(system: System, cwd: Directory): Preopen[] {
  const { root } = system.vfs
  const names = root.list().filter((entry) => entry.kind === FileKind.Directory)
  const top = names.map(({ name }) => preopen(`/${name}`, system.vfs.resolve(root, name, true, false) as Directory, true))
  return [...top, preopen('.', cwd, true)]
}
