import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { addMonths, targetOf } from '../../src/sandbox/clock-move.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'
import { startTestApp } from './test-app.ts'

const CLOCK = '/sandbox/clock'
const SUBSCRIPTION = '/api/billing/subscription'
const DAY_MS = 86_400_000

describe('targetOf', () => {
  test('goes by months of the calendar in UTC, to the last day of shorter ones', () => {
    const from = Date.UTC(2027, 0, 31, 23, 30)
    const to = (advance: string) => new Date(targetOf({ advance }, from) ?? 0).toISOString()
    expect(to('1 month')).toBe('2027-02-28T23:30:00.000Z')
    expect(to('2 months')).toBe('2027-03-31T23:30:00.000Z')
    expect(to('13 months')).toBe('2028-02-29T23:30:00.000Z')
    expect(to('1 year')).toBe('2028-01-31T23:30:00.000Z')
    expect(to('14 days')).toBe('2027-02-14T23:30:00.000Z')
    expect(to('2 hours')).toBe('2027-02-01T01:30:00.000Z')
    expect(targetOf({ advance: '999999999 years' }, from)).toBeNull()
    expect(addMonths(Date.UTC(2026, 11, 5), 1)).toBe(Date.UTC(2027, 0, 5))
  })
})

describe('the clock of a sandbox', () => {
  let server: BillingApp
  beforeAll(async () => {
    server = await startBillingApp()
  })
  const move = (body: object) => request(server.app).post(CLOCK).send(body)

  test('lets a trial, a renewal and a scheduled downgrade of every processor pass in their order', async () => {
    for (const processor of ['stripe', 'paddle', 'razorpay'] as const) {
      await server.subscribe(`user_trial_${processor}`, { plan: 'growth', processor })
      await server.subscribe(`user_down_${processor}`, { plan: 'growth', interval: 'month', processor: processor === 'stripe' ? 'stripe' : processor })
      expect((await server.as(`user_trial_${processor}`)('get', SUBSCRIPTION)).body.status).toBe('trialing')
    }
    const moved = await move({ advance: '15 days' })
    expect(moved.status).toBe(200)
    expect(Date.parse(moved.body.now) - Date.parse(moved.body.before)).toBeGreaterThanOrEqual(15 * DAY_MS)
    expect(Math.abs(server.twin.nowMs() - Date.parse(moved.body.now))).toBeLessThan(60_000)
    const before: Record<string, { periodEnd: string }> = {}
    for (const processor of ['stripe', 'paddle', 'razorpay'] as const) {
      expect([processor, (await server.as(`user_trial_${processor}`)('get', SUBSCRIPTION)).body]).toMatchObject([processor, { status: 'active', plan: 'growth' }])
      const down = await server.as(`user_down_${processor}`)('post', '/api/billing/plan-change', { plan: 'starter', interval: 'month' })
      expect([processor, down.status, down.body.change?.plan]).toEqual([processor, 200, 'starter'])
      before[processor] = down.body
    }
    expect((await move({ advance: '1 month' })).status).toBe(200)
    for (const processor of ['stripe', 'paddle', 'razorpay'] as const) {
      const trial = (await server.as(`user_trial_${processor}`)('get', SUBSCRIPTION)).body
      expect([processor, trial.plan, trial.status]).toEqual([processor, 'growth', 'active'])
      expect([processor, Date.parse(trial.periodStart)]).toEqual([processor, Date.parse(before[processor]?.periodEnd ?? '')])
      const down = (await server.as(`user_down_${processor}`)('get', SUBSCRIPTION)).body
      expect([processor, down.plan, down.status, down.change, down.price]).toEqual([processor, 'starter', 'active', null, { amountMinor: 1900, currency: 'USD' }])
    }
    const client = await server.database.connect()
    // Paddle is told in the hours before the period ends, and not afterwards, when the larger plan would be paid already.
    const told = await client.query(`select kind, status from app.processor_operations where account_id = 'user_down_paddle'`)
    expect(told.rows).toEqual([{ kind: 'change_at_period_end', status: 'done' }])
    const { rows } = await client.query(`select status, last_error from app.webhook_events where status in ('failed', 'dead')`)
    expect(rows).toEqual([])
  }, 60_000)

  test('is not held up by what stays due, and still stops for everything else', async () => {
    const client = await server.database.connect()
    await client.query(`select api.record_billing_event(null, 'stripe', 'evt_stuck', 'invoice.paid', 'payment', app.clock(), 1, null, 'sub_nobody', null, 'paid', '{}', '{}', '{}', null, null, null, '{}')`)
    // It can never be read, and is taken up again every minute.
    let turns = 0
    const { runJobsOnce } = server.parts
    server.parts.runJobsOnce = () => {
      turns += 1
      return runJobsOnce()
    }
    const moved = await move({ advance: '3 days' })
    server.parts.runJobsOnce = runJobsOnce
    expect(turns).toBeLessThan(200)
    expect([moved.status, Date.parse(moved.body.now) - Date.parse(moved.body.before) >= 3 * DAY_MS]).toEqual([200, true])
  }, 60_000)

  test('goes neither back nor further than five years, and takes no other words', async () => {
    const { body } = await request(server.app).get(CLOCK)
    expect(body).toEqual({ now: expect.any(String) })
    for (const bad of [{ to: '2020-01-01T00:00:00Z' }, { advance: '6 years' }, { advance: '999999999 years' }, { advance: 'a month' }, { advance: '0 days' }, { to: 'tomorrow' }, {}, { advance: '1 day', to: body.now }]) {
      const answer = await move(bad)
      expect([bad, answer.status, answer.body.code]).toEqual([bad, 400, 'invalid_request'])
    }
    const foreign = await request(server.app).post(CLOCK).set('Origin', 'https://evil.example').send({ advance: '1 day' })
    expect([foreign.status, foreign.body.code]).toEqual([403, 'forbidden'])
  })
})

test('elsewhere the clock is as if it were not there', async () => {
  const plain = await startTestApp()
  for (const answer of [await request(plain.app).get(CLOCK), await request(plain.app).post(CLOCK).send({ advance: '1 day' })]) {
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
  }
  const production = await startBillingApp()
  const client = await production.database.connect()
  await client.query(`update app.environment set kind = 'production'`)
  expect((await request(production.app).post(CLOCK).send({ advance: '1 day' })).status).toBe(404)
})
