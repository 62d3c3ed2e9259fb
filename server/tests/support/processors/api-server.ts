import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** ApiRequest is what an SDK sent: enough to check that the right thing was asked for, with the right credentials and key. */
export type ApiRequest = { method: string; path: string; headers: IncomingMessage['headers']; body: string }

/**
 * ApiAnswer is sent as JSON. `silent` takes the request and never answers; `lost` takes it and closes the connection, as
 * when the answer gets lost on its way.
 */
export type ApiAnswer = { status: number; body: unknown; headers?: Record<string, string> } | 'silent' | 'lost'

/**
 * startApi runs a processor's API on a free local port, for unmodified SDKs to talk to. `answer` decides each request;
 * what it does not know must be answered as the processor would.
 */
export async function startApi(answer: (request: ApiRequest) => ApiAnswer) {
  const requests: ApiRequest[] = []
  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = incoming
    const request = { method, path, headers, body: await text(incoming) }
    requests.push(request)
    const given = answer(request)
    if (given === 'silent') return
    if (given === 'lost') {
      incoming.socket.destroy()
      return
    }
    outgoing.writeHead(given.status, { 'content-type': 'application/json', 'request-id': 'req_parley', ...given.headers })
    outgoing.end(JSON.stringify(given.body))
  }
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))))
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
