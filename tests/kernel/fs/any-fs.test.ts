/** The contract of all file systems, on each that the kernel has. */
import { anyFileSystemContract } from '../../contract/any-file-system.ts'
import type { ProcessEntry, ProcessView } from '../../../src/kernel/fs/process-view.ts'
import { Tree } from '../../support/tree.ts'
import { zip } from '../../support/zip.ts'

const user = (): Tree => {
  const tree = new Tree()
  tree.put('file', 'x')
  tree.mkdir('sub')
  return tree
}
const hostTree = (readOnly: boolean): Tree => {
  const host = new Tree()
  host.put('/tmp/file', 'x')
  host.booted.journal.post(true, false)
  return new Tree({ mounts: [{ mount: 1, target: '/mnt/data', readOnly, metadata: host.store.metadata }] })
}

/** /proc with a process that the listing can show. */
function withProcess(): Tree {
  const holder: { entry?: ProcessEntry } = {}
  const processes: ProcessView = { current: () => holder.entry, get: (pid) => (pid === 3 ? holder.entry : undefined), pids: () => [3] }
  const tree = new Tree({ processes })
  holder.entry = {
    pid: 3,
    ppid: 1,
    pgid: 3,
    state: 'R',
    comm: 'sh',
    argv: ['sh'],
    env: [],
    cwd: tree.home,
    exe: '/bin/sh',
    umask: 0o022,
    memoryBytes: 0,
    startedAt: 0,
    cpuSeconds: 0,
    descriptors: () => [],
    file: () => undefined,
  }
  return tree
}

anyFileSystemContract('mem-fs at home', () => ({ tree: user(), path: '/home/user', writable: true }))
anyFileSystemContract('mem-fs booted from its journal', () => {
  const tree = user()
  tree.reboot()
  return { tree, path: '/home/user', writable: true }
})
anyFileSystemContract("mem-fs where the system's files are", () => ({ tree: new Tree(), path: '/etc', writable: false }))
anyFileSystemContract('dev-fs', () => ({ tree: new Tree(), path: '/dev', writable: false }))
anyFileSystemContract('proc-fs', () => ({ tree: withProcess(), path: '/proc', writable: false }))
anyFileSystemContract('proc-fs of a process', () => ({ tree: withProcess(), path: '/proc/3', writable: false }))
anyFileSystemContract('tool-fs at /bin', () => ({ tree: new Tree(), path: '/bin', writable: false }))
anyFileSystemContract('tool-fs at /usr/bin', () => ({ tree: new Tree(), path: '/usr/bin', writable: false }))
anyFileSystemContract('archive-fs at /usr/lib', () => {
  const tree = new Tree()
  tree.booted.library.add(
    '',
    zip([
      { name: 'file', text: 'x' },
      { name: 'sub/file', text: 'y' },
    ]),
  )
  return { tree, path: '/usr/lib', writable: false, refusal: 'EROFS' }
})
anyFileSystemContract('a read-only tree of the host', () => ({
  tree: hostTree(true),
  path: '/mnt/data/tmp',
  writable: false,
  refusal: 'EROFS',
}))
