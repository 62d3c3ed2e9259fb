import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent, Normalised } from '../../billing-event.ts'
import { fetchedEnvelope } from '../../payload.ts'
import type { ProcessorApi } from '../../processor.ts'
import { portalAnswer, portalConfigurations } from './answers.ts'
import { asking, timeLeft } from './asking.ts'
import { checkoutCalls } from './checkout-calls.ts'
import type { StripeClient } from './client.ts'
import { listSince } from './event-list.ts'
import { invoiceCalls } from './invoice-calls.ts'
import { lifeCalls } from './life-calls.ts'
import { stateOf } from './normalise.ts'
import { planCalls } from './plan-calls.ts'
import { subscription } from './subscription.ts'

/** Caller is what the calls share: the client, the limit for one call with all its requests, the clock, and how a change is answered. */
export type Caller = {
  stripe: StripeClient
  timeoutMs: number
  nowMs: () => number
  /**
   * tell fetches the state to answer a change with. Never the change's own answer: repeated with its key, Stripe gives
   * that again, however old it has become.
   */
  tell(subscriptionId: string, time?: () => { timeout: number }): Promise<BillingEvent>
}

/** Stripe's clock has whole seconds. */
const SECOND_MS = 1000

/** createApi implements {@link ProcessorApi} for Stripe. */
export function createApi(
  stripe: StripeClient,
  options: { nowMs: () => number; timeoutMs: number; normalise: (payload: string) => Normalised }
): ProcessorApi {
  const { nowMs, timeoutMs, normalise } = options
  const caller: Caller = {
    stripe,
    timeoutMs,
    nowMs,
    async tell(subscriptionId, time = timeLeft(timeoutMs)) {
      const askedAtMs = nowMs()
      const state = await asking(subscription, () => stripe.subscriptions.retrieve(subscriptionId, {}, time()))
      return stateOf(fetchedEnvelope(subscriptionId, askedAtMs, SECOND_MS), EVENT_RANK.updated, state)
    }
  }
  return {
    ...checkoutCalls(caller),
    ...planCalls(caller),
    ...lifeCalls(caller),
    ...invoiceCalls(caller),
    portal: portalOf(caller),
    fetchSubscription: (subscriptionId) => caller.tell(subscriptionId),
    listSince: (request) => listSince(caller, request, normalise)
  }
}

function portalOf({ stripe, timeoutMs }: Caller): ProcessorApi['portal'] {
  // Kept once found. A configuration made over the API is never the default one, so that it has to be named.
  let configuration: string | null = null
  return async ({ customerId, returnUrl }) => {
    const time = timeLeft(timeoutMs)
    configuration ??= await asking(portalConfigurations, () =>
      stripe.billingPortal.configurations.list({ active: true, limit: 100 }, time())
    )
    const params = { customer: customerId, return_url: returnUrl, ...(configuration === null ? {} : { configuration }) }
    return asking(portalAnswer, () => stripe.billingPortal.sessions.create(params, time()))
  }
}
