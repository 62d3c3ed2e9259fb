import { z } from 'zod'
import { notesSchema } from './notes.ts'

const seconds = z.int()
const idSchema = z.string()

/** paymentSchema is a payment entity. */
export const paymentSchema = z.object({
  id: idSchema,
  entity: z.literal('payment'),
  amount: z.int(),
  currency: z.string(),
  base_amount: z.int(),
  status: z.enum(['authorized', 'captured', 'refunded', 'failed']),
  order_id: idSchema.nullable(),
  invoice_id: idSchema.nullable(),
  international: z.boolean(),
  method: z.literal('card'),
  amount_refunded: z.int(),
  amount_transferred: z.literal(0),
  refund_status: z.enum(['partial', 'full']).nullable(),
  captured: z.boolean(),
  description: z.string(),
  card_id: idSchema,
  card: z.object({
    id: idSchema,
    entity: z.literal('card'),
    name: z.string(),
    last4: z.string(),
    network: z.string(),
    type: z.string(),
    issuer: z.null(),
    international: z.boolean(),
    emi: z.boolean(),
    expiry_month: z.int(),
    expiry_year: z.int()
  }),
  bank: z.null(),
  wallet: z.null(),
  vpa: z.null(),
  email: z.string(),
  contact: z.string(),
  customer_id: idSchema.nullable(),
  token_id: z.null(),
  notes: z.array(z.never()),
  fee: z.int().nullable(),
  tax: z.int().nullable(),
  error_code: z.string().nullable(),
  error_description: z.string().nullable(),
  error_source: z.string().nullable(),
  error_step: z.string().nullable(),
  error_reason: z.string().nullable(),
  acquirer_data: z.object({ auth_code: z.string().nullable() }),
  created_at: seconds
})

/** orderSchema is an order entity. */
export const orderSchema = z.object({
  id: idSchema,
  entity: z.literal('order'),
  amount: z.int(),
  amount_paid: z.int(),
  amount_due: z.int(),
  currency: z.string(),
  receipt: z.null(),
  offer_id: z.null(),
  status: z.enum(['created', 'attempted', 'paid']),
  attempts: z.int(),
  notes: z.array(z.never()),
  created_at: seconds
})

/** invoiceSchema is an invoice entity. */
export const invoiceSchema = z.object({
  id: idSchema,
  entity: z.literal('invoice'),
  receipt: z.null(),
  invoice_number: z.null(),
  customer_id: idSchema.nullable(),
  customer_details: z.record(z.string(), z.string().nullable()),
  order_id: idSchema,
  subscription_id: idSchema,
  line_items: z.array(z.record(z.string(), z.unknown())),
  payment_id: idSchema.nullable(),
  status: z.enum(['issued', 'paid', 'cancelled']),
  expire_by: z.null(),
  issued_at: seconds,
  paid_at: seconds.nullable(),
  cancelled_at: seconds.nullable(),
  expired_at: z.null(),
  sms_status: z.null(),
  email_status: z.null(),
  date: seconds,
  terms: z.null(),
  partial_payment: z.boolean(),
  gross_amount: z.int(),
  tax_amount: z.literal(0),
  taxable_amount: z.int(),
  amount: z.int(),
  amount_paid: z.int(),
  amount_due: z.int(),
  currency: z.string(),
  description: z.null(),
  notes: z.array(z.never()),
  comment: z.null(),
  short_url: z.string(),
  view_less: z.boolean(),
  billing_start: seconds,
  billing_end: seconds,
  type: z.literal('invoice'),
  group_taxes_discounts: z.boolean(),
  created_at: seconds,
  idempotency_key: z.null()
})

/** refundSchema is a refund entity. */
export const refundSchema = z.object({
  id: idSchema,
  entity: z.literal('refund'),
  amount: z.int(),
  currency: z.string(),
  payment_id: idSchema,
  notes: notesSchema,
  receipt: z.string().nullable(),
  acquirer_data: z.object({ arn: z.null() }),
  created_at: seconds,
  batch_id: z.null(),
  status: z.enum(['pending', 'processed', 'failed']),
  speed_processed: z.literal('normal'),
  speed_requested: z.enum(['normal', 'optimum'])
})

/** disputeSchema is a dispute entity. */
export const disputeSchema = z.object({
  id: idSchema,
  entity: z.literal('dispute'),
  payment_id: idSchema,
  amount: z.int(),
  currency: z.string(),
  amount_deducted: z.int(),
  reason_code: z.string(),
  respond_by: seconds,
  status: z.enum(['open', 'under_review', 'won', 'lost', 'closed']),
  evidence: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  phase: z.literal('chargeback'),
  created_at: seconds
})

/** Payment is a payment as Razorpay shows it. */
export type Payment = z.infer<typeof paymentSchema>
/** Order is an order as Razorpay shows it. */
export type Order = z.infer<typeof orderSchema>
/** Invoice is an invoice as Razorpay shows it. */
export type Invoice = z.infer<typeof invoiceSchema>
/** Refund is a refund as Razorpay shows it. */
export type Refund = z.infer<typeof refundSchema>
/** Dispute is a dispute as Razorpay shows it. */
export type Dispute = z.infer<typeof disputeSchema>
