/** The command line of `js`: which script, and with what. Corresponds to the first part of node(1). */
import type { ScriptForm } from '../../protocol/js-wire.ts'
import type { ByteString } from '../vfs/byte-string.ts'

export const VERSION = 'Tidepool js 0.1.0'

export const HELP = `Usage: js [options] [SCRIPT | -] [arguments]
       js [options] -e CODE [arguments]
       js --tool FILE < INPUT | js --node FILE [arguments]
Runs modern JavaScript as a module, without imports, in a place of its own.

  -e, --eval CODE    run CODE
  -p, --print CODE   run CODE and print its value, that of its last expression
  --tool FILE        call what FILE exports by default, (args, btcp) => result,
                     with the JSON of standard input, and print its result as JSON
  --node FILE        run a program that is written for Node, as far as that goes
  -V, -v, --version  print the version
  -h, --help         print this
  -                  read the script from standard input, as without SCRIPT

Globals: console, fs (async: readFile, writeFile, appendFile, readdir, stat,
lstat, mkdir, rm, rmdir, rename, unlink, copyFile, exists, realpath, readlink,
symlink, chmod, cwd), args, stdin (lines; text(), bytes()), stdout.write,
stderr.write, exit(code), btcp (call, tools, env), timers, structuredClone, TextEncoder, TextDecoder,
URL, atob, btoa, crypto, performance.now. There is no network, no import and
nothing synchronous: await fs.readFile('data.json', 'utf8').
`

export type ScriptSource = { readonly from: 'file'; readonly path: ByteString } | { readonly from: 'stdin' } | CodeSource
interface CodeSource {
  readonly from: 'code'
  readonly code: ByteString
}

/** What a run is made of; `form` is that of protocol/js-wire.ts. */
export interface RunCommand {
  readonly do: 'run'
  readonly source: ScriptSource
  readonly args: readonly ByteString[]
  readonly print: boolean
  readonly form: ScriptForm
}

export type JsCommand = { readonly do: 'say'; readonly text: string } | { readonly do: 'complain'; readonly text: string } | RunCommand

const USAGE = 'Try "js --help".'

export function parseCommandLine(argv: readonly ByteString[]): JsCommand {
  const [first, second, ...rest] = argv.slice(1)
  switch (first) {
    case undefined:
      return script({ from: 'stdin' }, [])
    case '-h':
    case '--help':
      return { do: 'say', text: HELP }
    case '-V':
    case '-v':
    case '--version':
      return { do: 'say', text: `${VERSION}\n` }
    case '-e':
    case '--eval':
    case '-p':
    case '--print':
    case '-pe':
      if (second === undefined) return complaint(`${first} needs CODE`)
      return { ...script({ from: 'code', code: second }, withoutDashes(rest)), print: first.includes('p') }
    case '--tool':
    case '--node':
      if (second === undefined) return complaint(`${first} needs FILE`)
      return { ...script({ from: 'file', path: second }, rest), form: first === '--tool' ? 'tool' : 'node' }
    case '-':
      return script({ from: 'stdin' }, argv.slice(2))
    case '--':
      return file(argv.slice(2))
    default:
      if (first.startsWith('-')) return complaint(`there is no option ${first}`)
      return file(argv.slice(1))
  }
}

function file([path, ...args]: readonly ByteString[]): JsCommand {
  return path === undefined ? script({ from: 'stdin' }, []) : script({ from: 'file', path }, args)
}

const script = (source: ScriptSource, args: readonly ByteString[]): RunCommand => ({
  do: 'run',
  source,
  args,
  print: false,
  form: 'script',
})

const withoutDashes = (args: readonly ByteString[]): readonly ByteString[] => (args[0] === '--' ? args.slice(1) : args)

const complaint = (reason: string): JsCommand => ({ do: 'complain', text: `js: ${reason}\n${USAGE}\n` })
