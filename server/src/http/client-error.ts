import { randomUUID } from 'node:crypto'
import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { ProblemBody } from '../contract/problem.ts'
import { ERRORS } from '../errors.ts'

type Answer = { status: number; detail: string }

const MALFORMED: Answer = { status: 400, detail: 'This is no HTTP/1.1 request.' }
const ANSWERS: ReadonlyMap<unknown, Answer> = new Map([
  ['HPE_HEADER_OVERFLOW', { status: 431, detail: 'The headers of the request are too large: send fewer or shorter ones.' }],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { status: 413, detail: 'The chunk extensions of the body are too large: send none.' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, detail: 'The request did not arrive whole in time: send it again.' }]
])

// Closed at once, a connection that still brings bytes is reset, and its caller may lose the answer.
const LINGER_MS = 1_000

/**
 * answerUnreadable listens to `clientError`: what Node's own parser refuses never reaches the application, and is answered here with
 * a problem like all others, and a line in the log. The connection ends with it.
 */
export function answerUnreadable(log: Logger): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  return (error, socket) => {
    // The rest of what was refused fails as well while the connection is being closed.
    if (socket.writableEnded) return
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswerBegun(socket)) {
      socket.destroy()
      return
    }
    const answer = ANSWERS.get(error.code) ?? MALFORMED
    const requestId = randomUUID()
    log.info({ reqId: requestId, code: error.code, res: { status: answer.status } }, `an unreadable request ${answer.status}`)
    const late = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(late))
    socket.end(textOf(answer, requestId))
  }
}

/** isAnswerBegun: more bytes would become a part of the answer that is under way. Node's own answer asks the same. */
function isAnswerBegun(socket: Duplex): boolean {
  const running: unknown = Reflect.get(socket, '_httpMessage')
  return running instanceof ServerResponse && running.headersSent
}

function textOf({ status, detail }: Answer, requestId: string): string {
  const { title } = ERRORS.invalid_request
  const code = 'invalid_request'
  // Which path was asked for, nobody knows.
  const problem: ProblemBody = { type: `/docs/problems#${code}`, title, status, code, detail, requestId, instance: '' }
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close'
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
