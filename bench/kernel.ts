/**
 * What single steps of the kernel cost, without shell and utilities: `node bench/kernel.ts`. Each row is a small program that repeats one
 * step; the time of a whole run is divided by the count.
 */
import { O, type OpenFile } from '../src/kernel/vfs/open-file.ts'
import { builtPrograms, TestKernel } from '../tests/support/kernel.ts'
import { encodeModule, ins, line } from '../tests/support/wasm-encoder.ts'
import { SYSCALLS } from '../src/kernel/syscall-table.ts'

const NAMES = [
  'fd_read',
  'fd_write',
  'sched_yield',
  'clock_time_get',
  'path_filestat_get',
  'path_open',
  'fd_close',
  'proc_spawn',
  'proc_wait',
]
const rows = NAMES.map((name) => SYSCALLS.find((row) => row.name === name)!)
const call = (name: string): number[] => ins.call(NAMES.indexOf(name))

/** iovec of `length` bytes at 64, /bin/true at 4096, its list at 4112 */
const IOV = 16
const PATH = 4096
const LIST = 4112
const OUT = 32
const BUFFER = 8192

function program(length: number, count: number, step: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(LIST - IOV + 16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, BUFFER, true)
  view.setUint32(4, length, true)
  bytes.set(Buffer.from('/bin/true'), PATH - IOV)
  bytes.set(Buffer.from('true\0'), LIST - IOV)
  return encodeModule({
    imports: rows.map(({ module, name, params, result }) => ({ module, name, params, result })),
    memory: { pages: 4, imported: true },
    globals: [
      { name: '__stack_pointer', value: 65_536 },
      { name: '__vm_pages', value: 4 },
      { name: '__vm_limit', value: 65_536 },
    ],
    functions: [
      {
        params: '',
        result: false,
        locals: 1,
        code: [
          ...ins.loop,
          ...step,
          ...line(...ins.get(0), ...ins.i32(1), ...ins.add, ...ins.tee(0), ...ins.i32(count), ...ins.sub, ...ins.brIf(0)),
          ...ins.end,
        ],
      },
    ],
    exports: { _start: 0 },
    data: { at: IOV, bytes: [...bytes] },
  })
}

const io = (name: string, fd: number): number[] =>
  line(...ins.i32(fd), ...ins.i32(IOV), ...ins.i32(1), ...ins.i32(OUT), ...call(name), ...ins.if, ...ins.unreachable, ...ins.end)
const i64 = (n: number): number[] => [0x42, n]

interface Step {
  readonly name: string
  readonly count: number
  readonly length: number
  readonly step: readonly number[]
  /** a second program on the other ends of two pipes */
  readonly peer?: readonly number[]
  readonly stdin?: string
}

const stat = line(
  ...ins.i32(3),
  ...ins.i32(1),
  ...ins.i32(PATH),
  ...ins.i32(9),
  ...ins.i32(OUT + 64),
  ...call('path_filestat_get'),
  ...ins.drop,
)
const open = line(
  ...line(
    ...ins.i32(3),
    ...ins.i32(1),
    ...ins.i32(PATH),
    ...ins.i32(9),
    ...ins.i32(0),
    ...i64(2),
    ...i64(2),
    ...ins.i32(0),
    ...ins.i32(OUT),
  ),
  ...line(...call('path_open'), ...ins.drop, ...ins.i32(0), ...ins.load(OUT), ...call('fd_close'), ...ins.drop),
)
const spawn = line(
  ...line(...ins.i32(PATH), ...ins.i32(9), ...ins.i32(LIST), ...ins.i32(5), ...ins.i32(0), ...ins.i32(0), ...ins.i32(0), ...ins.i32(0)),
  ...line(...ins.i32(0), ...ins.i32(0), ...ins.i32(0), ...ins.i32(0), ...ins.i32(OUT), ...call('proc_spawn')),
  ...line(...ins.if, ...ins.unreachable, ...ins.end),
  ...line(...ins.i32(-1), ...ins.i32(0), ...ins.i32(OUT), ...ins.i32(OUT + 4), ...call('proc_wait'), ...ins.drop),
)
const yieldOnce = line(...call('sched_yield'), ...ins.drop)
const clock = line(...ins.i32(1), ...i64(0), ...ins.i32(OUT), ...call('clock_time_get'), ...ins.drop)

const STEPS: readonly Step[] = [
  { name: 'sched_yield', count: 5_000_000, length: 0, step: yieldOnce },
  { name: 'clock_time_get', count: 1_000_000, length: 0, step: clock },
  { name: 'fd_write, 16 bytes to /dev/null', count: 2_000_000, length: 16, step: io('fd_write', 1) },
  { name: 'fd_read, 16 bytes of /dev/zero', count: 2_000_000, length: 16, step: io('fd_read', 0), stdin: '/dev/zero' },
  { name: 'fd_read, 64 KiB of /dev/zero', count: 50_000, length: 65_536, step: io('fd_read', 0), stdin: '/dev/zero' },
  { name: 'stat of /bin/true', count: 500_000, length: 0, step: stat },
  { name: 'open and close of /bin/true', count: 500_000, length: 0, step: open },
  {
    name: 'there and back through two pipes (two switches)',
    count: 100_000,
    length: 1,
    step: [...io('fd_write', 1), ...io('fd_read', 0)],
    peer: [...io('fd_read', 0), ...io('fd_write', 1)],
  },
  { name: 'spawn of true and wait', count: 5_000, length: 0, step: spawn },
]

async function measure({ count, length, step, peer, stdin }: Step): Promise<number> {
  const programs = new Map(builtPrograms())
  programs.set('step', { module: 'step', bytes: program(length, count, step) })
  if (peer) programs.set('peer', { module: 'peer', bytes: program(length, count, peer) })
  const tests = new TestKernel({ programs })
  const { vfs } = tests.kernel
  const device = (path: string): OpenFile => vfs.open(vfs.root, path, O.RDWR, 0, false)
  const start = (name: string, from: OpenFile, to: OpenFile): Promise<unknown> =>
    tests.kernel.start({ call: name, argv: [name], env: [], stdin: from, stdout: to, stderr: device('/dev/null') }).exited
  const run = async (): Promise<number> => {
    const [read1, write1] = vfs.pipe()
    const [read2, write2] = vfs.pipe()
    const begin = performance.now()
    if (peer) await Promise.all([start('step', read1, write2), start('peer', read2, write1)])
    else await start('step', device(stdin ?? '/dev/null'), device('/dev/null'))
    return performance.now() - begin
  }
  await run()
  return Math.min(await run(), await run(), await run()) / count
}

for (const step of STEPS) {
  const milliseconds = await measure(step)
  const text = milliseconds >= 0.01 ? `${(milliseconds * 1000).toFixed(1)} µs` : `${(milliseconds * 1e6).toFixed(0)} ns`
  console.log(`${step.name.padEnd(50)} ${text}`)
}
