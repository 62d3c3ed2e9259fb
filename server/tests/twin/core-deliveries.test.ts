import { expect, test } from '@jest/globals'
import { DAY, HOUR, START, startFakeTwin } from './support/fake-dialect.ts'
import { startReceiver } from './support/receiver.ts'

const LETTERS = [...'abcdefgh']

test('a webhook goes to its processor\'s path, with its exact text, signed with real time however far the clock is ahead', async () => {
  const parley = await startReceiver()
  const twin = await startFakeTwin(parley.url)
  const body = '{"text": "ä €",\n "n": 1.0}'
  twin.fakes.paddle.tell(body)
  const before = Date.now()
  await twin.deliver()
  expect(parley.received).toEqual([{ path: '/webhooks/paddle', body, headers: expect.objectContaining({ 'content-type': 'application/json' }) }])
  const { 'x-signed': signed, 'x-signed-at': signedAt } = parley.received[0]?.headers ?? {}
  expect(signed).toMatch(/^secret of paddle evt_\w{24} /)
  expect(Number(signedAt)).toBeGreaterThanOrEqual(before)
  expect(Number(signedAt)).toBeLessThanOrEqual(Date.now())
  expect(twin.pendingCount('paddle')).toBe(0)
})

test('events of one change come in any order, changes one after the other; the seed decides, and the order can be turned off or widened', async () => {
  const parley = await startReceiver()
  const orderOf = async (seed: string, shuffle: 'none' | 'group' | 'all'): Promise<string[]> => {
    const twin = await startFakeTwin(parley.url, { seed, faults: { shuffle } })
    for (const [place, letter] of LETTERS.entries()) twin.fakes.stripe.tell(letter, place < 4 ? 'first' : 'second')
    await twin.deliver()
    return parley.take()
  }
  expect(await orderOf('one', 'none')).toEqual(LETTERS)
  const shuffled = await orderOf('one', 'group')
  expect(shuffled).not.toEqual(LETTERS)
  expect(shuffled.slice(0, 4).toSorted()).toEqual(LETTERS.slice(0, 4))
  expect(shuffled.toSorted()).toEqual(LETTERS)
  expect(await orderOf('one', 'group')).toEqual(shuffled)
  expect(await orderOf('another', 'group')).not.toEqual(shuffled)
  const all = await orderOf('one', 'all')
  expect(all.toSorted()).toEqual(LETTERS)
  expect(all.slice(0, 4).toSorted()).not.toEqual(LETTERS.slice(0, 4))
})

test('duplicates carry the same event, losses never arrive, and a lost answer brings the webhook again', async () => {
  const parley = await startReceiver()
  const twin = await startFakeTwin(parley.url)
  const { stripe } = twin.fakes
  stripe.retries = [HOUR, HOUR]
  twin.faults.stripe.duplicateRate = 1
  stripe.tell('twice')
  await twin.deliver()
  const [first, second] = parley.received.splice(0)
  expect([first?.body, second?.body]).toEqual(['twice', 'twice'])
  expect(first?.headers['x-signed']).toBe(second?.headers['x-signed'])

  Object.assign(twin.faults.stripe, { duplicateRate: 0, lossRate: 1 })
  stripe.tell('lost')
  await twin.advanceTo(START + DAY)
  expect(parley.take()).toEqual([])
  expect(twin.endpoints.stripe).toMatchObject({ lost: 1, delivered: 2 })

  Object.assign(twin.faults.stripe, { lossRate: 0, ackLossRate: 1 })
  stripe.tell('again')
  await twin.deliver()
  expect(parley.take()).toEqual(['again'])
  twin.faults.stripe.ackLossRate = 0
  await twin.advanceTo(START + DAY + HOUR - 1)
  expect(parley.take()).toEqual([])
  await twin.advanceTo(START + DAY + HOUR)
  expect(parley.take()).toEqual(['again'])
  expect(twin.nextDue()).toBeNull()
})

