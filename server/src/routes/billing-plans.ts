import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { BillingPlans } from '../contract/billing-plans.ts'
import { listPlanPrices, type PlanPrice } from '../db/functions/list-plan-prices.ts'
import { listPlans } from '../db/functions/list-plans.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { sessionOf } from '../http/session.ts'
import { plansOf } from './plans.ts'

type SoldPlan = BillingPlans['data'][number]

/** billingPlansRouter answers the catalog with prices, seen from the account. */
export function billingPlansRouter({ db, config }: Parts): Router {
  const router = express.Router()
  router.get('/api/billing/plans', async (_req, res) => {
    const { accountId } = sessionOf(res)
    const reads = [listPlans(db), listPlanPrices(db, { processor: config.checkoutProcessor }), readSubscription(db, { accountId })] as const
    const [quotas, prices, subscription] = await Promise.all(reads)
    const positions = new Map(quotas.map(({ plan, position }) => [plan, position]))
    const positionNow = positions.get(subscription.plan) ?? 0
    const data = plansOf(quotas).map((plan): SoldPlan => {
      const own = prices.filter((price) => price.plan === plan.plan)
      const [month, year] = [priceOf(own, 'month'), priceOf(own, 'year')]
      const position = positions.get(plan.plan) ?? 0
      return {
        ...plan,
        prices: { month, year },
        yearlySavingPercent: savingOf(month, year),
        trialDays: own[0]?.trialDays ?? 0,
        current: plan.plan === subscription.plan,
        direction: position === positionNow ? null : position > positionNow ? 'upgrade' : 'downgrade'
      }
    })
    res.json({ data } satisfies BillingPlans)
  })
  return router
}

function priceOf(prices: PlanPrice[], interval: 'month' | 'year'): SoldPlan['prices']['month'] {
  const price = prices.find(({ billingInterval }) => billingInterval === interval)
  return price === undefined ? null : { amountMinor: price.amountMinor, currency: price.currency, version: price.version }
}

function savingOf(month: SoldPlan['prices']['month'], year: SoldPlan['prices']['year']): number | null {
  if (month === null || year === null || month.amountMinor === 0) return null
  return Math.round(100 * (1 - year.amountMinor / (12 * month.amountMinor)))
}
