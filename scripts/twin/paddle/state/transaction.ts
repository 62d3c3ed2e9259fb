import { z } from 'zod'
import { customData } from './catalog.ts'

/** period is a billing period, half-open, in RFC 3339. */
export const period = z.object({ starts_at: z.string(), ends_at: z.string() })

/** Period is the output of {@link period}. */
export type Period = z.output<typeof period>

/** proration says for which part of which period a line is billed. */
export const proration = z.object({ rate: z.string(), billing_period: period })

/** line is one thing billed; `amountMinor` is for all of its quantity, prorated where it is. */
export const line = z.object({
  id: z.string(),
  price_id: z.string(),
  quantity: z.number().int(),
  amountMinor: z.number().int(),
  proration: proration.nullable()
})

/** Line is the output of {@link line}. */
export type Line = z.output<typeof line>

const payment = z.object({
  payment_attempt_id: z.string(),
  stored_payment_method_id: z.string(),
  amount: z.string(),
  status: z.enum(['captured', 'error']),
  error_code: z.string().nullable(),
  last4: z.string(),
  created_at: z.string(),
  captured_at: z.string().nullable()
})

/**
 * transaction is what the twin keeps of a transaction; wire/transaction.ts makes Paddle's entity of it. `creditMinor` is
 * how much of the customer's credit it used up, `toBalanceMinor` what it left over; `failedAtMs` is when the first
 * payment failed and `attempts` how often it was tried again since.
 */
export const transaction = z.object({
  id: z.string(),
  status: z.enum(['draft', 'ready', 'billed', 'paid', 'completed', 'canceled', 'past_due']),
  origin: z.enum([
    'api',
    'web',
    'subscription_recurring',
    'subscription_update',
    'subscription_charge',
    'subscription_payment_method_change'
  ]),
  customer_id: z.string().nullable(),
  address_id: z.string().nullable(),
  subscription_id: z.string().nullable(),
  custom_data: customData,
  currency_code: z.string(),
  billing_period: period.nullable(),
  invoice_number: z.string().nullable(),
  lines: z.array(line),
  creditMinor: z.number().int(),
  toBalanceMinor: z.number().int(),
  payments: z.array(payment),
  created_at: z.string(),
  updated_at: z.string(),
  billed_at: z.string().nullable(),
  failedAtMs: z.number().nullable(),
  attempts: z.number().int()
})

/** Transaction is the output of {@link transaction}. */
export type Transaction = z.output<typeof transaction>
