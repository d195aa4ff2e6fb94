/** The files of a workspace over a real file system of the kernel: what is reached, and that nothing else is, whatever is named. */
import { beforeEach, describe, expect, test } from 'vitest'
import { SysError } from '../../src/kernel/errno.ts'
import { fromText } from '../../src/kernel/vfs/byte-string.ts'
import { CellFsError } from '../../src/orchestrator/live-cell.ts'
import { workspaceFiles, workspaceFor } from '../../src/orchestrator/workspace-files.ts'
import type { Capability } from '../../src/protocol/capability.ts'
import type { FsOp } from '../../src/protocol/cell.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import type { InstalledTool } from '../../src/protocol/installed-tool.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import type { ImportName, ImportRequest } from '../../src/protocol/tool-imports.ts'
import { FileOperations } from '../../src/sandbox/cell/file-operations.ts'
import { TestKernel } from '../support/kernel.ts'

const ROOT = '/home/user/work'

let kernel: TestKernel
let ops: FsOp[]
let asked: [Capability, string][]
let denied: string | undefined
beforeEach(() => {
  kernel = new TestKernel({ programs: new Map() })
  ops = []
  asked = []
  denied = undefined
  for (const path of [ROOT, `${ROOT}/src`, `${ROOT}/src/deep`, '/home/user/workshop']) directory(path)
  kernel.writeFile(`${ROOT}/a.txt`, 'grüße')
  kernel.writeFile(`${ROOT}/src/b.rs`, 'fn')
  kernel.writeFile('/home/user/secret.txt', 'secret')
  kernel.writeFile('/home/user/workshop/secret.txt', 'secret')
})

const directory = (path: string): void => kernel.kernel.vfs.mkdir(kernel.kernel.vfs.root, fromText(path), 0o755, false)
const link = (path: string, target: string): void =>
  kernel.kernel.vfs.symlink(fromText(target), kernel.kernel.vfs.root, fromText(path), false)

function files(root = ROOT, limits: Partial<Record<LimitName, number>> = {}) {
  const all = limitsWith(limits)
  const operations = new FileOperations(kernel.kernel.vfs, all)
  return workspaceFiles({
    root,
    limits: all,
    fs: async (op) => {
      ops.push(op)
      try {
        return await operations.perform(op)
      } catch (error) {
        if (error instanceof SysError) throw new CellFsError(error.errno, 'refused')
        throw error
      }
    },
    check: (capability, path) => {
      asked.push([capability, path])
      if (path === denied) throw new BtcpError('CAPABILITY_DENIED', 'no', { missing: [capability] })
    },
  })
}

const request = (name: ImportName, path: unknown, content?: Uint8Array | string): ImportRequest => ({
  import: name,
  arguments: {
    path: path as string,
    ...(content === undefined ? {} : { content: typeof content === 'string' ? content : content.toBase64() }),
  },
})
const never = new AbortController().signal

/** The answer, or the error's text. */
async function ask(name: ImportName, path: unknown, content?: Uint8Array | string, on = files()): Promise<unknown> {
  try {
    const answer = await on.run(request(name, path, content), never)
    if (name === 'read_file' && typeof answer === 'string') return Buffer.from(answer, 'base64').toString()
    return name === 'list_directory' && typeof answer === 'string' ? (JSON.parse(answer) as unknown) : answer
  } catch (error) {
    if (!(error instanceof BtcpError)) throw error
    return `${error.data.btcpCode}${error.data.limit ? ` ${error.data.limit}` : ''} ${error.message}`
  }
}
const leads = (path: string): string => `INVALID_PARAMS Cannot reach a file of the workspace: "${path}" leads out of it`
const text = (string: string): Uint8Array => new TextEncoder().encode(string)

/** Paths that an operation was done with, outside of the workspace. */
const touchedOutside = (): string[] =>
  ops
    .map((op) => ('path' in op ? op.path : ''))
    .filter((path) => path !== ROOT && !path.startsWith(`${ROOT}/`) && !ROOT.startsWith(`${path}/`))

