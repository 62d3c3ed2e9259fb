import { z } from 'zod'
import { identifier } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { Checkout, CheckoutRequest } from '../../processor.ts'
import { fetchEntity } from './asking.ts'
import type { Asker } from './asking.ts'
import { page, PAGE_SIZE } from './client.ts'
import { cyclesOf } from './cycles.ts'
import { notesWith } from './shape.ts'
import { subscription } from './subscription.ts'
import type { RazorpaySubscription } from './subscription.ts'

const DAY_SECONDS = 86_400
/** How far back, and through how many pages of one plan's subscriptions, an earlier try is looked for. */
const LOOK_BACK_SECONDS = 3_600
const LOOK_BACK_PAGES = 10

const operation = z.object({
  notes: notesWith(z.object({ operation_id: identifier.optional().catch(undefined) }).nullish())
})

/**
 * createCheckout makes a subscription that waits for its first payment; its page is where the buyer pays. Razorpay has no
 * idempotency key for it: the key goes along in the notes, and an earlier try of the last hour is found by them. Should a
 * lost one be older, nobody has its link, and it expires unpaid.
 *
 * `start_at` ahead makes a trial: the card is authorised with a small sum that goes back by itself. The page sends nobody
 * back, so that `returnUrl` and `cancelUrl` have no effect, and a subscription gets its customer only from the payment, so
 * that `customerId` has none either. `customer_notify` lets Razorpay write to the customer, above all when a charge fails.
 */
export async function createCheckout(asker: Asker, request: CheckoutRequest, key: string): Promise<Checkout> {
  const earlier = await findByOperation(asker, request.priceId, key)
  if (earlier !== null) return checkoutOf(earlier)
  const total_count = await cyclesOf(asker, request.priceId)
  const nowSeconds = Math.floor(asker.nowMs() / 1000)
  const made = await asker.client.ask(
    (sdk) =>
      sdk.subscriptions.create({
        plan_id: request.priceId,
        total_count,
        quantity: 1,
        customer_notify: true,
        expire_by: Math.floor(Date.parse(request.expiresAt) / 1000),
        ...(request.trialDays > 0 ? { start_at: nowSeconds + request.trialDays * DAY_SECONDS } : {}),
        notes: { account_id: request.accountId, checkout_id: request.checkoutId, operation_id: key, return_url: request.returnUrl }
      }),
    subscription
  )
  return checkoutOf(made)
}

/** fetchCheckout asks how a checkout stands, by the id of its subscription. */
export async function fetchCheckout(asker: Asker, checkoutId: string): Promise<Checkout> {
  return checkoutOf(await fetchEntity(asker, checkoutId))
}

/**
 * expireCheckout cancels a subscription nobody has paid for. Razorpay cannot be asked to cancel it *only if* it is unpaid:
 * a payment within the milliseconds between looking and canceling is canceled with it; the answer then says `complete`.
 */
export async function expireCheckout(asker: Asker, checkoutId: string): Promise<Checkout> {
  const found = await fetchEntity(asker, checkoutId)
  if (found.razorpayStatus !== 'created') return checkoutOf(found)
  try {
    const id = encodeURIComponent(checkoutId)
    return checkoutOf(await asker.client.ask((sdk) => sdk.subscriptions.cancel(id, false), subscription))
  } catch (error) {
    // It has been paid or has expired meanwhile.
    if (error instanceof ProcessorRefusal && error.code === 'not_possible') return fetchCheckout(asker, checkoutId)
    throw error
  }
}

/** checkoutOf: an ended subscription was paid for once when it has a customer, who comes with the first payment. */
function checkoutOf(from: RazorpaySubscription): Checkout {
  const { id, customerId, pageUrl, razorpayStatus } = from
  if (razorpayStatus === 'created') return { id, status: 'open', url: pageUrl, subscriptionId: null, customerId }
  if ((razorpayStatus === 'cancelled' || razorpayStatus === 'expired') && customerId === null) {
    return { id, status: 'expired', url: null, subscriptionId: null, customerId }
  }
  return { id, status: 'complete', url: null, subscriptionId: id, customerId }
}

async function findByOperation(asker: Asker, planId: string, key: string): Promise<RazorpaySubscription | null> {
  const from = Math.floor(asker.nowMs() / 1000) - LOOK_BACK_SECONDS
  for (let number = 0; number < LOOK_BACK_PAGES; number += 1) {
    const query = { plan_id: planId, from, count: PAGE_SIZE, skip: number * PAGE_SIZE }
    const { items } = await asker.client.ask((sdk) => sdk.subscriptions.all(query), page)
    const found = items.find((item) => operation.safeParse(item).data?.notes?.operation_id === key)
    if (found !== undefined) return asker.client.ask(async () => found, subscription)
    if (items.length < PAGE_SIZE) return null
  }
  return null
}
