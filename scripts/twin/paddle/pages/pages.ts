import { Router, urlencoded } from 'express'
import type { ErrorRequestHandler } from 'express'
import type { Context } from '../api/context.ts'
import { Refusal } from '../errors.ts'
import { checkoutPages } from './checkout-page.ts'
import { html, pageOf } from './html.ts'
import { invoicePages } from './invoice-page.ts'
import { portalPages } from './portal-page.ts'

// No form-action: a checkout ends with a redirect to the shop, which browsers would count as one.
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

const PLACES = ['/checkout', '/portal', '/invoices']

/** pageRoutes are the twin's hosted pages; nothing else is below {@link PLACES}. */
export function pageRoutes(context: Context): Router {
  const router = Router()
  router.use(PLACES, urlencoded({ extended: false, limit: '16kb' }), (_req, res, next) => {
    res.set({ 'content-security-policy': CONTENT_POLICY, 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    next()
  })
  router.use(checkoutPages(context))
  router.use(portalPages(context))
  router.use(invoicePages(context))
  router.use(PLACES, fault)
  return router
}

const fault: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  const known = error instanceof Refusal
  if (!known) console.error('The Paddle twin failed:', error)
  const text = known ? error.message : 'The twin could not do that.'
  res.status(known ? error.status : 400).send(
    pageOf(
      'Not possible',
      html`<h1>Not possible</h1>
        <p>${text}</p>`
    )
  )
}
