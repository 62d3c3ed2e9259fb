import { connect, type AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import { once } from 'node:events'
import express from 'express'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import request from 'supertest'
import { expect, test } from '@jest/globals'
import { expectAnswer, logRequests, REDACTED, requestIdOf } from '../../src/http/request-log.ts'

function start() {
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    }
  })
  const app = express()
  app.use(logRequests(app, pino({ level: 'debug', base: null, redact: REDACTED }, sink)))
  app.get('/id', (req, res) => {
    req.log.info('said in between')
    res.json(requestIdOf(req))
  })
  app.get(['/livez', '/fails', '/expected'], (req, res) => {
    if (req.path === '/expected') expectAnswer(res)
    res.status(req.path === '/livez' ? 200 : 503).end()
  })
  app.get('/never', () => {})
  return { app, lines }
}

test('a request leaves one line, with its id and without query, headers or body; what is said in between has the id too', async () => {
  const { app, lines } = start()
  const answer = await request(app).get('/id?token=secret-0001').set({ 'X-Request-Id': 'mine-1', Authorization: 'Bearer secret-0002' })
  expect([answer.body, answer.headers['x-request-id']]).toEqual(['mine-1', 'mine-1'])
  expect(lines).toEqual([
    { level: 30, time: expect.any(Number), reqId: 'mine-1', msg: 'said in between' },
    {
      level: 30, time: expect.any(Number), reqId: 'mine-1', req: { method: 'GET', path: '/id', address: expect.stringContaining('127.0.0.1') },
      res: { status: 200 }, responseTime: expect.any(Number), msg: 'GET /id 200'
    }
  ])
})

test.each(['a b', 'x'.repeat(65), '"}', ''])('an id like %j is not taken over', async (id) => {
  const { app } = start()
  const answer = await request(app).get('/id').set('X-Request-Id', id)
  expect(answer.body).toMatch(/^[\da-f-]{36}$/)
  expect(answer.headers['x-request-id']).toBe(answer.body)
})

test('a fault is an error, one that is expected is not, and probes are for debugging', async () => {
  const { app, lines } = start()
  for (const path of ['/fails', '/expected', '/livez']) await request(app).get(path)
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([[50, 'GET /fails 503'], [30, 'GET /expected 503'], [20, 'GET /livez 200']])
})

test('a caller who hangs up before the answer leaves a line all the same', async () => {
  const { app, lines } = start()
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const closed = once(server, 'connection')
  socket.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
  const [connection] = await closed
  const begun = once(server, 'request')
  await begun
  socket.destroy()
  await once(connection, 'close')
  await new Promise(setImmediate)
  server.close()
  expect(lines).toMatchObject([{ req: { method: 'GET', path: '/never' } }])
})
