/** Side modules that play against the linker and the kernel: the most that comes of one is the end of its own process. */
import { expect, test } from 'vitest'
import { HOSTILE_MODULES } from '../../support/hostile-modules.ts'
import { pythonKernel, witness } from '../../support/python-kernel.ts'
import { sideModule, type SideModuleParts } from '../../support/side-module.ts'

const tests = pythonKernel()

/** Opens the module and tells how that ended: `0 loaded`, `0 OSError`, or the status of a process that died of it. */
async function opened(parts: SideModuleParts) {
  tests.writeFile('/tmp/hostile.so', sideModule(parts))
  const code = 'import ctypes\ntry: print(ctypes.CDLL("/tmp/hostile.so") and "loaded")\nexcept OSError: print("OSError")'
  const { status, stdout, faults } = await witness(tests, code)
  return { outcome: `${status} ${stdout.trim()}`.trim(), faults }
}

test.each(HOSTILE_MODULES)('T41 a side module with $title', async ({ parts, outcome }) => {
  expect(await opened(parts)).toEqual({ outcome, faults: [] })
})

test('T41 "dylink.0" cut at every byte, and with every byte set to its highest value', async () => {
  const whole = [1, 4, 16, 4, 2, 0, 2, 5, 1, 3, 0x61, 0x2e, 0x62, 5, 4, 1, 2, 0x2f, 0x78]
  const cut = whole.map((_, length) => whole.slice(0, length))
  const set = whole.map((_, at) => whole.map((byte, i) => (i === at ? 0xff : byte)))
  const names = [...cut, ...set].map((dylink, i) => {
    tests.writeFile(`/tmp/cut${i}.so`, sideModule({ dylink }))
    return `/tmp/cut${i}.so`
  })
  const code = `import ctypes
ended = set()
for name in ${JSON.stringify(names)}:
    try: ended.add(ctypes.CDLL(name) and 'loaded')
    except OSError as error: ended.add(str(error).split('\\n')[1][:8])
print(*sorted(ended), sep='\\n')`
  const { status, stdout, faults } = await witness(tests, code, 30_000)
  expect({ status, stdout: stdout.split('\n'), faults }).toEqual({
    status: 0,
    stdout: ['"dylink.', 'alignmen', 'it needs', 'loaded', 'malforme', ''],
    faults: [],
  })
})

test('T41 the intrinsics of the kernel’s realm are what they were', async () => {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(Object.entries({ a: 1 })).toEqual([['a', 1]])
  expect(await tests.run(['sh', '-c', 'echo hi | cat'])).toMatchObject({ status: 0, stdout: 'hi\n' })
})

// Known failure: an instruction `memory.grow` asks nobody, and the kernel only counts what it finds. The Memory's own maximum still holds.
test('T51 side modules that grow their memories stay, all together, below the cell’s bytes', async () => {
  const limits = { cellMemoryBytes: 160 * 2 ** 20, pythonMemoryBytes: 100 * 2 ** 20 }
  const small = pythonKernel({ limits })
  const growth = HOSTILE_MODULES.find(({ title }) => title.startsWith('growth'))!
  small.writeFile('/tmp/grow.so', sideModule(growth.parts))
  let most = 0
  const onStdout = (): void => void (most = Math.max(most, small.kernel.memoryBytes))
  const code = 'import ctypes, time; ctypes.CDLL("/tmp/grow.so"); time.sleep(0.5); print(1, flush=True); time.sleep(0.5)'
  const growing = [1, 2, 3].map(() => small.begin(['python3', '-c', code], { onStdout }))
  for (const { session, output } of growing) {
    await session.exited
    await output
  }
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(limits.cellMemoryBytes)
})
