/** Runs once before the unit tests: they mean nothing on a Node without JSPI, and npm scripts put the right one first on PATH. */
export default function requireJspi(): void {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 26) throw new Error(`Cannot run the tests: Node 26 or newer is needed and this is ${process.versions.node}. Use "npm test".`)
  if (!('Suspending' in WebAssembly)) throw new Error('Cannot run the tests: this Node has no JavaScript Promise Integration.')
}
