import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import express from 'express'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { problemSchema } from '../../src/contract/problem.ts'
import { logRequests } from '../../src/http/request-log.ts'
import { serve } from '../../src/http/serve.ts'

const lines: Record<string, unknown>[] = []
let server: Server

beforeAll(async () => {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    }
  })
  const app = express()
  app.use(logRequests(app, pino({ base: null }, sink)))
  app.get('/id', (req, res) => res.json(req.id))
  app.post('/half', (_req, res) => {
    res.setHeader('Content-Length', 1000)
    res.write('half')
  })
  app.post('/never', () => {})
  server = (await serve(app, { host: '127.0.0.1', port: 0 })).server
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

function open(): Socket {
  const { port } = server.address() as AddressInfo
  return connect(port, '127.0.0.1')
}

function read(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const [statusLine = '', ...headers] = head.split('\r\n')
  return { statusLine, headers, problem: problemSchema.parse(JSON.parse(body)) }
}

const TOO_LARGE = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(200_000)}\r\n\r\n`

test.each([
  ['headers that are too large', TOO_LARGE, '431 Request Header Fields Too Large', 'HPE_HEADER_OVERFLOW'],
  ['what is no HTTP', 'hello\r\n\r\n', '400 Bad Request', 'HPE_INVALID_METHOD'],
  ['two lengths of one body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', '400 Bad Request', expect.any(String)],
  ['a chunk without a length', 'POST /never HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n', '400 Bad Request', expect.any(String)]
])('%s is answered with a problem, and the connection ends', async (_what, request, status, code) => {
  const socket = open()
  socket.write(request)
  const { statusLine, headers, problem } = read(await text(socket))
  expect(statusLine).toBe(`HTTP/1.1 ${status}`)
  expect(headers).toEqual(expect.arrayContaining(['Content-Type: application/problem+json; charset=utf-8', 'Connection: close', `X-Request-Id: ${problem.requestId}`]))
  expect(problem).toMatchObject({ code: 'invalid_request', status: Number(status.slice(0, 3)), detail: expect.stringMatching(/\.$/) })
  expect(lines.filter(({ reqId }) => reqId === problem.requestId)).toMatchObject([{ code, res: { status: problem.status } }])
})

test('a request that comes too slowly is answered with 408', async () => {
  const socket = open()
  const [connection] = await once(server, 'connection')
  server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), connection)
  const { statusLine, problem } = read(await text(socket))
  expect([statusLine, problem.status]).toEqual(['HTTP/1.1 408 Request Timeout', 408])
})

test('a second request of a connection is refused as the first would be', async () => {
  const socket = open()
  socket.write('GET /id HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'readable')
  socket.write('hello\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 OK[^]*HTTP\/1.1 400 Bad Request[^]*"code":"invalid_request"/)
})

test('nothing is put into an answer that is under way: the connection breaks', async () => {
  const socket = open()
  socket.write('POST /half HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  await once(socket, 'readable')
  socket.write('no\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1.1 200 OK[^]*\r\n\r\nhalf$/)
})

test('a connection that is gone is let go, whatever it brought', async () => {
  const destroyed = new Socket().destroy()
  for (const code of ['ECONNRESET', 'HPE_HEADER_OVERFLOW', undefined]) {
    expect(() => server.emit('clientError', Object.assign(new Error('gone'), { code }), destroyed)).not.toThrow()
  }
  const socket = open()
  const [connection] = await once(server, 'connection')
  server.emit('clientError', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), connection)
  expect(await text(socket)).toBe('')
})

test('a caller who does not close is closed upon', async () => {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [connection] = await once(server, 'connection')
  socket.write(TOO_LARGE)
  socket.resume()
  socket.on('error', () => {})
  await once(connection, 'close')
  expect(connection.destroyed).toBe(true)
  socket.destroy()
})
