import type { WebhookProcessor } from '../../../../scripts/webhook/delivery.ts'
import type { Payload, Scenario } from '../../../../scripts/webhook/scenario.ts'

/** NAMES are the ids of the one customer that the processor tests speak about. */
const NAMES = {
  stripe: { eventId: 'evt_1Parley', customerId: 'cus_Parley', subscriptionId: 'sub_1Parley', priceId: 'price_starter_monthly' },
  paddle: { eventId: 'evt_01parley', customerId: 'ctm_01parley', subscriptionId: 'sub_01parley', priceId: 'pri_starter_monthly' },
  razorpay: { eventId: 'evt_Parley', customerId: 'cust_Parley', subscriptionId: 'sub_Parley', priceId: 'plan_starter_monthly' }
}

/** scenarioOf is a monthly starter subscription from 31 January to 28 February 2026, told of on 31 January. */
export function scenarioOf(processor: WebhookProcessor, changes: Partial<Scenario> = {}): Scenario {
  return {
    ...NAMES[processor],
    event: 'created',
    occurredAt: new Date('2026-01-31T10:00:07Z'),
    accountId: 'org_parley',
    interval: 'month',
    periodStart: new Date('2026-01-31T10:00:00Z'),
    periodEnd: new Date('2026-02-28T10:00:00Z'),
    amountMinor: 1900,
    shape: 'current',
    ...changes
  }
}

/** patched is a copy of the payload with the value at the dotted path replaced, or left out when it is undefined. */
export function patched(payload: Payload, path: string, value: unknown): Payload {
  const copy = structuredClone(payload)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let place: Record<string, unknown> = copy
  for (const key of keys) {
    const next = place[key]
    if (typeof next !== 'object' || next === null) throw new Error(`the payload has nothing at ${path}`)
    place = next as Record<string, unknown>
  }
  if (value === undefined) delete place[last]
  else place[last] = value
  return copy
}
