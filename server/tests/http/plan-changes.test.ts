import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { createApp } from '../../src/app.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'
import { bearer } from './test-app.ts'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

const CHANGE = '/api/billing/plan-change'
const SUBSCRIPTION = '/api/billing/subscription'

async function makeChatbots(user: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let number = 1; number <= count; number += 1) {
    const { body } = await server.as(user)('post', '/api/chatbots', { name: `bot ${number}` })
    ids.push(body.chatbotId)
  }
  return ids
}

async function operationsOf(user: string): Promise<{ kind: string; status: string }[]> {
  const client = await server.database.connect()
  const { rows } = await client.query('select kind, status from app.processor_operations where account_id = $1 order by created_at', [user])
  return rows
}

describe.each(['stripe', 'paddle', 'razorpay'] as const)('at %s', (processor) => {
  test('an upgrade is in force when it is answered, and charged once however often it is asked for', async () => {
    const user = `user_up_${processor}`
    const ask = server.as(user)
    await server.subscribe(user, { plan: 'starter', processor })
    const preview = await ask('post', `${CHANGE}/preview`, { plan: 'growth', interval: 'month' })
    expect(preview.status).toBe(200)
    expect(preview.body).toMatchObject({
      outcome: 'possible',
      direction: 'upgrade',
      takesEffect: 'now',
      price: { from: { amountMinor: 1900, currency: 'USD' }, to: { amountMinor: 7900, currency: 'USD' } },
      losses: [],
      blockers: []
    })
    expect(preview.body.gains).toContainEqual({ metric: 'chatbots', title: 'Chatbots', unit: 'chatbot', quotaNow: 3, quotaThen: 10 })
    // What is left of the month that was just paid is nearly all of it.
    if (processor === 'razorpay') expect(preview.body.dueNow).toBeNull()
    else expect(preview.body.dueNow).toEqual({ amountMinor: expect.any(Number), currency: 'USD', estimated: true })
    if (processor !== 'razorpay') expect(Math.abs(preview.body.dueNow.amountMinor - 6000)).toBeLessThan(5)

    const changed = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
    expect([changed.status, changed.body.plan, changed.body.status]).toEqual([200, 'growth', 'active'])
    expect((await ask('get', SUBSCRIPTION)).body).toEqual(changed.body)
    await server.deliver()
    expect((await ask('get', SUBSCRIPTION)).body).toEqual(changed.body)
    const again = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
    expect([again.status, again.body.code]).toEqual([409, 'already_on_plan'])
    expect(await operationsOf(user)).toEqual([{ kind: 'change_now', status: 'done' }])
  })

  test('a declined upgrade changes nothing, and says what to do', async () => {
    const user = `user_declined_${processor}`
    const ask = server.as(user)
    await server.subscribe(user, { plan: 'starter', processor })
    const before = (await ask('get', SUBSCRIPTION)).body
    server.twin.dialect(processor).control.setCard(before.subscriptionId, 'declined')
    const declined = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
    expect([declined.status, declined.body.code]).toEqual([402, 'payment_declined'])
    expect(declined.body.detail).toMatch(/The plan stays as it was\.$/)
    expect(declined.body.resolutions).toEqual([{ action: 'portal' }])
    expect((await ask('get', SUBSCRIPTION)).body).toEqual(before)
    expect(await operationsOf(user)).toEqual([{ kind: 'change_now', status: 'refused' }])
  })

  test('a downgrade that does not fit is blocked; one that fits is scheduled, caps levels, and can be taken back', async () => {
    const user = `user_down_${processor}`
    const ask = server.as(user)
    await server.subscribe(user, { plan: 'enterprise', processor })
    const ids = await makeChatbots(user, 5)
    const blocked = await ask('post', CHANGE, { plan: 'starter', interval: 'month' })
    expect([blocked.status, blocked.body.code, blocked.body.detail]).toEqual([400, 'downgrade_blocked', 'Please delete 2 chatbot(s) before downgrading'])
    const preview = await ask('post', `${CHANGE}/preview`, { plan: 'starter', interval: 'month' })
    expect(preview.body).toMatchObject({ outcome: 'blocked', direction: 'downgrade', takesEffect: 'period_end', dueNow: { amountMinor: 0, estimated: false } })
    expect(preview.body.losses).toContainEqual({ metric: 'chatbots', title: 'Chatbots', unit: 'chatbot', quotaNow: null, quotaThen: 3 })
    expect(preview.body.blockers[0].candidates.map(({ id }: { id: string }) => id)).toEqual([...ids].reverse())
    for (const id of ids.slice(0, 3)) await ask('delete', `/api/chatbots/${id}`)

    const scheduled = await ask('post', CHANGE, { plan: 'starter', interval: 'month' })
    expect([scheduled.status, scheduled.body.plan]).toEqual([200, 'enterprise'])
    expect(scheduled.body.change).toEqual({ plan: 'starter', interval: 'month', direction: 'downgrade', effectiveAt: scheduled.body.periodEnd })
    expect((await ask('post', '/api/chatbots', { name: 'third' })).status).toBe(201)
    const refused = await ask('post', '/api/chatbots', { name: 'fourth' })
    expect(refused.body.detail).toMatch(/The change to the starter plan on .* holds you to its limit already/)
    expect(refused.body.resolutions.map(({ action }: { action: string }) => action)).toEqual(['undo_change', 'delete'])
    expect([refused.status, refused.body.code]).toEqual([402, 'quota_exceeded'])
    const second = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
    expect([second.status, second.body.code, second.body.resolutions]).toEqual([409, 'change_pending', [{ action: 'undo_change' }]])

    const undone = await ask('delete', CHANGE)
    expect([undone.status, undone.body.change]).toEqual([200, null])
    expect((await ask('post', '/api/chatbots', { name: 'fourth' })).status).toBe(201)
    expect((await ask('delete', CHANGE)).body.change).toBeNull()
  })
})

