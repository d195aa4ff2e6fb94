/**
 * Run by tests/sandbox/ways-out.test.ts in a process of its own: takes hold of every means that leads out of a Node process, locks itself
 * as a cell does unless told not to, then tries each. Tells its parent which of them led anywhere.
 */
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import worker from 'node:worker_threads'
import { lockDown } from '../../src/sandbox/node/lockdown.ts'

const [how, target = '', outside = ''] = process.argv.slice(2)
const { fetch, WebSocket, process: host } = globalThis
const { pid, execPath } = host
const send = host.send!.bind(host)
const later = setTimeout
// A refused listener throws in a task of its own.
host.on('uncaughtException', () => {})
const port = Number(new URL(target).port)
const importBuiltIn = async (name: string): Promise<unknown> => await import(name)

const over = (listen: (reached: () => void, refused: (error: unknown) => void) => void): Promise<unknown> =>
  new Promise((resolve, reject) => {
    later(() => reject(new Error('nothing happened')), 1_000)
    listen(() => resolve(undefined), reject)
  })

/** Each resolves when it led somewhere. */
const WAYS: Readonly<Record<string, () => unknown>> = {
  fetch: () => fetch(`${target}/fetch`),
  WebSocket: () =>
    over((reached, refused) => {
      const socket = new WebSocket(`${target.replace('http', 'ws')}/WebSocket`)
      socket.addEventListener('close', reached)
      socket.addEventListener('error', refused)
    }),
  'node:http': () => over((reached, refused) => http.get(`${target}/http`, reached).on('error', refused)),
  'node:http2': () => over((reached, refused) => http2.connect(target).on('connect', reached).on('error', refused)),
  'node:net': () => over((reached, refused) => net.connect(port, '127.0.0.1', reached).on('error', refused)),
  'node:tls': () =>
    over((reached, refused) => tls.connect(port, '127.0.0.1').on('error', (error) => (isRefusal(error) ? refused(error) : reached()))),
  'node:dgram': () =>
    over((reached, refused) => {
      const socket = dgram.createSocket('udp4').on('error', refused)
      socket.send('x', port, '127.0.0.1', (error) => (error ? refused(error) : reached()))
    }),
  'a listening socket': () => over((reached, refused) => net.createServer().on('error', refused).listen(0, '127.0.0.1', reached)),
  'node:dns': () => over((reached, refused) => dns.lookup('localhost', (error) => (error ? refused(error) : reached()))),
  'a child process': () => {
    const { error } = childProcess.spawnSync(execPath, ['--version'])
    if (error) throw error
  },
  'a thread': () => new worker.Worker('', { eval: true }),
  'reading a file': () => fs.readFileSync(outside),
  'writing a file': () => fs.writeFileSync(`${outside}.new`, 'x'),
  'listing a directory': () => fs.readdirSync('/'),
  'a symlink': () => fs.symlinkSync('/', `${outside}.link`),
  'process.kill': () => process.kill(pid, 0),
  'host.kill': () => host.kill(pid, 0),
  'process.getBuiltinModule': () => host.getBuiltinModule('node:fs').readFileSync(outside),
  'process.dlopen': () => host.dlopen({ exports: {} }, outside),
  'process.binding': () => (host as unknown as { binding(name: string): unknown }).binding('fs'),
  'process.chdir': () => host.chdir('/'),
  'process.report': () => host.report.getReport(),
  'node:sqlite': () => importBuiltIn('node:sqlite'),
  'another database by ATTACH': async () => {
    const { DatabaseSync } = (await importBuiltIn('node:sqlite')) as { DatabaseSync: new (path: string) => { exec(sql: string): void } }
    new DatabaseSync(':memory:').exec(`ATTACH '${outside}.db' AS other; CREATE TABLE other.t (x)`)
  },
  'flags of the engine': async () => {
    const engine = (await importBuiltIn('node:v8')) as { setFlagsFromString(flags: string): void }
    engine.setFlagsFromString('--no-use-strict')
  },
  'node:vm': () => importBuiltIn('node:vm'),
  'node:os': () => importBuiltIn('node:os'),
  'node:module': () => importBuiltIn('node:module'),
  'a data: module': () => importBuiltIn('data:text/javascript,export default 1'),
  'a file: module': () => importBuiltIn(`file://${outside}`),
  // oxlint-disable-next-line no-eval -- the very thing that is tried
  eval: () => (0, eval)('1'),
  // oxlint-disable-next-line typescript/no-implied-eval -- the very thing that is tried
  Function: () => new Function('return 1')(),
  'the arguments': () => {
    if (host.argv.length === 0) throw new Error('not there')
  },
  'the environment': () => {
    if (host.env['CANARY'] === undefined) throw new Error('not there')
  },
}

const isRefusal = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED'

async function leads(way: () => unknown): Promise<boolean> {
  try {
    await way()
    return true
  } catch {
    return false
  }
}

if (how === 'locked') await lockDown()
const open: string[] = []
for (const [name, way] of Object.entries(WAYS)) if (await leads(way)) open.push(name)
send({ open, tried: Object.keys(WAYS).length })
