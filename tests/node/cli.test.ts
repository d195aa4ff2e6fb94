/** `tidepool run` as a person uses it: a process, its streams, its exit status. Runs the sources; the built package has its own test. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const CLI = join(import.meta.dirname, '../../src/node/cli.ts')
const scratch = mkdtempSync(join(tmpdir(), 'tidepool-cli-'))
beforeAll(() => {
  mkdirSync(join(scratch, 'data'))
  writeFileSync(join(scratch, 'data', 'data.csv'), 'id,level\n1,error\n2,info\n3,error\n')
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Ended {
  readonly out: string
  readonly err: string
  readonly status: number | null
}

function tidepool(
  args: readonly string[],
  input?: string | Buffer,
  more: (child: ReturnType<typeof spawn>) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: scratch,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    const [out, err]: Buffer[][] = [[], []]
    child.stdout!.on('data', (data: Buffer) => out!.push(data))
    child.stderr!.on('data', (data: Buffer) => err!.push(data))
    child.on('close', (status) => resolve({ out: Buffer.concat(out!).toString('latin1'), err: Buffer.concat(err!).toString(), status }))
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    more(child)
  })
}

describe('tidepool run', () => {
  test('runs a pipeline over a mount, with options after the command, and stands in the mount', async () => {
    expect(await tidepool(['run', 'cat data.csv | grep error | wc -l', '--mount', './data:/mnt/data:ro'])).toEqual({
      out: '2\n',
      err: '',
      status: 0,
    })
    expect(await tidepool(['run', '--mount', './data:/mnt/data', '--cwd', '/tmp', 'pwd'])).toMatchObject({ out: '/tmp\n' })
  })
  test('lets pip install wheels of a directory by name, and stays at home', async () => {
    mkdirSync(join(scratch, 'wheels'), { recursive: true })
    writeFileSync(join(scratch, 'wheels', 'broken-1.0-py3-none-any.whl'), 'no zip file')
    const ended = await tidepool(['run', 'pwd; pip install broken', '--wheels', './wheels'])
    expect(ended).toMatchObject({
      out: '/home/user\n',
      err: 'ERROR: Cannot read /opt/wheels/broken-1.0-py3-none-any.whl: File is not a zip file\n',
    })
  })
  test('T118: cannot write to a mount', async () => {
    const ended = await tidepool(['run', 'echo x > data.csv', '--mount', './data:/mnt/data:ro'])
    expect([ended.status, ended.err]).toEqual([1, 'bash: line 1: data.csv: Read-only file system\n'])
  })
  test('ends with the exit status of the command', async () => {
    expect((await tidepool(['run', 'exit 7'])).status).toBe(7)
    expect((await tidepool(['run', 'kill -TERM $$'])).status).toBe(143)
    expect(await tidepool(['run', 'no-such-command'])).toMatchObject({
      status: 127,
      err: 'bash: line 1: no-such-command: command not found\n',
    })
  })
  test('passes standard input, output and error byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff))
    expect((await tidepool(['run', 'cat'], bytes)).out).toBe(bytes.toString('latin1'))
    expect(await tidepool(['run', 'cat >&2'], 'to stderr')).toEqual({ out: '', err: 'to stderr', status: 0 })
  })
  test('reads a script from standard input with -', async () => {
    expect(await tidepool(['run', '-'], 'for i in 1 2; do\n  echo "n$i"\ndone\n')).toEqual({ out: 'n1\nn2\n', err: '', status: 0 })
  })
  test('sets the environment and shows nothing of the host', async () => {
    expect(await tidepool(['run', 'echo "$A|$B"', '--env', 'A=1', '--env', 'B=x=y'])).toMatchObject({ out: '1|x=y\n' })
    const { out } = await tidepool(['run', 'printenv'])
    expect(out).toContain('HOME=/home/user\n')
    expect(out).not.toContain(process.env.PATH)
  })
  test('keeps files in a store', async () => {
    await tidepool(['run', 'echo hello > note.txt', '--store', './box'])
    expect(await tidepool(['run', 'cat note.txt', '--store', './box'])).toEqual({ out: 'hello\n', err: '', status: 0 })
  })
  test('ends with 124 at the deadline', async () => {
    expect(await tidepool(['run', 'echo a; while :; do :; done', '--timeout', '0.5'])).toEqual({
      out: 'a\n',
      err: 'tidepool: the command was killed after 0.5 s (--timeout)\n',
      status: 124,
    })
  })
  test('stops when nobody reads its output any more', async () => {
    const ended = await tidepool(['run', 'yes', '--timeout', '20'], undefined, (child) => {
      child.stdout!.once('data', () => child.stdout!.destroy())
    })
    expect(ended.status).toBe(141)
  })
  test('Ctrl-C interrupts the command, and kills one that goes on', async () => {
    const interrupt = (child: ReturnType<typeof spawn>): void => {
      child.stdout!.once('data', () => {
        child.kill('SIGINT')
        setTimeout(() => child.kill('SIGINT'), 300)
      })
    }
    expect((await tidepool(['run', 'echo on; sleep 20'], undefined, interrupt)).status).toBe(130)
    expect((await tidepool(['run', "trap '' INT; echo on; sleep 20; sleep 20"], undefined, interrupt)).status).toBe(137)
  })
  test('prints system calls with --strace', async () => {
    const ended = await tidepool(['run', 'echo hi', '--strace'])
    expect([ended.out, ended.status]).toEqual(['hi\n', 0])
    expect(ended.err).toMatch(/^\d+ fd_write\(1, /m)
  })
})

describe('tidepool', () => {
  test('teaches with --help', async () => {
    for (const args of [['--help'], ['run', '--help']]) {
      const { out, status } = await tidepool(args)
      expect(status).toBe(0)
      expect(out).toContain("tidepool run 'cat data.csv | grep error | wc -l' --mount ./data:/mnt/data:ro")
    }
    expect(await tidepool(['--version'])).toEqual({ out: '0.1.0\n', err: '', status: 0 })
  })
  test.each([
    [[], 'Usage: tidepool'],
    [['run'], "missing required argument 'command'"],
    [['run', 'ls', '-l'], "unknown option '-l'"],
    [['run', 'ls', 'x'], "Put the whole command line in quotes: tidepool run 'ls -l | wc -l'"],
    [['walk'], "unknown command 'walk'"],
    [['run', 'ls', '--mount', './data:/mnt:rw'], 'writable mounts are not supported yet'],
    [['run', 'ls', '--mount', './missing:/mnt/x'], 'tidepool: Cannot mount "./missing": no such directory'],
    [['run', 'ls', '--timeout', '0'], 'Give seconds, more than 0 and at most 300.'],
    [['run', 'ls', '--env', 'A'], 'Write it as NAME=value.'],
    [['run', 'ls', '--cwd', '/no/such'], 'tidepool: Cannot run in "/no/such": no such file or directory'],
  ])('ends %j with 125 and says why', async (args, reason) => {
    const { out, err, status } = await tidepool(args)
    expect([out, status]).toEqual(['', 125])
    expect(err).toContain(reason)
  })
})