test('about the given share of many webhooks is duplicated and lost', async () => {
  const parley = await startReceiver()
  const twin = await startFakeTwin(parley.url, { faults: { duplicateRate: 0.2, lossRate: 0.1 } })
  for (let number = 0; number < 500; number += 1) twin.fakes.paddle.tell(String(number))
  await twin.deliver()
  const bodies = parley.take()
  const distinct = new Set(bodies).size
  expect(distinct).toBe(500 - twin.endpoints.paddle.lost)
  expect(twin.endpoints.paddle.lost).toBeGreaterThan(30)
  expect(twin.endpoints.paddle.lost).toBeLessThan(75)
  expect(bodies.length - distinct).toBeGreaterThan(60)
  expect(bodies.length - distinct).toBeLessThan(120)
})

test('what is refused, or breaks off, is tried again in the twin\'s time as the processor says, signed anew, until it gives up', async () => {
  const parley = await startReceiver()
  const twin = await startFakeTwin(parley.url)
  twin.fakes.stripe.retries = [HOUR, 5 * HOUR]
  parley.answer = () => (parley.received.length === 1 ? null : 500)
  twin.fakes.stripe.tell('never taken')
  await twin.deliver()
  await twin.deliver()
  expect(parley.received).toHaveLength(1)
  expect(twin.nextDue()).toBe(START + HOUR)
  await twin.advanceTo(START + 6 * HOUR - 1)
  expect(parley.received).toHaveLength(2)
  await twin.advanceTo(START + 30 * DAY)
  expect(parley.received).toHaveLength(3)
  expect(twin.endpoints.stripe).toMatchObject({ failedAttempts: 3, givenUp: 1, disabled: false, failingSinceMs: START })
  const signedAt = parley.received.map(({ headers }) => Number(headers['x-signed-at']))
  expect(signedAt).toEqual(signedAt.toSorted((a, b) => a - b))
  expect(new Set(signedAt.map((time) => time > Date.now() - 60_000))).toEqual(new Set([true]))

  parley.answer = () => 204
  twin.fakes.stripe.tell('taken')
  await twin.deliver()
  expect(twin.endpoints.stripe).toMatchObject({ delivered: 1, failingSinceMs: null })
})

test('Razorpay disables its webhook after 24 hours of failures: what happens then is never sent, until it is enabled', async () => {
  const parley = await startReceiver()
  const lines: string[] = []
  const twin = await startFakeTwin(parley.url, { log: (line) => lines.push(line) })
  const { razorpay } = twin.fakes
  razorpay.retries = Array.from({ length: 40 }, () => HOUR)
  parley.answer = () => 503
  razorpay.tell('one')
  await twin.advanceTo(START + DAY - 1)
  razorpay.tell('two')
  await twin.deliver()
  expect(twin.endpoints.razorpay.disabled).toBe(false)
  await twin.advanceTo(START + DAY)
  expect(twin.endpoints.razorpay).toMatchObject({ disabled: true, givenUp: 2 })
  expect(twin.pendingCount('razorpay')).toBe(0)
  expect(lines).toEqual([expect.stringContaining('npm run twin -- razorpay enable')])

  parley.answer = () => 200
  parley.take()
  razorpay.tell('while disabled')
  await twin.advanceTo(START + 3 * DAY)
  expect(parley.take()).toEqual([])
  twin.enable('razorpay')
  razorpay.tell('enabled')
  await twin.deliver()
  expect(parley.take()).toEqual(['enabled'])
})

test('one delivery that is taken in between keeps Razorpay going, and the others never disable theirs', async () => {
  const parley = await startReceiver()
  const twin = await startFakeTwin(parley.url)
  for (const fake of Object.values(twin.fakes)) fake.retries = Array.from({ length: 40 }, () => HOUR)
  parley.answer = ({ body }) => (body === 'good' ? 200 : 500)
  for (const fake of Object.values(twin.fakes)) fake.tell('bad')
  await twin.advanceTo(START + 12 * HOUR)
  twin.fakes.razorpay.tell('good')
  await twin.advanceTo(START + 30 * HOUR)
  expect([twin.endpoints.stripe.disabled, twin.endpoints.paddle.disabled, twin.endpoints.razorpay.disabled]).toEqual([false, false, false])
})
