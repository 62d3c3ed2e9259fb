import { createHash, randomUUID } from 'node:crypto'
import type { WebhookProcessor } from './delivery.ts'
import type { RememberedSubscription } from './memory.ts'
import { RequestError } from './request-error.ts'
import { addInterval } from './scenario.ts'
import type { Interval, Scenario, WebhookEvent } from './scenario.ts'

/** WebhookRequest is what was asked for at the keyboard; what is left out is filled in by {@link composeScenario}. */
export type WebhookRequest = {
  processor: WebhookProcessor
  event: WebhookEvent
  account: string
  plan?: string | undefined
  price?: string | undefined
  interval?: Interval | undefined
  periodStart?: Date | undefined
  subscription?: string | undefined
  customer?: string | undefined
  eventId?: string | undefined
  occurredAt?: Date | undefined
  amount?: number | undefined
  shape: 'old' | 'current'
  sellerId?: string | undefined
}

/** Composed is a scenario with the plan and interval it stands for. */
export type Composed = { scenario: Scenario; plan: string; interval: Interval }

const PRICE_PREFIX = { stripe: 'price', paddle: 'pri', razorpay: 'plan' }
const CUSTOMER_PREFIX = { stripe: 'cus', paddle: 'ctm', razorpay: 'cust' }
const ADVERB = { month: 'monthly', year: 'yearly' }

/** subscriptionOf is the subscription an account has with this tool when none is named: always the same one. */
export function subscriptionOf(account: string): string {
  return `sub_${fingerprint(account)}`
}

/**
 * composeScenario fills in what the request leaves out: stable ids from the account, plan, interval and period from what
 * was last told about the subscription. A first event and a renewal open a period at the time they occur.
 * @throws {RequestError} when no plan is known.
 */
export function composeScenario(request: WebhookRequest, known: RememberedSubscription | null, now: Date): Composed {
  const plan = request.plan ?? known?.plan
  if (plan === undefined) throw new RequestError('Name the plan (--plan starter): nothing was told about this subscription yet.')
  const interval = request.interval ?? known?.interval ?? 'month'
  const occurredAt = request.occurredAt ?? now
  const running = known !== null && request.event !== 'created' && request.event !== 'renewed'
  const periodStart = request.periodStart ?? (running ? new Date(known.periodStart) : wholeSecond(occurredAt))
  const scenario: Scenario = {
    event: request.event,
    eventId: request.eventId ?? `evt_${randomUUID().replaceAll('-', '')}`,
    occurredAt,
    accountId: request.account,
    customerId: request.customer ?? `${CUSTOMER_PREFIX[request.processor]}_${fingerprint(request.account)}`,
    subscriptionId: request.subscription ?? subscriptionOf(request.account),
    priceId: request.price ?? `${PRICE_PREFIX[request.processor]}_${plan}_${ADVERB[interval]}`,
    interval,
    periodStart,
    periodEnd: endOf(request.processor, periodStart, interval),
    amountMinor: request.amount ?? 1900,
    shape: request.shape,
    sellerId: request.sellerId
  }
  return { scenario, plan, interval }
}

/** Razorpay's periods end at midnight in India, whose clocks are 5 h 30 min ahead all year. */
const INDIA_AHEAD_MS = 19_800_000
const DAY_MS = 86_400_000

function endOf(processor: WebhookProcessor, start: Date, interval: Interval): Date {
  if (processor !== 'razorpay') return addInterval(start, interval)
  const inIndia = addInterval(new Date(start.getTime() + INDIA_AHEAD_MS), interval).getTime()
  return new Date(Math.floor(inIndia / DAY_MS) * DAY_MS - INDIA_AHEAD_MS)
}

function fingerprint(account: string): string {
  return createHash('sha256').update(account).digest('hex').slice(0, 24)
}

function wholeSecond(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000)
}
