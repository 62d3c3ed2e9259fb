import { createServer } from 'node:net'
import { once } from 'node:events'
import { codeOf } from './start-error.ts'

/** freePort returns a TCP port of 127.0.0.1 that nothing listens on now. Another process may take it: be ready to retry. */
export async function freePort(): Promise<number> {
  const server = createServer().listen({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}

/**
 * portFault says in one sentence why the server could not listen on `port`, or returns null when it could. Without `host`
 * all addresses are tried, as `listen(port)` does.
 */
export async function portFault(port: number, host?: string): Promise<string | null> {
  const server = createServer()
  try {
    server.listen({ port, ...(host === undefined ? {} : { host }) })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return null
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EADDRINUSE') return `Port ${port} is already in use: stop what listens there, or set PORT to a free one.`
    if (code === 'EACCES') return `Port ${port} needs more rights than this user has: set PORT to 1024 or higher.`
    return `Cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}.`
  }
}
