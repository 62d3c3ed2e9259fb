import { z } from 'zod'
import { accountIdentifier } from '../../payload.ts'

/** time is RFC 3339 in UTC as Paddle writes it, with six to nine decimals; it is kept as given. Postgres has no year 0. */
export const time = z.iso.datetime().regex(/^(?!0000)/, 'expected a year after 0')

/** period is a billing period, half-open. */
export const period = z
  .object({ starts_at: time, ends_at: time })
  .refine((value) => Date.parse(value.starts_at) < Date.parse(value.ends_at), {
    path: ['ends_at'],
    message: 'expected an end after the start'
  })

/** minorUnits is an amount as Paddle writes it, a string without decimals, read exactly or not at all. */
export const minorUnits = z
  .string()
  .regex(/^-?[0-9]{1,16}$/, 'expected whole minor units in a string')
  .transform(Number)
  .refine(Number.isSafeInteger, 'expected an amount that a number holds exactly')

/** customData gives the account id that our checkout writes into Paddle's custom data, or null. */
export const customData = z
  .object({ account_id: accountIdentifier })
  .nullish()
  .transform((value) => value?.account_id ?? null)

/** notificationWith is a webhook whose `data` is `data`. */
export function notificationWith<Shape extends z.ZodType>(data: Shape) {
  return z.object({ occurred_at: time, data })
}
