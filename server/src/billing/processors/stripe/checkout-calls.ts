import type { Checkout, CheckoutRequest, ProcessorApi } from '../../processor.ts'
import { ProcessorRefusal } from '../../processor.ts'
import { checkoutAnswer } from './answers.ts'
import type { Caller } from './api.ts'
import { asking, timeLeft } from './asking.ts'

/** checkoutCalls are the calls about checkouts (docs.stripe.com/api/checkout/sessions). */
export function checkoutCalls({ stripe, timeoutMs }: Caller): Pick<ProcessorApi, 'createCheckout' | 'fetchCheckout' | 'expireCheckout'> {
  const fetchCheckout = (checkoutId: string, time = timeLeft(timeoutMs)): Promise<Checkout> =>
    asking(checkoutAnswer, () => stripe.checkout.sessions.retrieve(checkoutId, {}, time()))

  return {
    createCheckout(request, idempotencyKey) {
      const time = timeLeft(timeoutMs)
      return asking(checkoutAnswer, () => stripe.checkout.sessions.create(sessionOf(request), { ...time(), idempotencyKey }))
    },
    fetchCheckout: (checkoutId) => fetchCheckout(checkoutId),
    async expireCheckout(checkoutId) {
      const time = timeLeft(timeoutMs)
      try {
        return await asking(checkoutAnswer, () => stripe.checkout.sessions.expire(checkoutId, {}, time()))
      } catch (error) {
        // Only an open one can be expired: what else it is, is the answer.
        if (!(error instanceof ProcessorRefusal) || error.code === 'not_found') throw error
        const checkout = await fetchCheckout(checkoutId, time)
        if (checkout.status === 'open') throw error
        return checkout
      }
    }
  }
}

/** sessionOf words the request for Stripe, which wants `expires_at` 30 minutes to 24 hours ahead. */
function sessionOf(request: CheckoutRequest) {
  const metadata = { account_id: request.accountId, checkout_id: request.checkoutId }
  return {
    mode: 'subscription' as const,
    line_items: [{ price: request.priceId, quantity: 1 }],
    client_reference_id: request.accountId,
    metadata,
    subscription_data: { metadata, ...(request.trialDays > 0 ? { trial_period_days: request.trialDays } : {}) },
    ...(request.customerId === null ? {} : { customer: request.customerId }),
    success_url: request.returnUrl,
    cancel_url: request.cancelUrl,
    expires_at: Math.ceil(Date.parse(request.expiresAt) / 1000)
  }
}
