import express, { type Response, type Router } from 'express'
import type { Parts } from '../app.ts'
import { planChangeSchema, planCheckSchema, type PlanChangeFit } from '../contract/plan-change.ts'
import type { Blocker } from '../contract/problem.ts'
import type { Database } from '../db/database.ts'
import { beginPlanChange, type PlanChangeBeginning } from '../db/functions/begin-plan-change.ts'
import { beginPlanChangeUndo } from '../db/functions/begin-plan-change-undo.ts'
import { validatePlanChange } from '../db/functions/validate-plan-change.ts'
import { requireBillingRole } from '../http/billing-role.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { sessionOf } from '../http/session.ts'
import { parseBody } from '../http/validate.ts'
import { downgradeBlocked, obstacleProblem, refusedBefore } from './billing-problems.ts'
import { readSubscriptionBody } from './subscription-body.ts'
import { finishChange } from './subscription.ts'

const PATH = '/api/billing/plan-change'

/** planChangeRouter checks, makes and takes back changes of the plan. */
export function planChangeRouter(parts: Parts): Router {
  const { db } = parts
  const router = express.Router()
  router.post(`${PATH}/check`, async (req, res) => {
    const { plan } = parseBody(planCheckSchema, req)
    const blockers = await validatePlanChange(db, { accountId: sessionOf(res).accountId, plan })
    if (blockers.length > 0) throw downgradeBlocked(blockers)
    res.json({ plan, fits: true } satisfies PlanChangeFit)
  })

  router.post(PATH, async (req, res) => {
    const accountId = requireBillingRole(res)
    const { plan, interval } = parseBody(planChangeSchema, req)
    const rows = await beginPlanChange(db, { accountId, plan, interval, requestId: idempotencyKeyOf(req) })
    const [begun] = rows
    if (begun === undefined) throw new Error('api.begin_plan_change answered no row.')
    switch (begun.outcome) {
      case 'blocked':
        throw downgradeBlocked(rows.flatMap(blockerOf))
      case 'replayed':
        return answerReplay(db, res, accountId)
      case 'refused':
        throw refusedBefore(begun.message ?? 'The processor refused it')
      case 'started':
      case 'scheduled':
        return finishChange(parts, res, accountId, begun)
      default:
        throw obstacleProblem(begun.outcome)
    }
  })

  router.delete(PATH, async (_req, res) => {
    const accountId = requireBillingRole(res)
    const begun = await beginPlanChangeUndo(db, { accountId })
    if (begun.outcome === 'busy' || begun.outcome === 'too_late') throw obstacleProblem(begun.outcome)
    await finishChange(parts, res, accountId, begun)
  })
  return router
}

function blockerOf({ metric, used, quota, excess, message }: PlanChangeBeginning): Blocker[] {
  if (metric === null || used === null || quota === null || excess === null || message === null) return []
  return [{ metric, used, quota, excess, message }]
}

/** answerReplay answers a request that was made before; the processor is not asked again. */
async function answerReplay(db: Database, res: Response, accountId: string): Promise<void> {
  const body = await readSubscriptionBody(db, accountId)
  res.status(body.operation === null ? 200 : 202).set('Idempotent-Replayed', 'true').json(body)
}