test('a repeated request with the same key is answered alike, and one with another plan is refused', async () => {
  const user = 'user_key'
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'starter' })
  const send = async (plan: string) =>
    request(server.app).post(CHANGE).set(await bearer(user)).set('Idempotency-Key', 'once').send({ plan, interval: 'month' })
  const first = await send('growth')
  const second = await send('growth')
  expect([first.status, second.status, second.headers['idempotent-replayed']]).toEqual([200, 200, 'true'])
  expect(second.body).toEqual(first.body)
  expect(await operationsOf(user)).toHaveLength(1)
  const other = await send('enterprise')
  expect([other.status, other.body.code]).toEqual([422, 'request_id_reused'])
  expect((await ask('get', SUBSCRIPTION)).body.plan).toBe('growth')
})

test('a repeated request that the processor refused is refused again with its reason, and not asked for again', async () => {
  const user = 'user_refused_key'
  await server.subscribe(user, { plan: 'starter' })
  const { body } = await server.as(user)('get', SUBSCRIPTION)
  server.twin.dialect('stripe').control.setCard(body.subscriptionId, 'declined')
  const send = async () => request(server.app).post(CHANGE).set(await bearer(user)).set('Idempotency-Key', 'once').send({ plan: 'growth', interval: 'month' })
  expect((await send()).status).toBe(402)
  const [{ last_error: reason }] = (await (await server.database.connect()).query('select last_error from app.processor_operations where account_id = $1', [user])).rows
  // The card is good now; the answer to that request is what it was.
  server.twin.dialect('stripe').control.setCard(body.subscriptionId, 'good')
  const again = await send()
  expect([again.status, again.body.code, again.headers['x-should-retry']]).toEqual([409, 'change_refused', 'false'])
  expect(again.body.detail).toBe(`${reason} Nothing has changed. To try again, use a new Idempotency-Key.`)
  expect(await operationsOf(user)).toEqual([{ kind: 'change_now', status: 'refused' }])
})

