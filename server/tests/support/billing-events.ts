import type { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'

type Recorded = Parameters<typeof recordBillingEvent>[1]

/** billingEvent fills in what a test of the database does not care about; the fields it names win. */
export function billingEvent(fields: Partial<Recorded> & { eventId: string; occurredAt: string }): Recorded {
  return {
    accountId: null,
    processor: 'stripe',
    eventType: 'customer.subscription.updated',
    kind: 'state',
    eventRank: 2,
    customerId: null,
    subscriptionId: null,
    status: null,
    payment: null,
    priceIds: [],
    periodStarts: [],
    periodEnds: [],
    cancelsAt: null,
    amountMinor: null,
    currency: null,
    payload: '{}',
    reason: null,
    ...fields
  }
}

/** on is the item of a plan's monthly price with its period, as the arguments of {@link billingEvent}. */
export function on(plan: string, periodStart: string, periodEnd: string): Pick<Recorded, 'priceIds' | 'periodStarts' | 'periodEnds'> {
  return { priceIds: [`price_${plan}_monthly`], periodStarts: [periodStart], periodEnds: [periodEnd] }
}
