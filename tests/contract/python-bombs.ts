/**
 * Python that uses up what there is (T46–T62): the limit that stands in its way is an error of Python's, or the end of that process, or
 * the deadline's. After each of them the cell answers, and Python starts in it.
 */
import { type Contract, equal } from './check.ts'
import { answers, endsWith, evaluates, type Machine, script } from './python-machine.ts'

/** The deadline ends it, after what it printed. */
async function endsAtDeadline(machine: Machine, code: string, timeoutMs = 4_000, printed = 'begun\n'): Promise<void> {
  const { stdout, status, timedOut } = await script(machine, `print('begun', flush=True)\n${code}\nprint('ended')`, timeoutMs)
  equal({ stdout, status, timedOut }, { stdout: printed, status: 137, timedOut: true }, code)
  await answers(machine)
}

export const pythonBombs: Contract<Machine> = {
  'T46 a fork bomb of subprocesses is over at the deadline': async (machine) => {
    await endsAtDeadline(
      machine,
      `bomb = 'import subprocess, sys\\nwhile True:\\n  try: subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[1]])\\n  except OSError: pass'
subprocess.run([sys.executable, '-c', bomb, bomb])`,
      4_000,
    )
  },

  'T47 T49 a loop is over at the deadline, whatever it catches': async (machine) => {
    await endsAtDeadline(machine, 'while True: pass')
    await endsAtDeadline(machine, 'while True:\n  try:\n    while True: pass\n  except BaseException: pass')
  },

  'T49 so is a loop of generators, of one call of C’s, or of a signal handler’s': async (machine) => {
    await endsAtDeadline(machine, 'def bomb():\n  while True: yield from (x for x in range(10**9))\nsum(1 for _ in bomb())')
    // One call of C's never lets the cell's thread go, so what was printed just before it does not come out any more.
    await endsAtDeadline(machine, 'sum(range(10**12))', 4_000, '')
    await endsAtDeadline(machine, 'import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)\nwhile True: pass')
  },

  'T49 an interrupt is KeyboardInterrupt in a loop and in a sleep': async (machine) => {
    const setup = `
import signal, time
def interrupted(code):
    child = subprocess.Popen([sys.executable, '-c', 'print(1, flush=True)\\n' + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdout.readline()
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    return f'{child.communicate()[1].split()[-1]} {child.returncode}'
`
    const codes = {
      "interrupted('while True: pass')": 'KeyboardInterrupt 130',
      "interrupted('import time; time.sleep(60)')": 'KeyboardInterrupt 130',
    }
    await evaluates(machine, codes, setup)
  },

  'T50 an expression that backtracks without end is over at the deadline': async (machine) => {
    await endsAtDeadline(machine, "import re\nre.match('(a+)+$', 'a' * 40 + 'b')")
  },

  'T51 as many interpreters as fit work side by side, and the others are refused': async (machine) => {
    const stage = `python3 -c 'import sys; sys.stdout.write(sys.stdin.read() + "x")'`
    const { stdout, status } = await machine.run(`echo ${`| ${stage} `.repeat(12)}| tail -n 1`, { timeoutMs: 60_000 })
    equal({ stdout, status }, { stdout: 'x'.repeat(12), status: 0 }, 'twelve in one pipeline')
    const many = await machine.run(`for i in $(seq 40); do python3 -c 'import time; time.sleep(1.5); print(1)' & done; wait`, {
      timeoutMs: 100_000,
    })
    const refused = many.stderr.split('\n').filter((line) => /Resource temporarily unavailable|Cannot allocate memory/.test(line)).length
    equal(many.stdout.trim().split('\n').length + refused, 40, `forty at once, ${refused} refused`)
    await answers(machine)
  },

  'T52 a demand for more memory than there is is a MemoryError, and the interpreter goes on': async (machine) => {
    await evaluates(machine, {
      '[bytearray(16 << 20) for _ in range(100)]': 'MemoryError',
      'list(range(10**9))': 'MemoryError',
      "'a' * 10**9": 'MemoryError',
      "'a' * 10**10": 'OverflowError',
      '[0] * 10**10': 'OverflowError',
      '1 << 10**11': 'OverflowError',
      'len(bytearray(16 << 20))': '16777216',
    })
  },

  'T52 depth is an error, or the end of that interpreter': async (machine) => {
    await endsWith(machine, {
      'f = lambda n: f(n + 1)\ntry: f(0)\nexcept RecursionError: pass': '0 alive',
      "try: compile('(' * 100_000, 'x', 'eval')\nexcept SyntaxError: pass": '0 alive',
      "try: eval('-' * 100_000 + '1')\nexcept MemoryError: pass": '0 alive',
      "import re\ntry: re.compile('(' * 50_000 + ')' * 50_000)\nexcept RecursionError: pass": '0 alive',
    })
    // How much of the host's stack is left says which of the two it is.
    const codes = [
      'repr(x)',
      "import json; json.loads('[' * 100_000)",
      'del x',
      'import pickle; pickle.dumps(x)',
      'import sys; sys.setrecursionlimit(10**9); f = lambda n: f(n + 1); f(0)',
    ]
    const setup = `def deep(code): return child('x = []\\nfor _ in range(200_000): x = [x]\\ntry: ' + code + '\\nexcept RecursionError: pass')`
    await evaluates(machine, Object.fromEntries(codes.map((code) => [`deep(${JSON.stringify(code)}) in ('0', '-6')`, 'True'])), setup)
    await answers(machine)
  },

  'T54 a flood of output ends with the limit by name': async (machine) => {
    for (const stream of ['stdout', 'stderr']) {
      const { status, limit } = await script(machine, `while True: print('y' * 100, file=sys.${stream})`)
      equal({ limit, dead: status !== 0 }, { limit: 'outputKeptBytes', dead: true }, stream)
    }
    await answers(machine)
  },

  'T54 a reader that stops ends its writer': async (machine) => {
    const { stdout } = await machine.run(`python3 -c 'while True: print("y")' 2> /dev/null | head -n 1; echo \${PIPESTATUS[0]}`)
    equal(stdout, 'y\n120\n', 'status')
  },

  'T55 a full file system is ENOSPC, and what is deleted is free again': async (machine) => {
    await evaluates(
      machine,
      {
        'error_of(fill)': 'ENOSPC',
        "os.path.getsize('full') > 200 << 20": 'True',
        "os.remove('full')": 'None',
        "open('small', 'w').write('fits')": '4',
        "error_of(lambda: open('x' * 256, 'w'))": 'ENAMETOOLONG',
        "error_of(lambda: open('x/' * 3000, 'w'))": 'ENAMETOOLONG',
      },
      "def fill():\n  with open('full', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
    )
    await answers(machine)
  },

  'T56 a hundred thousand files in one directory are ENOSPC, and can be listed and deleted': async (machine) => {
    await evaluates(
      machine,
      {
        'error_of(many)': 'ENOSPC',
        "99_000 < len(os.listdir('many')) < 100_000": 'True',
        "shutil.rmtree('many')": 'None',
      },
      `
import shutil
def many():
    os.mkdir('many')
    for i in range(200_000): os.close(os.open(f'many/{i}', os.O_CREAT | os.O_WRONLY))
`,
    )
    await answers(machine)
  },

  'T56 ten thousand directories in each other are made and deleted': async (machine) => {
    await evaluates(
      machine,
      {
        'dig()': 'None',
        // Known failure: rm calls itself for each level, and 2,000 of them fill its stack.
        "subprocess.run(['rm', '-r', '/tmp/probe/d'], stderr=subprocess.DEVNULL).returncode": '-6',
        'fill_in()': 'None',
        'os.listdir()': '[]',
      },
      `
def dig():
    for _ in range(10_000): os.mkdir('d'); os.chdir('d')
def fill_in():
    for _ in range(10_000): os.chdir('..'); os.rmdir('d')
`,
    )
  },

  'T57 what unpacks to more than there is is an error, and no member leads out of its directory': async (machine) => {
    await evaluates(
      machine,
      {
        "error_of(lambda: zipfile.ZipFile('bomb.zip').extractall('bomb'))": 'ENOSPC',
        "shutil.rmtree('bomb')": 'None',
        'gzip.decompress(gzip.compress(bytes(60 << 20)) * 10)': 'MemoryError',
        "zipfile.ZipFile('slip.zip').extractall('slip')": 'None',
        "sorted(os.path.join(folder, name) for folder, _, names in os.walk('slip') for name in names)":
          "['slip/a', 'slip/tmp/of-slip', 'slip/up']",
        "tar(('../up', tarfile.REGTYPE, ''))": 'OutsideDestinationError',
        "tar(('/tmp/of-tar', tarfile.REGTYPE, ''))": 'None',
        "tar(('link', tarfile.SYMTYPE, '/etc/passwd'))": 'AbsoluteLinkError',
        "tar(('hard', tarfile.LNKTYPE, '/etc/passwd'))": 'AbsoluteLinkError',
        "tar(('device', tarfile.CHRTYPE, ''))": 'SpecialFileError',
        "tar(('l', tarfile.SYMTYPE, '..'), ('l/through', tarfile.REGTYPE, ''))": 'LinkOutsideDestinationError',
        "[os.path.exists(path) for path in ('up', '../up', 'through', '/tmp/of-slip', '/tmp/of-tar')]":
          '[False, False, False, False, False]',
      },
      `
import gzip, shutil, tarfile, zipfile
with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    for i in range(3): archive.writestr(f'zeros{i}', bytes(100 << 20))
with zipfile.ZipFile('slip.zip', 'w') as archive:
    for name in ['../../../../up', '/tmp/of-slip', '../a']: archive.writestr(name, 'x')
def tar(*members):
    with tarfile.open('members.tar', 'w') as archive:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member)
    tarfile.open('members.tar').extractall('tar')
`,
      120_000,
    )
  },

  'T58 arguments and an environment that are too long are E2BIG': async (machine) => {
    await evaluates(machine, {
      "error_of(lambda: subprocess.run(['true', 'x' * (2 << 20)]))": 'E2BIG',
      "error_of(lambda: subprocess.run(['true', *['x'] * 2_000_000]))": 'E2BIG',
      "error_of(lambda: subprocess.run(['true'], env={f'NAME{i}': 'x' * 100 for i in range(100_000)}))": 'E2BIG',
      "subprocess.run(['true', 'x' * (1 << 20)]).returncode": '0',
    })
  },

  'T59 two that wait for each other are over at the deadline, and the careful way ends': async (machine) => {
    await endsAtDeadline(
      machine,
      `cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
cat.stdin.write(bytes(1 << 20))`,
    )
    await evaluates(machine, { "len(subprocess.run(['cat'], input=bytes(1 << 20), capture_output=True).stdout)": '1048576' })
  },

  'T60 a leak of descriptors is EMFILE': async (machine) => {
    await evaluates(
      machine,
      {
        'error_of(leak)': 'EMFILE',
        'len(leaked)': '253',
        'error_of(os.pipe)': 'EMFILE',
        "error_of(lambda: subprocess.run('true'))": 'EMFILE',
      },
      "leaked = []\ndef leak():\n  while True: leaked.append(os.open('/dev/null', os.O_RDONLY))",
    )
  },

  'T62 a storm of timers passes, and a sleep without end is over at the deadline': async (machine) => {
    const storm = 'import asyncio\nasync def storm(): await asyncio.gather(*[asyncio.sleep(0.01) for _ in range(100_000)])'
    await evaluates(machine, { 'asyncio.run(storm())': 'None' }, storm)
    await endsAtDeadline(machine, 'import time\ntime.sleep(10**9)', 1_500)
  },
}
