import type { ProcessorApi } from '../../processor.ts'
import { done } from './answers.ts'
import type { Caller } from './api.ts'
import { asking, timeLeft } from './asking.ts'
import { fetchStanding, release } from './plan-calls.ts'

/** lifeCalls are the calls that end, pause and revive a subscription. */
export function lifeCalls(caller: Caller): Pick<ProcessorApi, 'cancel' | 'resume' | 'pause'> {
  const { stripe, timeoutMs, tell } = caller
  return {
    async cancel({ subscriptionId, when }, idempotencyKey) {
      const time = timeLeft(timeoutMs)
      const now = await fetchStanding(caller, subscriptionId, time)
      if (when === 'now') {
        // Stripe keeps keys for POST alone; repeated, a DELETE would find nothing.
        if (!isOver(now.status)) await asking(done, () => stripe.subscriptions.cancel(subscriptionId, {}, time()))
      } else {
        await release(caller, now, `${idempotencyKey}:release`, time)
        const params = { cancel_at_period_end: true }
        await asking(done, () => stripe.subscriptions.update(subscriptionId, params, { ...time(), idempotencyKey }))
      }
      return tell(subscriptionId, time)
    },
    async resume({ subscriptionId }, idempotencyKey) {
      const time = timeLeft(timeoutMs)
      const now = await fetchStanding(caller, subscriptionId, time)
      if (!isOver(now.status) && (now.endsAtPeriodEnd || now.endsAtTime)) {
        const params = now.endsAtPeriodEnd ? { cancel_at_period_end: false } : { cancel_at: '' as const }
        await asking(done, () => stripe.subscriptions.update(subscriptionId, params, { ...time(), idempotencyKey }))
      }
      if (now.status === 'paused') {
        // Unasked, Stripe would leave an unpaid bill that nobody retries, and begin a new period: with it a window that is full again.
        const params = {
          billing_cycle_anchor: { type: 'unchanged' as const },
          payment_behavior: 'resume_on_payment_success' as const
        }
        const options = { ...time(), idempotencyKey: `${idempotencyKey}:resume` }
        await asking(done, () => stripe.subscriptions.resume(subscriptionId, params, options))
      }
      return tell(subscriptionId, time)
    },
    async pause({ subscriptionId }, idempotencyKey) {
      const time = timeLeft(timeoutMs)
      // Stripe pauses none that is under a schedule, and only in the flexible billing mode, the default of this version.
      await release(caller, await fetchStanding(caller, subscriptionId, time), `${idempotencyKey}:release`, time)
      const params = { type: 'subscription' as const }
      await asking(done, () => stripe.subscriptions.pause(subscriptionId, params, { ...time(), idempotencyKey }))
      return tell(subscriptionId, time)
    }
  }
}

function isOver(status: string): boolean {
  return status === 'canceled' || status === 'incomplete_expired'
}
