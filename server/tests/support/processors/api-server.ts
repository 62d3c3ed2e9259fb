import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** ApiRequest is what an SDK sent: enough to check that the right thing was asked for, with the right credentials. */
export type ApiRequest = { method: string; path: string; headers: IncomingMessage['headers'] }

/** ApiAnswer is sent as JSON. `silent` takes the request and never answers. */
export type ApiAnswer = { status: number; body: unknown } | 'silent'

/**
 * startApi runs a processor's API on a free local port, for unmodified SDKs to talk to. `answer` decides each request;
 * what it does not know must be answered as the processor would.
 */
export async function startApi(answer: (request: ApiRequest) => ApiAnswer) {
  const requests: ApiRequest[] = []
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const request = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers }
    requests.push(request)
    const given = answer(request)
    if (given === 'silent') return
    outgoing.writeHead(given.status, { 'content-type': 'application/json', 'request-id': 'req_parley' })
    outgoing.end(JSON.stringify(given.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
