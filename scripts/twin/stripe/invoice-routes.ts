import { z } from 'zod'
import type { ApiRequest, ApiRoute } from './api.ts'
import { planChange, previewOf } from './changes.ts'
import { collect } from './collection.ts'
import { declined, invalid } from './fault.ts'
import { finalizeInvoice, voidInvoice } from './invoices.ts'
import { anything, flag, integer, LISTING, page, parameters, words } from './parameters.ts'
import { renderList } from './render-catalog.ts'
import { renderInvoice, renderInvoicePayment, renderLine } from './render-invoice.ts'
import { find, now } from './shop.ts'
import type { Json, Shop } from './shop.ts'
import { ITEMS, PRORATION, prorationDate, wantedItems } from './subscription-update.ts'
import type { InvoiceRecord } from './state.ts'

/** INVOICE_ROUTES are `/v1/invoices` and `/v1/invoice_payments`. */
export const INVOICE_ROUTES: ApiRoute[] = [
  { method: 'post', path: '/v1/invoices/create_preview', answer: preview },
  { method: 'get', path: '/v1/invoices/:id', answer: ({ shop, id }) => answer(shop, get(shop, id)) },
  {
    method: 'get',
    path: '/v1/invoices/:id/lines',
    answer({ shop, id }) {
      const one = get(shop, id)
      return renderList(
        `/v1/invoices/${id}/lines`,
        one.lines.map((line) => renderLine(shop.state, one, line))
      )
    }
  },
  {
    method: 'get',
    path: '/v1/invoices',
    answer({ shop, form }) {
      const asked = parameters(
        {
          ...LISTING,
          customer: words.optional(),
          subscription: words.optional(),
          status: words.optional(),
          collection_method: anything
        },
        form
      )
      const wanted = Object.values(shop.state.invoices).filter(
        (one) =>
          (asked.customer === undefined || one.customerId === asked.customer) &&
          (asked.subscription === undefined || one.subscriptionId === asked.subscription) &&
          (asked.status === undefined || one.status === asked.status)
      )
      return page('/v1/invoices', 'invoice', wanted, asked, (one) => answer(shop, one))
    }
  },
  { method: 'post', path: '/v1/invoices/:id/pay', answer: pay },
  {
    method: 'post',
    path: '/v1/invoices/:id/finalize',
    answer({ shop, id, form }) {
      parameters({ auto_advance: flag.optional() }, form)
      const one = get(shop, id)
      finalizeInvoice(shop, one)
      return answer(shop, one)
    }
  },
  {
    method: 'post',
    path: '/v1/invoices/:id/void',
    answer({ shop, id }) {
      const one = get(shop, id)
      if (one.status !== 'open') throw invalid(`You can only pass in open invoices. This invoice is ${one.status}.`, 'id')
      voidInvoice(shop, one)
      return answer(shop, one)
    }
  },
  {
    method: 'get',
    path: '/v1/invoice_payments',
    answer({ shop, form }) {
      const asked = parameters(
        {
          ...LISTING,
          invoice: words.optional(),
          status: words.optional(),
          payment: z.strictObject({ type: words, payment_intent: words.optional() }).optional()
        },
        form
      )
      const wanted = Object.values(shop.state.invoices).filter(
        (one) =>
          one.paymentIntentId !== null &&
          (asked.invoice === undefined || one.id === asked.invoice) &&
          (asked.payment?.payment_intent === undefined || one.paymentIntentId === asked.payment.payment_intent)
      )
      const tied = wanted.map((one) => ({ id: one.invoicePaymentId ?? '', created: one.created, one }))
      return page('/v1/invoice_payments', 'invoice_payment', tied, asked, ({ one }): Json => renderInvoicePayment(one))
    }
  },
  {
    method: 'get',
    path: '/v1/invoice_payments/:id',
    answer({ shop, id }) {
      const one = Object.values(shop.state.invoices).find((invoice) => invoice.invoicePaymentId === id)
      return (one && renderInvoicePayment(one)) ?? find({}, 'invoice_payment', id)
    }
  }
]

function get(shop: Shop, id: string): InvoiceRecord {
  return find(shop.state.invoices, 'invoice', id)
}

function answer(shop: Shop, one: InvoiceRecord) {
  return renderInvoice(shop.state, one, shop.origin)
}

function pay({ shop, id, form }: ApiRequest) {
  parameters({ off_session: anything, payment_method: anything, forgive: anything }, form)
  const one = get(shop, id)
  if (one.status === 'paid') throw invalid('Invoice is already paid', 'id', 'invoice_already_paid')
  if (one.status === 'draft') finalizeInvoice(shop, one)
  if (one.status !== 'open') throw invalid(`This invoice is ${one.status} and cannot be paid.`, 'id')
  // The attempt stays on record although the call is refused: that is what Stripe does, too.
  if (!collect(shop, one)) throw declined()
  return answer(shop, one)
}

function preview({ shop, form }: ApiRequest) {
  const asked = parameters(
    {
      subscription: words,
      customer: words.optional(),
      preview_mode: z.literal('next').optional(),
      automatic_tax: anything,
      subscription_details: z
        .strictObject({
          items: ITEMS,
          proration_behavior: PRORATION.optional(),
          proration_date: integer.optional(),
          billing_cycle_anchor: z.enum(['now', 'unchanged']).optional(),
          cancel_at_period_end: anything,
          trial_end: anything
        })
        .optional()
    },
    form
  )
  const one = find(shop.state.subscriptions, 'subscription', asked.subscription, 'subscription')
  if (one.status === 'canceled')
    throw invalid('You cannot preview an invoice of a canceled subscription.', 'subscription', 'invoice_upcoming_none')
  const wish = asked.subscription_details
  const proration = wish?.proration_behavior ?? 'create_prorations'
  const items = wish?.items ? wantedItems(shop, one, wish.items) : one.items
  const at = prorationDate(one, wish?.proration_date, now(shop))
  const plan = planChange(shop, one, items, { proration, at, restart: wish?.billing_cycle_anchor === 'now' })
  return answer(shop, previewOf(shop, one, plan, proration))
}
