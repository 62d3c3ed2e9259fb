import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { createApp } from '../../src/app.ts'
import { moveClock } from '../../src/db/functions/move-clock.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'
import { createFolder } from '../support/folder.ts'
import { inOrganization } from './test-app.ts'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

const CHECKOUT = '/api/billing/checkout'
const growth = { plan: 'growth', interval: 'month' } as const

async function inboxOf(user: string): Promise<{ eventType: string; status: string }[]> {
  const client = await server.database.connect()
  const { rows } = await client.query('select event_type as "eventType", status from app.webhook_events where account_id = $1', [user])
  return rows
}

describe.each(['stripe', 'paddle', 'razorpay'] as const)('a purchase at %s', (processor) => {
  test('by two racing tabs takes one slot and leads to one page', async () => {
    const user = `user_race_${processor}`
    const tabs = await Promise.all([1, 2].map(() => server.as(user)('post', CHECKOUT, { ...growth, processor })))
    expect(tabs.map(({ status }) => status)).toEqual([201, 201])
    const [first, second] = tabs
    expect(second?.body).toEqual(first?.body)
    expect(first?.body).toMatchObject({ processor, plan: 'growth', interval: 'month', trialDays: 14 })
    expect(first?.headers['location']).toBe(`${CHECKOUT}/${first?.body.checkoutId}`)
    const client = await server.database.connect()
    const { rows } = await client.query('select count(*)::int as count from app.checkouts where account_id = $1', [user])
    expect(rows).toEqual([{ count: 1 }])
    const subscription = await server.as(user)('get', '/api/billing/subscription')
    expect(subscription.body).toMatchObject({ status: 'none', checkout: { checkoutId: first?.body.checkoutId, plan: 'growth', url: first?.body.url } })
  })

  test('is in force as soon as it is confirmed, before any webhook, and the late ones change nothing', async () => {
    const user = `user_confirm_${processor}`
    const ask = server.as(user)
    await server.sync()
    const { body: checkout } = await ask('post', CHECKOUT, { plan: 'starter', interval: 'month', processor })
    const path = `${CHECKOUT}/${checkout.checkoutId}`
    expect((await ask('get', path)).body).toMatchObject({ status: 'open', plan: 'starter', planInForce: 'free' })
    expect(await server.pay(checkout.checkoutId)).toBe(true)
    expect((await ask('get', path)).body).toEqual({ checkoutId: checkout.checkoutId, status: 'complete', plan: 'starter', interval: 'month', planInForce: 'starter' })
    expect(await inboxOf(user)).toEqual([{ eventType: 'fetched', status: 'processed' }])

    const before = (await ask('get', '/api/billing/subscription')).body
    expect(before).toMatchObject({ plan: 'starter', status: 'active', processor, price: { amountMinor: 1900, currency: 'USD' }, checkout: null, overLimit: [] })
    await server.deliver()
    const inbox = await inboxOf(user)
    expect(inbox.length).toBeGreaterThan(1)
    expect(inbox.every(({ status }) => status === 'processed' || status === 'ignored')).toBe(true)
    expect((await ask('get', '/api/billing/subscription')).body).toEqual(before)
    const again = await ask('post', CHECKOUT, { ...growth, processor })
    expect([again.status, again.body.code]).toEqual([409, 'already_subscribed'])
    expect(again.body.resolutions).toEqual([{ action: 'change_plan' }])
  })

  test('of something else ends the one before', async () => {
    const ask = server.as(`user_other_${processor}`)
    const { body: first } = await ask('post', CHECKOUT, { plan: 'starter', interval: 'month', processor })
    const { body: second } = await ask('post', CHECKOUT, { plan: 'starter', interval: 'year', processor })
    expect(second.checkoutId).not.toBe(first.checkoutId)
    expect((await ask('get', '/api/billing/subscription')).body.checkout.checkoutId).toBe(second.checkoutId)
    expect((await ask('get', `${CHECKOUT}/${first.checkoutId}`)).body.status).toBe('expired')
  })

  test('whose first page was paid meanwhile is refused, and the one paid is in force', async () => {
    const ask = server.as(`user_late_${processor}`)
    const { body: first } = await ask('post', CHECKOUT, { plan: 'starter', interval: 'month', processor })
    await server.pay(first.checkoutId)
    const second = await ask('post', CHECKOUT, { ...growth, processor })
    expect([second.status, second.body.code]).toEqual([409, 'already_subscribed'])
    expect((await ask('get', '/api/billing/subscription')).body).toMatchObject({ plan: 'starter', status: 'active' })
  })
})

