import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Plans } from '../contract/plans.ts'
import { listPlans } from '../db/functions/list-plans.ts'

/** plansRouter answers the catalog, also to those who are not signed in. */
export function plansRouter({ db }: Parts): Router {
  const router = express.Router()
  router.get('/api/plans', async (_req, res) => {
    const plans = new Map<string, Plans['data'][number]>()
    for (const { plan, name, metric, title, unit, kind, quota } of await listPlans(db)) {
      const entry = plans.get(plan) ?? { plan, name, quotas: [] }
      entry.quotas.push({ metric, title, unit, kind, quota })
      plans.set(plan, entry)
    }
    res.json({ data: [...plans.values()] } satisfies Plans)
  })
  return router
}
