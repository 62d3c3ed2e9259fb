import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { pino } from 'pino'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { JSON_LIMIT_BYTES, jsonBody } from '../../src/http/json-body.ts'
import { isPlainJson } from '../../src/http/plain-json.ts'
import { problemHandler } from '../../src/http/problem-handler.ts'
import { logRequests } from '../../src/http/request-log.ts'

const failures: string[] = []
const app = express()
let server: Server

beforeAll(async () => {
  app.use(logRequests(app, pino({ level: 'silent' })), ...jsonBody())
  app.post('/', (req, res) => {
    res.json({ body: req.body })
  })
  app.post('/slow', () => {})
  app.use(((error, _req, _res, next) => {
    failures.push(String(error))
    next(error)
  }) satisfies express.ErrorRequestHandler)
  app.use(problemHandler)
  server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function send(type: string, body: string | Buffer) {
  const answer = await request(server).post('/').set({ 'Content-Type': type, 'X-Request-Id': 'same' }).serialize((value) => value).send(body)
  return { status: answer.status, body: answer.body }
}

describe('a plain body is read as express.json reads it', () => {
  test.each<[string, string | Buffer]>([
    ['an object', '{"a":{"b":[1,"ü",null]}}'],
    ['a list', '\r\n\t [1]'],
    ['a mark of the byte order', '\uFEFF{"a":1}'],
    ['a member of every object', '{"__proto__":{"a":1},"constructor":2}'],
    ['what is no UTF-8', Buffer.from([0x7b, 0x22, 0x61, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a value twice', '{"a":1,"a":2}'],
    ['null', 'null'], ['a number', '12'], ['a text', '"a"'], ['a word', 'nul'], ['spaces', ' \n '],
    ['what ends too early', '{"a":'], ['a comma too many', '{"a":1,}'], ['something after it', '{"a":1} x'],
    ['the greatest body', `"${'x'.repeat(JSON_LIMIT_BYTES - 2)}"`],
    ['one that is too large', `["${'x'.repeat(JSON_LIMIT_BYTES)}"]`]
  ])('%s', async (_what, body) => {
    const [plain, other] = [await send('application/json', body), await send('application/json; charset="utf-8"', body)]
    expect(plain).toEqual(other)
  })
})

test.each([
  ['application/json', {}, true], ['Application/JSON; charset=UTF-8', {}, true],
  ['text/plain', {}, false], ['application/json; charset=utf-16', {}, false], ['application/problem+json', {}, false],
  ['application/json', { 'content-encoding': 'gzip' }, false], ['application/json', { 'content-length': '0' }, false],
  ['application/json', { 'content-length': String(JSON_LIMIT_BYTES + 1) }, false], ['application/json', { 'content-length': undefined }, false]
])('of %s with %j isPlainJson says %s', (type, more, plain) => {
  const headers = { 'content-type': type, 'content-length': '5', ...more }
  expect(isPlainJson({ headers, readableEnded: false }, JSON_LIMIT_BYTES)).toBe(plain)
  expect(isPlainJson({ headers, readableEnded: true }, JSON_LIMIT_BYTES)).toBe(false)
})

describe('a connection that breaks', () => {
  const begin = async (path: string, body: string) => {
    failures.length = 0
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [connection] = await once(server, 'connection')
    const closed = new Promise((resolve) => connection.once('close', resolve))
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n${body}`)
    await once(server, 'request')
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.destroy()
    await closed
    await new Promise(setImmediate)
    return failures
  }

  test('within the body fails the request once', async () => {
    expect(await begin('/', '{"')).toEqual(['Problem: The body did not arrive whole.'])
  })

  test('after the body fails nothing', async () => {
    expect(await begin('/slow', '{ } ')).toEqual([])
  })
})
