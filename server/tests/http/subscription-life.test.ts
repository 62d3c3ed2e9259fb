import { beforeAll, describe, expect, test } from '@jest/globals'
import { type BillingApp, startBillingApp } from './billing-app.ts'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

const SUBSCRIPTION = '/api/billing/subscription'

/** payAtPaddle is the page of a purchase that was given up, and is paid all the same. Its webhooks are not delivered. */
async function payAtPaddle(accountId: string, number: number): Promise<void> {
  const api = server.parts.processors.find(({ name }) => name === 'paddle')?.api
  if (!api) throw new Error('Paddle has calls here.')
  const checkoutId = `00000000-0000-4000-8000-00000000000${number}`
  const expiresAt = new Date(server.parts.nowMs() + 3_600_000).toISOString()
  const pages = { returnUrl: server.url, cancelUrl: server.url, expiresAt }
  const purchase = { accountId, checkoutId, customerId: null, priceId: 'pri_starter_monthly', trialDays: 0, ...pages }
  const { id } = await api.createCheckout(purchase, checkoutId)
  server.twin.dialect('paddle').control.pay(id, 'good')
}

describe.each(['stripe', 'paddle', 'razorpay'] as const)('at %s', (processor) => {
  test('a cancellation is planned for the end of the period, can be taken back, and comes at once where asked', async () => {
    const user = `user_cancel_${processor}`
    const ask = server.as(user)
    await server.subscribe(user, { plan: 'starter', processor })
    const planned = await ask('post', '/api/billing/cancel', { when: 'period_end' })
    expect([planned.status, planned.body.plan, planned.body.status]).toEqual([200, 'starter', 'active'])
    expect(planned.body.cancelsAt).toBe(planned.body.periodEnd)
    const again = await ask('post', '/api/billing/cancel', { when: 'period_end' })
    expect([again.status, again.body.cancelsAt]).toEqual([200, planned.body.cancelsAt])
    const change = await ask('post', '/api/billing/plan-change', { plan: 'growth', interval: 'month' })
    expect([change.status, change.body.code, change.body.resolutions]).toEqual([409, 'cancellation_planned', [{ action: 'resume' }]])

    const resumed = await ask('post', '/api/billing/resume')
    expect([resumed.status, resumed.body.cancelsAt]).toEqual([200, null])
    const ended = await ask('post', '/api/billing/cancel', { when: 'now' })
    expect([ended.status, ended.body.plan, ended.body.status]).toEqual([200, 'free', 'canceled'])
    await server.deliver()
    expect((await ask('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'free', status: 'canceled' })
    expect((await ask('post', '/api/billing/checkout', { plan: 'growth', interval: 'month', processor })).body).toMatchObject({ trialDays: 0 })
  })

  test('a pause takes the plan away and is ended by resuming', async () => {
    const user = `user_pause_${processor}`
    const ask = server.as(user)
    await server.subscribe(user, { plan: 'starter', processor })
    const paused = await ask('post', '/api/billing/pause')
    expect([paused.status, paused.body.plan, paused.body.status]).toEqual([200, 'free', 'paused'])
    expect((await ask('post', '/api/billing/pause')).status).toBe(200)
    const change = await ask('post', '/api/billing/plan-change', { plan: 'growth', interval: 'month' })
    expect([change.status, change.body.code]).toEqual([409, 'subscription_not_running'])
    const resumed = await ask('post', '/api/billing/resume')
    expect([resumed.status, resumed.body.plan, resumed.body.status]).toEqual([200, 'starter', 'active'])
    await server.deliver()
    expect((await ask('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'starter', status: 'active' })
  })

  test('the portal is a page of the processor', async () => {
    const user = `user_portal_${processor}`
    await server.subscribe(user, { plan: 'starter', processor })
    const portal = await server.as(user)('post', '/api/billing/portal', { returnUrl: 'http://parley.test/settings' })
    expect([portal.status, portal.body]).toEqual([200, { url: expect.stringContaining('http') }])
  })
})

test('the portal leads back to this service only', async () => {
  await server.subscribe('user_back', { plan: 'starter' })
  for (const returnUrl of ['https://evil.example/', 'http://parley.test.evil.example/', 'javascript:alert(1)', '//evil.example']) {
    const answer = await server.as('user_back')('post', '/api/billing/portal', { returnUrl })
    expect([returnUrl, answer.status, answer.body.code]).toEqual([returnUrl, 400, 'invalid_request'])
  }
})

test('chatbots beyond the plan are read-only, the owner chooses which, and they thaw when all fit again', async () => {
  const user = 'user_frozen'
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'starter' })
  const ids: string[] = []
  for (const name of ['a', 'b', 'c']) ids.push((await ask('post', '/api/chatbots', { name })).body.chatbotId)
  const [a = '', b = '', c = ''] = ids
  const readOnly = async (): Promise<string[]> => {
    const { body } = await ask('get', '/api/chatbots')
    return body.data.filter((bot: { readOnly: boolean }) => bot.readOnly).map((bot: { chatbotId: string }) => bot.chatbotId)
  }
  expect(await readOnly()).toEqual([])
  const ended = await ask('post', '/api/billing/cancel', { when: 'now' })
  expect(ended.body.overLimit).toEqual([{ metric: 'chatbots', used: 3, quota: 1, excess: 2 }])
  expect(await readOnly()).toEqual([c, b])
  for (const answer of [await ask('post', `/api/chatbots/${b}/conversations`), await ask('post', `/api/chatbots/${b}/documents`, { name: 'x.txt', text: 'x' })]) {
    expect([answer.status, answer.body.code]).toEqual([402, 'chatbot_read_only'])
    expect(answer.body.resolutions).toEqual([{ action: 'upgrade' }, { action: 'delete', metric: 'chatbots' }, { action: 'choose_chatbots' }])
  }
  expect((await ask('get', `/api/chatbots/${b}`)).body.readOnly).toBe(true)

  const kept = await ask('put', '/api/billing/kept-chatbots', { chatbotIds: [b] })
  expect([kept.status, kept.body.plan]).toEqual([200, 'free'])
  expect(await readOnly()).toEqual([c, a])
  expect((await ask('post', `/api/chatbots/${b}/conversations`)).status).toBe(201)
  const tooMany = await ask('put', '/api/billing/kept-chatbots', { chatbotIds: [a, b] })
  expect([tooMany.status, tooMany.body.code]).toEqual([400, 'too_many_chatbots'])
  const foreign = await server.as('user_without_bots')('put', '/api/billing/kept-chatbots', { chatbotIds: [a] })
  expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found'])

  await server.subscribe(user, { plan: 'starter' })
  expect(await readOnly()).toEqual([])
})

test('the second of two live subscriptions is ended once both were asked for how they stand, and not before', async () => {
  const user = 'user_twice'
  await server.subscribe(user, { plan: 'growth' })
  const { body: first } = await server.as(user)('get', SUBSCRIPTION)
  await payAtPaddle(user, 1)
  const client = await server.database.connect()
  await server.deliver()
  const operations = () => client.query('select processor, kind, reason, status from app.processor_operations where account_id = $1', [user])
  const operation = { processor: 'paddle', kind: 'cancel_now', reason: 'duplicate' }
  await server.parts.runJobsOnce()
  expect((await operations()).rows).toEqual([{ ...operation, status: 'pending' }])
  await client.query('update app.processor_operations set next_attempt_at = app.clock() where account_id = $1', [user])
  await server.parts.runJobsOnce()
  expect((await operations()).rows).toEqual([{ ...operation, status: 'done' }])
  const { rows } = await client.query('select processor, status from app.processor_subscriptions where account_id = $1 order by 1', [user])
  expect(rows).toEqual([{ processor: 'paddle', status: 'canceled' }, { processor: 'stripe', status: 'trialing' }])
  expect((await server.as(user)('get', SUBSCRIPTION)).body).toEqual(first)
})

test('a second subscription whose first one has ended meanwhile, unheard of, is kept', async () => {
  const user = 'user_kept'
  await server.subscribe(user, { plan: 'growth' })
  await payAtPaddle(user, 2)
  await server.deliver()
  // The end of the first: at the processor, its webhook not delivered.
  const { body: first } = await server.as(user)('get', SUBSCRIPTION)
  server.twin.dialect('stripe').control.cancel(first.subscriptionId, 'now')
  const client = await server.database.connect()
  await client.query('update app.processor_operations set next_attempt_at = app.clock() where account_id = $1', [user])
  await server.parts.runJobsOnce()
  expect((await client.query('select status from app.processor_operations where account_id = $1', [user])).rows).toEqual([{ status: 'refused' }])
  expect((await server.as(user)('get', SUBSCRIPTION)).body).toMatchObject({ plan: 'starter', processor: 'paddle', status: 'active' })
})
