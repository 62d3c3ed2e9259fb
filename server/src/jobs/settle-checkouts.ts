import { type ConfirmParts, endCheckout } from '../billing/confirm-checkout.ts'
import { listExpiredCheckouts } from '../db/functions/list-expired-checkouts.ts'

const BATCH = 20

/** settleCheckouts ends purchases whose time is over at their processor; one that turns out to be paid is recorded. */
export async function settleCheckouts(parts: ConfirmParts): Promise<void> {
  for (;;) {
    const expired = await listExpiredCheckouts(parts.db, { limit: BATCH })
    let settled = 0
    for (const checkout of expired) {
      const about = { checkoutId: checkout.checkoutId, processor: checkout.processor }
      try {
        const ended = await endCheckout(parts, checkout)
        if (ended !== 'processing') settled += 1
        parts.log.info({ ...about, ended }, 'a purchase that was left open was looked at')
      } catch (error) {
        parts.log.warn({ ...about, err: error }, 'a purchase that was left open is not settled yet')
      }
    }
    // What could not be settled stays at the front of the list: going on would only ask for it again.
    if (expired.length < BATCH || settled < expired.length) return
  }
}
