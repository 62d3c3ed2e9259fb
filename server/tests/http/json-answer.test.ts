import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { pino } from 'pino'
import request from 'supertest'
import { expect, test } from '@jest/globals'
import { answerJsonPlainly } from '../../src/http/json-answer.ts'
import { logRequests } from '../../src/http/request-log.ts'
import { serve } from '../../src/http/serve.ts'

function createApp(): Express {
  const app = express()
  app.disable('etag')
  app.get('/', (_req, res) => {
    res.status(201).json({ text: 'ü <b>', none: undefined, list: [null] })
  })
  app.get('/typed', (_req, res) => {
    res.type('application/problem+json').json([])
  })
  return app
}

test.each(['/', '/typed'])('res.json answers GET and HEAD of %s as Express does', async (path) => {
  const [plain, ordinary] = [createApp(), createApp()]
  answerJsonPlainly(plain)
  for (const method of ['get', 'head'] as const) {
    const answers = await Promise.all([plain, ordinary].map(async (app) => request(app)[method](path)))
    const [ours, theirs] = answers.map(({ status, headers, body, text }) => {
      const { date: _, ...rest } = headers
      return { status, headers: rest, body, text }
    })
    expect(ours).toEqual(theirs)
  }
})

test('a server that serves makes requests and answers that Express need not change', async () => {
  const app = createApp()
  app.use(logRequests(app, pino({ level: 'silent' })))
  const { server } = await serve(app, { host: '127.0.0.1', port: 0 })
  const made: unknown[] = []
  server.prependListener('request', (req, res) => made.push(Object.getPrototypeOf(req), Object.getPrototypeOf(res)))
  const { port } = server.address() as AddressInfo
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual({ text: 'ü <b>', list: [null] })
  expect([made[0] === app.request, made[1] === app.response]).toEqual([true, true])
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
