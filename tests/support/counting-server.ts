/** Counts whatever reaches it: TCP connections (http, https, ws, anything) and UDP packets (WebRTC, WebTransport) on one port. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CountingServer extends AsyncDisposable {
  readonly port: number
  /** what came, in order: `tcp`, `GET /path`, `upgrade`, `udp` */
  readonly seen: readonly string[]
}

export async function countingServer(): Promise<CountingServer> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' }).end()
  })
  server.on('connection', () => seen.push('tcp'))
  server.on('upgrade', (_, socket) => {
    seen.push('upgrade')
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', () => seen.push('udp'))
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  return {
    port,
    seen,
    [Symbol.asyncDispose]: async () => {
      udp.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
