import { Agent, createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { postWebhook, type WebhookAnswer } from '../../../scripts/twin/post-webhook.ts'
import { closeAfterTests } from '../support/database.ts'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
closeAfterTests(async () => agent.destroy())

const post = (port: number, timeoutMs: number, signal = new AbortController().signal): Promise<WebhookAnswer> =>
  postWebhook({ url: `http://127.0.0.1:${port}/`, body: '{}', headers: {}, timeoutMs, agent, signal })

const portOf = (address: unknown): number => Number(Object(address).port)

test('an answer that does not come in time is a failure, and a stop ends the wait', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  closeAfterTests(async () => silent.closeAllConnections())
  closeAfterTests(async () => void silent.close())
  const port = portOf(silent.address())
  expect(await post(port, 30)).toEqual({ status: null, reason: 'no answer within 30 ms' })
  const stopping = new AbortController()
  const waiting = post(port, 60_000, stopping.signal)
  stopping.abort()
  expect(await waiting).toEqual({ status: null, reason: 'the twin was stopped' })
})

test('a kept connection that the receiver has closed is opened again, and nothing counts as a failure', async () => {
  let requests = 0
  // Answers one request per connection and breaks at the second, as a server does whose idle limit passes just then.
  const breaking = createTcpServer((socket) => {
    let seen = 0
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      if (!data.toString().startsWith('POST')) return
      seen += 1
      if (seen > 1) return void socket.resetAndDestroy()
      requests += 1
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
    })
  }).listen(0, '127.0.0.1')
  await once(breaking, 'listening')
  closeAfterTests(async () => void breaking.close())
  const port = portOf(breaking.address())
  expect((await post(port, 5_000)).status).toBe(200)
  expect((await post(port, 5_000)).status).toBe(200)
  expect(requests).toBe(2)
})

test('nobody there is a failure with its reason', async () => {
  expect(await post(1, 5_000)).toEqual({ status: null, reason: expect.stringContaining('ECONNREFUSED') })
})
