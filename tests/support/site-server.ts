/**
 * Sites for tests: one loopback server, on which every `http://NAME.localhost:PORT` is a site of its own with the same pages. What a
 * test needs beyond a blank page is a route.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface SiteServer extends AsyncDisposable {
  readonly port: number
  /** The origin of the site `name`. */
  origin(name: string): string
  /** every request so far, as `METHOD host path` */
  readonly requests: readonly string[]
  route(path: string, handler: Handler | string): void
}

const BLANK = '<!doctype html><meta charset="utf-8"><title>A site</title><body><h1>A site</h1></body>'

export async function serveSites(): Promise<SiteServer> {
  const routes = new Map<string, Handler | string>([['/', BLANK]])
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    requests.push(`${request.method} ${request.headers.host} ${path}`)
    const route = routes.get(path)
    if (typeof route === 'function') return route(request, response)
    response.writeHead(route === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(route ?? 'not here')
  })
  const port = await listen(server)
  return {
    port,
    origin: (name) => `http://${name}.localhost:${port}`,
    requests,
    route: (path, handler) => void routes.set(path, handler),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
