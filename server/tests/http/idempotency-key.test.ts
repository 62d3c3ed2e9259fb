import { describe, expect, test } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { idempotencyKeyOf } from '../../src/http/idempotency-key.ts'
import { problemHandler } from '../../src/http/problem-handler.ts'
import { logRequests } from '../../src/http/request-log.ts'
import { pino } from 'pino'

const app = express()
app.use(logRequests(app, pino({ level: 'silent' })))
app.get('/', (req, res) => {
  res.json({ key: idempotencyKeyOf(req) })
})
app.use(problemHandler)

const keyOf = (header: string) => request(app).get('/').set('Idempotency-Key', header)

describe('idempotencyKeyOf', () => {
  test.each([
    ['bare', 'abc-1', 'abc-1'],
    ['quoted, as the draft has it', '"abc-1"', 'abc-1'],
    ['with escapes', '"a\\"b\\\\c"', 'a"b\\c'],
    ['of 255 characters', 'x'.repeat(255), 'x'.repeat(255)]
  ])('reads a key %s', async (_what, header, key) => {
    expect((await keyOf(header)).body).toEqual({ key })
  })

  test('is null without the header', async () => {
    expect((await request(app).get('/')).body).toEqual({ key: null })
  })

  test.each([
    ['an empty key', ''],
    ['a quoted empty key', '""'],
    ['a key of 256 characters', 'x'.repeat(256)],
    ['a key that is not ASCII', 'k\u00e4se'],
    ['a key with a tab', 'a\tb']
  ])('refuses %s', async (_what, header) => {
    const answer = await keyOf(header)
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })
})
