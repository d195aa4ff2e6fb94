// A module for tests/wasm/sdk-as.test.ts: it answers its arguments, so what the JSON of this SDK reads, it must write.
import { run } from '../assembly'

export { alloc, dealloc } from '../assembly'

export function execute(args: usize): usize {
  return run(args, (args) => args)
}
