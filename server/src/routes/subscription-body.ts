import type { Money } from '../contract/money.ts'
import type { SubscriptionBody } from '../contract/subscription.ts'
import type { Database } from '../db/database.ts'
import { readSubscription, type Subscription } from '../db/functions/read-subscription.ts'
import { validatePlanChange } from '../db/functions/validate-plan-change.ts'
import { formatTime } from '../http/time.ts'

/** readSubscriptionBody is the answer about an account's subscription, as it is now. */
export async function readSubscriptionBody(db: Database, accountId: string): Promise<SubscriptionBody> {
  const row = await readSubscription(db, { accountId })
  const over = await validatePlanChange(db, { accountId, plan: row.plan })
  return {
    plan: row.plan,
    planName: row.planName,
    status: row.status,
    processor: row.processor,
    subscriptionId: row.subscriptionId,
    subscribedPlan: row.subscribedPlan,
    interval: row.billingInterval,
    price: moneyOf(row.amountMinor, row.currency),
    newestPrice: row.newestVersion === row.priceVersion ? null : moneyOf(row.newestAmountMinor, row.currency),
    periodStart: formatTime(row.periodStart),
    periodEnd: formatTime(row.periodEnd),
    trialEndsAt: formatTime(row.trialEndsAt),
    cancelsAt: formatTime(row.cancelsAt),
    graceEndsAt: formatTime(row.graceEndsAt),
    suspendedBy: row.suspendedKind,
    change: changeOf(row),
    operation: row.operation === null ? null : { kind: row.operation, status: 'pending' },
    checkout:
      row.checkoutId === null || row.checkoutPlan === null
        ? null
        : { checkoutId: row.checkoutId, plan: row.checkoutPlan, url: row.checkoutUrl },
    // The sentences of the database are about a change of plan, which is not what this tells of.
    overLimit: over.map(({ metric, used, quota, excess }) => ({ metric, used, quota, excess })),
    closedAt: formatTime(row.closedAt)
  }
}

/** moneyOf: null where either is not known. */
export function moneyOf(amountMinor: number | null, currency: string | null): Money | null {
  return amountMinor === null || currency === null ? null : { amountMinor, currency }
}

function changeOf({ changePlan, changeInterval, changeDirection, changeAt }: Subscription): SubscriptionBody['change'] {
  if (changePlan === null || changeDirection === null || changeAt === null) return null
  return { plan: changePlan, interval: changeInterval, direction: changeDirection, effectiveAt: formatTime(changeAt) }
}
