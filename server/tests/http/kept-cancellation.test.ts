import { beforeAll, expect, test } from '@jest/globals'
import request from 'supertest'
import { type BillingApp, startBillingApp } from './billing-app.ts'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

const CHANGE = '/api/billing/plan-change'
const HOUR_MS = 3_600_000

test('a cancellation that Parley would have to keep waits until a scheduled change is undone', async () => {
  const ask = server.as('user_pending')
  await server.subscribe('user_pending', { plan: 'enterprise', processor: 'razorpay' })
  expect((await ask('post', CHANGE, { plan: 'starter', interval: 'month' })).body.change.plan).toBe('starter')
  const refused = await ask('post', '/api/billing/cancel', { when: 'period_end' })
  expect([refused.status, refused.body.code, refused.body.resolutions]).toEqual([409, 'change_pending', [{ action: 'undo_change' }]])
  await ask('delete', CHANGE)
  expect((await ask('post', '/api/billing/cancel', { when: 'period_end' })).status).toBe(200)
})

test('a cancellation that the processor was told of is not taken back, neither by resuming nor by undoing', async () => {
  const ask = server.as('user_too_late')
  await server.subscribe('user_too_late', { plan: 'starter', processor: 'razorpay' })
  const { body: planned } = await ask('post', '/api/billing/cancel', { when: 'period_end' })
  const to = new Date(Date.parse(planned.periodEnd) - 2 * HOUR_MS).toISOString()
  expect((await request(server.app).post('/sandbox/clock').send({ to })).status).toBe(200)
  for (const answer of [await ask('post', '/api/billing/resume'), await ask('delete', CHANGE)]) {
    expect([answer.status, answer.body.code, answer.body.resolutions]).toEqual([409, 'change_too_late', [{ action: 'wait' }, { action: 'checkout' }]])
  }
  expect((await ask('get', '/api/billing/subscription')).body).toMatchObject({ plan: 'starter', cancelsAt: planned.periodEnd })
}, 60_000)
