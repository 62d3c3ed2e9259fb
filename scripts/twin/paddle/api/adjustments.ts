import { Router } from 'express'
import { z } from 'zod'
import { refund } from '../adjustments.ts'
import { Refusal } from '../errors.ts'
import { readMinor } from '../money.ts'
import type { Transaction } from '../state/transaction.ts'
import { adjustmentEntity } from '../wire/adjustment.ts'
import { answer, answerPage, matching, parsed } from './context.ts'
import type { Context } from './context.ts'

const wantedItem = z.object({
  item_id: z.string(),
  type: z.enum(['full', 'partial']),
  amount: z.string().regex(/^[0-9]{1,15}$/).nullish()
})
const request = z.object({
  action: z.enum(['refund', 'credit']),
  transaction_id: z.string(),
  reason: z.string().min(1),
  type: z.enum(['full', 'partial']).default('partial'),
  items: z.array(wantedItem).nullish()
})
type AdjustmentRequest = z.output<typeof request>

/** adjustmentRoutes are refunds that the seller asks for, and the list of all adjustments. */
export function adjustmentRoutes({ shop, during }: Context): Router {
  const router = Router()
  router.get('/adjustments', (req, res) => {
    const adjustments = matching(req, Object.values(shop.state.adjustments), {
      id: ({ id }) => id,
      action: ({ action }) => action,
      status: ({ status }) => status,
      customer_id: (one) => one.customer_id,
      subscription_id: (one) => one.subscription_id,
      transaction_id: (one) => one.transaction_id
    })
    answerPage(shop, req, res, adjustments.map(adjustmentEntity), ({ id }) => id)
  })
  router.post('/adjustments', (req, res) => {
    const wanted = parsed(request, req.body)
    const transaction = shop.transaction(wanted.transaction_id)
    if (wanted.action === 'credit') {
      const detail = 'credits are for manually-collected transactions'
      throw new Refusal(400, 'adjustments', 'adjustment_invalid_credit_action', detail)
    }
    const waiting = Object.values(shop.state.adjustments).some(
      (one) => one.transaction_id === transaction.id && one.status === 'pending_approval'
    )
    if (waiting) throw new Refusal(400, 'adjustments', 'adjustment_pending_refund_request', 'a refund is waiting for approval')
    const amountMinor = wanted.type === 'full' ? null : wantedMinor(transaction, wanted)
    answer(shop, res, adjustmentEntity(during(() => refund(shop, transaction, amountMinor, wanted.reason))), 201)
  })
  return router
}

function wantedMinor(transaction: Transaction, { items }: AdjustmentRequest): number {
  return (items ?? []).reduce((sum, item) => {
    const line = transaction.lines.find(({ id }) => id === item.item_id)
    if (!line) throw new Refusal(400, 'adjustments', 'adjustment_transaction_item_invalid', `no item ${item.item_id}`)
    return sum + (item.type === 'full' ? line.amountMinor : readMinor(item.amount ?? '0'))
  }, 0)
}
