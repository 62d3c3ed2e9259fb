import type { Control } from '../dialect.ts'
import { authenticate, changeCard } from './card.ts'
import { type Context, findPayment, findRecord, found, latestPayment } from './context.ts'
import { runDue } from './due.ts'
import { cancel, end, pause, resume } from './lifecycle.ts'
import { closeDispute, openDispute, refundPayment } from './reversals.ts'
import { ENDED } from './state.ts'
import { update } from './update.ts'

/**
 * createControl is what happens at Razorpay without Parley asking. The rules are those of the API: what Razorpay refuses (a plan
 * change while a payment is pending, a cancellation at the end of a cycle that has not begun) throws Refusal here too.
 */
export function createControl(context: Context): Control {
  // What was due comes first, and what became due comes after.
  const at = <T>(action: () => T): T => {
    runDue(context)
    const result = action()
    runDue(context)
    return result
  }
  const record = (id: string) => findRecord(context, id)
  return {
    pay: (checkoutId, card) => at(() => authenticate(context, record(checkoutId), card)),
    setCard: (id, card) => void at(() => changeCard(context, record(id), card, true)),
    cancel: (id, when) => at(() => cancel(context, record(id), when === 'now' ? 'now' : 'cycle_end')),
    pause: (id) => at(() => pause(context, record(id))),
    resume: (id) => at(() => resume(context, record(id))),
    changePrice: (id, priceId) => at(() => update(context, record(id), { plan_id: priceId }, 'now')),
    refund: (id, amountMinor) =>
      at(() => refundPayment(context, latestPayment(context, id), amountMinor === undefined ? {} : { amountMinor }).id),
    dispute: (id) => at(() => openDispute(context, latestPayment(context, id)).id),
    closeDispute: (disputeId, outcome) =>
      at(() => {
        const dispute = found(context.state.disputes, disputeId)
        closeDispute(context, dispute, findPayment(context, dispute.payment_id), outcome)
      }),
    deleteCustomer: (customerId) => at(() => cancelAllOf(context, customerId))
  }
}

// Razorpay cannot delete a customer: who leaves has their subscriptions cancelled.
function cancelAllOf(context: Context, customerId: string): void {
  found(context.state.customers, customerId)
  for (const record of Object.values(context.state.subscriptions)) {
    if (record.entity.customer_id !== customerId) continue
    if (!ENDED.has(record.entity.status)) end(context, record)
  }
}
