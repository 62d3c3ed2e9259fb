import type { Card, Control } from '../dialect.ts'
import { chargeBack, closeChargeBack, latestPayment, refund } from './adjustments.ts'
import { pay, payWithCard } from './checkout.ts'
import { updateCustomer } from './customers.ts'
import { cancelNow } from './dunning.ts'
import { cancel, pause, resume, undoScheduledChange } from './lifecycle.ts'
import { charge, createBill, markCompleted, markPaid, saveCard } from './payment.ts'
import { changeItems, itemsOf } from './plan-change.ts'
import { draftZero } from './zero-bill.ts'
import type { Shop } from './shop.ts'
import type { Transaction } from './state/transaction.ts'

/** createControl implements {@link Control}. `during` lets what is due happen first, and then does one change. */
export function createControl(shop: Shop, during: <Result>(change: () => Result) => Result): Control {
  return {
    pay: (checkoutId, card) => during(() => pay(shop, shop.transaction(checkoutId), card)),
    setCard: (subscriptionId, card) => during(() => setCard(shop, subscriptionId, card)),
    cancel(subscriptionId, when) {
      during(() => cancel(shop, shop.subscription(subscriptionId), when === 'now' ? 'immediately' : 'next_billing_period'))
    },
    pause: (subscriptionId) => during(() => pause(shop, shop.subscription(subscriptionId), 'immediately')),
    resume(subscriptionId) {
      during(() => {
        const subscription = shop.subscription(subscriptionId)
        if (subscription.status === 'paused') resume(shop, subscription)
        else undoScheduledChange(shop, subscription)
      })
    },
    changePrice: (subscriptionId, priceId) => during(() => changePrice(shop, subscriptionId, priceId)),
    refund: (subscriptionId, amountMinor) =>
      during(() => refund(shop, paidOf(shop, subscriptionId), amountMinor ?? null, 'requested_by_customer').id),
    dispute: (subscriptionId) => during(() => chargeBack(shop, paidOf(shop, subscriptionId)).id),
    closeDispute: (disputeId, outcome) => during(() => closeDispute(shop, disputeId, outcome)),
    deleteCustomer: (customerId) => during(() => deleteCustomer(shop, customerId))
  }
}

/** setCard changes the card as the buyer does in the portal: by a transaction of nothing, or by paying what is past due. */
export function setCard(shop: Shop, subscriptionId: string, card: Card): void {
  const subscription = shop.subscription(subscriptionId)
  if (subscription.status === 'past_due') {
    payWithCard(shop, subscription, card)
    return
  }
  const bill = createBill(shop, subscription, draftZero(subscription))
  saveCard(shop, subscription.customer_id, card)
  charge(shop, bill, false)
  markPaid(shop, bill)
  markCompleted(shop, bill)
}

/** changePrice moves a subscription to one other price, as a seller does at the dashboard: without the API's locks. */
export function changePrice(shop: Shop, subscriptionId: string, priceId: string): void {
  const subscription = shop.subscription(subscriptionId)
  if (subscription.status === 'canceled') throw new Error(`Subscription ${subscriptionId} is canceled.`)
  const items = itemsOf(shop, subscription, [{ price_id: priceId, quantity: 1 }])
  const mode = subscription.status === 'active' ? 'prorated_immediately' : 'do_not_bill'
  changeItems(shop, subscription, items, mode, 'apply_change')
}

function paidOf(shop: Shop, subscriptionId: string): Transaction {
  const paid = latestPayment(shop, shop.subscription(subscriptionId).id)
  if (!paid) throw new Error(`Nothing was paid for subscription ${subscriptionId}.`)
  return paid
}

function closeDispute(shop: Shop, disputeId: string, outcome: 'won' | 'lost'): void {
  const adjustment = shop.state.adjustments[disputeId]
  if (adjustment?.action !== 'chargeback') throw new Error(`There is no chargeback ${disputeId}.`)
  if (adjustment.closed) throw new Error(`Chargeback ${disputeId} is closed.`)
  closeChargeBack(shop, adjustment, outcome)
}

// Paddle deletes no customer: an archived one cannot buy any more.
function deleteCustomer(shop: Shop, customerId: string): void {
  const customer = shop.customer(customerId)
  for (const subscription of Object.values(shop.state.subscriptions)) {
    if (subscription.customer_id === customerId && subscription.status !== 'canceled') cancelNow(shop, subscription)
  }
  updateCustomer(shop, customer, { status: 'archived' })
}
