import type { Subscription } from '@paddle/paddle-node-sdk'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent } from '../../billing-event.ts'
import { fetchedEnvelope } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { ProcessorApi } from '../../processor.ts'
import { pathPart, readAnswer } from './connection.ts'
import type { Ask, Connection } from './connection.ts'
import { dueNow, itemChange } from './item-change.ts'
import { stateOf } from './normalise.ts'
import { subscription } from './subscription.ts'

/** Paddle's clock is finer than ours. */
const RESOLUTION_MS = 1

/** Snapshot is a subscription as of the time of asking; `planned` is what Paddle has scheduled: pause, resume or cancel. */
type Snapshot = { event: BillingEvent; planned: string | null }

type SubscriptionCall = 'previewChange' | 'changePlan' | 'undoPlanChange' | 'cancel' | 'resume' | 'pause' | 'fetchSubscription'

/**
 * subscriptionCalls are the calls about one subscription. Paddle knows no idempotency keys. Every change here names the
 * state it wants, never a step: it looks first whether that is so already, and after a refusal again, because what is
 * refused may be the echo of a request whose answer was lost. A repeat therefore has one effect.
 */
export function subscriptionCalls(connection: Connection): Pick<ProcessorApi, SubscriptionCall> {
  const { subscriptions } = connection.paddle

  async function read(id: string, request: () => Promise<Subscription>): Promise<Snapshot> {
    const askedAtMs = connection.nowMs()
    const entity = await request()
    const state = readAnswer(subscription, inWebhookNames(entity))
    const event = stateOf(fetchedEnvelope(id, askedAtMs, RESOLUTION_MS), EVENT_RANK.updated, state)
    return { event, planned: entity.scheduledChange?.action ?? null }
  }

  const get = (ask: Ask, id: string) => read(id, () => ask(() => subscriptions.get(pathPart(id))))

  async function change(
    id: string,
    isSo: (now: Snapshot) => boolean,
    request: (path: string, before: Snapshot) => Promise<Subscription>
  ): Promise<BillingEvent> {
    const ask = connection.startCall()
    const before = await get(ask, id)
    if (isSo(before)) return before.event
    try {
      return (await read(id, () => ask(() => request(pathPart(id), before)))).event
    } catch (error) {
      if (!(error instanceof ProcessorRefusal)) throw error
      const after = await get(ask, id)
      if (isSo(after)) return after.event
      throw error
    }
  }

  return {
    async fetchSubscription(subscriptionId) {
      return (await get(connection.startCall(), subscriptionId)).event
    },

    async previewChange({ subscriptionId, priceId }) {
      const ask = connection.startCall()
      const { event } = await get(ask, subscriptionId)
      const wanted = itemChange(event, priceId, 'now')
      return readAnswer(dueNow, await ask(() => subscriptions.previewUpdate(pathPart(subscriptionId), wanted)))
    },

    /** A period_end change is in Paddle's records at once, and only the next bill shows it (docs/decisions/0007). */
    changePlan({ subscriptionId, priceId, when }) {
      return change(
        subscriptionId,
        ({ event }) => event.items.length === 1 && event.items[0]?.priceId === priceId,
        (path, { event }) => subscriptions.update(path, itemChange(event, priceId, when))
      )
    },

    /** Nothing is taken back at Paddle: a change at period end waits at Parley, and is told to Paddle when it is due. */
    async undoPlanChange({ subscriptionId }) {
      return (await get(connection.startCall(), subscriptionId)).event
    },

    cancel({ subscriptionId, when }) {
      return change(
        subscriptionId,
        ({ event, planned }) => event.status === 'canceled' || (when === 'period_end' && planned === 'cancel'),
        (path) => subscriptions.cancel(path, { effectiveFrom: when === 'now' ? 'immediately' : 'next_billing_period' })
      )
    },

    resume({ subscriptionId }) {
      return change(
        subscriptionId,
        ({ event, planned }) => planned === null && event.status !== 'paused' && event.status !== 'canceled',
        (path, { event }) =>
          event.status === 'paused'
            ? // Unasked, Paddle begins a new period and bills it, however short the pause was.
              subscriptions.resume(path, { effectiveFrom: 'immediately', onResume: 'continue_existing_billing_period' })
            : subscriptions.update(path, { scheduledChange: null })
      )
    },

    pause({ subscriptionId }) {
      return change(
        subscriptionId,
        ({ event }) => event.status === 'paused',
        (path) => subscriptions.pause(path, { effectiveFrom: 'immediately' })
      )
    }
  }
}

/** inWebhookNames undoes the SDK's renaming, so that one schema reads answers and webhooks. */
function inWebhookNames(entity: Subscription) {
  return {
    id: entity.id,
    status: entity.status,
    customer_id: entity.customerId,
    items: entity.items.map((item) => ({
      price: { id: item.price.id },
      recurring: item.recurring,
      trial_dates: item.trialDates && { ends_at: item.trialDates.endsAt }
    })),
    current_billing_period: entity.currentBillingPeriod && {
      starts_at: entity.currentBillingPeriod.startsAt,
      ends_at: entity.currentBillingPeriod.endsAt
    },
    scheduled_change: entity.scheduledChange && {
      action: entity.scheduledChange.action,
      effective_at: entity.scheduledChange.effectiveAt
    },
    custom_data: entity.customData
  }
}
