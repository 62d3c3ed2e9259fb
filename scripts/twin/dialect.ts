import type { Router } from 'express'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'

/**
 * CARDS are what a buyer can pay with at the twin, by the numbers the processors give for tests. `declined` fails at
 * once; `declined_later` is accepted at the checkout and fails from the first renewal on.
 */
export const CARDS = {
  '4242424242424242': 'good',
  '4000000000000002': 'declined',
  '4000000000000341': 'declined_later'
} as const
export type Card = (typeof CARDS)[keyof typeof CARDS]

/** TwinPrice is one price of Parley's catalog as a dialect is seeded with it. Amounts in minor units; `id` is the processor's. */
export type TwinPrice = {
  id: string
  plan: string
  planName: string
  interval: 'month' | 'year'
  amountMinor: number
  currency: string
  trialDays: number
}

/**
 * World is what all dialects share: the twin's clock, its seeded randomness, and the way out for webhooks.
 * - `nowMs()` is the twin's time; it stands still while a dialect works.
 * - `id(prefix)` makes an id that was never given before, e.g. `sub_1Tw…`.
 * - `send` queues one webhook: `body` is the exact JSON text; it is signed each time it is delivered, because processors
 *   sign retries anew. `group` names one change: events of one group may be delivered in any order.
 * - `changed` says that state worth keeping has changed.
 */
export type World = {
  nowMs(): number
  random(): number
  id(prefix: string, length?: number): string
  send(webhook: { processor: ProcessorName; eventId: string; eventType: string; body: string; group: string }): void
  changed(): void
}

/** TwinSubscription is the twin's own truth about a subscription in Parley's words, for comparisons at the end of a life. */
export type TwinSubscription = {
  processor: ProcessorName
  subscriptionId: string
  customerId: string
  accountId: string | null
  status: 'incomplete' | 'trialing' | 'active' | 'past_due' | 'paused' | 'canceled'
  priceId: string
  periodStart: string | null
  periodEnd: string | null
  cancelsAt: string | null
}

/**
 * Control is what happens at a processor without Parley asking: by the buyer, the bank, the seller at the dashboard. All are
 * synchronous, take effect at `world.nowMs()` and send the webhooks the processor would send. They throw Error with a
 * sentence for an id that is not there.
 */
export type Control = {
  /** pay completes a hosted checkout with a card, as the buyer does; false when the card is declined (the checkout stays open). */
  pay(checkoutId: string, card: Card): boolean
  /** setCard changes the payment method of a subscription's customer; a past due bill is tried again at once. */
  setCard(subscriptionId: string, card: Card): void
  cancel(subscriptionId: string, when: 'now' | 'period_end'): void
  pause(subscriptionId: string): void
  resume(subscriptionId: string): void
  /** changePrice changes the plan from outside (portal, dashboard), at once and without asking Parley. */
  changePrice(subscriptionId: string, priceId: string): void
  /** refund sends back the latest payment of a subscription, in full or `amountMinor` of it. Returns the refund's id. */
  refund(subscriptionId: string, amountMinor?: number): string
  /** dispute contests the latest payment at the bank. Returns the dispute's id. */
  dispute(subscriptionId: string): string
  closeDispute(disputeId: string, outcome: 'won' | 'lost'): void
  deleteCustomer(customerId: string): void
}

/**
 * Dialect is one processor's part of the twin: its API below `router` (mounted at the root of its own port, before any
 * body parser), its hosted pages, and what it does as time passes.
 * - `nextDue()` is the earliest time at which something happens by itself (a renewal, a retry, the end of a trial), or null.
 * - `runDue()` does what is due at or before `world.nowMs()`, once each, in order of time.
 * - `save()` and `load()` carry its whole state as plain JSON over a restart.
 */
export type Dialect = {
  name: ProcessorName
  router: Router
  control: Control
  seed(prices: TwinPrice[]): void
  nextDue(): number | null
  runDue(): void
  subscriptions(): TwinSubscription[]
  save(): unknown
  load(state: unknown): void
  /** requestHeaders signs one delivery of `body` at the real time `nowMs` and adds what the processor's requests carry. */
  requestHeaders(webhook: { body: string; eventId: string; secret: string; nowMs: number }): Record<string, string>
  /** retryAfterMs is the pause before attempt number `attempt + 1` (the first attempt is 1); null = the processor gives up. */
  retryAfterMs(attempt: number): number | null
}

/** DialectOptions: `origin` is where its pages and API are reached, e.g. `http://127.0.0.1:4101`. */
export type DialectOptions = { world: World; origin: string; apiKey: string }
