import { z } from 'zod'
import { proration } from './transaction.ts'

/** adjustment is what the twin keeps of a refund, credit or chargeback. `approveAtMs` is when a refund will be approved. */
export const adjustment = z.object({
  id: z.string(),
  action: z.enum(['refund', 'credit', 'chargeback', 'chargeback_reverse']),
  type: z.enum(['full', 'partial']),
  status: z.enum(['pending_approval', 'approved', 'reversed']),
  reason: z.string(),
  transaction_id: z.string(),
  subscription_id: z.string().nullable(),
  customer_id: z.string(),
  currency_code: z.string(),
  credit_applied_to_balance: z.boolean().nullable(),
  items: z.array(
    z.object({
      id: z.string(),
      item_id: z.string(),
      type: z.enum(['full', 'partial', 'proration']),
      amountMinor: z.number().int(),
      proration: proration.nullable()
    })
  ),
  created_at: z.string(),
  updated_at: z.string(),
  approveAtMs: z.number().nullable(),
  closed: z.boolean()
})

/** Adjustment is the output of {@link adjustment}. */
export type Adjustment = z.output<typeof adjustment>
