import { emit, find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { renderCharge, renderPaymentIntent } from './render-payment.ts'
import type { ChargeRecord, CustomerRecord, PaymentIntentRecord } from './state.ts'

/** LAST4 are the last digits of the test cards (docs.stripe.com/testing). */
export const LAST4 = { good: '4242', declined: '0002', declined_later: '0341' } as const

/** accepts tells whether the bank pays: a card that declines later pays while its buyer is at the checkout. */
export function accepts(customer: CustomerRecord, atCheckout = false): boolean {
  return customer.card === 'good' || (atCheckout && customer.card === 'declined_later')
}

/** makePaymentIntent is the wish to take `amount` from a customer's card. */
export function makePaymentIntent(
  shop: Shop,
  wish: { customerId: string | null; invoiceId: string | null; amount: number; currency: string; description: string }
): PaymentIntentRecord {
  const intent: PaymentIntentRecord = {
    ...wish,
    id: shop.world.id('pi_'),
    secret: shop.world.id('', 24),
    paymentMethodId: null,
    status: 'requires_payment_method',
    latestChargeId: null,
    canceledAt: null,
    created: now(shop)
  }
  shop.state.paymentIntents[intent.id] = intent
  emit(shop, 'payment_intent.created', renderPaymentIntent(intent))
  return intent
}

/** chargeCard tries once to take the money and tells how it went. */
export function chargeCard(
  shop: Shop,
  intent: PaymentIntentRecord,
  card: { paymentMethodId: string; last4: string; email: string | null },
  succeeded: boolean
): void {
  const charge: ChargeRecord = {
    id: shop.world.id('ch_'),
    paymentIntentId: intent.id,
    customerId: intent.customerId,
    amount: intent.amount,
    amountRefunded: 0,
    currency: intent.currency,
    description: intent.description,
    paymentMethodId: card.paymentMethodId,
    balanceTransactionId: succeeded ? shop.world.id('txn_') : null,
    succeeded,
    disputed: false,
    last4: card.last4,
    email: card.email,
    created: now(shop)
  }
  shop.state.charges[charge.id] = charge
  intent.latestChargeId = charge.id
  intent.paymentMethodId = card.paymentMethodId
  if (succeeded) intent.status = 'succeeded'
  emit(shop, succeeded ? 'charge.succeeded' : 'charge.failed', renderCharge(shop.state, charge, shop.origin))
  emit(shop, succeeded ? 'payment_intent.succeeded' : 'payment_intent.payment_failed', renderPaymentIntent(intent))
}

/** latestCharge gives the latest payment that arrived for a subscription. Throws where there is none. */
export function latestCharge(shop: Shop, subscriptionId: string): ChargeRecord {
  const subscription = find(shop.state.subscriptions, 'subscription', subscriptionId)
  const paid = Object.values(shop.state.invoices).filter(
    (one) => one.subscriptionId === subscription.id && one.status === 'paid' && one.paymentIntentId !== null
  )
  const chargeId = shop.state.paymentIntents[paid.at(-1)?.paymentIntentId ?? '']?.latestChargeId
  if (!chargeId) throw new Error(`Nothing was paid yet for the subscription ${subscription.id}.`)
  return find(shop.state.charges, 'charge', chargeId)
}
