import { z } from 'zod'
import { currencyCode, identifier } from '../../payload.ts'
import type { Checkout } from '../../processor.ts'
import { reference } from './shape.ts'

/** done is any object of Stripe's: proof that a request was answered by Stripe itself. */
export const done = z.object({ id: identifier, object: z.string() })

/** checkoutAnswer parses a checkout session as the API gives it. */
export const checkoutAnswer = z
  .object({
    object: z.literal('checkout.session'),
    id: identifier,
    status: z.enum(['open', 'complete', 'expired']),
    url: z.url().nullish(),
    subscription: reference.nullish(),
    customer: reference.nullish()
  })
  .transform(
    (raw): Checkout => ({
      id: raw.id,
      status: raw.status,
      url: raw.url ?? null,
      subscriptionId: raw.subscription ?? null,
      customerId: raw.customer ?? null
    })
  )

/** standing parses what a change must know of a subscription: the schedule it is under, its end, and the item that is the plan. */
export const standing = z
  .object({
    object: z.literal('subscription'),
    id: identifier,
    status: z.string(),
    schedule: reference.nullish(),
    cancel_at: z.int().nullish(),
    cancel_at_period_end: z.boolean(),
    items: z.object({
      data: z
        .array(z.object({ id: identifier, price: z.object({ recurring: z.object({ usage_type: z.string() }).nullish() }).nullish() }))
        .min(1)
    })
  })
  .transform((raw) => {
    const licensed = raw.items.data.find((item) => item.price?.recurring?.usage_type !== 'metered')
    return {
      id: raw.id,
      status: raw.status,
      scheduleId: raw.schedule ?? null,
      endsAtPeriodEnd: raw.cancel_at_period_end,
      endsAtTime: raw.cancel_at !== null && raw.cancel_at !== undefined,
      planItemId: (licensed ?? raw.items.data[0])?.id ?? ''
    }
  })
export type Standing = z.output<typeof standing>

const discount = z
  .object({ coupon: reference.nullish(), discount: reference.nullish(), promotion_code: reference.nullish() })
  .transform((raw) => (raw.discount ? { discount: raw.discount } : raw.promotion_code ? { promotion_code: raw.promotion_code } : { coupon: raw.coupon ?? '' }))

const phase = z.object({
  start_date: z.int(),
  end_date: z.int(),
  trial_end: z.int().nullish(),
  discounts: z.array(discount).nullish(),
  items: z.array(z.object({ price: reference, quantity: z.int().nullish() })).min(1)
})
export type Phase = z.output<typeof phase>

/** scheduleAnswer parses a schedule down to the phase that is running; times are Unix seconds, as they are sent back. */
export const scheduleAnswer = z
  .object({
    object: z.literal('subscription_schedule'),
    id: identifier,
    current_phase: z.object({ start_date: z.int() }),
    phases: z.array(phase)
  })
  .transform((raw, context) => {
    const running = raw.phases.find((one) => one.start_date === raw.current_phase.start_date)
    if (running !== undefined) return { id: raw.id, running }
    context.addIssue({ code: 'custom', path: ['phases'], message: 'expected the current phase' })
    return z.NEVER
  })

/** priceAnswer parses how often a price is charged. */
export const priceAnswer = z
  .object({
    object: z.literal('price'),
    recurring: z.object({ interval: z.enum(['day', 'week', 'month', 'year']), interval_count: z.int().min(1) })
  })
  .transform(({ recurring }) => ({ interval: recurring.interval, interval_count: recurring.interval_count }))

/** previewAnswer parses a preview invoice. A negative total becomes the customer's credit, and `amount_due` is then 0. */
export const previewAnswer = z
  .object({ object: z.literal('invoice'), total: z.int(), amount_due: z.int(), currency: currencyCode })
  .transform((raw) => ({ dueNowMinor: raw.total < 0 ? raw.total : raw.amount_due, currency: raw.currency }))

/** portalAnswer parses a session of the billing portal. */
export const portalAnswer = z.object({ object: z.literal('billing_portal.session'), url: z.url() }).transform(({ url }) => ({ url }))

/** portalConfigurations parses the portal's configurations, to find the one that `npm run setup:stripe` made. */
export const portalConfigurations = z
  .object({ object: z.literal('list'), data: z.array(z.object({ id: identifier, metadata: z.record(z.string(), z.string()).nullish() })) })
  .transform(({ data }) => data.find(({ metadata }) => metadata?.[PORTAL_MARK] !== undefined)?.id ?? null)

/** PORTAL_MARK is the metadata key by which setup and server know Parley's portal configuration. */
export const PORTAL_MARK = 'parley_portal'

/** eventPage parses a page of events, newest first; each is kept whole, as its webhook's body would be. */
export const eventPage = z.object({
  object: z.literal('list'),
  data: z.array(z.looseObject({ id: identifier, object: z.literal('event'), type: z.string() })),
  has_more: z.boolean()
})
