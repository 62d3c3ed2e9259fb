import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { apiOf } from '../billing/operations.ts'
import { type PortalBody, portalRequestSchema } from '../contract/subscription.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { Problem } from '../errors.ts'
import { requireBillingRole } from '../http/billing-role.ts'
import { originOf } from '../http/origin.ts'
import { parseBody } from '../http/validate.ts'
import { obstacleProblem, processorProblem } from './billing-problems.ts'

/** portalRouter opens the processor's page for payment methods and invoices. */
export function portalRouter(parts: Parts): Router {
  const { config, db } = parts
  const origins = new Set([originOf(config), ...config.clerk.authorizedParties])
  const router = express.Router()
  router.post('/api/billing/portal', async (req, res) => {
    const accountId = requireBillingRole(res)
    const returnUrl = (req.body === undefined ? {} : parseBody(portalRequestSchema, req)).returnUrl ?? `${originOf(config)}/`
    if (!origins.has(new URL(returnUrl).origin)) {
      const problem = 'is not on an origin of this service'
      throw new Problem('invalid_request', `returnUrl ${problem}.`, { errors: [{ field: 'returnUrl', problem }] })
    }
    const { processor, customerId, subscriptionId } = await readSubscription(db, { accountId })
    // Razorpay's page belongs to the subscription: there a customer need not be known.
    if (processor === null || (customerId === null && subscriptionId === null)) throw obstacleProblem('no_subscription')
    try {
      const { url } = await apiOf(parts, processor).portal({ customerId: customerId ?? '', subscriptionId, returnUrl })
      res.json({ url } satisfies PortalBody)
    } catch (error) {
      throw processorProblem(error)
    }
  })
  return router
}