test('a repeated request that is still under way is answered so, and the operation stays as it is', async () => {
  const user = 'user_lost_key'
  await server.subscribe(user, { plan: 'starter' })
  const send = async () => request(server.app).post(CHANGE).set(await bearer(user)).set('Idempotency-Key', 'once').send({ plan: 'growth', interval: 'month' })
  server.twin.faults.stripe.loseAnswers = 1
  const lost = await send().finally(() => {
    server.twin.faults.stripe.loseAnswers = 0
  })
  const client = await server.database.connect()
  const stored = async () => (await client.query('select * from app.processor_operations where account_id = $1', [user])).rows
  const before = await stored()
  const again = await send()
  expect([lost.status, again.status, again.headers['idempotent-replayed'], again.body.operation]).toEqual([202, 202, 'true', { kind: 'change_now', status: 'pending' }])
  expect(await stored()).toEqual(before)
})

test.each(['stripe', 'paddle', 'razorpay'] as const)('an upgrade during a trial of %s comes at its end and charges nothing before', async (processor) => {
  const user = `user_trial_up_${processor}`
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'growth', processor })
  const preview = await ask('post', `${CHANGE}/preview`, { plan: 'enterprise', interval: 'month' })
  expect(preview.body).toMatchObject({ outcome: 'possible', direction: 'upgrade', takesEffect: 'period_end', dueNow: { amountMinor: 0, estimated: false } })
  const scheduled = await ask('post', CHANGE, { plan: 'enterprise', interval: 'month' })
  expect([scheduled.status, scheduled.body.plan, scheduled.body.status]).toEqual([200, 'growth', 'trialing'])
  expect(scheduled.body.change).toEqual({ plan: 'enterprise', interval: 'month', direction: 'upgrade', effectiveAt: preview.body.effectiveAt })
  expect((await ask('delete', CHANGE)).body.change).toBeNull()
})