describe('what is reached', () => {
  test('files, by a path from the root or an absolute one', async () => {
    for (const path of ['a.txt', './a.txt', 'src/../a.txt', 'src//..//a.txt', `${ROOT}/a.txt`, `/home/../home/user/work/./a.txt`])
      expect(await ask('read_file', path)).toBe('grüße')
    expect(await ask('read_file', 'src/b.rs')).toBe('fn')
  })

  test('directories, the root too, with or without a slash', async () => {
    for (const path of ['', '.', ROOT, `${ROOT}/`, 'src/..']) expect(await ask('list_directory', path)).toEqual(['a.txt', 'src'])
    expect(await ask('list_directory', 'src/')).toEqual(['b.rs', 'deep'])
  })

  test('whether there is something', async () => {
    expect([await ask('file_exists', 'a.txt'), await ask('file_exists', 'src'), await ask('file_exists', 'none')]).toEqual([
      true,
      true,
      false,
    ])
  })

  test('what is not there is null', async () => {
    for (const path of ['none', 'none/at/all', 'a.txt/below']) expect([path, await ask('read_file', path)]).toEqual([path, null])
    expect(await ask('list_directory', 'none')).toBe(null)
  })

  test('what is written, in directories that are made for it', async () => {
    expect(await ask('write_file', 'new/deep/c.bin', new Uint8Array([0, 255]))).toBe(null)
    expect(await ask('write_file', 'a.txt', text('x'))).toBe(null)
    expect(await ask('write_file', 'empty', text(''))).toBe(null)
    expect([kernel.readFile(`${ROOT}/a.txt`), await ask('list_directory', 'new/deep'), await ask('read_file', 'empty')]).toEqual([
      'x',
      ['c.bin'],
      '',
    ])
  })

  test('a root that is not there yet, or is a link, or is the whole file system', async () => {
    const fresh = files('/home/user/fresh')
    expect(await ask('read_file', 'x', undefined, fresh)).toBe(null)
    expect(await ask('write_file', 'x', text('1'), fresh)).toBe(null)
    expect(kernel.readFile('/home/user/fresh/x')).toBe('1')
    link('/home/user/linked', 'work')
    expect(await ask('read_file', 'a.txt', undefined, files('/home/user/linked'))).toBe('grüße')
    expect(await ask('read_file', '/home/user/secret.txt', undefined, files('/'))).toBe('secret')
    expect(await ask('read_file', '../..', undefined, files('/'))).toContain('leads out of it')
  })

  test('links that stay inside, also by an absolute target', async () => {
    link(`${ROOT}/one`, 'a.txt')
    link(`${ROOT}/src/two`, '../one')
    link(`${ROOT}/three`, `${ROOT}/src/two`)
    link(`${ROOT}/dir`, './src/')
    for (const path of ['one', 'src/two', 'three', 'dir/two', 'dir/deep/../../one'])
      expect([path, await ask('read_file', path)]).toEqual([path, 'grüße'])
    expect(await ask('write_file', 'three', text('through'))).toBe(null)
    expect(kernel.readFile(`${ROOT}/a.txt`)).toBe('through')
  })
})

