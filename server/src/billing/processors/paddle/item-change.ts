import type { UpdateSubscriptionRequestBody } from '@paddle/paddle-node-sdk'
import { z } from 'zod'
import type { BillingEvent } from '../../billing-event.ts'
import { currencyCode } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { ChangePreview } from '../../processor.ts'
import { minorUnits } from './shape.ts'

/**
 * itemChange puts the subscription on `priceId`. Paddle takes the whole list of items and drops what it does not find
 * there; therefore a subscription with items beside the plan (added at Paddle's dashboard) is refused. During a trial or a
 * pause Paddle takes changes of items only without billing, which comes when the trial ends or the pause does.
 */
export function itemChange(now: BillingEvent, priceId: string, when: 'now' | 'period_end'): UpdateSubscriptionRequestBody {
  if (now.items.length > 1) {
    throw new ProcessorRefusal('not_possible', 'The subscription has items beside the plan. Change it at Paddle.')
  }
  const items = [{ priceId, quantity: 1 }]
  const isUnbilled = now.status === 'trialing' || now.status === 'paused'
  if (when === 'period_end' || isUnbilled) return { items, prorationBillingMode: 'do_not_bill' }
  return { items, prorationBillingMode: 'prorated_immediately', onPaymentFailure: 'prevent_change' }
}

/**
 * dueNow reads what a change would cost at once: the whole of the immediate transaction, or, where unused time is worth
 * more than the new price, the credit (negative). Paddle writes the credit without a sign in some answers.
 */
export const dueNow = z
  .object({
    currencyCode,
    immediateTransaction: z.object({ details: z.object({ totals: z.object({ grandTotal: minorUnits }) }) }).nullable(),
    updateSummary: z.object({ result: z.object({ action: z.enum(['credit', 'charge']), amount: minorUnits }) }).nullable()
  })
  .transform(({ currencyCode: currency, immediateTransaction, updateSummary }): NonNullable<ChangePreview> => {
    const result = updateSummary?.result
    if (result?.action === 'credit') return { dueNowMinor: -Math.abs(result.amount), currency }
    return { dueNowMinor: immediateTransaction?.details.totals.grandTotal ?? result?.amount ?? 0, currency }
  })