test('a subscription whose payment was taken back cannot change its plan, and is told the two ways out', async () => {
  const user = 'user_disputed'
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'starter' })
  const { body } = await ask('get', SUBSCRIPTION)
  server.twin.dialect('stripe').control.dispute(body.subscriptionId)
  await server.deliver()
  // Deliveries come in any order: a dispute that is there before its payment is known waits for the job.
  await server.parts.runJobsOnce()
  expect((await ask('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'free', suspendedBy: 'dispute' })
  expect((await ask('post', `${CHANGE}/preview`, { plan: 'growth', interval: 'month' })).body.outcome).toBe('suspended')
  const refused = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
  expect([refused.status, refused.body.code]).toEqual([409, 'subscription_suspended'])
  expect(refused.body.detail).toMatch(/Settle the dispute with the bank, or cancel now and subscribe anew\.$/)
  expect(refused.body.resolutions).toEqual([{ action: 'cancel' }, { action: 'checkout' }])
  expect((await ask('post', '/api/billing/cancel', { when: 'now' })).body.status).toBe('canceled')
})

describe('with a key that the processor does not take any more', () => {
  function withKey(processor: 'stripe' | 'paddle') {
    const options = { webhookSecrets: [], apiKey: `${processor === 'stripe' ? 'sk_test' : 'pdl_sdbx'}_rotated`, apiUrl: server.twin.urls[processor] }
    const rotated = processor === 'stripe' ? createStripe(options) : createPaddle({ ...options, environment: 'sandbox' })
    return createApp({ ...server.parts, processors: [rotated] })
  }

  test.each(['stripe', 'paddle'] as const)('%s: a purchase is to be tried again, and nobody is told of keys', async (processor) => {
    const user = `user_key_buys_${processor}`
    const buy = { plan: 'starter', interval: 'month', processor }
    const answer = await request(withKey(processor)).post('/api/billing/checkout').set(await bearer(user)).send(buy)
    expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'processor_unavailable', '5'])
    expect(answer.text).not.toMatch(/key|permission/i)
  })

  test.each(['stripe', 'paddle'] as const)('%s: what a customer asked for is kept, and done when the key is right again', async (processor) => {
    const user = `user_key_changes_${processor}`
    await server.subscribe(user, { plan: 'starter', processor })
    const answer = await request(withKey(processor)).post(CHANGE).set(await bearer(user)).send({ plan: 'growth', interval: 'month' })
    expect([answer.status, answer.body.operation]).toEqual([202, { kind: 'change_now', status: 'pending' }])
    expect(answer.text).not.toMatch(/\bkey\b|permission/i)
    const client = await server.database.connect()
    await client.query('update app.processor_operations set next_attempt_at = app.clock() where account_id = $1', [user])
    await server.parts.runJobsOnce()
    expect((await server.as(user)('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'growth', operation: null })
  })
})

test('an upgrade whose answer is lost is pending, never failed, and the job finds out with the same key', async () => {
  const user = 'user_lost'
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'starter' })
  server.twin.faults.stripe.loseAnswers = 1
  try {
    const lost = await ask('post', CHANGE, { plan: 'growth', interval: 'month' })
    expect([lost.status, lost.body.plan, lost.body.operation]).toEqual([202, 'starter', { kind: 'change_now', status: 'pending' }])
    const busy = await ask('post', CHANGE, { plan: 'enterprise', interval: 'month' })
    expect([busy.status, busy.body.code, busy.headers['retry-after']]).toEqual([409, 'change_in_progress', '5'])
  } finally {
    server.twin.faults.stripe.loseAnswers = 0
  }
  const client = await server.database.connect()
  await client.query(`update app.processor_operations set next_attempt_at = app.clock() where account_id = $1`, [user])
  await server.parts.runJobsOnce()
  expect((await ask('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'growth', operation: null })
  expect(await operationsOf(user)).toEqual([{ kind: 'change_now', status: 'done' }])
})

test('without a subscription the way leads to the checkout', async () => {
  const ask = server.as('user_without')
  for (const [method, path, body] of [
    ['post', 'plan-change', { plan: 'growth', interval: 'month' }],
    ['post', 'cancel', { when: 'now' }],
    ['post', 'resume', undefined],
    ['post', 'pause', undefined],
    ['post', 'portal', undefined]
  ] as const) {
    const answer = await ask(method, `/api/billing/${path}`, body)
    expect([path, answer.status, answer.body.code, answer.body.resolutions]).toEqual([path, 409, 'no_subscription', [{ action: 'checkout' }]])
  }
  const preview = await ask('post', `${CHANGE}/preview`, { plan: 'growth', interval: 'month' })
  expect([preview.status, preview.body.outcome, preview.body.dueNow]).toEqual([200, 'no_subscription', null])
})

test('the plans say what they cost, what a year saves, and how they stand to the present one', async () => {
  await server.subscribe('user_plans', { plan: 'starter' })
  const { body } = await server.as('user_plans')('get', '/api/billing/plans')
  const told = body.data.map(({ plan, current, direction, yearlySavingPercent, trialDays, prices }: Record<string, unknown>) => ({ plan, current, direction, yearlySavingPercent, trialDays, prices }))
  expect(told).toEqual([
    { plan: 'free', current: false, direction: 'downgrade', yearlySavingPercent: null, trialDays: 0, prices: { month: null, year: null } },
    { plan: 'starter', current: true, direction: null, yearlySavingPercent: 15, trialDays: 0, prices: { month: price(1900), year: price(19_380) } },
    { plan: 'growth', current: false, direction: 'upgrade', yearlySavingPercent: 15, trialDays: 14, prices: { month: price(7900), year: price(80_580) } },
    { plan: 'enterprise', current: false, direction: 'upgrade', yearlySavingPercent: 15, trialDays: 0, prices: { month: price(39_900), year: price(406_980) } }
  ])
  expect(body.data[1].quotas).toContainEqual({ metric: 'chatbots', title: 'Chatbots', unit: 'chatbot', kind: 'gauge', quota: 3 })
})

function price(amountMinor: number): object {
  return { amountMinor, currency: 'USD', version: 1 }
}
