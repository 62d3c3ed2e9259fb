import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import { z } from 'zod'
import { CARDS, type Card } from '../dialect.ts'
import { authenticate, changeCard } from './card.ts'
import { type Context, findRecord, found } from './context.ts'
import { runDue } from './due.ts'
import { invoicePage } from './invoice-page.ts'
import { escaped, subscriptionPage, wholePage } from './page-html.ts'
import { Refusal } from './refusal.ts'

const numbers = z.enum(['4242424242424242', '4000000000000002', '4000000000000341'])
const form = z.object({ card: numbers })

/**
 * pageRouter is the page at a subscription's `short_url`: the buyer pays there, and later changes the card, as with Razorpay's
 * hosted page. At the `short_url` of an invoice is that one. It needs no script and loads nothing from elsewhere.
 */
export function pageRouter(context: Context): Router {
  const router = express.Router()
  router.get('/:id', (req, res) => {
    runDue(context)
    const { id } = req.params
    if (Object.hasOwn(context.state.invoices, id)) send(res, invoicePage(context, found(context.state.invoices, id)))
    else show(context, res, id, null)
  })
  router.post('/:id', express.urlencoded({ extended: false, limit: '10kb' }), (req, res) => {
    runDue(context)
    const parsed = form.safeParse(req.body)
    const card: Card | null = parsed.success ? CARDS[parsed.data.card] : null
    const record = findRecord(context, req.params.id)
    const first = record.entity.status === 'created'
    const accepted = card !== null && (first ? authenticate(context, record, card) : changeCard(context, record, card))
    runDue(context)
    if (accepted) res.redirect(303, `/i/${encodeURIComponent(record.entity.id)}`)
    else
      show(context, res.status(402), record.entity.id, 'The bank declined this card. Nothing was paid. Please try another one.')
  })
  router.use(asPage)
  return router
}

function show(context: Context, res: Response, id: string, fault: string | null): void {
  send(res, subscriptionPage(context, findRecord(context, id), fault))
}

function send(res: Response, html: string): void {
  res.set(
    'content-security-policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
  )
  res.set('cache-control', 'no-store')
  res.set('referrer-policy', 'no-referrer')
  res.type('html').send(html)
}

const asPage: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (!(error instanceof Refusal) || res.headersSent) {
    next(error)
    return
  }
  send(
    res.status(error.reason === 'input_validation_failed' ? 404 : 409),
    wholePage('Not possible', `<p role="alert">${escaped(error.message)}</p>`)
  )
}
