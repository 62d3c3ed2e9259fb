import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { ProcessorName } from '../billing/billing-event.ts'
import { beginCheckout, type CheckoutParts } from '../billing/checkouts.ts'
import { type CheckoutState, confirmCheckout, endCheckout } from '../billing/confirm-checkout.ts'
import { type CheckoutBody, checkoutParamsSchema, type CheckoutStateBody, newCheckoutSchema } from '../contract/checkout.ts'
import type { Database } from '../db/database.ts'
import type { StoredCheckout } from '../db/functions/read-checkout.ts'
import { readCheckout } from '../db/functions/read-checkout.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { Problem } from '../errors.ts'
import { requireBillingRole } from '../http/billing-role.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { originOf } from '../http/origin.ts'
import { sessionOf } from '../http/session.ts'
import { parseBody, parseParams } from '../http/validate.ts'
import { obstacleProblem, processorProblem } from './billing-problems.ts'

const PATH = '/api/billing/checkout'
const ONE = `${PATH}/:checkoutId`

/** checkoutRouter begins, confirms and gives up purchases. */
export function checkoutRouter(parts: Parts): Router {
  const { config, db } = parts
  const buying: CheckoutParts = { ...parts, origin: originOf(config) }
  const router = express.Router()

  router.post(PATH, async (req, res) => {
    const accountId = requireBillingRole(res)
    const { plan, interval, processor: wanted } = parseBody(newCheckoutSchema, req)
    // The purchase itself is its key: an account has one under way at most.
    idempotencyKeyOf(req)
    const processor = chooseProcessor(parts, wanted)
    const begun = await beginCheckout(buying, { accountId, plan, interval, processor }).catch((error: unknown) => {
      throw processorProblem(error)
    })
    if (begun.outcome !== 'open') throw checkoutProblem(begun.outcome)
    const { slot, url, expiresAt } = begun
    const { checkoutId } = slot
    // Wherever the trial is kept, the buyer gets it.
    const trialDays = slot.trialDays + slot.priceTrialDays
    res
      .status(201)
      .location(`${PATH}/${checkoutId}`)
      .json({ checkoutId, url, processor, plan, interval, trialDays, expiresAt } satisfies CheckoutBody)
  })

  router.get(ONE, async (req, res) => {
    const { checkoutId } = parseParams(checkoutParamsSchema, req)
    const { accountId } = sessionOf(res)
    const confirmed = await confirmCheckout(parts, { accountId, checkoutId }).catch((error: unknown) => {
      throw processorProblem(error)
    })
    if (confirmed === null) throw noSuchCheckout()
    res.json(await toState(db, accountId, confirmed.checkout, confirmed.state))
  })

  router.delete(ONE, async (req, res) => {
    const accountId = requireBillingRole(res)
    const { checkoutId } = parseParams(checkoutParamsSchema, req)
    const checkout = await readCheckout(db, { accountId, checkoutId })
    if (checkout === null) throw noSuchCheckout()
    const ended =
      checkout.status === 'complete'
        ? 'paid'
        : await endCheckout(parts, { accountId, ...checkout }).catch((error: unknown) => {
            throw processorProblem(error)
          })
    const state = { ended: 'expired', paid: 'complete', processing: 'processing' } as const
    res.json(await toState(db, accountId, checkout, state[ended]))
  })
  return router
}

function chooseProcessor({ config, processors }: Parts, wanted: ProcessorName | undefined): ProcessorName {
  const name = wanted ?? config.checkoutProcessor
  if (name !== null && processors.some((processor) => processor.name === name && processor.api !== null)) return name
  if (wanted === undefined) {
    throw new Problem('processor_unavailable', 'No payment processor is set up here, so that nothing can be bought yet.')
  }
  const problem = 'is not set up here; leave it out'
  throw new Problem('invalid_request', `processor ${problem}.`, { errors: [{ field: 'processor', problem }] })
}

function checkoutProblem(outcome: 'subscribed' | 'not_sold' | 'paid' | 'replaced'): Problem {
  switch (outcome) {
    case 'not_sold':
      return obstacleProblem('not_sold')
    case 'subscribed':
      return new Problem('already_subscribed', 'There is a subscription already. Change its plan instead of buying another.', {
        resolutions: [{ action: 'change_plan' }]
      })
    case 'paid':
      return new Problem('checkout_paid', 'The checkout begun before is paid and is being set up. Look again in a moment.', {
        resolutions: [{ action: 'retry', afterSeconds: 5 }],
        headers: { 'Retry-After': '5' }
      })
    case 'replaced':
      return new Problem('checkout_replaced', 'Another purchase was begun at the same time. Go on with that one, or try again.', {
        resolutions: [{ action: 'retry', afterSeconds: 1 }],
        headers: { 'Retry-After': '1' }
      })
  }
}

async function toState(db: Database, accountId: string, checkout: StoredCheckout, status: CheckoutState): Promise<CheckoutStateBody> {
  const { plan: planInForce } = await readSubscription(db, { accountId })
  return { checkoutId: checkout.checkoutId, status, plan: checkout.plan, interval: checkout.billingInterval, planInForce }
}

function noSuchCheckout(): Problem {
  return new Problem('not_found', 'There is no such checkout in this account.')
}
