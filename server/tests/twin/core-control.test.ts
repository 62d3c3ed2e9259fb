import { request } from 'node:http'
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { describeAnswer, describeState } from '../../../scripts/twin/control-client.ts'
import { DAY, HOUR, START, startFakeTwin, type FakeTwin } from './support/fake-dialect.ts'
import { startReceiver, type Receiver } from './support/receiver.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

let parley: Receiver
let twin: FakeTwin
beforeAll(async () => void (parley = await startReceiver()))
beforeEach(async () => {
  parley.take()
  twin = await startFakeTwin(parley.url)
})

async function post(path: string, body: unknown = {}): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${twin.urls.control}/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body)
  })
  return { status: answer.status, body: await answer.json() }
}

const state = async (): Promise<unknown> => (await fetch(`${twin.urls.control}/state`)).json()

describe('time', () => {
  test('GET /state tells the time and what comes next, and POST /advance moves both', async () => {
    expect(await state()).toMatchObject({ now: iso(START), nextDue: null, subscriptions: [] })
    twin.fakes.stripe.plan(START + HOUR)
    twin.fakes.paddle.plan(START + 2 * DAY)
    expect(await state()).toMatchObject({ now: iso(START), nextDue: iso(START + HOUR) })
    expect(await post('advance', { to: '2026-02-01T11:00:00+01:00' })).toEqual({ status: 200, body: { now: iso(START + DAY), nextDue: iso(START + 2 * DAY) } })
    expect(parley.take()).toEqual([`stripe ${iso(START + HOUR)}`])
  })

  test('a time before the twin\'s is refused, a moment before it moves nothing', async () => {
    expect(await post('advance', { to: iso(START - DAY) })).toEqual({ status: 409, body: { error: expect.stringContaining('does not go back') } })
    expect(await post('advance', { to: iso(START - 1_000) })).toEqual({ status: 200, body: { now: iso(START), nextDue: null } })
    expect(await post('advance', { to: 'tomorrow' })).toEqual({ status: 400, body: { error: expect.stringContaining('to') } })
    expect((await post('advance', {})).status).toBe(400)
  })
})

describe('what happens at a processor', () => {
  test('is done by the functions of Control, whose answers come back', async () => {
    expect(await post('stripe/pay', { checkoutId: 'cs_1' })).toMatchObject({ status: 200, body: { paid: true } })
    expect(await post('stripe/pay', { checkoutId: 'cs_2', card: '4000 0000 0000 0002' })).toMatchObject({ body: { paid: false } })
    expect(await post('paddle/refund', { subscriptionId: 'sub_1' })).toMatchObject({ body: { refundId: 're_sub_1_all' } })
    expect(await post('paddle/refund', { subscriptionId: 'sub_1', amountMinor: 5 })).toMatchObject({ body: { refundId: 're_sub_1_5' } })
    expect(await post('deliver')).toMatchObject({ status: 200 })
    expect(parley.take().toSorted()).toEqual(['paid cs_1', 'paid cs_2'])
  })

  test.each([
    ['an unknown id', 'stripe/pause', { subscriptionId: 'sub_x' }, 409, 'There is no subscription of that name.'],
    ['no id', 'stripe/pause', {}, 400, 'subscriptionId'],
    ['a word too many', 'stripe/pause', { subscriptionId: 'sub_1', now: true }, 400, 'now'],
    ['an unknown card', 'stripe/setCard', { subscriptionId: 'sub_1', card: 'golden' }, 400, 'no such card'],
    ['an unknown processor', 'adyen/pause', {}, 404, 'stripe, paddle, razorpay'],
    ['an unknown action', 'stripe/constructor', {}, 404, 'no action constructor'],
    ['an unknown path', 'nothing', {}, 404, 'no POST /nothing'],
    ['a rate that is none', 'faults', { lossRate: 2 }, 400, 'lossRate']
  ])('%s is refused in a sentence', async (_what, path, body, status, sentence) => {
    expect(await post(path, body)).toEqual({ status, body: { error: expect.stringContaining(sentence) } })
  })

  test('a disabled webhook is shown, and enabled again', async () => {
    parley.answer = () => 500
    twin.fakes.razorpay.retries = []
    twin.fakes.razorpay.tell('refused')
    await twin.advanceTo(START + DAY)
    expect(await state()).toMatchObject({ webhooks: { razorpay: { disabled: true, failingSince: iso(START), pending: 0, givenUp: 1 } } })
    expect((await post('razorpay/enable')).status).toBe(200)
    expect(await state()).toMatchObject({ webhooks: { razorpay: { disabled: false, failingSince: null } } })
    parley.answer = () => 200
  })

  test('faults are set for all processors or for one, and the rest stays', async () => {
    await post('faults', { lossRate: 0.25 })
    await post('faults', { processor: 'paddle', shuffle: 'all' })
    expect(twin.faults).toMatchObject({ stripe: { lossRate: 0.25, shuffle: 'group' }, paddle: { lossRate: 0.25, shuffle: 'all' } })
  })
})

test('a web page cannot drive the twin: neither from its own origin nor under a name of its own', async () => {
  const ask = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const req = request(`${twin.urls.control}/deliver`, { method: 'POST', headers }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
      req.on('error', reject).end()
    })
  expect(await ask({})).toBe(200)
  expect(await ask({ Origin: 'https://evil.example' })).toBe(403)
  expect(await ask({ Host: 'evil.example' })).toBe(403)
})

test('the state and the answers are readable for people', async () => {
  twin.fakes.stripe.things.push('sub_1')
  const lines = describeState(await state(), 'stripe')
  expect(lines).toEqual([
    `${iso(START)}; next: nothing`,
    'sub_1  active  price_1  until -  account -  customer cus_1',
    expect.stringMatching(/^webhooks of stripe: pending 0, disabled false, .*failingSince null$/)
  ])
  expect(describeAnswer((await post('stripe/refund', { subscriptionId: 'sub_1' })).body)).toEqual([
    'refundId: re_sub_1_all',
    `done at ${iso(START)}; next: nothing`
  ])
})
