/** What python3 is like for who writes for Linux: numbers, users, times, signals, flags, ways to start. No recorded cases: it is our build. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { RunResult, TestKernel } from '../support/kernel.ts'
import { ENVIRONMENT } from '../support/kernel.ts'
import { pythonKernel } from '../support/python-kernel.ts'

let tests: TestKernel
beforeAll(() => {
  tests = pythonKernel()
})

const sh = (line: string, stdin = ''): Promise<RunResult> => tests.run(['bash', '-c', line], { stdin })
/** What a program prints that must end well. */
async function python(code: string, ...options: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await tests.run(['python3', ...options, '-c', code])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.trimEnd()
}
/** Expressions with what print says of them, evaluated in one python3 after `before`. */
function table(name: string, before: string, cases: readonly (readonly [code: string, printed: string])[]): void {
  test(name, async () => {
    const lines = cases.map(([code]) => `try: print(eval(${JSON.stringify(code)}))\nexcept BaseException as e: print(type(e).__name__, e)`)
    const printed = (await python([before, ...lines].join('\n'))).split('\n')
    expect(printed.map((line, i) => [cases[i]?.[0], line])).toEqual(cases)
  })
}

describe('modules that Linux has', () => {
  table('pwd and grp read /etc', 'import pwd, grp, os', [
    ['pwd.getpwuid(os.getuid()).pw_name', 'user'],
    ["pwd.getpwnam('user').pw_dir", '/home/user'],
    ["pwd.getpwnam('user')[2:4]", '(1000, 1000)'],
    ['[p.pw_name for p in pwd.getpwall()][0]', 'root'],
    ["pwd.getpwnam('nobody at all')", `KeyError "getpwnam(): name not found: 'nobody at all'"`],
    ['pwd.getpwuid(4242)', "KeyError 'getpwuid(): uid not found: 4242'"],
    ['grp.getgrgid(os.getgid()).gr_name', 'user'],
    ["grp.getgrnam('root').gr_gid", '0'],
    ['grp.getgrgid(4242)', "KeyError 'getgrgid(): gid not found: 4242'"],
    ["os.path.expanduser('~user/x')", '/home/user/x'],
    ['os.getlogin(), os.getgroups()', "('user', [1000])"],
  ])
  test('dbm keeps what is put into it', async () => {
    const code = `import dbm, shelve, os
os.chdir('/tmp')
with dbm.open('store', 'c') as db: db['k'] = 'v'
with dbm.open('store') as db: print(db['k'], list(db.keys()))
with shelve.open('shelf') as s: s['list'] = [1, {'a': 2}]
with shelve.open('shelf') as s: print(s['list'])`
    expect(await python(code)).toBe("b'v' [b'k']\n[1, {'a': 2}]")
  })
  table('hashlib derives keys as the vectors say', 'import hashlib\nf = lambda *a: hashlib.pbkdf2_hmac(*a).hex()', [
    ["f('sha256', b'password', b'salt', 1)", '120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b'],
    ["f('sha256', b'password', b'salt', 2)", 'ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43'],
    ["f('sha256', b'password', b'salt', 4096)", 'c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a'],
    [
      "f('sha256', b'passwordPASSWORDpassword', b'saltSALTsaltSALTsaltSALTsaltSALTsalt', 4096, 40)",
      '348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1c635518c7dac47e9',
    ],
    ["f('sha1', b'password', b'salt', 2)", 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957'],
    ["f('sha256', b'p', b's', 0)", 'ValueError iteration value must be greater than 0.'],
  ])
})

describe('errors have Linux’s numbers', () => {
  table('in errno and os.strerror', 'import errno, os', [
    ['errno.ENOENT, errno.EAGAIN, errno.EWOULDBLOCK, errno.EEXIST, errno.EPIPE, errno.EINTR', '(2, 11, 11, 17, 32, 4)'],
    ['errno.ENOTEMPTY, errno.ELOOP, errno.EXDEV, errno.ENAMETOOLONG, errno.ENOSYS, errno.ETIMEDOUT', '(39, 40, 18, 36, 38, 110)'],
    ['errno.ENOTSUP == errno.EOPNOTSUPP == 95', 'True'],
    ['errno.errorcode[2], errno.errorcode[11], errno.errorcode[95]', "('ENOENT', 'EAGAIN', 'EOPNOTSUPP')"],
    ['os.strerror(2)', 'No such file or directory'],
    ['os.strerror(39)', 'Directory not empty'],
    ['os.strerror(0), os.strerror(4000)', "('Success', 'Unknown error 4000')"],
  ])
  table(
    'and their own classes, whoever makes them',
    `import errno, os, pickle
def caught(f, *a):
    try: f(*a)
    except OSError as e: return e
class Own(OSError):
    def __init__(self, what, *more):
        super().__init__(errno.EACCES, 'own ' + what)
        self.what = what
class Two(OSError):
    def __init__(self, number, text, extra):
        super().__init__(number, text)
        self.extra = extra
shown = lambda e: (type(e).__name__, e.errno, e.strerror, e.filename)`,
    [
      ["shown(caught(open, '/none'))", "('FileNotFoundError', 2, 'No such file or directory', '/none')"],
      ["shown(caught(os.mkdir, '/tmp'))", "('FileExistsError', 17, 'File exists', '/tmp')"],
      ["shown(caught(os.listdir, '/etc/passwd'))", "('NotADirectoryError', 20, 'Not a directory', '/etc/passwd')"],
      ["shown(caught(open, '/tmp', 'w'))", "('IsADirectoryError', 21, 'Is a directory', '/tmp')"],
      ["shown(caught(open, '/etc/passwd', 'w'))[:2]", "('PermissionError', 13)"],
      ["shown(caught(os.rename, '/bin/cat', '/tmp/cat'))[:2]", "('OSError', 18)"],
      ["caught(os.rename, '/none', '/tmp/x').filename2", '/tmp/x'],
      ['shown(caught(os.close, 999))', "('OSError', 9, 'Bad file descriptor', None)"],
      ["shown(OSError(2, 'x'))", "('FileNotFoundError', 2, 'x', None)"],
      ["shown(OSError(errno.EAGAIN, 'x', 'f'))", "('BlockingIOError', 11, 'x', 'f')"],
      ["OSError(2, 'x').errno == errno.ENOENT == 2", 'True'],
      ["str(OSError(2, 'x', 'f'))", "[Errno 2] x: 'f'"],
      [
        "[type(OSError(n, '')).__name__ for n in (1, 3, 4, 10, 32, 104, 110, 111)]",
        "['PermissionError', 'ProcessLookupError', 'InterruptedError', 'ChildProcessError', 'BrokenPipeError', 'ConnectionResetError', 'TimeoutError', 'ConnectionRefusedError']",
      ],
      ["shown(Own('thing')), Own('thing').what", "(('Own', 13, 'own thing', None), 'thing')"],
      ["shown(Two(5, 'text', 7)), Two(5, 'text', 7).extra", "(('Two', 5, 'text', None), 7)"],
      ["shown(pickle.loads(pickle.dumps(caught(open, '/none'))))", "('FileNotFoundError', 2, 'No such file or directory', '/none')"],
      ["shown(pickle.loads(pickle.dumps(OSError(13, 'x'))))", "('PermissionError', 13, 'x', None)"],
      ["OSError('just text').errno, OSError().args", '(None, ())'],
      ["isinstance(OSError(2, 'x'), OSError), FileNotFoundError(2, 'x').errno", '(True, 2)'],
    ],
  )
  test('a full pipe that does not wait is BlockingIOError with errno 11', async () => {
    const code = `import os
r, w = os.pipe()
os.set_blocking(w, False)
try:
    while True: os.write(w, b'x' * 4096)
except OSError as e: print(type(e).__name__, e.errno)
print(open(w, 'wb', buffering=0, closefd=False).write(b'x' * 4096))
os._exit(0)`
    const { stdout } = await tests.run(['python3', '-uc', code])
    expect(stdout).toBe('BlockingIOError 11\nNone\n')
  })
  // io makes this one of a number and a text of its own, by which _tidepool cannot tell that C made it: 6.
  test('a buffered writer’s BlockingIOError has errno 11, too', async () => {
    const code = `import os
r, w = os.pipe()
os.set_blocking(w, False)
b = open(w, 'wb')
try: b.write(b'x' * 100000), b.flush()
except OSError as e: print(type(e).__name__, e.errno)
os._exit(0)`
    expect((await tests.run(['python3', '-uc', code])).stdout).toBe('BlockingIOError 11\n')
  })
})

describe('processes', () => {
  test('have numbers of their own', async () => {
    const { stdout } = await sh(`for i in 1 2; do python3 -c 'import os; print(os.getpid(), os.getppid())'; done`)
    const [[one, parent], [two, same]] = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')) as [[string, string], [string, string]]
    expect(one).not.toBe(two)
    expect(parent).toBe(same)
  })
  test('inherit what is made inheritable', async () => {
    const code = `import os, subprocess
r, w = os.pipe()
print(os.get_inheritable(w))
os.set_inheritable(w, True)
print(os.get_inheritable(w))
subprocess.run(['bash', '-c', f'echo inherited >&{w}'], close_fds=False)
subprocess.run(['bash', '-c', f'echo passed >&{w}'], pass_fds=[w])
os.set_inheritable(w, False)
print(subprocess.run(['bash', '-c', f'echo no >&{w}'], stderr=subprocess.DEVNULL).returncode != 0)
os.close(w)
print(open(r).read(), end='')`
    expect(await python(code)).toBe('False\nTrue\nTrue\ninherited\npassed')
  })
  table('say what there is none of', 'import os, threading, multiprocessing, socket', [
    ['os.fork()', 'OSError [Errno 38] Function not implemented: there is no fork here; use subprocess, which starts programs of the cell'],
    [
      'threading.Thread(target=print).start()',
      "RuntimeError can't start new thread: there are no threads here; use asyncio, or subprocess for another process",
    ],
    ['os.cpu_count()', '1'],
    ["type(__import__('concurrent.futures').futures.ThreadPoolExecutor).__name__", 'type'],
  ])
  test.each([
    ['multiprocessing', 'import multiprocessing; p = multiprocessing.Process(target=print); p.start()'],
    ['sockets', 'import socket; s = socket.socket(); s.connect(("127.0.0.1", 80))'],
    ['names', 'import socket; socket.getaddrinfo("example.com", 80)'],
  ])('%s end with an error, not with a fault', async (_what, code) => {
    const { status, stderr } = await tests.run(['python3', '-c', code])
    expect(status).toBe(1)
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^(?:\w+\.)*\w*(?:Error|gaierror): .+/)
  })
})

