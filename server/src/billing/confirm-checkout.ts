import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { readCheckout, type StoredCheckout } from '../db/functions/read-checkout.ts'
import { settleCheckout } from '../db/functions/settle-checkout.ts'
import { apiOf, ofAccount } from './operations.ts'
import { type Checkout, type Processor, ProcessorRefusal } from './processor.ts'
import { recordFetched } from './receive.ts'

/** ConfirmParts is what asking how a purchase stands needs. */
export type ConfirmParts = { db: Database; processors: Processor[]; log: Logger; retryWebhooksSoon: () => void }

/** CheckoutState: `processing` is paid but not yet set up at the processor; `complete` means that the plan is in force. */
export type CheckoutState = 'open' | 'processing' | 'complete' | 'expired'

type Place = { accountId: string; checkoutId: string; processor: string; processorCheckoutId: string | null }

/**
 * confirmCheckout asks the processor how a purchase stands and applies it, so that nobody waits for a webhook; the one that
 * comes later then changes nothing. Null where the purchase is not the account's. Throws ProcessorRefusal, AnswerUnknown.
 */
export async function confirmCheckout(
  parts: ConfirmParts,
  { accountId, checkoutId }: { accountId: string; checkoutId: string }
): Promise<{ checkout: StoredCheckout; state: CheckoutState } | null> {
  const checkout = await readCheckout(parts.db, { accountId, checkoutId })
  if (checkout === null) return null
  const { status, processorCheckoutId } = checkout
  if (status === 'complete') return { checkout, state: 'complete' }
  // Nobody has its page before its id is noted, so that it cannot be paid.
  if (processorCheckoutId === null) return { checkout, state: status === 'reserved' ? 'open' : 'expired' }
  const there = await apiOf(parts, checkout.processor).fetchCheckout(processorCheckoutId)
  const state = await follow(parts, { accountId, ...checkout }, there)
  return { checkout, state: state === 'open' && status !== 'open' ? 'expired' : state }
}

/**
 * endCheckout gives a purchase up: its page is closed at the processor and its slot freed. `paid`: too late, it was paid,
 * which is recorded; `processing`: it was paid and is being set up, and keeps its slot. A page that the processor cannot
 * close (Paddle's, before the buyer has begun) is left alone: paid after all, it is a subscription like any other, and a
 * second one beside a live one is canceled.
 */
export async function endCheckout(parts: ConfirmParts, place: Place): Promise<'ended' | 'paid' | 'processing'> {
  const { accountId, checkoutId, processor, processorCheckoutId } = place
  if (processorCheckoutId !== null) {
    const state = await follow(parts, place, await expire(parts, processor, processorCheckoutId))
    if (state === 'complete') return 'paid'
    if (state === 'processing') return 'processing'
    if (state === 'expired') return 'ended'
  }
  const error = processorCheckoutId === null ? 'it was given up before it had a page' : 'its page cannot be closed yet'
  const { status } = await settleCheckout(parts.db, { accountId, checkoutId, status: 'expired', error })
  return status === 'complete' ? 'paid' : 'ended'
}

async function expire(parts: ConfirmParts, processor: string, id: string): Promise<Checkout> {
  try {
    return await apiOf(parts, processor).expireCheckout(id)
  } catch (error) {
    // What is not there cannot be paid.
    if (!(error instanceof ProcessorRefusal) || error.code !== 'not_found') throw error
    return { id, status: 'expired', url: null, subscriptionId: null, customerId: null }
  }
}

/** follow applies what a processor says of a checkout. */
async function follow(parts: ConfirmParts, place: Place, there: Checkout): Promise<CheckoutState> {
  const { db, log } = parts
  const { accountId, checkoutId, processor } = place
  if (there.status === 'open') return 'open'
  if (there.status === 'expired') {
    const { status } = await settleCheckout(db, { accountId, checkoutId, status: 'expired' })
    return status === 'complete' ? 'complete' : 'expired'
  }
  if (there.subscriptionId === null) return 'processing'
  const state = await apiOf(parts, processor).fetchSubscription(there.subscriptionId)
  const recorded = await recordFetched(db, ofAccount(state, accountId))
  if (recorded.linked) parts.retryWebhooksSoon()
  if (recorded.outcome === 'failed' || recorded.outcome === 'dead') {
    log.error({ processor, checkoutId, reason: recorded.lastError }, 'a paid checkout has no effect')
    return 'processing'
  }
  await settleCheckout(db, { accountId, checkoutId, status: 'complete', subscriptionId: there.subscriptionId })
  return 'complete'
}
