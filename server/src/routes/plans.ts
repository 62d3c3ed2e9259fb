import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Plans } from '../contract/plans.ts'
import { listPlans, type PlanQuota } from '../db/functions/list-plans.ts'

/** plansRouter answers the catalog, also to those who are not signed in. */
export function plansRouter({ db }: Parts): Router {
  const router = express.Router()
  router.get('/api/plans', async (_req, res) => {
    res.json({ data: plansOf(await listPlans(db)) } satisfies Plans)
  })
  return router
}

/** plansOf gathers the rows of the catalog by plan, in their order. */
export function plansOf(rows: PlanQuota[]): Plans['data'] {
  const plans = new Map<string, Plans['data'][number]>()
  for (const { plan, name, metric, title, unit, kind, quota } of rows) {
    const entry = plans.get(plan) ?? { plan, name, quotas: [] }
    entry.quotas.push({ metric, title, unit, kind, quota })
    plans.set(plan, entry)
  }
  return [...plans.values()]
}
