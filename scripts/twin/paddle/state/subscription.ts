import { z } from 'zod'
import { customData, cycle, price } from './catalog.ts'
import { line, period } from './transaction.ts'

// `price` is as it was when the item was added: a price that is changed later does not move who has it.
const item = z.object({
  price_id: z.string(),
  price,
  quantity: z.number().int(),
  created_at: z.string(),
  updated_at: z.string(),
  previously_billed_at: z.string().nullable(),
  trial_dates: period.nullable()
})

/** scheduledChange is what will happen to a subscription at a time. */
export const scheduledChange = z.object({
  action: z.enum(['cancel', 'pause', 'resume']),
  effective_at: z.string(),
  resume_at: z.string().nullable()
})

/**
 * subscription is what the twin keeps of a subscription; wire/subscription.ts makes Paddle's entity of it. Period number
 * `cycles` started at `anchorMs` + `cycles` billing cycles. `pausedPeriod` is the period that ran when it was paused,
 * `pending` what the next renewal bills beside the items.
 */
export const subscription = z.object({
  id: z.string(),
  status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
  customer_id: z.string(),
  address_id: z.string(),
  currency_code: z.string(),
  custom_data: customData,
  created_at: z.string(),
  updated_at: z.string(),
  started_at: z.string(),
  first_billed_at: z.string().nullable(),
  paused_at: z.string().nullable(),
  canceled_at: z.string().nullable(),
  billing_cycle: cycle,
  current_billing_period: period.nullable(),
  scheduled_change: scheduledChange.nullable(),
  items: z.array(item),
  anchorMs: z.number(),
  cycles: z.number().int(),
  pausedPeriod: period.nullable(),
  pending: z.array(line),
  portalSessionId: z.string()
})

/** Subscription is the output of {@link subscription}. */
export type Subscription = z.output<typeof subscription>

/** Item is one item of a {@link Subscription}. */
export type Item = Subscription['items'][number]
