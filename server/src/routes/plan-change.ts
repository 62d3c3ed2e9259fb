import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { planChangeSchema, type PlanChangeFit } from '../contract/plan-change.ts'
import { validatePlanChange, type PlanChangeBlocker } from '../db/functions/validate-plan-change.ts'
import { Problem } from '../errors.ts'
import { sessionOf } from '../http/session.ts'
import { parseBody } from '../http/validate.ts'

/** planChangeRouter tells, before anybody pays, whether the account fits into another plan. It changes nothing. */
export function planChangeRouter({ db }: Parts): Router {
  const router = express.Router()
  router.post('/api/billing/plan-change/check', async (req, res) => {
    const { plan } = parseBody(planChangeSchema, req)
    const blockers = await validatePlanChange(db, { accountId: sessionOf(res).accountId, plan })
    if (blockers.length > 0) throw downgradeBlocked(blockers)
    res.json({ plan, fits: true } satisfies PlanChangeFit)
  })
  return router
}

function downgradeBlocked(blockers: PlanChangeBlocker[]): Problem {
  return new Problem('downgrade_blocked', blockers.map(({ message }) => message).join('. '), {
    blockers,
    resolutions: blockers.map(({ metric, excess }) => ({ action: 'delete', metric, count: excess })),
    // Clients that repeat refused requests by themselves would only be refused again.
    headers: { 'x-should-retry': 'false' }
  })
}
