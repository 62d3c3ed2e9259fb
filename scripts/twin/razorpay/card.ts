import type { Card } from '../dialect.ts'
import { chargeInvoice, tellCharge } from './charge.ts'
import { type Context, findPlan, found, nowSeconds } from './context.ts'
import { addCustomer } from './customers.ts'
import { chargeCycle, openCycle, startSchedule } from './cycle.ts'
import { beginChange, type Change } from './events.ts'
import type { Payment } from './money.ts'
import { makePayment } from './payment.ts'
import { Refusal } from './refusal.ts'
import { ENDED, type SubscriptionRecord } from './state.ts'

const AUTHENTICATION_MINOR = 100
const BUYER = { name: 'Twin Buyer', email: 'buyer@example.com', contact: '+10000000000', gstin: null, notes: [] }

/**
 * authenticate is the buyer's first payment at the hosted page; false when the card is declined (nothing but a failed payment
 * happens). Without a future start it is the first charge and the subscription is active at once; else a token amount
 * is taken and given back, and the subscription waits for `start_at` (workflow.md, "Authentication Amount"). Throws
 * {@link Refusal} when the subscription does not wait for it.
 */
export function authenticate(context: Context, record: SubscriptionRecord, card: Card): boolean {
  const { entity } = record
  if (entity.status !== 'created') throw new Refusal(`The subscription is in ${entity.status} state and cannot be authenticated.`)
  const at = nowSeconds(context)
  const change = beginChange(context, record)
  record.card = card
  if (card === 'declined') {
    change.tell('payment.failed', { payment: authentication(context, record, 'failed') })
    record.card = null
    return false
  }
  entity.customer_id = addCustomer(context, BUYER).id
  entity.payment_method = 'card'
  const waits = entity.start_at !== null && entity.start_at > at
  entity.status = 'authenticated'
  if (waits) {
    const payment = authentication(context, record, 'refunded')
    change.tell('payment.authorized', {
      payment: { ...payment, status: 'authorized', captured: false, amount_refunded: 0, refund_status: null }
    })
    change.tell('subscription.authenticated', { subscription: entity })
    return true
  }
  entity.start_at = at
  entity.charge_at = at
  startSchedule(context, record, at)
  change.tell('subscription.authenticated', { subscription: entity })
  openCycle(context, record)
  chargeCycle(context, record, change, true)
  return true
}

function authentication(context: Context, record: SubscriptionRecord, status: 'failed' | 'refunded'): Payment {
  return makePayment(context, record, {
    amount: AUTHENTICATION_MINOR,
    currency: findPlan(context, record.entity.plan_id).item.currency,
    status,
    orderId: null,
    invoiceId: null,
    description: 'Authentication of the card'
  })
}

/**
 * changeCard puts another card on a subscription. While it is pending its last invoice is tried at once; a halted one is
 * active again without paying what was missed: "the previous charges will not be re-attempted" (states.md). A declined
 * card cannot be authenticated at the hosted page; `asFarAsPossible` takes it all the same, for a card that went bad later.
 */
export function changeCard(context: Context, record: SubscriptionRecord, card: Card, asFarAsPossible = false): boolean {
  const { entity } = record
  if (entity.status === 'created' || ENDED.has(entity.status)) {
    throw new Refusal(`The card cannot be changed as the subscription is in ${entity.status} state.`)
  }
  const accepted = card !== 'declined'
  if (accepted || asFarAsPossible) record.card = card
  context.world.changed()
  if (entity.status === 'pending' && (accepted || asFarAsPossible)) {
    const change = beginChange(context, record)
    if (card === 'good') return chargeCycle(context, record, change)
    retryOutOfTurn(context, record, change)
  } else if (entity.status === 'halted' && accepted) {
    const change = beginChange(context, record)
    entity.status = 'active'
    entity.auth_attempts = 0
    entity.halted_at = null
    entity.charge_at = entity.current_end
    record.openInvoiceId = null
    change.tell('subscription.activated', { subscription: entity })
  }
  return accepted
}

// It does not count among the daily retries, whose days stay as they were.
function retryOutOfTurn(context: Context, record: SubscriptionRecord, change: Change): void {
  const invoice = found(context.state.invoices, record.openInvoiceId ?? '')
  tellCharge(change, chargeInvoice(context, record, invoice, false))
  change.tell('subscription.pending', { subscription: record.entity })
}
