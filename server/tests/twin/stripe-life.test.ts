import { afterEach, expect, test } from '@jest/globals'
import type { Control } from '../../../scripts/twin/dialect.ts'
import type { BillingEvent } from '../../src/billing/billing-event.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { PRICES, passTo, startStripeTwin, subscribe } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
const STEPS = 40
const DAY = 86_400_000
const CARDS = ['good', 'declined', 'declined_later'] as const

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** live lets a few customers do at random what people, banks and sellers do; what cannot be done throws, and is left. */
async function live(twin: StripeTwin, seed: number, jumps: boolean): Promise<void> {
  const random = seeded(seed)
  const pick = <Kind>(list: readonly Kind[]): Kind => {
    const one = list[Math.floor(random() * list.length)]
    if (one === undefined) throw new TypeError('There is nothing to choose from.')
    return one
  }
  const { control } = twin.dialect
  const ACTS: ((id: string, on: Control) => unknown)[] = [
    (id, on) => on.setCard(id, pick(CARDS)),
    (id, on) => on.cancel(id, random() < 0.2 ? 'now' : 'period_end'),
    (id, on) => on.pause(id),
    (id, on) => on.resume(id),
    (id, on) => on.changePrice(id, pick(PRICES).id),
    (id, on) => on.refund(id, 100),
    (id, on) => on.closeDispute(on.dispute(id), random() < 0.5 ? 'won' : 'lost')
  ]
  for (let step = 0; step < STEPS; step += 1) {
    if (step % 12 === 0) {
      await subscribe(twin, { price: pick(PRICES).id, card: pick(['good', 'declined_later'] as const), trialDays: pick([0, 14]) })
    }
    const { subscriptionId } = pick(twin.dialect.subscriptions())
    try {
      pick(ACTS)(subscriptionId, control)
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error
    }
    const until = twin.world.nowMs() + Math.floor(random() * 30) * DAY
    if (!jumps) passTo(twin, until)
    twin.world.setNow(until)
    twin.dialect.runDue()
  }
}

/** told gives what the webhooks said last of each subscription, as the server understands them. */
function told(twin: StripeTwin): Map<string | null, BillingEvent> {
  const { normalise } = createStripe({ webhookSecrets: [], apiKey: null })
  const last = new Map<string | null, BillingEvent>()
  for (const { body } of twin.world.sent) {
    const read = normalise(body)
    expect(read.outcome).not.toBe('rejected')
    if (read.outcome === 'event' && read.event.kind === 'state') last.set(read.event.subscriptionId, read.event)
  }
  return last
}

const started: StripeTwin[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((twin) => twin.close()))
})

test.each(['current', '2024'] as const)('in random lives %s webhooks tell the truth, however the clock goes', async (payloadShape) => {
  for (const seed of SEEDS) {
    const lives: string[] = []
    for (const jumps of [false, true]) {
      const twin = await startStripeTwin(Date.UTC(2024, 0, 31, 5), { payloadShape })
      started.push(twin)
      await live(twin, seed, jumps)
      const last = told(twin)
      for (const { subscriptionId, status, accountId, cancelsAt, priceId, periodStart, periodEnd } of twin.dialect.subscriptions()) {
        const event = { seed, ...last.get(subscriptionId) }
        expect(event).toMatchObject({ seed, status, accountId, cancelsAt, items: [{ priceId, periodStart, periodEnd }] })
      }
      const text = JSON.stringify([twin.world.sent, twin.dialect.save()]).replaceAll(twin.origin, 'http://twin')
      lives.push(text.replaceAll(/stripe-node-retry-[0-9a-f-]+/g, 'key'))
    }
    expect({ seed, same: lives[0] === lives[1] }).toEqual({ seed, same: true })
  }
})
