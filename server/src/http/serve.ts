import { createServer, type Server } from 'node:http'
import type { Express } from 'express'
import { answerUnreadable } from './client-error.ts'
import { messagesOf } from './messages.ts'

/** ListenError is a port that cannot be had, in one sentence for the person at the keyboard. */
export class ListenError extends Error {}

/** Serving is a server that accepts connections at `url`; `port` is the real one where 0 was asked for. */
export type Serving = { server: Server; port: number; url: string }

/** serve starts to listen. Throws {@link ListenError} when the port is taken or not allowed. */
export async function serve(app: Express, { host, port }: { host: string; port: number }): Promise<Serving> {
  const server = createServer(messagesOf(app), app)
  server.on('clientError', answerUnreadable(app.request.log))
  // Slow senders: 10 s for the headers, 30 s for a whole upload. Answers may stream as long as they like.
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  // Longer than the 60 s of common load balancers, which must be the ones to close an idle connection.
  server.keepAliveTimeout = 65_000
  await listen(server, host, port)
  const address = server.address()
  const realPort = typeof address === 'object' && address !== null ? address.port : port
  // Nobody can open 0.0.0.0 in a browser.
  const name = ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].includes(host) ? 'localhost' : host
  return { server, port: realPort, url: `http://${name.includes(':') ? `[${name}]` : name}:${realPort}` }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(toListenError(error, host, port)))
    server.listen(port, host, resolve)
  })
}

function toListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(`Port ${port} on ${host} is taken by another program: stop that one, or set PORT to a free port.`)
    case 'EACCES':
      return new ListenError(`Port ${port} on ${host} may not be opened by this user: set PORT to one above 1023.`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(`HOST ${host} is no address of this machine: set HOST to 127.0.0.1, 0.0.0.0 or one it has.`)
    default:
      return error
  }
}

// What is left for requests to end when the answers have used up the whole time.
const LEAST_GRACE_MS = 2_000

/** stopServing accepts no new connection, lets requests end for `timeoutMs`, and then closes what is still open. */
export async function stopServing(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  // A kept-alive connection becomes idle when its last answer ends, and close() would wait for it.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const late = setTimeout(() => server.closeAllConnections(), Math.max(timeoutMs, LEAST_GRACE_MS))
  await closed
  clearTimeout(late)
  clearInterval(idle)
}
