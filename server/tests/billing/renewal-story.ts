import { buildEvent, signatureHeader, type WebhookProcessor } from '../../../scripts/webhook/delivery.ts'
import type { Scenario, WebhookEvent } from '../../../scripts/webhook/scenario.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { receive } from '../../src/billing/receive.ts'
import type { Database } from '../../src/db/database.ts'

const SECRET = 'whsec_of_the_renewal_stories'
const PERIODS = {
  first: { periodStart: new Date('2026-01-31T10:00:00Z'), periodEnd: new Date('2026-02-28T10:00:00Z') },
  second: { periodStart: new Date('2026-02-28T10:00:00Z'), periodEnd: new Date('2026-03-31T10:00:00Z') }
}

/** Step is one thing a processor tells of a monthly starter subscription begun on 31 January 2026. */
export type Step = { event: WebhookEvent; at: string; period: keyof typeof PERIODS }

/** Story is a processor and the shape it tells its events in. `key` is a word for account ids. */
export type Story = { name: string; key: string; processor: WebhookProcessor; shape: Scenario['shape']; receiver: Processor }

const stripe = createStripe({ webhookSecrets: [SECRET], apiKey: null })

/** STORIES are all ways a renewal can be told in. */
export const STORIES: Story[] = [
  { name: 'Stripe in current shapes', key: 'stripe', processor: 'stripe', shape: 'current', receiver: stripe },
  { name: 'Stripe in old shapes', key: 'stripe_old', processor: 'stripe', shape: 'old', receiver: stripe },
  {
    name: 'Paddle',
    key: 'paddle',
    processor: 'paddle',
    shape: 'current',
    receiver: createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox' })
  }
]

/** tell writes the steps as the bodies of deliveries, in their order. Event ids are `evt_<step>_<account>`. */
export function tell({ processor, shape }: Story, accountId: string, steps: Step[]): Buffer[] {
  return steps.map(({ event, at, period }) => {
    const name = `${event.replace('_', '')}${period}${Date.parse(at)}`
    const payload = buildEvent(processor, {
      event,
      eventId: `evt_${name}_${accountId}`,
      occurredAt: new Date(at),
      accountId,
      customerId: `cus_${accountId}`,
      subscriptionId: `sub_${accountId}`,
      priceId: processor === 'stripe' ? 'price_starter_monthly' : 'pri_starter_monthly',
      interval: 'month',
      ...PERIODS[period],
      amountMinor: 1900,
      shape
    })
    return Buffer.from(JSON.stringify(payload))
  })
}

/** deliver signs each body and takes it in, one after the other, as the webhook route does. Throws when one is not stored. */
export async function deliver(db: Database, { processor, receiver }: Story, bodies: Buffer[]): Promise<void> {
  for (const rawBody of bodies) {
    const headers = signatureHeader(processor, rawBody, SECRET, new Date())
    const reception = await receive(db, receiver, { rawBody, headers, nowMs: Date.now() })
    if (reception.result !== 'stored') throw new Error(`${reception.result}: ${reception.reason}`)
    const { outcome, lastError } = reception.recorded
    if (outcome === 'failed' || outcome === 'dead') throw new Error(`${outcome}: ${lastError}`)
  }
}

/** permutations are all orders of the items. */
export function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((first, place) => permutations(items.toSpliced(place, 1)).map((rest) => [first, ...rest]))
}

/** missingOne are the lists that lack one item, once for each place that may be missing. */
export function missingOne<Item>(items: readonly Item[], places: readonly number[]): Item[][] {
  return places.map((place) => items.toSpliced(place, 1))
}

/** inBatches works on all items, some at a time, because each has its own account. */
export async function inBatches<Item>(items: readonly Item[], work: (item: Item, place: number) => Promise<void>): Promise<void> {
  const width = 16
  for (let from = 0; from < items.length; from += width) {
    await Promise.all(items.slice(from, from + width).map((item, place) => work(item, from + place)))
  }
}
