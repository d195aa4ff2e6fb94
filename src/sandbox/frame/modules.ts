/** The built modules, from the extension's own files, compiled once a frame and shared by its workers. */
import { MODULE_NAME } from '../../protocol/frame.ts'

const compiled = new Map<string, Promise<WebAssembly.Module | undefined>>()

/** The module `name`, or undefined where there is none. */
export async function compiledModule(name: string): Promise<WebAssembly.Module | undefined> {
  if (typeof name !== 'string' || !MODULE_NAME.test(name)) return undefined
  let module = compiled.get(name)
  if (!module) compiled.set(name, (module = compile(name)))
  return await module
}

async function compile(name: string): Promise<WebAssembly.Module | undefined> {
  try {
    return await WebAssembly.compileStreaming(fetch(`/wasm/${name}.wasm`))
  } catch {
    compiled.delete(name)
    return undefined
  }
}
