import { z } from 'zod'
import { accountIdentifier, identifier } from '../../payload.ts'

/** The last second of the year 9999, the end of RFC 3339. */
const LAST_SECOND = 253_402_300_799

/** seconds is a Stripe time (Unix seconds), turned into RFC 3339 in UTC. */
export const seconds = z
  .int()
  .min(0)
  .max(LAST_SECOND)
  .transform((value) => new Date(value * 1000).toISOString())

/** reference is an id, or the object itself where the field was expanded. */
export const reference = z.union([identifier, z.object({ id: identifier }).transform((object) => object.id)])

/** metadata gives the account id that our checkout writes into Stripe's metadata, or null. */
export const metadata = z
  .object({ account_id: accountIdentifier })
  .nullish()
  .transform((value) => value?.account_id ?? null)

/** priced is a price, or in old shapes a plan; both are known by their id. */
export const priced = z.object({ id: identifier }).nullish()

/** paymentObject gives the ids of what settled an invoice: its payment intent or, for old payments without one, its charge. */
export const paymentObject = z
  .object({ payment_intent: reference.nullish(), charge: reference.nullish() })
  .transform((payment) => idsOf(payment.payment_intent, payment.charge))

/** idsOf lists the ids that are there, each once. */
export function idsOf(...ids: (string | null | undefined)[]): string[] {
  return [...new Set(ids.filter((id) => typeof id === 'string'))]
}

/** eventWith is a snapshot event whose `data.object` is `object`. */
export function eventWith<Shape extends z.ZodType>(object: Shape) {
  return z.object({ object: z.literal('event'), created: seconds, data: z.object({ object }) })
}
