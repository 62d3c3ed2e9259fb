import type { ProcessorApi } from '../../processor.ts'
import { done, previewAnswer, priceAnswer, scheduleAnswer, standing } from './answers.ts'
import type { Phase, Standing } from './answers.ts'
import type { Caller } from './api.ts'
import { asking, timeLeft } from './asking.ts'

type Time = ReturnType<typeof timeLeft>
type PlanChange = { subscriptionId: string; priceId: string }

/** planCalls are the calls that change what a subscription is for: at once, or by a schedule at the end of its period. */
export function planCalls(caller: Caller): Pick<ProcessorApi, 'previewChange' | 'changePlan' | 'undoPlanChange'> {
  const { stripe, timeoutMs, tell } = caller
  return {
    async previewChange({ subscriptionId, priceId }) {
      const time = timeLeft(timeoutMs)
      const now = await fetchStanding(caller, subscriptionId, time)
      const subscription_details = {
        items: [{ id: now.planItemId, price: priceId }],
        proration_behavior: 'always_invoice' as const
      }
      return asking(previewAnswer, () => stripe.invoices.createPreview({ subscription: subscriptionId, subscription_details }, time()))
    },
    async changePlan({ when, ...change }, key) {
      const time = timeLeft(timeoutMs)
      if (when === 'now') await changeNow(caller, change, key, time)
      else await changeLater(caller, change, key, time)
      return tell(change.subscriptionId, time)
    },
    async undoPlanChange({ subscriptionId }, key) {
      const time = timeLeft(timeoutMs)
      await release(caller, await fetchStanding(caller, subscriptionId, time), key, time)
      return tell(subscriptionId, time)
    }
  }
}

/** fetchStanding asks what a change must know beforehand. */
export function fetchStanding({ stripe }: Caller, subscriptionId: string, time: Time): Promise<Standing> {
  return asking(standing, () => stripe.subscriptions.retrieve(subscriptionId, {}, time()))
}

/** release ends the schedule a subscription is under, if any, and leaves the subscription as it is. */
export async function release({ stripe }: Caller, { scheduleId }: Standing, idempotencyKey: string, time: Time): Promise<void> {
  if (scheduleId === null) return
  await asking(done, () => stripe.subscriptionSchedules.release(scheduleId, {}, { ...time(), idempotencyKey }))
}

// With error_if_incomplete a payment that fails changes nothing. Hence the schedule goes last: released first, a declined
// card would take a pending downgrade with it. Under a schedule only cancellations may not be changed directly.
async function changeNow(caller: Caller, { subscriptionId, priceId }: PlanChange, key: string, time: Time): Promise<void> {
  const now = await fetchStanding(caller, subscriptionId, time)
  const params = {
    items: [{ id: now.planItemId, price: priceId }],
    proration_behavior: 'always_invoice' as const,
    payment_behavior: 'error_if_incomplete' as const
  }
  await asking(done, () => caller.stripe.subscriptions.update(subscriptionId, params, { ...time(), idempotencyKey: key }))
  await release(caller, now, `${key}:release`, time)
}

async function changeLater(caller: Caller, { subscriptionId, priceId }: PlanChange, key: string, time: Time): Promise<void> {
  const { stripe } = caller
  const now = await fetchStanding(caller, subscriptionId, time)
  const duration = await asking(priceAnswer, () => stripe.prices.retrieve(priceId, {}, time()))
  // One that exists is reused: a subscription can only be under one, and a repeated call must not make another.
  const schedule = await asking(scheduleAnswer, () =>
    now.scheduleId === null
      ? stripe.subscriptionSchedules.create({ from_subscription: subscriptionId }, { ...time(), idempotencyKey: `${key}:schedule` })
      : stripe.subscriptionSchedules.retrieve(now.scheduleId, {}, time())
  )
  const phases = [runningPhase(schedule.running), nextPhase(schedule.running, priceId, duration)]
  const params = { end_behavior: 'release' as const, proration_behavior: 'none' as const, phases }
  await asking(done, () => stripe.subscriptionSchedules.update(schedule.id, params, { ...time(), idempotencyKey: key }))
}

// Told again in full: what an update leaves out of the running phase (a trial, a discount) is taken from the subscription.
function runningPhase(running: Phase) {
  return {
    start_date: running.start_date,
    end_date: running.end_date,
    items: running.items.map(itemOf),
    ...(running.trial_end ? { trial_end: running.trial_end } : {}),
    ...discountsOf(running)
  }
}

function nextPhase(running: Phase, price: string, duration: { interval: 'day' | 'week' | 'month' | 'year'; interval_count: number }) {
  const items = [{ price, quantity: running.items[0]?.quantity ?? 1 }]
  return { items, duration, proration_behavior: 'none' as const, ...discountsOf(running) }
}

function itemOf({ price, quantity }: Phase['items'][number]) {
  return { price, ...(typeof quantity === 'number' ? { quantity } : {}) }
}

function discountsOf({ discounts }: Phase) {
  return discounts && discounts.length > 0 ? { discounts } : {}
}
