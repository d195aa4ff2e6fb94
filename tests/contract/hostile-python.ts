/**
 * Python that wants out (T31–T45): every way to the host that an interpreter of Emscripten's, or any Python, has been known to have. In a
 * cell of any host the same comes of each: it acts on the cell's own files and processes, or it is an error.
 */
import { existsSync } from 'node:fs'
import { HOSTILE_MODULES } from '../support/hostile-modules.ts'
import { sideModule } from '../support/side-module.ts'
import { type Contract, equal } from './check.ts'
import { answers, endsWith, evaluates, type Machine, script } from './python-machine.ts'

/** A text of Python's. */
const py = (text: string): string => JSON.stringify(text)
const each = (names: readonly string[], result: string): Record<string, string> => Object.fromEntries(names.map((name) => [name, result]))

export const hostilePython: Contract<Machine> = {
  'T31 commands of Python’s act on the files of the cell': async (machine) => {
    const canary = machine.canary
    await evaluates(
      machine,
      {
        [`os.system('id > ${canary}')`]: '256',
        [`os.popen('id > ${canary}').close()`]: '256',
        [`subprocess.run('id > ${canary}', shell=True).returncode`]: '1',
        [`open('${canary}', 'w')`]: 'FileNotFoundError',
        [`os.system('id > canary')`]: '0',
        [`open('canary').read().strip()`]: 'uid=1000(user) gid=1000(user) groups=1000(user)',
      },
      '',
    )
    equal(existsSync(canary), false, 'the canary')
  },

  'T32 through ctypes an interpreter harms itself alone': async (machine) => {
    await evaluates(machine, { "ctypes.CDLL(None).system(b'id > canary')": '-1', "os.path.exists('canary')": 'False' }, 'import ctypes')
    const codes = {
      'memset(0, 255, 2**25)': '-6',
      'memset(-1, 0, 1)': '-6',
      'string_at(0x7fff_ffff)': '-6',
      'memmove(0, -64, 64)': '-6',
      'CFUNCTYPE(c_int)(999_999)()': '-6',
      'CFUNCTYPE(c_int)(-1)()': '-6',
      'CFUNCTYPE(c_int)(0)()': '-6',
      'for i in range(1, 9_000): CFUNCTYPE(c_int, c_int)(i)(0)': '-6',
      'libc.abort()': '-6',
      'libc._exit(7)': '7',
      'libc._abort_js()': '1',
      'libc.ffi_call_js(0, 0, 0, 0)': '1',
      'libc.constructor(1)': '1',
      'pythonapi.Py_Finalize()': '-6',
      "pythonapi.PyRun_SimpleString(b'import time; time.sleep(0.1)')": '-6',
    }
    await endsWith(machine, codes, 'from ctypes import *\nlibc = CDLL(None)')
    await answers(machine)
  },

  'T32 the bridge to JavaScript that CPython was built with leads nowhere': async (machine) => {
    const codes = {
      'f.hiwire_new(1)': '0 alive',
      'f.hiwire_intern(1)': '0 alive',
      ...each(['f.hiwire_get(1)', 'f.hiwire_incref(1)', 'f.hiwire_pop(1)', 'f.js2python(1)', 'f.python2js(1)'], '-6'),
      ...each(['f.pythonexc2js()', 'f.JsProxy_create(1)', 'f.run_main()', 'f.jslib_init()'], '-6'),
      ...each(['f.JsvFunction_Call(1)', 'f.JsvObject_New()', 'f.emscripten_asm_const_int(1)'], '1'),
    }
    await endsWith(machine, codes, 'import ctypes\nf = ctypes.CDLL(None)')
    await answers(machine)
  },

  'T33 nothing runs a text as JavaScript': async (machine) => {
    const names = ['emscripten_run_script', 'emscripten_run_script_int', 'emscripten_run_script_string', 'emscripten_async_run_script']
    const more = ['emscripten_asm_const', 'emscripten_asm_const_int', 'emscripten_asm_const_double', 'run_js', 'eval', 'Function']
    const lookups = [...names, ...more].map((name) => `ctypes.CDLL(None)[${py(name)}]`)
    await evaluates(machine, each(lookups, 'AttributeError'), 'import ctypes')
  },

  'T34 T40 there is no module of JavaScript’s, so no constructor, no storage, no worker and no message of it': async (machine) => {
    const modules = ['js', 'js.indexedDB', 'pyodide_js', 'pyodide_js._api', '_pyodide', '_pyodide_core', 'pyodide.ffi', 'pyodide.code']
    const values = ['pyodide_js.constructor.constructor("return process")()', 'to_js([1])', 'JsProxy', 'run_js("1")', 'js.caches']
    const more = ['js.indexedDB', 'js.navigator.storage', 'js.BroadcastChannel("x")', 'js.chrome', 'js.postMessage(1)', 'js.Worker("x")']
    await evaluates(machine, {
      ...each(
        modules.map((name) => `__import__('importlib').import_module(${py(name)})`),
        'ModuleNotFoundError',
      ),
      ...each([...values, ...more], 'NameError'),
      "[name for name in sys.builtin_module_names if 'pyodide' in name or name == 'js']": '[]',
    })
  },

  'T35 T39 no file system can be mounted, of the host’s or of the browser’s': async (machine) => {
    const names = ['mount', 'FS_mount', 'mountNodeFS', 'mountNativeFS', 'wasmfs_create_node_backend', 'wasmfs_create_opfs_backend']
    const values = ['FS.mount(NODEFS)', "pyodide_js.mountNodeFS('/h', '/etc')", 'pyodide_js.FS.filesystems.IDBFS.indexedDB().databases()']
    const lookups = names.map((name) => `ctypes.CDLL(None)[${py(name)}]`)
    await evaluates(
      machine,
      {
        ...each(lookups, 'AttributeError'),
        ...each(values, 'NameError'),
        "sorted({line.split()[0] for line in open('/proc/mounts')})": "['archivefs', 'devtmpfs', 'proc', 'tidepool', 'toolfs']",
      },
      'import ctypes',
    )
  },

  'T36 every path is one of the cell': async (machine) => {
    const paths = [
      '/etc/shadow',
      '/etc/ssl',
      '/proc/1/environ',
      '/proc/self/root/etc/shadow',
      '/proc/self/maps',
      '/proc/self/mem',
      '/dev/mem',
    ]
    const more = ['/proc/self/fd/99', 'file:///etc/passwd', `${'../'.repeat(20)}etc/shadow`, '/sys/kernel', process.cwd()]
    await evaluates(
      machine,
      {
        "open('/etc/passwd').read().split()[1]": 'user:x:1000:1000:user:/home/user:/bin/sh',
        ...each(
          [...paths, ...more].map((path) => `os.stat(${py(path)})`),
          'FileNotFoundError',
        ),
        "' '.join(sorted(os.listdir('/')))": 'bin dev etc home lib mnt opt proc root tmp usr var',
        "' '.join(sorted(name for name in os.listdir('/proc') if not name.isdigit()))":
          'cpuinfo loadavg meminfo mounts self uptime version',
        "' '.join(sorted(os.listdir('/proc/self')))": 'cmdline comm cwd environ exe fd root stat status',
        "os.path.realpath('/proc/self/root/../../..')": '/',
        "os.chroot('/tmp')": 'PermissionError',
        "ctypes.CDLL(None).loadBinaryFile(b'/etc/passwd')": 'AttributeError',
      },
      'import ctypes',
    )
  },

  'T37 processes are those of the cell, and what would need another kind says so': async (machine) => {
    await evaluates(
      machine,
      {
        ...each(['os.fork()', 'os.forkpty()', 'os.openpty()', "pty.spawn('id')"], 'OSError'),
        'multiprocessing.Process(target=print).start()': 'ImportError',
        'multiprocessing.Pool(2)': 'ImportError',
        'threading.Thread(target=print).start()': 'RuntimeError',
        "os.waitpid(os.posix_spawn('/usr/bin/true', ['true'], os.environ), 0)[1]": '0',
        "os.spawnv(os.P_WAIT, '/usr/bin/false', ['false'])": '1',
        "subprocess.run(['id', '-un'], capture_output=True, text=True).stdout.strip()": 'user',
        [`child("import os; os.execv('/usr/bin/echo', ['echo', 'replaced'])")`]: '0 replaced',
        [`child("import os; os.execv(${process.execPath}, ['node'])")`]: '1',
        "subprocess.run(['/usr/bin/node', '-v'])": 'FileNotFoundError',
        ...each(
          ['fork', 'vfork', 'execv', 'posix_spawn'].map((name) => `libc.${name}(b'/usr/bin/id', None, None)`),
          '-1',
        ),
        'os.kill(1, 9)': 'PermissionError',
        [`os.kill(${process.pid + 100_000}, 9)`]: 'ProcessLookupError',
      },
      'import ctypes, multiprocessing, pty, threading\nlibc = ctypes.CDLL(None)',
    )
    await answers(machine)
  },

  'T38 environment, arguments, names and numbers are virtual ones': async (machine) => {
    await evaluates(
      machine,
      {
        "' '.join(sorted(os.environ))": '_ HOME HOSTNAME LANG LOGNAME OLDPWD PATH PWD SHELL SHLVL TZ USER'.replace('_ ', '').concat(' _'),
        "os.environ['PATH']": '/usr/local/bin:/usr/bin:/bin',
        '(sys.argv, sys.orig_argv)': "(['../probe.py'], ['python3', '../probe.py'])",
        'sys.executable': '/usr/bin/python3',
        'os.getcwd()': '/tmp/probe',
        'tuple(os.uname())': "('Linux', 'tidepool', '6.1.0', '#1 Tidepool', 'wasm32')",
        'platform.node()': 'tidepool',
        'socket.gethostname() in ("tidepool", "emscripten")': 'True',
        '(os.getlogin(), os.getuid(), os.getgid(), os.getppid() < 100)': "('user', 1000, 1000, True)",
        'os.cpu_count()': '1',
        "open('/proc/version').read().strip()": 'Tidepool version 1 (WebAssembly)',
      },
      'import platform, socket',
    )
  },

  'T38 no secret of the parent is in the memory or in the files of a guest': async (machine) => {
    const setup = `
import ctypes
# The secret itself is nowhere in this script: what is searched is the memory through this mapping of bytes.
mapping = bytes((x * 3 + 7) % 256 for x in range(256))
secret, control = bytes(${mapped(machine.secret)}), bytes(${mapped('python3.14/os.py')})
def in_memory(needle):
    top, step = ctypes.CDLL(None).sbrk(0) & 0xffffffff, 1 << 20
    return any(needle in ctypes.string_at(at, min(step + 64, top - at)).translate(mapping) for at in range(0, top, step))
def in_files(needle):
    paths = (os.path.join(folder, name) for folder, _, names in os.walk('/') if not folder.startswith(('/usr', '/bin', '/lib')) for name in names)
    return [path for path in paths if os.path.isfile(path) and needle in open(path, 'rb').read(1 << 22).translate(mapping)]
os.system('echo "the file /usr/lib/python3.14/""os.py" > control')
`
    await evaluates(
      machine,
      {
        'in_memory(control)': 'True',
        'in_memory(secret)': 'False',
        'in_files(control)': "['/tmp/probe/control']",
        'in_files(secret)': '[]',
      },
      setup,
    )
  },

  'T41 a side module of somebody’s has no power, whatever it imports, exports or does at its start': async (machine) => {
    const modules = HOSTILE_MODULES.map(({ title, parts }) => [title, Buffer.from(sideModule(parts)).toString('base64')])
    const setup = `
import base64
modules = dict(${JSON.stringify(modules)})
OPEN = 'import ctypes\\ntry: print(ctypes.CDLL("./hostile.so") and "loaded")\\nexcept OSError: print("OSError")'
def load(title):
    with open('hostile.so', 'wb') as file: file.write(base64.b64decode(modules[title]))
    return child(OPEN).replace('-6', '134')
`
    const outcomes = HOSTILE_MODULES.map(({ title, outcome }) => [`load(${py(title)})`, outcome])
    await evaluates(machine, Object.fromEntries(outcomes) as Record<string, string>, setup)
    await answers(machine)
  },

  'T42 what one run leaves in its interpreter no other finds': async (machine) => {
    const spoil = `
import atexit, builtins, ctypes, json, threading
sys.modules['secret_of_one'] = json
builtins.left = json.left = sys.left = 'left'
json.dumps = lambda value: 'poisoned'
os.environ['LEFT'] = 'left'
os.umask(0)
os.chdir('/')
open('/tmp/left-open', 'w').fileno()
atexit.register(print, 'ended')
marker = ctypes.create_string_buffer(b'left-in-memory' * 1000)
ctypes.memset(id(json.loads), 0, 8) if False else None
sys.settrace(lambda *_: None)
`
    equal((await script(machine, spoil)).stdout, 'ended\n', 'the output of the first')
    const needle = `bytes(${mapped('left-in-memory')})`
    const setup = `
import builtins, ctypes, json
mapping = bytes((x * 3 + 7) % 256 for x in range(256))
def in_memory(needle):
    top, step = ctypes.CDLL(None).sbrk(0) & 0xffffffff, 1 << 20
    return any(needle in ctypes.string_at(at, min(step + 64, top - at)).translate(mapping) for at in range(0, top, step))
`
    const clean = {
      "'secret_of_one' in sys.modules": 'False',
      "[hasattr(place, 'left') for place in (builtins, json, sys)]": '[False, False, False]',
      'json.dumps([1])': '[1]',
      "'LEFT' in os.environ": 'False',
      'os.umask(0)': '18',
      'os.getcwd()': '/tmp/probe',
      "os.listdir('/proc/self/fd')[:3]": "['0', '1', '2']",
      'sys.gettrace()': 'None',
      [`in_memory(${needle})`]: 'False',
    }
    await evaluates(machine, clean, setup)
  },

  'T42 no other principal finds it, nor a file of it': async (machine) => {
    equal((await script(machine, "open('/home/user/of-one', 'w').write('mine')")).status, 0, 'status')
    const looked = await machine.run('python3 -c \'import os; print(os.listdir(), os.listdir("/tmp"))\'', { site: 'another' })
    equal(looked.stdout, '[] []\n', 'what another finds')
  },

  'T43 no module of Python’s and no call of C’s reaches a server': async (machine) => {
    const { http, ws, stun } = machine.target
    const [, host = '', port = ''] = /\/\/(.+):(\d+)/.exec(http) ?? []
    const udp = stun.split(':').at(-1) ?? ''
    const setup = `
import asyncio, ctypes, ftplib, http.client, imaplib, importlib, poplib, smtplib, socket, struct, urllib.request, xmlrpc.client
HTTP, HOST, PORT, UDP, NAME = ${py(http)}, ${py(host)}, ${port}, ${udp}, ${py(CANARY_NAME)}
TO = struct.pack('<H', 2) + struct.pack('>H', UDP) + bytes([127, 0, 0, 1]) + bytes(8)
module = importlib.import_module
libc = ctypes.CDLL(None)
async def connection(): await asyncio.open_connection(HOST, PORT)
async def datagram(): await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(HOST, UDP))
async def server(): await asyncio.start_server(print, HOST, 0)
`
    await evaluates(
      machine,
      {
        ...each(
          [
            "urllib.request.urlopen(f'{HTTP}/py/urlopen')",
            "urllib.request.urlopen(f'http://{NAME}/py/name')",
            "urllib.request.urlretrieve(f'{HTTP}/py/urlretrieve')",
            "http.client.HTTPConnection(HOST, PORT).request('GET', '/py/http.client')",
            "http.client.HTTPSConnection(NAME).request('GET', '/py/https')",
            "module('requests').get(f'{HTTP}/py/requests')",
            "module('pyodide.http').open_url(f'{HTTP}/py/open_url')",
            "asyncio.run(module('pyodide.http').pyfetch(f'{HTTP}/py/pyfetch'))",
            "xmlrpc.client.ServerProxy(f'{HTTP}/py/xmlrpc').system.listMethods()",
            'socket.socket().connect((HOST, PORT))',
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (HOST, UDP))",
            'socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)',
            'socket.create_connection((HOST, PORT), 1)',
            'socket.create_server((HOST, 0))',
            'socket.getaddrinfo(NAME, 80)',
            'socket.gethostbyname(NAME)',
            'asyncio.run(connection())',
            'asyncio.run(datagram())',
            'smtplib.SMTP(HOST, PORT, timeout=1)',
            'ftplib.FTP(HOST, timeout=1)',
            'imaplib.IMAP4(HOST, PORT, timeout=1)',
            'poplib.POP3(NAME, PORT, timeout=1)',
          ],
          'PermissionError',
        ),
        "module('urllib3').request('GET', f'{HTTP}/py/urllib3')": 'MaxRetryError',
        'asyncio.run(server())': 'OSError',
        'libc.socket(2, 1, 0)': '-1',
        'libc.connect(3, TO, 16)': '-1',
        "libc.sendto(3, b'x', 1, 0, TO, 16)": '-1',
        'libc.getaddrinfo(NAME.encode(), None, None, None)': 'AttributeError',
        'bool(libc.gethostbyname(NAME.encode()))': 'True',
        [`open('${ws}/py/open')`]: 'FileNotFoundError',
        "os.system(f'echo x > /dev/tcp/{HOST}/{PORT}')": '256',
      },
      setup,
    )
  },

  'T44 addresses of files are those of the cell, others are refused': async (machine) => {
    const { http } = machine.target
    await evaluates(
      machine,
      {
        [`webbrowser.open('${http}/py/webbrowser')`]: 'ModuleNotFoundError',
        "request.urlopen('data:text/plain,hi').read()": "b'hi'",
        "request.urlopen('file:///tmp/probe/note').read()": "b'of the cell'",
        [`request.urlopen('file://${machine.canary}').read()`]: 'URLError',
        "request.urlopen('file://127.0.0.1/etc/passwd').read()": 'PermissionError',
        "request.urlopen('ftp://127.0.0.1/x')": 'URLError',
        "request.urlopen('javascript:alert(1)')": 'URLError',
      },
      "from urllib import request\nopen('note', 'w').write('of the cell')\nclass webbrowser: open = lambda address: __import__('webbrowser').open(address)",
    )
  },
}

/** A name that is looked up nowhere but in T43. */
export const CANARY_NAME = 'python-canary.test'

/** The bytes of a text, each mapped as the searching scripts map what they search in. */
function mapped(text: string): string {
  return JSON.stringify([...Buffer.from(text)].map((byte) => (byte * 3 + 7) % 256))
}
