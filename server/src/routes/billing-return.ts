import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { type CheckoutState, confirmCheckout } from '../billing/confirm-checkout.ts'
import { AnswerUnknown, ProcessorRefusal } from '../billing/processor.ts'
import { returnQuerySchema } from '../contract/checkout.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { Problem } from '../errors.ts'
import { readClientPage } from '../http/client-files.ts'
import { escapeHtml, htmlPage } from '../http/html.ts'
import { limitByAddress } from '../http/rate-limits.ts'
import { parseQuery } from '../http/validate.ts'

const PATH = '/billing/return'
const REFRESH_SECONDS = 3

/**
 * billingReturnRouter is where a buyer comes back to. Nobody is signed in here: whoever knows the purchase's id, which is
 * random, may see how it stands, and nothing else. What is paid is applied at once; then the web client takes over, and where
 * there is none a page says how it stands.
 */
export function billingReturnRouter(parts: Parts): Router {
  const router = express.Router()
  router.get(PATH, limitByAddress(parts.config.rateLimits), async (req, res) => {
    const { account: accountId, checkout: checkoutId, canceled } = parseQuery(returnQuerySchema, req)
    const confirmed = await confirmCheckout(parts, { accountId, checkoutId }).catch((error: unknown) => {
      // The buyer has paid, or not; that the processor does not answer just now is no reason for an error page.
      if (error instanceof AnswerUnknown || error instanceof ProcessorRefusal) {
        parts.log.warn({ err: error, checkoutId }, 'a purchase could not be confirmed yet')
        return 'unknown' as const
      }
      throw error
    })
    if (confirmed === null) throw new Problem('not_found', 'There is no such checkout.')
    res.set('Cache-Control', 'no-store')
    if (readClientPage(parts.config.clientDirectory) !== null) {
      const isLeft = canceled !== undefined && confirmed !== 'unknown' && confirmed.state === 'open'
      res.redirect(303, isLeft ? `/settings/plans?canceled=${checkoutId}` : `/settings/billing/confirm?checkout=${checkoutId}`)
      return
    }
    res.type('html')
    if (confirmed === 'unknown') {
      res.send(waitingPage())
      return
    }
    const { planName } = await readSubscription(parts.db, { accountId })
    res.send(pageOf(confirmed.state, planName, canceled !== undefined))
  })
  return router
}

function pageOf(state: CheckoutState, planName: string, canceled: boolean): string {
  if (state === 'complete') {
    return page('Thank you', `<p>The payment is confirmed. Your plan is now <strong>${escapeHtml(planName)}</strong>.</p>`)
  }
  if (state === 'processing') return waitingPage()
  const still = `<p>Nothing was charged. Your plan is <strong>${escapeHtml(planName)}</strong>.</p>`
  if (state === 'expired') return page('The checkout is over', still)
  if (canceled) return page('The checkout was left', `${still}\n<p>You can go back to it and pay later.</p>`)
  return waitingPage()
}

function waitingPage(): string {
  return page(
    'Waiting for the payment',
    '<p role="status">The payment is not confirmed yet. This page looks again by itself every few seconds.</p>',
    REFRESH_SECONDS
  )
}

function page(title: string, text: string, refreshSeconds?: number): string {
  return htmlPage(`Parley: ${title}`, `<h1>${title}</h1>\n${text}\n<p><a href="/">Back to Parley</a></p>`, refreshSeconds)
}
