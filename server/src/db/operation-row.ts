import { z } from 'zod'

/** operationKind are the changes a processor is asked for. */
export const operationKind = z.enum([
  'change_now',
  'change_at_period_end',
  'undo_change',
  'cancel_now',
  'cancel_at_period_end',
  'resume',
  'pause'
])
export type OperationKind = z.output<typeof operationKind>

/** beginningColumns are what the functions that begin an operation answer; null where there is nothing to ask. */
export const beginningColumns = {
  operationId: z.string().nullable(),
  kind: operationKind.nullable(),
  processor: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  priceId: z.string().nullable()
}
