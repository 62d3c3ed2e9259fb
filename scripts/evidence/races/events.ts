import type { BillingEventArguments } from '../../../server/src/db/functions/record-billing-event.ts'

/** EventFacts is what a change says; `name` and `number` make the event's id. */
export type EventFacts = {
  accountId: string
  number: number
  subscription: number
  plan: string
  status: string
  startMs: number
  endMs: number
  occurredAtMs: number
  name: string
}

/** eventOf writes it as Stripe's state of a subscription on one monthly price. */
export function eventOf({ accountId, number, subscription, plan, status, startMs, endMs, occurredAtMs, name }: EventFacts): BillingEventArguments {
  return {
    accountId,
    processor: 'stripe',
    eventId: `${name}_${accountId}_${number}`,
    eventType: 'customer.subscription.updated',
    kind: 'state',
    occurredAt: new Date(occurredAtMs).toISOString(),
    eventRank: 2,
    customerId: `cus_${accountId}`,
    subscriptionId: `sub_${accountId}_${subscription}`,
    status,
    payment: null,
    priceIds: [`price_${plan}_monthly`],
    periodStarts: [new Date(startMs).toISOString()],
    periodEnds: [new Date(endMs).toISOString()],
    cancelsAt: null,
    amountMinor: null,
    currency: null,
    payload: '{}'
  }
}
