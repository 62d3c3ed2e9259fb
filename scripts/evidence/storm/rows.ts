import { z } from 'zod'

const time = z.date().transform((at) => at.getTime())

/** count is a 64-bit number, which Postgres sends as text. */
export const count = z.coerce.number<string | number>()

/** inboxSchema is a row of the inbox; `waited`: it had no effect at first. */
export const inboxSchema = z.object({
  processor: z.string(),
  id: z.string(),
  status: z.string(),
  deliveries: z.number(),
  waited: z.boolean(),
  last_error: z.string().nullable()
})

/** subscriptionEventSchema is what an event said of a subscription. */
export const subscriptionEventSchema = z.object({
  processor: z.string(),
  event_id: z.string(),
  account_id: z.string(),
  subscription_id: z.string(),
  occurred_at: time,
  event_rank: z.number(),
  status: z.string().nullable(),
  payment: z.string().nullable(),
  plan: z.string().nullable(),
  period_start: time.nullable(),
  period_end: time.nullable(),
  cancels_at: time.nullable(),
  amount_minor: count.nullable()
})

/** reversalEventSchema is what an event said of a refund or dispute. */
export const reversalEventSchema = z.object({
  processor: z.string(),
  event_id: z.string(),
  account_id: z.string(),
  reversal_id: z.string(),
  occurred_at: time,
  event_rank: z.number(),
  kind: z.string(),
  status: z.string(),
  amount_minor: count.nullable()
})

/** windowSchema is a period that was opened. */
export const windowSchema = z.object({
  account_id: z.string(),
  processor: z.string(),
  subscription_id: z.string(),
  window_start: time,
  window_end: time,
  opened_by: z.string()
})

/** subscriptionSchema is the stored state of a subscription. */
export const subscriptionSchema = z.object({
  account_id: z.string(),
  processor: z.string(),
  subscription_id: z.string(),
  status: z.string(),
  plan: z.string().nullable(),
  period_start: time.nullable(),
  period_end: time.nullable(),
  cancels_at: time.nullable(),
  past_due_since: time.nullable(),
  in_force: z.boolean(),
  suspended_by: z.string().nullable(),
  as_of_event_id: z.string()
})

/** accountSchema is an account by its row (`granted_plan`) and as people see it now. */
export const accountSchema = z.object({
  account_id: z.string(),
  granted_plan: z.string(),
  plan_ends_at: time.nullable(),
  anchor: time,
  counts_from: time,
  created_at: time,
  closed_at: time.nullable(),
  plan: z.string(),
  status: z.string(),
  window_start: time,
  window_end: time,
  now: time
})

/** invariantSchema is a row of api.check_invariants(). */
export const invariantSchema = z.object({ name: z.string(), violations: count, example: z.string().nullable() })
