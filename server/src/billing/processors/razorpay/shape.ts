import { z } from 'zod'
import { accountIdentifier } from '../../payload.ts'

/** The last second of the year 9999, the end of RFC 3339. */
const LAST_SECOND = 253_402_300_799

/** seconds is a Razorpay time (Unix seconds), turned into RFC 3339 in UTC. */
export const seconds = z
  .int()
  .min(0)
  .max(LAST_SECOND)
  .transform((value) => new Date(value * 1000).toISOString())

/** minorUnits is an amount in the currency's subunit, exactly or not at all. */
export const minorUnits = z.int().min(0)

/**
 * notesWith reads the notes that Parley wrote. Notes without an entry come as an empty *array* (webhooks/subscriptions.md
 * of razorpay/markdown-docs), which is what PHP makes of an empty map.
 */
export function notesWith<Shape extends z.ZodType>(shape: Shape) {
  return z.preprocess((value) => (Array.isArray(value) && value.length === 0 ? undefined : value), shape)
}

/** accountNotes gives the account id that our checkout writes into a subscription's notes, or null. */
export const accountNotes = notesWith(
  z
    .object({ account_id: accountIdentifier })
    .nullish()
    .transform((value) => value?.account_id ?? null)
)

/** wrapped is how payloads carry an object: `payload.subscription.entity`. */
export function wrapped<Shape extends z.ZodType>(entity: Shape) {
  return z.object({ entity })
}

/** eventWith is a webhook whose `payload` holds the given objects. */
export function eventWith<Shape extends z.ZodRawShape>(payload: Shape) {
  return z.object({ entity: z.literal('event'), payload: z.object(payload) })
}
