import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'

/** Listener is an open port of 127.0.0.1; `origin` has no slash at its end. */
export type Listener = { origin: string; port: number; close(): Promise<void> }

/**
 * listen serves `app` on 127.0.0.1: on `port`, or where that is taken or not given on a free one; with `isFixed` a taken
 * port rejects with Node's error.
 */
export async function listen(app: RequestListener, port = 0, isFixed = false): Promise<Listener> {
  const server = createServer(app)
  try {
    await open(server, port)
  } catch (error) {
    if (isFixed || port === 0) throw error
    await open(server, 0)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  // A forgotten twin must not keep a process alive that has nothing else to do.
  server.unref()
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    }
  }
}

async function open(server: Server, port: number): Promise<void> {
  server.listen({ port, host: '127.0.0.1' })
  await once(server, 'listening')
}