describe('times and signals', () => {
  test('files have times to the nanosecond', async () => {
    const code = `import os
open('/tmp/t', 'w').close()
os.utime('/tmp/t', ns=(1_000_000_001, -5))
s = os.stat('/tmp/t'); print(s.st_atime_ns, s.st_mtime_ns)
os.utime('/tmp/t', (1.5, 2)); s = os.stat('/tmp/t'); print(s.st_atime_ns, s.st_mtime_ns)
fd = os.open('/tmp/t', os.O_RDWR); os.utime(fd, ns=(7, 8)); print(os.fstat(fd).st_mtime_ns)
os.utime('/tmp/t'); print(os.stat('/tmp/t').st_mtime > 1.7e9)
try: os.utime('/none', (1, 2))
except FileNotFoundError as e: print(e)`
    expect(await python(code)).toBe("1000000001 -5\n1500000000 2000000000\n8\nTrue\n[Errno 2] No such file or directory: '/none'")
  })
  test('an alarm comes once, an interval timer again and again, pause waits for either', async () => {
    const code = `import signal, time
seen = []
signal.signal(signal.SIGALRM, lambda n, frame: seen.append(n))
print(signal.alarm(100), signal.alarm(0))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
print(seen)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
while len(seen) < 4: signal.pause()
left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
print(left <= 0.005, interval, signal.getitimer(signal.ITIMER_REAL))`
    expect(await python(code)).toBe('0 100\n[14]\nTrue 0.005 (0.0, 0.0)')
  })
  // _tidepool.c takes the answer of the module linux for an errno, whose sign it has not.
  test('a timer that cannot be is ItimerError', async () => {
    const code = `import signal
for which, seconds in ((signal.ITIMER_REAL, -1), (signal.ITIMER_PROF, 1)):
    try: signal.setitimer(which, seconds)
    except signal.ItimerError as e: print(e.errno)`
    expect(await python(code)).toBe('22\n22')
  })
  test('what a signal interrupts goes on (PEP 475), unless the handler raises', async () => {
    const code = `import os, signal, time, subprocess
seen = []
signal.signal(signal.SIGALRM, lambda n, frame: seen.append(n))
signal.setitimer(signal.ITIMER_REAL, 0.01)
start = time.monotonic(); time.sleep(0.05); print(time.monotonic() - start >= 0.05, seen)
r, w = os.pipe()
signal.setitimer(signal.ITIMER_REAL, 0.01)
child = subprocess.Popen(['bash', '-c', f'sleep 0.05; echo late >&{w}'], pass_fds=[w])
print(os.read(r, 9), len(seen), child.wait())
def stop(n, frame): raise TimeoutError('too long')
signal.signal(signal.SIGALRM, stop)
for wait in (lambda: time.sleep(5), lambda: os.read(r, 1), lambda: subprocess.run(['sleep', '5'])):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try: wait()
    except TimeoutError as e: print(e)`
    expect(await python(code)).toBe("True [14]\nb'late\\n' 2 0\ntoo long\ntoo long\ntoo long")
  })
  test('zones follow TZ', async () => {
    const code = `import os, time
for tz in ('Europe/Berlin', 'America/New_York', 'UTC'):
    os.environ['TZ'] = tz
    print(time.strftime('%H:%M %Z %z', time.localtime(1784116800)))
print(time.localtime(10**14).tm_year, time.mktime((10**6, 1, 1, 0, 0, 0, 0, 0, 0)))`
    expect(await python(code)).toBe('14:00 CEST +0200\n08:00 EDT -0400\n12:00 UTC +0000\n3170843 31494784780800.0')
    const berlin = 'import time; print(time.tzname, time.timezone, time.strftime("%H %Z", time.localtime(1768478400)))'
    expect((await sh(`TZ=Europe/Berlin python3 -c '${berlin}'`)).stdout).toBe("('CET', 'CEST') -3600 13 CET\n")
  })
  // CPython is built without it on this platform.
  test('tzset takes a new TZ into the module’s own names', async () => {
    const code = `import os, time
os.environ['TZ'] = 'Europe/Berlin'
time.tzset()
print(time.tzname, time.timezone, time.daylight, time.localtime(1784116800).tm_zone)`
    expect(await python(code)).toBe("('CET', 'CEST') -3600 1 CEST")
  })
})

