import type { SubscriptionStatus } from '../../../server/src/billing/billing-event.ts'
import { sandboxPriceId } from '../../twin/catalog.ts'
import type { Scenario, WebhookEvent } from '../../webhook/scenario.ts'
import { amountOf, type Held, type Told } from './facts.ts'

/** Telling is which moment is told, when (Unix milliseconds) and under which event id. */
export type Telling = { event: WebhookEvent; atMs: number; eventId: string; amountMinor?: number }

/** scenarioOf is what the builders of scripts/webhook need to tell a moment of a subscription. */
export function scenarioOf(held: Held, { event, atMs, eventId, amountMinor }: Telling): Scenario {
  return {
    event,
    eventId,
    occurredAt: new Date(atMs),
    accountId: held.isNamed || event === 'checkout' ? held.accountId : '',
    customerId: held.customerId,
    subscriptionId: held.subscriptionId,
    priceId: sandboxPriceId(held.processor, held.plan, held.interval),
    interval: held.interval,
    periodStart: new Date(held.period.startMs),
    periodEnd: new Date(held.period.endMs),
    amountMinor: amountMinor ?? amountOf(held),
    shape: held.shape
  }
}

/** ownerOf is whose an event about a subscription is. */
export function ownerOf({ processor, accountId, customerId, subscriptionId }: Held) {
  return { source: processor, accountId, customerId, subscriptionId }
}

/** toldState is what a state event about it means. */
export function toldState(held: Held, changes: { status?: SubscriptionStatus; hasPeriod?: boolean } = {}): Told {
  const { plan, cancelsAtMs, trialEndsAtMs } = held
  const period = changes.hasPeriod === false ? null : { ...held.period }
  return { kind: 'state', status: changes.status ?? held.status, plan, period, cancelsAtMs, trialEndsAtMs }
}
