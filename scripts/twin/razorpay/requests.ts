import { z } from 'zod'
import type { Notes } from './notes.ts'
import { notWanted, Refusal } from './refusal.ts'
import { PERIODS } from './state.ts'

const whole = z.coerce.number().int()
const notes = z
  .union([z.array(z.never()), z.record(z.string(), z.union([z.string(), z.number()]))])
  .transform((given): Notes => (Object.keys(given).length === 0 ? [] : given))
// The SDK sends 1, people send true; both mean yes.
const flag = z
  .union([z.boolean(), z.literal([0, 1, '0', '1', 'true', 'false'])])
  .transform((value) => [true, 1, '1', 'true'].includes(value))

/** planRequest is the body of POST /v1/plans (create-plan.md). */
export const planRequest = z.strictObject({
  period: z.enum(PERIODS),
  interval: whole.min(1),
  item: z.object({
    name: z.string().min(1),
    amount: whole.min(1),
    currency: z.string().regex(/^[A-Z]{3}$/),
    description: z.string().nullable().default(null)
  }),
  notes: notes.default([])
})

/** subscriptionRequest is the body of POST /v1/subscriptions (create-subscription.md), without offers and add-ons. */
export const subscriptionRequest = z.strictObject({
  plan_id: z.string(),
  total_count: whole.min(1),
  quantity: whole.min(1).default(1),
  start_at: whole.optional(),
  expire_by: whole.optional(),
  customer_notify: flag.default(true),
  notes: notes.default([])
})

/** updateRequest is the body of PATCH /v1/subscriptions/:id (update-subscription.md). */
export const updateRequest = z.strictObject({
  plan_id: z.string().optional(),
  quantity: whole.min(1).optional(),
  remaining_count: whole.min(1, 'The remaining count must be at least 1.').optional(),
  start_at: whole.optional(),
  customer_notify: flag.optional(),
  schedule_change_at: z.enum(['now', 'cycle_end']).default('now')
})

/** cancelRequest is the body of POST /v1/subscriptions/:id/cancel. */
export const cancelRequest = z.strictObject({ cancel_at_cycle_end: flag.default(false) })

/** pauseRequest is the body of POST /v1/subscriptions/:id/pause: only `now` is known. */
export const pauseRequest = z.strictObject({ pause_at: z.literal('now').default('now') })

/** resumeRequest is the body of POST /v1/subscriptions/:id/resume: only `now` is known. */
export const resumeRequest = z.strictObject({ resume_at: z.literal('now').default('now') })

/** refundRequest is the body of POST /v1/payments/:id/refund (api/refunds/create-normal.md). */
export const refundRequest = z.strictObject({
  amount: whole.optional(),
  speed: z.enum(['normal', 'optimum']).optional(),
  notes: notes.optional(),
  receipt: z.string().optional()
})

/** customerRequest is the body of POST and PUT /v1/customers. */
export const customerRequest = z.strictObject({
  name: z.string().optional(),
  email: z.string().optional(),
  contact: z.string().optional(),
  gstin: z.string().optional(),
  fail_existing: z.union([z.string(), z.number()]).optional(),
  notes: notes.optional()
})

/** listRequest is what every list takes; times in Unix seconds, both included; `skip` counts from the newest. */
export const listRequest = z.object({
  from: whole.optional(),
  to: whole.optional(),
  count: whole.min(1).max(100, 'The count may not be greater than 100.').default(10),
  skip: whole.min(0).default(0),
  plan_id: z.string().optional(),
  subscription_id: z.string().optional()
})

/** read parses what a request carries. Throws {@link Refusal} with Razorpay's description of the first fault. */
export function read<T>(schema: z.ZodType<T, unknown>, value: unknown): T {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue === undefined) throw new Refusal('The request is not valid.')
  if (issue.code === 'unrecognized_keys') throw notWanted(issue.keys)
  const field = issue.path.join('.')
  const words = field.replaceAll(/[._]/g, ' ')
  const missing = issue.message.endsWith('received undefined') || issue.message.endsWith('received NaN')
  const own = issue.message.startsWith('The ') ? issue.message : `The ${words} is invalid.`
  throw new Refusal(missing ? `The ${words} field is required.` : own, { field })
}
