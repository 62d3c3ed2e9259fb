import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { closeAfterTests } from '../../support/database.ts'

/** Received is one webhook request as it arrived. */
export type Received = { path: string; headers: IncomingHttpHeaders; body: string }

/**
 * Receiver stands where Parley would: it keeps what arrives, in order, and answers with `answer` (a status, or null to break
 * the connection), 200 at first.
 */
export type Receiver = { url: string; received: Received[]; answer: (request: Received) => number | null; bodies(): string[]; take(): string[] }

/** startReceiver listens on a free port; it is closed after the tests of the file. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (text: string) => (body += text))
    req.on('end', () => {
      const request = { path: req.url ?? '', headers: req.headers, body }
      received.push(request)
      const status = receiver.answer(request)
      if (status === null) req.socket.destroy()
      else res.writeHead(status).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfterTests(async () => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const receiver: Receiver = {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    received,
    answer: () => 200,
    bodies: () => received.map(({ body }) => body),
    take: () => received.splice(0).map(({ body }) => body)
  }
  return receiver
}
