// Records tests/shell/cases/*.yaml and tests/python/cases/*.yaml: runs every case in Debian 12's bash with GNU tools and writes what came out
// into the file. The reference runs as a cell looks to its programs: user `user` (1000), HOME and cwd /home/user, host name tidepool, umask
// 022, TZ UTC, LANG C.UTF-8, an empty /tmp, pipes for its standard streams; so it needs root (mount and UTS namespaces of util-linux).
// For Python, /usr of the folder CPYTHON (default /tmp/cpython; scripts/unpack-cpython.sh makes it) lies over this machine's /usr.
// Usage: node scripts/record-cases.mjs [shell | python [FILE…]]
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { parseDocument, stringify } from 'yaml'
import { recorded } from '../tests/support/shell-case.ts'

const TOOLS = 'bash 5.2.15, GNU coreutils 9.1, grep 3.8, sed 4.9, findutils 4.9, diffutils 3.8, gzip 1.12, jq 1.6 (Debian 12)'
const INSIDE = `
[ -z "$4" ] || mount -t overlay overlay -o "lowerdir=$4/usr:/usr" /usr || exit
mount --bind "$1" /home/user && mount --bind "$3/passwd" /etc/passwd && mount --bind "$3/group" /etc/group && mount -t tmpfs tmpfs /tmp &&
chmod 1777 /tmp && hostname tidepool && cd /home/user && {
  cat | setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/home/user USER=user LOGNAME=user TZ=UTC LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/bin:/usr/bin:/bin PWD=/home/user SHELL=/bin/bash timeout -k 1 20 bash -c "$2" 2>&3 3>&- | cat
  exit "\${PIPESTATUS[1]}"
} 3> >(cat >&2)`

/** What lies over /usr, and the words for where the cases come from. */
function reference(suite) {
  if (suite === 'shell') return { layer: '', recordedFrom: TOOLS }
  const layer = process.env['CPYTHON'] ?? '/tmp/cpython'
  if (!existsSync(join(layer, 'usr/bin/python3')))
    throw new Error(`Cannot record Python's cases: no CPython in "${layer}" (sh scripts/unpack-cpython.sh FOLDER, then CPYTHON=FOLDER)`)
  const said = JSON.stringify(record({ sh: 'python3 -V' }, {}, { etc, layer }).stdout)
  return { layer, recordedFrom: `CPython ${said.match(/[\d.]+/)?.[0]} (Debian), ${TOOLS}` }
}

function prepare() {
  if (process.getuid?.() !== 0) throw new Error('Cannot record: needs root to give the reference its own /home/user and host name')
  mkdirSync('/home/user', { recursive: true })
  const etc = mkdtempSync(join(tmpdir(), 'etc-'))
  chmodSync(etc, 0o755)
  writeFileSync(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/home/user:/bin/bash\n')
  writeFileSync(join(etc, 'group'), 'root:x:0:\nuser:x:1000:\n')
  return etc
}

/** Runs one case in a fresh folder; returns what came out. */
function record(test, sharedFiles, { etc, layer }) {
  const home = mkdtempSync(join(tmpdir(), 'case-'))
  chownSync(home, 1000, 1000)
  chmodSync(home, 0o755)
  for (const [path, text] of Object.entries({ ...sharedFiles, ...test.files })) {
    const full = join(home, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text)
  }
  execFileSync('chown', ['-R', '1000:1000', home])
  const run = spawnSync('unshare', ['-m', '-u', 'bash', '-c', INSIDE, '_', home, test.sh, etc, layer], {
    input: test.stdin ?? '',
    maxBuffer: 64 << 20,
  })
  rmSync(home, { recursive: true, force: true })
  return { stdout: recorded(run.stdout), stderr: recorded(run.stderr), status: run.status ?? 128 }
}

const [suite = 'shell', ...wanted] = process.argv.slice(2)
if (!['shell', 'python'].includes(suite)) throw new Error(`Cannot record "${suite}": is neither shell nor python`)
const folder = fileURLToPath(new URL(`../tests/${suite}/cases/`, import.meta.url))
const etc = prepare()
const { layer, recordedFrom } = reference(suite)
let changed = 0
let total = 0
for (const name of wanted.length > 0 ? wanted.map((path) => basename(path)) : readdirSync(folder).filter((f) => f.endsWith('.yaml'))) {
  const path = join(folder, name)
  if (!existsSync(path)) throw new Error(`Cannot record "${name}": no such file in tests/${suite}/cases`)
  const document = parseDocument(readFileSync(path, 'utf8'))
  if (document.errors.length > 0) throw new Error(`Cannot record "${name}": ${document.errors[0].message}`)
  const { cases, recordedFrom: _, ...head } = document.toJS()
  const results = cases.map((test) => {
    if (test.skip) return test
    total++
    const { stdout, stderr, status, ...input } = test
    const next = { ...input, ...record(test, head.files, { etc, layer }) }
    if (!isDeepStrictEqual({ stdout, stderr, status }, { stdout: next.stdout, stderr: next.stderr, status: next.status })) {
      changed++
      if (stdout !== undefined) console.log(`${name}: changed: ${test.name ?? test.sh}`)
    }
    return next
  })
  writeFileSync(path, stringify({ recordedFrom, ...head, cases: results }, { lineWidth: 0 }))
}
console.log(`${total} cases recorded, ${changed} of them new or changed`)