test.each(['stripe', 'paddle', 'razorpay'] as const)('a page of %s whose making was not answered is found again, not made twice', async (processor) => {
  const user = `user_lost_${processor}`
  const ask = server.as(user)
  server.twin.faults[processor].loseAnswers = 1
  const lost = await ask('post', CHECKOUT, { plan: 'starter', interval: 'month', processor })
  expect([lost.status, lost.body.code, lost.headers['retry-after']]).toEqual([503, 'processor_unavailable', '5'])
  server.twin.faults[processor].loseAnswers = 0
  // The first request might still be at it; after half a minute it is not.
  await moveClock(server.parts.db, { to: new Date(server.parts.nowMs() + 30_000).toISOString() })
  await server.parts.followClock()
  const { status, body } = await ask('post', CHECKOUT, { plan: 'starter', interval: 'month', processor })
  expect(status).toBe(201)
  await server.pay(body.checkoutId)
  expect((await ask('get', `${CHECKOUT}/${body.checkoutId}`)).body.status).toBe('complete')
  expect(server.twin.dialect(processor).subscriptions().filter(({ accountId }) => accountId === user)).toHaveLength(1)
})

test('a purchase can be given up, and is another account\'s business to nobody else', async () => {
  const ask = server.as('user_gives_up')
  const { body: checkout } = await ask('post', CHECKOUT, growth)
  const path = `${CHECKOUT}/${checkout.checkoutId}`
  for (const method of ['get', 'delete'] as const) {
    const foreign = await server.as('user_stranger')(method, path)
    expect([method, foreign.status, foreign.body.code]).toEqual([method, 404, 'not_found'])
  }
  expect((await ask('delete', path)).body).toMatchObject({ status: 'expired', planInForce: 'free' })
  expect((await ask('get', '/api/billing/subscription')).body.checkout).toBeNull()
})

test('a purchase nobody settles is ended by the job once its time is over, and one paid in secret is recorded', async () => {
  const [left, paid] = [server.as('user_left'), server.as('user_paid_in_secret')]
  await left('post', CHECKOUT, growth)
  const { body } = await paid('post', CHECKOUT, { plan: 'starter', interval: 'month' })
  await server.pay(body.checkoutId)
  const client = await server.database.connect()
  await client.query(`update app.checkouts set expires_at = app.clock() - interval '1 second' where account_id in ('user_left', 'user_paid_in_secret')`)
  await server.parts.runJobsOnce()
  const { rows } = await client.query(`select account_id, status from app.checkouts where account_id in ('user_left', 'user_paid_in_secret') order by 1`)
  expect(rows).toEqual([{ account_id: 'user_left', status: 'expired' }, { account_id: 'user_paid_in_secret', status: 'complete' }])
  expect((await paid('get', '/api/billing/subscription')).body.plan).toBe('starter')
})

test('a paid plan whose price the catalog does not know yet waits, and is in force once it does', async () => {
  const user = 'user_unknown_price'
  const ask = server.as(user)
  const { body } = await ask('post', CHECKOUT, { plan: 'enterprise', interval: 'year' })
  const client = await server.database.connect()
  await client.query(`delete from app.processor_prices where price_id = 'price_enterprise_yearly'`)
  await server.pay(body.checkoutId)
  expect((await ask('get', `${CHECKOUT}/${body.checkoutId}`)).body).toMatchObject({ status: 'processing', planInForce: 'free' })
  expect(await inboxOf(user)).toEqual([{ eventType: 'fetched', status: 'failed' }])
  await client.query(`select api.upsert_price('stripe', 'price_enterprise_yearly', 'enterprise', 'year')`)
  await server.parts.runJobsOnce()
  // What was fetched is kept as Parley's own words, and read back as such.
  expect(await inboxOf(user)).toEqual([{ eventType: 'fetched', status: 'processed' }])
  expect((await ask('get', '/api/billing/subscription')).body).toMatchObject({ plan: 'enterprise', interval: 'year', checkout: null })
})

