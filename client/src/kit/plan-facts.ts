import type { BillingPlans } from '../../../server/src/contract/billing-plans.ts'
import type { Money } from '../../../server/src/contract/money.ts'
import type { SubscriptionBody } from '../../../server/src/contract/subscription.ts'
import { formatMoney } from '../lib/format.ts'
import type { Undoable } from './use-undo.ts'

type Plans = BillingPlans['data']

/** PlanFact is a sentence about the plan around a moment, which is shown in local time; `undo` is what takes it back. */
export type PlanFact = { before: string; instant: string | null; after: string; undo?: Undoable }

const fact = (before: string, instant: string | null = null, after = '.'): PlanFact => ({ before, instant, after })

/** priceText is what the plan in force costs in words: `$19.00 per month`; '' where the price is not known. */
export function priceText(subscription: SubscriptionBody): string {
  const { price, interval } = subscription
  // What is subscribed but not in force (canceled, overdue, paused) is not what is used now.
  if (!isInForce(subscription)) return 'Free of charge'
  if (price === null) return ''
  return interval === null ? formatMoney(price) : `${formatMoney(price)} per ${interval}`
}

/** planFacts tells what comes next with the plan, the most pressing first. */
export function planFacts(subscription: SubscriptionBody, plans: Plans): PlanFact[] {
  const { planName, subscribedPlan, price, newestPrice, interval, change } = subscription
  const facts: PlanFact[] = []
  if (subscription.suspendedBy !== null) {
    const cause = subscription.suspendedBy === 'refund' ? 'Its payment was refunded' : 'Its payment is disputed'
    facts.push(fact(`${cause}, so ${nameOf(subscribedPlan, plans)} is not in force`))
  }
  if (subscription.status === 'past_due') {
    facts.push(
      subscription.graceEndsAt === null || !isInForce(subscription)
        ? fact(`A payment for ${nameOf(subscribedPlan, plans)} is overdue; it is back as soon as it is paid`)
        : fact(`A payment is overdue. ${planName} stays in force until `, subscription.graceEndsAt)
    )
  }
  if (subscription.status === 'paused') facts.push(fact('Paused: nothing is charged meanwhile'))
  if (subscription.status === 'incomplete') facts.push(fact('The first payment is not confirmed yet'))
  if (subscription.cancelsAt !== null) {
    facts.push({ ...fact(`Canceled. ${nameOf(subscribedPlan, plans)} ends on `, subscription.cancelsAt), undo: 'cancellation' })
  } else if (subscription.status === 'trialing' && subscription.trialEndsAt !== null) {
    facts.push(fact('Free trial until ', subscription.trialEndsAt, price === null ? '.' : `, then ${priceText(subscription)}.`))
  } else if (subscription.status === 'active' && subscription.periodEnd !== null && change === null) {
    facts.push(fact('Renews on ', subscription.periodEnd))
  }
  if (change !== null) {
    const yearly = change.interval === null || change.interval === interval ? '' : `, paid by the ${change.interval}`
    const what = change.direction === 'price' ? `The price of ${planName} changes on ` : `Changes to ${nameOf(change.plan, plans)}${yearly} on `
    // Levels are held to the smaller plan already, which the meters beside this show.
    const meanwhile = change.direction === 'downgrade' ? '. Until then nothing can be added that it does not hold.' : '.'
    facts.push({ ...fact(what, change.effectiveAt, meanwhile), ...(change.direction !== 'price' && { undo: 'change' as const }) })
  }
  if (isInForce(subscription) && price !== null && newestPrice !== null && newestPrice.amountMinor !== price.amountMinor) {
    const per = interval === null ? '' : ` per ${interval}`
    facts.push(fact(`New customers pay ${formatMoney(newestPrice)}${per}; yours stays ${formatMoney(price)}`))
  }
  return facts
}

/** nextInvoice is what is charged next and when, before tax and proration; null where nothing will be, or it is not known. */
export function nextInvoice(subscription: SubscriptionBody, plans: Plans): { total: Money; at: string } | null {
  const { status, price, interval, change, cancelsAt } = subscription
  const at = status === 'trialing' ? subscription.trialEndsAt : status === 'active' ? subscription.periodEnd : null
  if (at === null || subscription.suspendedBy !== null) return null
  if (cancelsAt !== null && Date.parse(cancelsAt) <= Date.parse(at)) return null
  if (change === null || Date.parse(change.effectiveAt) > Date.parse(at)) return price === null ? null : { total: price, at }
  const then = change.interval ?? interval
  const total = then === null ? null : (plans.find(({ plan }) => plan === change.plan)?.prices[then] ?? null)
  return total === null ? null : { total, at }
}

function isInForce({ status, plan, subscribedPlan }: SubscriptionBody): boolean {
  return status !== 'none' && status !== 'canceled' && plan === subscribedPlan
}

/** nameOf is a plan's name as it is sold; its id where it is not sold any more. */
function nameOf(plan: string | null, plans: Plans): string {
  return plans.find((sold) => sold.plan === plan)?.name ?? plan ?? 'the plan'
}
