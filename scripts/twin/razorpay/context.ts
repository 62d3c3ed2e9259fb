import type { World } from '../dialect.ts'
import type { Payment } from './money.ts'
import { Refusal, unknownId } from './refusal.ts'
import { emptyState, type Plan, type State, type SubscriptionRecord } from './state.ts'

/** TWIN_ACCOUNT_ID is the `account_id` of the twin's events: what Parley is configured with when it runs against the twin. */
export const TWIN_ACCOUNT_ID = 'acc_twin0000000001'

/** TWIN_KEY_ID is the key id that the twin takes unless it is told another. */
export const TWIN_KEY_ID = 'rzp_test_twin'

/**
 * Context is what the parts of the twin work on. `state` may be replaced as a whole by a load; nobody keeps a part of it.
 * `dueAt` is the time of the thing that is being done while the past is caught up with, so that a jump of the clock gives
 * what single steps give; null = now.
 */
export type Context = { world: World; origin: string; state: State; dueAt: number | null }

/** createContext starts with an empty state. */
export function createContext(world: World, origin: string): Context {
  return { world, origin, state: emptyState(), dueAt: null }
}

/** nowSeconds is the twin's time in Unix seconds, the resolution of everything at Razorpay. */
export function nowSeconds(context: Context): number {
  return context.dueAt ?? Math.floor(context.world.nowMs() / 1000)
}

/** newId makes an id as Razorpay's are: the prefix and 14 characters. */
export function newId(context: Context, prefix: string): string {
  return context.world.id(prefix, 14)
}

/** findRecord is a subscription by id. Throws {@link Refusal}. */
export function findRecord(context: Context, id: string): SubscriptionRecord {
  return found(context.state.subscriptions, id)
}

/** findPlan is a plan by id. Throws {@link Refusal}. */
export function findPlan(context: Context, id: string): Plan {
  return found(context.state.plans, id)
}

/** findPayment is a payment by id. Throws {@link Refusal}. */
export function findPayment(context: Context, id: string): Payment {
  return found(context.state.payments, id)
}

/** found is the entity with an id among `all`. Throws {@link Refusal}. */
export function found<T>(all: Record<string, T>, id: string): T {
  const entity = Object.hasOwn(all, id) ? all[id] : undefined
  if (entity === undefined) throw unknownId()
  return entity
}

/** ownerOf is the subscription that a payment was for, or null: the authentication of a card belongs to none. */
export function ownerOf(context: Context, payment: Payment): SubscriptionRecord | null {
  if (payment.invoice_id === null) return null
  return findRecord(context, found(context.state.invoices, payment.invoice_id).subscription_id)
}

/** latestPayment is the newest captured payment of a subscription. Throws {@link Refusal} when nothing was paid. */
export function latestPayment(context: Context, subscriptionId: string): Payment {
  findRecord(context, subscriptionId)
  const payment = capturedPayments(context, subscriptionId)[0]
  if (payment === undefined)
    throw new Refusal(`Nothing was paid for the subscription ${subscriptionId} that could be given back.`)
  return payment
}

/** capturedPayments are the payments of a subscription of which something is left to give back, newest first. */
export function capturedPayments(context: Context, subscriptionId: string): Payment[] {
  return Object.values(context.state.payments)
    .filter((payment) => payment.status === 'captured' && ownerOf(context, payment)?.entity.id === subscriptionId)
    .reverse()
}