describe('T63 no path leaves the workspace', () => {
  const OUT = [
    '..',
    '../',
    '../secret.txt',
    'src/../../secret.txt',
    '/',
    '/etc',
    '/home/user',
    '/home/user/secret.txt',
    `${ROOT}/../secret.txt`,
  ]
  test.each([...OUT, '/home/user/workshop/secret.txt', '../workshop/secret.txt', '../../../../../../etc/passwd'])(
    'T63 %s',
    async (path) => {
      for (const name of ['read_file', 'list_directory', 'file_exists'] as const) expect(await ask(name, path)).toBe(leads(path))
      expect(await ask('write_file', path, text('x'))).toBe(leads(path))
      expect(ops).toEqual([])
      expect(() => files().pathOf(request('read_file', path))).toThrow('leads out of it')
    },
  )

  test('T63 what is no path is refused', async () => {
    const bad = (reason: string): string => `INVALID_PARAMS Cannot reach a file of the workspace: ${reason}`
    expect(await ask('read_file', 'a\0/../../secret.txt')).toBe(bad('its path has a NUL'))
    expect(await ask('read_file', 'x/'.repeat(3_000))).toBe(bad('its path is too long (limit pathBytes)'))
    expect(await ask('read_file', 5)).toBe(bad('it has no path'))
    expect(await ask('write_file', 'x')).toBe(bad('it has no content'))
    expect(await ask('write_file', 'x', 'no base64!')).toBe(bad('its content is not base64'))
    expect(ops).toEqual([])
  })

  test('T63 a long path is shown in part', async () => {
    expect(await ask('read_file', `/${'x'.repeat(1_000)}`)).toBe(leads(`/${'x'.repeat(199)}…`))
  })
})

describe('T66 no link leads out of the workspace', () => {
  const LINKS: readonly (readonly [string, string, string])[] = [
    ['to a file above', '../secret.txt', 'link'],
    ['to a file elsewhere', '/etc/passwd', 'link'],
    ['to what is not there, elsewhere', '/home/user/fresh.txt', 'link'],
    ['to the root of all', '/', 'link'],
    ['to the root of all, and on', '/', 'link/home/user/secret.txt'],
    ['to the directory above', '..', 'link/secret.txt'],
    ['to a directory whose name begins alike', '/home/user/workshop', 'link/secret.txt'],
    ['around by a directory', 'src/../../secret.txt', 'link'],
    ['behind what is missing', 'none/../../secret.txt', 'link'],
    ['to a device', '/dev/zero', 'link'],
    ['to what a process has open', '/proc/self/root/home/user/secret.txt', 'link'],
  ]
  test.each(LINKS)('T66 %s', async (_what, target, path) => {
    link(`${ROOT}/link`, target)
    for (const name of ['read_file', 'list_directory', 'file_exists'] as const) expect(await ask(name, path)).toBe(leads(path))
    expect(await ask('write_file', path, text('x'))).toBe(leads(path))
    expect(touchedOutside()).toEqual([])
    expect(kernel.readFile('/home/user/secret.txt')).toBe('secret')
  })

  test('T66 in several steps, through links that stay inside', async () => {
    link(`${ROOT}/src/up`, '..')
    link(`${ROOT}/first`, 'src/up/second')
    link(`${ROOT}/second`, 'src/up/../secret.txt')
    expect(await ask('read_file', 'first')).toBe(leads('first'))
    expect(touchedOutside()).toEqual([])
  })

  test('T66 a circle of links ends', async () => {
    link(`${ROOT}/x`, 'y')
    link(`${ROOT}/y`, 'x')
    expect(await ask('read_file', 'x')).toBe('INVALID_PARAMS Cannot reach a file of the workspace: "x" has too many symbolic links')
    link(`${ROOT}/self`, 'self/self/self')
    expect(await ask('write_file', 'self', text('x'))).toContain('too many symbolic links')
    expect(ops.length).toBeLessThan(300)
  })

  test('T66 where a link leads elsewhere inside, the grants are asked about that', async () => {
    link(`${ROOT}/open`, 'src/b.rs')
    expect(await ask('read_file', 'a.txt')).toBe('grüße')
    expect(asked).toEqual([])
    expect(await ask('read_file', 'open')).toBe('fn')
    expect(await ask('write_file', 'open', text('x'))).toBe(null)
    expect(asked).toEqual([
      ['vfs:read', `${ROOT}/src/b.rs`],
      ['vfs:write', `${ROOT}/src/b.rs`],
    ])
    denied = `${ROOT}/src/b.rs`
    expect(await ask('read_file', 'open')).toBe('CAPABILITY_DENIED no')
    expect(await ask('write_file', 'open', text('y'))).toBe('CAPABILITY_DENIED no')
    expect(kernel.readFile(`${ROOT}/src/b.rs`)).toBe('x')
  })

  test('T66 a root that is a link is asked about where it leads', async () => {
    link('/home/user/linked', '/home/user/workshop')
    denied = '/home/user/workshop/secret.txt'
    expect(await ask('read_file', 'secret.txt', undefined, files('/home/user/linked'))).toBe('CAPABILITY_DENIED no')
  })
})

