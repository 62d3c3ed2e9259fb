import { beforeAll, describe, expect, test } from '@jest/globals'
import request, { type Response } from 'supertest'
import { startTestApp, tokenFor, type TestApp } from './test-app.ts'

let testApp: TestApp
beforeAll(async () => {
  testApp = await startTestApp()
})

async function charge(accountId: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return request(testApp.app)
    .post('/api/usage')
    .set({ Authorization: `Bearer ${await tokenFor(accountId)}`, 'Content-Type': 'application/json', ...headers })
    .send(JSON.stringify(body))
}

describe('POST /api/usage', () => {
  test('takes an amount, one when none is said, and tells how the metric stands', async () => {
    const first = await charge('user_first', { metric: 'messages', amount: 40 })
    expect(first.status).toBe(200)
    expect(first.body).toEqual({
      metric: 'messages', amount: 40, plan: 'free', used: 40, quota: 100, remaining: 60, resetsAt: expect.stringMatching(/Z$/)
    })
    expect((await charge('user_first', { metric: 'messages' })).body).toMatchObject({ amount: 1, used: 41, remaining: 59 })
  })

  test('what does not fit is 402 with how much of how much, and takes nothing', async () => {
    await charge('user_full', { metric: 'messages', amount: 99 })
    const refused = await charge('user_full', { metric: 'messages', amount: 2 })
    expect(refused.status).toBe(402)
    expect(refused.body).toMatchObject({ code: 'quota_exceeded', limit: { metric: 'messages', used: 99, quota: 100, remaining: 1, requested: 2 } })
    expect((await charge('user_full', { metric: 'messages' })).body).toMatchObject({ used: 100 })
  })

  test('the same Idempotency-Key takes once and says so, also of a refusal; with another request it is 422', async () => {
    const key = { 'Idempotency-Key': 'charge-1' }
    expect((await charge('user_again', { metric: 'api_calls', amount: 5 }, key)).headers['idempotent-replayed']).toBeUndefined()
    const again = await charge('user_again', { metric: 'api_calls', amount: 5 }, key)
    expect([again.status, again.body.used, again.headers['idempotent-replayed']]).toEqual([200, 5, 'true'])
    expect((await charge('user_again', { metric: 'api_calls', amount: 6 }, key)).status).toBe(422)
    const refusal = { metric: 'messages', amount: 101 }
    await charge('user_again', refusal, { 'Idempotency-Key': 'charge-2' })
    const refusedAgain = await charge('user_again', refusal, { 'Idempotency-Key': 'charge-2' })
    expect([refusedAgain.status, refusedAgain.headers['idempotent-replayed']]).toEqual([402, 'true'])
    expect((await charge('user_another', { metric: 'api_calls', amount: 6 }, key)).body).toMatchObject({ used: 6 })
  })

  test.each([
    [{}, 'invalid_request'],
    [{ metric: 'messages', amount: 0 }, 'invalid_request'],
    [{ metric: 'messages', amount: 1.5 }, 'invalid_request'],
    [{ metric: 'messages', amount: '1' }, 'invalid_request'],
    [{ metric: 'messages', amount: 1e9 + 1 }, 'invalid_request'],
    [{ metric: `x'; drop table app.counters --` }, 'invalid_request'],
    [{ metric: 'messages', more: true }, 'invalid_request'],
    [{ metric: 'tea' }, 'unknown_metric'],
    [{ metric: 'chatbots' }, 'metric_moves_with_rows']
  ])('%j is 400 %s', async (body, code) => {
    const answer = await charge('user_wrong', body)
    expect([answer.status, answer.body.code]).toEqual([400, code])
  })

  test('fifty at once at 60 of 100, two each: twenty are granted', async () => {
    await charge('user_race', { metric: 'messages', amount: 60 })
    const answers = await Promise.all(Array.from({ length: 50 }, () => charge('user_race', { metric: 'messages', amount: 2 })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(30)
  })
})
