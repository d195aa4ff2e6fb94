/** Standard input, to its end, as text. */
export async function readStandardInput(): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of process.stdin) parts.push(part as Uint8Array)
  return Buffer.concat(parts).toString()
}
