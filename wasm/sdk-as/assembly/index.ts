// Tools for Tidepool in AssemblyScript (docs/tools.md). The entry file of a tool is
//
//   export { alloc, dealloc } from '…/sdk-as/assembly'
//   export function execute(args: usize): usize { return run(args, (args) => Json.object().set('text', Json.text('hello'))) }
//
// An error that is thrown ends the call with its text.
import { Json } from './json'

export { Json, Kind } from './json'
export * from './imports'

/** What precedes the JSON: its length, little-endian. */
const PREFIX: usize = 4

/** The host puts the arguments there. */
export function alloc(size: i32): usize {
  return heap.alloc(size)
}

export function dealloc(at: usize, size: i32): void {
  heap.free(at)
}

/** `execute` of a tool: from the arguments to the result. */
export function run(args: usize, tool: (args: Json) => Json): usize {
  const given = Json.parse(String.UTF8.decodeUnsafe(args + PREFIX, load<u32>(args)))
  const result = tool(given).toString()
  const size = String.UTF8.byteLength(result)
  const at = heap.alloc(PREFIX + size)
  store<u32>(at, size)
  String.UTF8.encodeUnsafe(changetype<usize>(result), result.length, at + PREFIX)
  return at
}