test('members of an organization see its subscription, and only its admins buy', async () => {
  const member = server.as('user_member', inOrganization('org_acme', 'member'))
  const refused = await member('post', CHECKOUT, growth)
  expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  expect(refused.body.detail).toContain('admin of the organization')
  for (const [method, path] of [['post', 'cancel'], ['post', 'pause'], ['post', 'resume'], ['post', 'portal'], ['post', 'plan-change'], ['delete', 'plan-change'], ['put', 'kept-chatbots']] as const) {
    expect([path, (await member(method, `/api/billing/${path}`, {})).status]).toEqual([path, 403])
  }
  expect((await member('get', '/api/billing/subscription')).status).toBe(200)
  expect((await server.as('user_admin', inOrganization('org_acme'))('post', CHECKOUT, growth)).status).toBe(201)
})

test('what cannot be bought is told before anybody pays', async () => {
  const ask = server.as('user_nothing')
  for (const [body, status, code] of [
    [{ plan: 'free', interval: 'month' }, 400, 'not_sold'],
    [{ plan: 'nonsense', interval: 'month' }, 400, 'unknown_plan'],
    [{ plan: 'growth', interval: 'week' }, 400, 'invalid_request'],
    [{ plan: 'growth' }, 400, 'invalid_request']
  ] as const) {
    const answer = await ask('post', CHECKOUT, body)
    expect([body, answer.status, answer.body.code]).toEqual([body, status, code])
  }
})

describe('the page buyers come back to', () => {
  const page = (account: string, checkout: string, more = '') => request(server.app).get(`/billing/return?account=${account}&checkout=${checkout}${more}`)

  test('waits, confirms the payment by itself, and names the plan in force', async () => {
    const { body } = await server.as('user_returns')('post', CHECKOUT, { plan: 'starter', interval: 'month' })
    const open = await page('user_returns', body.checkoutId)
    expect([open.status, open.type]).toEqual([200, 'text/html'])
    expect(open.text).toContain('<meta http-equiv="refresh"')
    const canceled = await page('user_returns', body.checkoutId, '&canceled=1')
    expect(canceled.text).toContain('Nothing was charged')
    expect(canceled.text).not.toContain('http-equiv="refresh"')
    await server.pay(body.checkoutId)
    const paid = await page('user_returns', body.checkoutId, '&session_id=cs_1')
    expect(paid.text).toContain('Your plan is now <strong>Starter</strong>')
    expect(paid.text).not.toContain('http-equiv="refresh"')
    expect(paid.text).not.toMatch(/<script|<style|\sstyle=/)
    expect(paid.headers['cache-control']).toBe('no-store')
  })

  test('hands over to the web client where there is one, with what was paid in force already', async () => {
    const CLIENT_DIR = createFolder({ 'index.html': '<!--parley-config-->' })
    const config = { ...server.parts.config, clientDirectory: CLIENT_DIR }
    const withClient = createApp({ ...server.parts, config })
    const back = (more: string) => request(withClient).get(`/billing/return?account=user_client&checkout=${checkoutId}${more}`)
    const { checkoutId } = (await server.as('user_client')('post', CHECKOUT, { plan: 'starter', interval: 'month' })).body
    expect((await back('&canceled=1')).headers['location']).toBe(`/settings/plans?canceled=${checkoutId}`)
    await server.pay(checkoutId)
    const paid = await back('')
    expect([paid.status, paid.headers['location']]).toEqual([303, `/settings/billing/confirm?checkout=${checkoutId}`])
    expect((await server.as('user_client')('get', '/api/billing/subscription')).body.plan).toBe('starter')
  })

  test('tells nothing without the right pair of ids', async () => {
    const { body } = await server.as('user_pair')('post', CHECKOUT, growth)
    expect((await page('user_other', body.checkoutId)).status).toBe(404)
    expect((await page('user_pair', 'no-id')).status).toBe(400)
    expect((await request(server.app).get('/billing/return')).status).toBe(400)
  })
})
