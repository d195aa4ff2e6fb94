/**
 * A server on loopback that nobody may reach from a cell: it counts every HTTP and WebSocket request, every bare connection and every
 * datagram. A way out names itself in the path or in the port that it tries. The pages below `/control/` are its own and do not count.
 */
import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:http'
import { createServer as createPlainServer, type AddressInfo, type Server } from 'node:net'
import type { Target } from '../extension/cell-ways-out.ts'

export interface WatchedServer extends AsyncDisposable {
  readonly target: Target
  /** the ways that were seen, once each, ascending */
  seen(): string[]
}

/** `control` are pages and scripts by their name. */
export async function watchedServer(control: Readonly<Record<string, string>> = {}): Promise<WatchedServer> {
  const seen = new Set<string>()
  const http = createServer(({ url = '/' }, response) => {
    const page = /^\/control\/(.+)$/.exec(url)?.[1]
    if (page === undefined && url !== '/favicon.ico') seen.add(url.replace(/\?$/, ''))
    const type = page?.endsWith('.html') ? 'text/html' : 'text/javascript'
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': type }).end(page === undefined ? '0' : control[page])
  })
  http.on('upgrade', ({ url = '/' }, socket) => {
    seen.add(url)
    socket.destroy()
  })
  const bare = createPlainServer((socket) => {
    seen.add('a bare connection')
    socket.destroy()
  })
  const stun = await watchedSocket(() => seen.add('a STUN datagram'))
  const quic = await watchedSocket(() => seen.add('a QUIC datagram'))
  const address = `127.0.0.1:${await listen(http)}`
  const target = {
    http: `http://${address}`,
    ws: `ws://${address}`,
    bare: `http://127.0.0.1:${await listen(bare)}`,
    stun: `stun:127.0.0.1:${stun.address().port}`,
    quic: `https://127.0.0.1:${quic.address().port}`,
  }
  return {
    target,
    seen: () => [...seen].toSorted(),
    [Symbol.asyncDispose]: async () => {
      stun.close()
      quic.close()
      http.closeAllConnections()
      await Promise.all([http, bare].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function watchedSocket(onDatagram: () => void): Promise<Socket> {
  const socket = createSocket('udp4', onDatagram)
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket
}
