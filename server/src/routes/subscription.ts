import express, { type Response, type Router } from 'express'
import type { Parts } from '../app.ts'
import { perform } from '../billing/operations.ts'
import { cancellationSchema } from '../contract/subscription.ts'
import { beginSubscriptionChange, type SubscriptionChange } from '../db/functions/begin-subscription-change.ts'
import type { OperationKind } from '../db/operation-row.ts'
import { Problem } from '../errors.ts'
import { requireBillingRole } from '../http/billing-role.ts'
import { sessionOf } from '../http/session.ts'
import { parseBody } from '../http/validate.ts'
import { obstacleProblem, refusalProblem } from './billing-problems.ts'
import { readSubscriptionBody } from './subscription-body.ts'

/** subscriptionRouter reads, cancels, resumes and pauses the account's subscription. */
export function subscriptionRouter(parts: Parts): Router {
  const router = express.Router()
  router.get('/api/billing/subscription', async (_req, res) => {
    res.json(await readSubscriptionBody(parts.db, sessionOf(res).accountId))
  })

  router.post('/api/billing/cancel', async (req, res) => {
    const accountId = requireBillingRole(res)
    const { when } = parseBody(cancellationSchema, req)
    await change(parts, res, accountId, when === 'now' ? 'cancel_now' : 'cancel_at_period_end')
  })
  router.post('/api/billing/resume', async (_req, res) => {
    await change(parts, res, requireBillingRole(res), 'resume')
  })
  router.post('/api/billing/pause', async (_req, res) => {
    await change(parts, res, requireBillingRole(res), 'pause')
  })
  return router
}

async function change(parts: Parts, res: Response, accountId: string, wanted: SubscriptionChange): Promise<void> {
  const begun = await beginSubscriptionChange(parts.db, { accountId, change: wanted })
  // What is so already is what was asked for.
  if (begun.outcome === 'not_running' && wanted === 'pause') {
    throw new Problem('subscription_not_running', 'Only a subscription that is paid, and not about to end, can be paused.')
  }
  switch (begun.outcome) {
    case 'no_subscription':
    case 'not_running':
    case 'pending':
    case 'too_late':
    case 'busy':
      throw obstacleProblem(begun.outcome)
    default:
      await finishChange(parts, res, accountId, begun)
  }
}

/** Begun is what the database answered to the beginning of a change; without an operation there is nothing to ask. */
export type Begun = {
  operationId: string | null
  kind: OperationKind | null
  processor: string | null
  subscriptionId: string | null
  priceId: string | null
}

/**
 * finishChange asks the processor where it must be asked, and answers how the subscription stands: 202 where the answer was
 * lost. Throws a Problem for a refusal.
 */
export async function finishChange(parts: Parts, res: Response, accountId: string, begun: Begun): Promise<void> {
  const { operationId, kind, processor, subscriptionId, priceId } = begun
  let status = 200
  if (operationId !== null && kind !== null && processor !== null && subscriptionId !== null) {
    const performed = await perform(parts, { accountId, operationId, kind, processor, subscriptionId, priceId })
    if (performed.status === 'refused') throw refusalProblem(performed.refusal)
    if (performed.status === 'unknown') status = 202
    else if (performed.linked) parts.retryWebhooksSoon()
  }
  res.status(status).json(await readSubscriptionBody(parts.db, accountId))
}