describe('kinds and limits', () => {
  const bad = (reason: string): string => `INVALID_PARAMS Cannot reach a file of the workspace: ${reason}`

  test('a directory is no file, a file no directory, a device neither', async () => {
    expect(await ask('read_file', 'src')).toBe(bad('"src" is no file'))
    expect(await ask('write_file', 'src', text('x'))).toBe(bad('"src" is no file'))
    expect(await ask('write_file', 'fresh/', text('x'))).toBe(bad('"fresh/" is no file'))
    expect(await ask('write_file', '', text('x'))).toBe(bad('"" is no file'))
    expect(await ask('list_directory', 'a.txt')).toBe(bad('"a.txt" is no directory'))
    expect(await ask('read_file', '/dev/zero', undefined, files('/'))).toBe(bad('"/dev/zero" is no file'))
    expect(await ask('write_file', '/dev/full', text('x'), files('/'))).toBe(bad('"/dev/full" is no file'))
  })

  test('a file is read whole or not at all', async () => {
    kernel.writeFile(`${ROOT}/big`, 'x'.repeat(3_000))
    const parts = { fsReadBytes: 1_000 }
    expect(await ask('read_file', 'big', undefined, files(ROOT, { ...parts, toolImportBytes: 3_000 }))).toBe('x'.repeat(3_000))
    expect(await ask('read_file', 'big', undefined, files(ROOT, { ...parts, toolImportBytes: 2_999 }))).toBe(
      'INVALID_PARAMS toolImportBytes Cannot reach a file of the workspace: "big" has more than 2999 bytes (limit toolImportBytes)',
    )
  })

  test('what is written or listed has an end, too', async () => {
    const few = files(ROOT, { toolImportBytes: 5 })
    expect(await ask('write_file', 'x', text('12345'), few)).toBe(null)
    expect(await ask('write_file', 'x', text('123456'), few)).toContain('INVALID_PARAMS toolImportBytes ')
    expect(await ask('write_file', 'x', text('1'.repeat(100)), few)).toContain('INVALID_PARAMS toolImportBytes ')
    expect(kernel.readFile(`${ROOT}/x`)).toBe('12345')
    expect(await ask('list_directory', '', undefined, few)).toContain('INVALID_PARAMS toolImportBytes ')
  })

  test('what the file system refuses is said', async () => {
    directory(`${ROOT}/shut`)
    kernel.kernel.vfs.chmod(kernel.kernel.vfs.resolve(kernel.kernel.vfs.root, fromText(`${ROOT}/shut`), true, false), 0)
    expect(await ask('list_directory', 'shut')).toBe('INVALID_PARAMS Cannot read "shut": permission denied')
    expect(await ask('write_file', 'shut/x', text('x'))).toBe('INVALID_PARAMS Cannot write "shut/x": permission denied')
  })
})

describe('which workspace', () => {
  const of = (implementation: InstalledTool['implementation'], args: ImportRequest['arguments']): string =>
    workspaceFor({ implementation } as InstalledTool, args, limitsWith())
  const library = { type: 'wasm', module: 'l.wasm', abi: 'library' } as const

  test('is the home of the owner, or what the caller of a library names', () => {
    expect(of(library, {})).toBe('/home/user')
    expect(of(library, { workspace: '/home/user/work/../work//' })).toBe('/home/user/work')
    expect(of({ ...library, abi: 'btcp' }, { workspace: '/etc' })).toBe('/home/user')
  })

  test.each([[5], ['work'], [''], ['/..'], ['/a\0b']])('T63 %j is none', (workspace) => {
    expect(() => of(library, { workspace })).toThrow(/Cannot reach a file of the workspace: its /)
  })
})
