/** The command line of `btcp`: what is wanted of the tools that this computer may use. */
import { type ByteString, toText } from '../vfs/byte-string.ts'

export const HELP = `Usage: btcp call NAME [--text] [JSON | -]
       btcp tools [--json]
       btcp describe NAME
Uses the tools that this computer may use. Each call is decided like one of
the page's own.

  call NAME [JSON]  call a tool with arguments that are a JSON object, and print
                    its result as JSON on one line
      -             read the arguments from standard input, as without JSON
                    where standard input is a pipe or a file
      --text        print a result that is a text as it is
  tools             list the tools: name, capabilities, description
      --json        the same as JSON, with the schemas of their arguments
  describe NAME     print what a tool is and the schema of its arguments
  -h, --help        print this

Exit status: 0; 1 if the tool failed or may not be called, with the reason on
standard error; 2 if the command line is wrong.

  btcp call fs_list '{"path":"/"}' | jq -r '.entries[].name'
`

export type BtcpCommand =
  | { readonly do: 'say'; readonly text: string }
  | { readonly do: 'complain'; readonly text: string }
  | { readonly do: 'call'; readonly tool: string; readonly args: CallArguments; readonly isText: boolean }
  | { readonly do: 'tools'; readonly isJson: boolean }
  | { readonly do: 'describe'; readonly tool: string }

/** `piped`: standard input where it is no terminal and no device. */
export type CallArguments = { readonly from: 'line'; readonly json: string } | { readonly from: 'stdin' | 'piped' }

export function parseCommandLine(argv: readonly ByteString[]): BtcpCommand {
  const [first, ...rest] = argv.slice(1).map(toText)
  if (rest.includes('--help') || rest.includes('-h')) return { do: 'say', text: HELP }
  switch (first) {
    case undefined:
      return complaint('it needs call, tools or describe')
    case '-h':
    case '--help':
    case 'help':
      return { do: 'say', text: HELP }
    case 'call':
      return callOf(rest)
    case 'tools':
      return toolsOf(rest)
    case 'describe':
      return describeOf(rest)
    default:
      return complaint(first.startsWith('-') ? `there is no option ${first}` : `there is no command "${first}"`)
  }
}

function callOf(words: readonly string[]): BtcpCommand {
  const unknown = words.find((word) => isOption(word) && word !== '--text')
  if (unknown !== undefined) return complaint(`there is no option ${unknown} of call`)
  const [tool, json, more] = words.filter((word) => word !== '--text')
  if (tool === undefined || tool === '-') return complaint('call needs the NAME of a tool')
  if (more !== undefined) return complaint(`call takes one JSON object, quoted as one word, and not "${more}" besides`)
  const args: CallArguments = json === undefined ? { from: 'piped' } : json === '-' ? { from: 'stdin' } : { from: 'line', json }
  return { do: 'call', tool, args, isText: words.includes('--text') }
}

function toolsOf(words: readonly string[]): BtcpCommand {
  const unknown = words.find((word) => word !== '--json')
  if (unknown !== undefined) return complaint(`tools takes --json, and not "${unknown}"`)
  return { do: 'tools', isJson: words.includes('--json') }
}

function describeOf([tool, more]: readonly string[]): BtcpCommand {
  if (tool === undefined) return complaint('describe needs the NAME of a tool')
  if (isOption(tool)) return complaint(`there is no option ${tool} of describe`)
  return more === undefined ? { do: 'describe', tool } : complaint(`describe takes one NAME, and not "${more}" besides`)
}

const isOption = (word: string): boolean => word.startsWith('-') && word !== '-'

const complaint = (reason: string): BtcpCommand => ({ do: 'complain', text: `btcp: ${reason}\nTry "btcp --help".\n` })
