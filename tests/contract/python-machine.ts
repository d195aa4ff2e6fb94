/** What the suites of hostile Python run on: a cell of some host, and what a guest must not reach from it. */
import { equal } from './check.ts'
import type { Target } from '../extension/cell-ways-out.ts'

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  /** 137 where the deadline ended it */
  readonly status: number
  readonly timedOut: boolean
  /** the limit that ended it */
  readonly limit?: string | undefined
}

export interface Machine {
  /** Runs a command line in a cell; `site` says in whose, where it is not the usual one. */
  run(command: string, options?: { readonly stdin?: string; readonly timeoutMs?: number; readonly site?: string }): Promise<Ran>
  /** addresses of a server that counts; nobody may reach it */
  readonly target: Target
  /** the path of a file of the host that does not exist */
  readonly canary: string
  /** a text that stands in the environment of whoever started the host of the cell */
  readonly secret: string
}

/** `attempt` prints what came of an act, `child` how another interpreter ended that runs the code. */
const PRELUDE = `
import os, subprocess, sys
def attempt(name, act):
    try: result = act()
    except BaseException as error: result = type(error).__name__
    print(f'{name}: {result}', flush=True)
def child(code, stdin=''):
    done = subprocess.run([sys.executable, '-c', code], input=stdin, capture_output=True, text=True)
    return f'{done.returncode} {done.stdout.strip()}'.strip()
def error_of(act):
    import errno
    try: act()
    except OSError as error: return errno.errorcode[error.errno]
    return 'none'
`

/** Runs a script of its own in the usual cell, in an empty directory. */
export async function script(machine: Machine, code: string, timeoutMs = 60_000): Promise<Ran> {
  const command = 'rm -rf /tmp/probe; mkdir /tmp/probe; cd /tmp/probe; cat > ../probe.py; python3 ../probe.py'
  return await machine.run(command, { stdin: PRELUDE + code, timeoutMs })
}

/** Each expression has this value, as Python prints it, or raises an exception of this class. */
export async function evaluates(
  machine: Machine,
  expressions: Readonly<Record<string, string>>,
  setup = '',
  timeoutMs?: number,
): Promise<void> {
  const texts = JSON.stringify(Object.keys(expressions))
  const code = `${setup}\nfor text in ${texts}: attempt(text, lambda: eval(text))`
  const { stdout, stderr, status } = await script(machine, code, timeoutMs)
  const given = stdout.split('\n')
  for (const [i, [text, result]] of Object.entries(expressions).entries())
    equal(given[i], `${text}: ${result}`, `line ${i + 1} ${stderr.slice(-300)}`)
  equal({ rest: given.slice(Object.keys(expressions).length), status }, { rest: [''], status: 0 }, stderr.slice(-300))
}

/** An interpreter of its own runs each code; what it prints is what it says before the colon of the status. */
export async function endsWith(machine: Machine, codes: Readonly<Record<string, string>>, before = ''): Promise<void> {
  const setup = `def run(code): return child(${JSON.stringify(`${before}\n`)} + code + '\\nprint("alive")')`
  const expressions = Object.entries(codes).map(([code, result]) => [`run(${JSON.stringify(code)})`, result])
  await evaluates(machine, Object.fromEntries(expressions) as Record<string, string>, setup)
}

/** Whatever came before, the cell answers, and Python starts in it. */
export async function answers(machine: Machine): Promise<void> {
  const { stdout, status } = await machine.run(`echo hi; python3 -c 'print(2 ** 70)'`)
  equal({ stdout, status }, { stdout: 'hi\n1180591620717411303424\n', status: 0 }, 'the next command')
}
