import { z } from 'zod'
import { disputeSchema, invoiceSchema, orderSchema, paymentSchema, refundSchema } from './money.ts'
import { notesSchema } from './notes.ts'

const seconds = z.int()
const idSchema = z.string()

/** PERIODS are the units of a plan's frequency. */
export const PERIODS = ['daily', 'weekly', 'monthly', 'quarterly', 'yearly'] as const
/** Period is one of {@link PERIODS}. */
export type Period = (typeof PERIODS)[number]

const planSchema = z.object({
  id: idSchema,
  entity: z.literal('plan'),
  interval: z.int(),
  period: z.enum(PERIODS),
  item: z.object({
    id: idSchema,
    active: z.boolean(),
    name: z.string(),
    description: z.string().nullable(),
    amount: z.int(),
    unit_amount: z.int(),
    currency: z.string(),
    type: z.literal('plan'),
    unit: z.null(),
    tax_inclusive: z.boolean(),
    hsn_code: z.null(),
    sac_code: z.null(),
    tax_rate: z.null(),
    tax_id: z.null(),
    tax_group_id: z.null(),
    created_at: seconds,
    updated_at: seconds
  }),
  notes: notesSchema,
  created_at: seconds
})

const subscriptionSchema = z.object({
  id: idSchema,
  entity: z.literal('subscription'),
  plan_id: idSchema,
  customer_id: idSchema.nullable(),
  status: z.enum(['created', 'authenticated', 'active', 'pending', 'halted', 'paused', 'cancelled', 'completed', 'expired']),
  current_start: seconds.nullable(),
  current_end: seconds.nullable(),
  ended_at: seconds.nullable(),
  quantity: z.int(),
  notes: notesSchema,
  charge_at: seconds.nullable(),
  start_at: seconds.nullable(),
  end_at: seconds.nullable(),
  auth_attempts: z.int(),
  total_count: z.int(),
  paid_count: z.int(),
  customer_notify: z.boolean(),
  created_at: seconds,
  paused_at: seconds.nullable(),
  halted_at: seconds.nullable(),
  expire_by: seconds.nullable(),
  short_url: z.string(),
  has_scheduled_changes: z.boolean(),
  change_scheduled_at: seconds.nullable(),
  source: z.literal('api'),
  payment_method: z.literal('card').nullable(),
  offer_id: z.null(),
  remaining_count: z.int(),
  pause_initiated_by: z.literal('self').nullable(),
  cancel_initiated_by: z.literal('self').nullable()
})

const cardSchema = z.enum(['good', 'declined', 'declined_later'])
const changesSchema = z.object({
  plan_id: idSchema.optional(),
  quantity: z.int().optional(),
  remaining_count: z.int().optional(),
  customer_notify: z.boolean().optional()
})
/** Changes are what an update of a subscription asks for. */
export type Changes = z.infer<typeof changesSchema>

// What Razorpay knows of a subscription and does not show. `cycle` counts in the schedule that starts at `anchorAt`, from 0;
// -1 = not begun. It is not the number of bills: cycles slept through while paused are skipped.
const recordSchema = z.object({
  entity: subscriptionSchema,
  card: cardSchema.nullable(),
  anchorAt: seconds.nullable(),
  cycle: z.int(),
  cancelAtCycleEnd: z.boolean(),
  scheduled: changesSchema.nullable(),
  openInvoiceId: idSchema.nullable(),
  resumedAt: seconds.nullable(),
  lastChangeAt: seconds
})

const customerSchema = z.object({
  id: idSchema,
  entity: z.literal('customer'),
  name: z.string().nullable(),
  email: z.string().nullable(),
  contact: z.string().nullable(),
  gstin: z.string().nullable(),
  notes: notesSchema,
  created_at: seconds
})

/**
 * stateSchema is the whole state of the Razorpay twin, as it is saved. The entities are kept as Razorpay shows them; their
 * fields are those of the samples in razorpay/markdown-docs (api/payments/subscriptions, webhooks). Times in Unix seconds,
 * amounts in minor units. Entities lie in the order they were made.
 */
export const stateSchema = z.object({
  plans: z.record(idSchema, planSchema),
  subscriptions: z.record(idSchema, recordSchema),
  payments: z.record(idSchema, paymentSchema),
  orders: z.record(idSchema, orderSchema),
  invoices: z.record(idSchema, invoiceSchema),
  refunds: z.record(idSchema, refundSchema),
  disputes: z.record(idSchema, disputeSchema),
  customers: z.record(idSchema, customerSchema),
  changes: z.int()
})

/** State is the parsed {@link stateSchema}. */
export type State = z.infer<typeof stateSchema>
/** Plan is a plan as Razorpay shows it. */
export type Plan = z.infer<typeof planSchema>
/** SubscriptionEntity is a subscription as Razorpay shows it. */
export type SubscriptionEntity = z.infer<typeof subscriptionSchema>
/** ENDED are the statuses from which a subscription never comes back. */
export const ENDED: ReadonlySet<SubscriptionEntity['status']> = new Set(['cancelled', 'completed', 'expired'])
/** SubscriptionRecord is a subscription with what Razorpay keeps to itself. */
export type SubscriptionRecord = z.infer<typeof recordSchema>
/** Customer is a customer as Razorpay shows it. */
export type Customer = z.infer<typeof customerSchema>

/** emptyState is the state of a twin nobody has used yet. */
export function emptyState(): State {
  return {
    plans: {},
    subscriptions: {},
    payments: {},
    orders: {},
    invoices: {},
    refunds: {},
    disputes: {},
    customers: {},
    changes: 0
  }
}
