import { z } from 'zod'
import type { BillingEvent, Normalised } from './billing-event.ts'
import { faultsOf } from './payload.ts'
import { type EventSource, Unreadable } from './processor.ts'

const text = z.string()

/** billingEventSchema reads back a BillingEvent that was kept as JSON; what older ones do not have is null. */
const billingEventSchema = z.object({
  processor: z.enum(['stripe', 'paddle', 'razorpay', 'clerk']),
  eventId: text,
  eventType: text,
  kind: z.enum(['link', 'state', 'payment', 'refund', 'dispute', 'closed']),
  occurredAt: text,
  rank: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
  accountId: text.nullable(),
  customerId: text.nullable(),
  subscriptionId: text.nullable(),
  status: z.enum(['incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled']).nullable(),
  payment: z.enum(['paid', 'failed']).nullable(),
  items: z.array(z.object({ priceId: text, periodStart: text.nullable(), periodEnd: text.nullable() })),
  cancelsAt: text.nullable(),
  trialEndsAt: text.nullable().default(null),
  amountMinor: z.number().nullable(),
  currency: text.nullable(),
  paymentId: text.nullable().default(null),
  objectIds: z.array(text).default([]),
  reversalId: text.nullable().default(null),
  reversalStatus: z.enum(['pending', 'reversed', 'restored']).nullable().default(null)
})

/**
 * readStored makes Parley's words of a stored delivery again. What a processor was asked for (`fetch:…`, an id no processor
 * gives) is kept as the BillingEvent itself; everything else is the body as it was delivered.
 * @throws {Unreadable} for what neither can read
 */
export function readStored(source: EventSource, stored: { id: string; payload: string }): Normalised {
  if (!stored.id.startsWith('fetch:')) return source.normalise(stored.payload)
  const event = billingEventSchema.safeParse(parse(stored.payload))
  if (!event.success) throw new Unreadable(`the stored event is not readable: ${faultsOf(event.error)}`)
  return { outcome: 'event', event: event.data satisfies BillingEvent }
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch (error) {
    throw new Unreadable('the stored event is no JSON', { cause: error })
  }
}