describe('the command line', () => {
  table('has the defaults of UTF-8', 'import sys, locale', [
    ['sys.getdefaultencoding(), sys.getfilesystemencoding(), locale.getencoding()', "('utf-8', 'utf-8', 'UTF-8')"],
    ['sys.stdin.encoding, sys.stdout.encoding', "('utf-8', 'utf-8')"],
    ['sys.stdin.isatty(), sys.stdout.isatty()', '(False, False)'],
    ['sys.executable, sys.byteorder', "('/usr/bin/python3', 'little')"],
  ])
  test.each<[string, readonly string[], string]>([
    ['isolated', ['-I'], '1'],
    ['ignore_environment', ['-E'], '1'],
    ['no_user_site', ['-s'], '1'],
    ['optimize', ['-O'], '1'],
    ['optimize', ['-OO'], '2'],
    ['utf8_mode', ['-X', 'utf8'], '1'],
    ['dev_mode', ['-X', 'dev'], 'True'],
    ['dont_write_bytecode', ['-B'], '1'],
    ['safe_path', ['-P'], 'True'],
    ['bytes_warning', ['-b'], '1'],
    ['verbose', [], '0'],
  ])('sets sys.flags.%s by %j', async (flag, options, value) => {
    expect(await python(`import sys; print(sys.flags.${flag})`, ...options)).toBe(value)
  })
  test('-O leaves assertions out, -W decides on warnings', async () => {
    expect(await python('assert False; print(__debug__)', '-O')).toBe('False')
    const { status, stderr } = await tests.run(['python3', '-W', 'error', '-c', 'import warnings; warnings.warn("w")'])
    expect([status, stderr.trimEnd().split('\n').at(-1)]).toEqual([1, 'UserWarning: w'])
    expect(await python('import warnings; warnings.warn("w")', '-W', 'ignore')).toBe('')
  })
  test('runs a directory, an archive, a module and standard input', async () => {
    await sh(`mkdir -p /tmp/app/pack && cd /tmp/app && echo 'import sys, helper; print("dir", sys.argv[1:], helper.x)' > __main__.py
      echo 'x = 1' > helper.py; echo 'print("pack", __name__)' > pack/__main__.py; : > pack/__init__.py
      python3 -c 'import zipfile, os; z = zipfile.ZipFile("/tmp/app.zip", "w"); z.write("__main__.py"); z.write("helper.py"); z.close()'`)
    expect((await sh('python3 /tmp/app a b')).stdout).toBe("dir ['a', 'b'] 1\n")
    expect((await sh('python3 /tmp/app.zip')).stdout).toBe('dir [] 1\n')
    expect((await sh('cd /tmp/app && python3 -m pack')).stdout).toBe('pack __main__\n')
    expect((await sh('python3 - x', 'import sys; print(sys.argv)')).stdout).toBe("['-', 'x']\n")
    expect((await sh('python3', 'print("from stdin")')).stdout).toBe('from stdin\n')
    expect(await sh('python3 /tmp/none.py')).toMatchObject({
      status: 2,
      stderr: "python3: can't open file '/tmp/none.py': [Errno 2] No such file or directory\n",
    })
  })
  test('imports from the directory of the script first, and keeps bytecode there', async () => {
    const { stdout } =
      await sh(`mkdir -p /tmp/own && cd /tmp/own && echo 'who = "mine"' > colorsys.py && echo 'import colorsys; print(colorsys.who)' > main.py
      python3 main.py; ls __pycache__; python3 -B main.py; cd / && python3 /tmp/own/main.py; cd /tmp/own && python3 -c 'import colorsys; print(colorsys.who)'
      python3 -P -c 'import colorsys; print(colorsys.__file__)'`)
    expect(stdout.split('\n')).toEqual(['mine', 'colorsys.cpython-314.pyc', 'mine', 'mine', 'mine', '/usr/lib/python3.14/colorsys.py', ''])
  })
  test('heeds its environment', async () => {
    await sh(`mkdir -p /tmp/more && echo 'y = 2' > /tmp/more/only_there.py`)
    expect((await sh(`PYTHONPATH=/tmp/more python3 -c 'import only_there; print(only_there.y)'`)).stdout).toBe('2\n')
    expect((await sh(`PYTHONPATH=/tmp/more python3 -E -c 'import only_there'`)).stderr).toContain('ModuleNotFoundError')
    expect((await sh(`PYTHONUNBUFFERED=1 python3 -c 'import sys; print(sys.stdout.write_through)'`)).stdout).toBe('True\n')
    expect((await sh(`PYTHONDONTWRITEBYTECODE=1 python3 -c 'import sys; print(sys.dont_write_bytecode)'`)).stdout).toBe('True\n')
  })
  test('hashes by PYTHONHASHSEED, and else anew each time, as random does', async () => {
    const hash = `python3 -c 'print(hash("x"))'`
    const [a, b] = (await sh(`export PYTHONHASHSEED=5; ${hash}; ${hash}`)).stdout.split('\n')
    expect(a).toBe(b)
    for (const line of [hash, `python3 -c 'import random; print(random.random())'`, `python3 -c 'import os; print(os.urandom(8))'`]) {
      const [c, d] = (await sh(`${line}; ${line}`)).stdout.split('\n')
      expect(c).not.toBe(d)
    }
  })
  test('reads what is there, and EOFError where nothing is', async () => {
    expect((await sh(`python3 -c 'print(input("? "))'`, 'line\n')).stdout).toBe('? line\n')
    const { status, stderr } = await sh(`python3 -c 'input()' < /dev/null`)
    expect([status, stderr.trimEnd().split('\n').at(-1)]).toEqual([1, 'EOFError: EOF when reading a line'])
  })
  test('its environment is the process’s', async () => {
    expect(ENVIRONMENT).toContain('LANG=C.UTF-8')
    expect(await python('import os; os.environ["ADDED"] = "1"; print(os.popen("echo $ADDED $HOME").read())')).toBe('1 /home/user')
  })
})
