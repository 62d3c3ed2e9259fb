import { z } from 'zod'
import type { ApiRequest, ApiRoute } from './api.ts'
import { billNow } from './collection.ts'
import { endSubscription } from './ending.ts'
import { invalid, missing } from './fault.ts'
import { createInvoice } from './invoices.ts'
import { proratedLine } from './lines.ts'
import { anything, flag, LISTING, page, parameters, words } from './parameters.ts'
import { pauseSubscription, resumeSubscription } from './pausing.ts'
import { renderSubscription } from './render-subscription.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import type { SubscriptionRecord } from './state.ts'
import { updateSubscription } from './subscription-update.ts'

const DETAILS = z.strictObject({ comment: words.optional(), feedback: words.optional() }).optional()

/** SUBSCRIPTION_ROUTES are `/v1/subscriptions`; they are made by the checkout only. */
export const SUBSCRIPTION_ROUTES: ApiRoute[] = [
  { method: 'get', path: '/v1/subscriptions/:id', answer: ({ shop, id }) => answer(shop, get(shop, id)) },
  { method: 'get', path: '/v1/subscriptions', answer: list },
  {
    method: 'post',
    path: '/v1/subscriptions/:id',
    answer({ shop, id, form }) {
      const one = get(shop, id)
      updateSubscription(shop, one, form)
      return answer(shop, one)
    }
  },
  { method: 'delete', path: '/v1/subscriptions/:id', answer: cancel },
  {
    method: 'post',
    path: '/v1/subscriptions/:id/pause',
    answer({ shop, id, form }) {
      const one = get(shop, id)
      const asked = parameters(
        {
          type: z.literal('subscription').optional(),
          bill_for: z
            .strictObject({
              unused_time_from: z.strictObject({ type: z.enum(['now', 'none']) }).optional(),
              outstanding_usage_through: anything
            })
            .optional(),
          invoicing_behavior: z.enum(['invoice', 'pending_invoice_item']).optional()
        },
        form
      )
      const credit = asked.bill_for?.unused_time_from?.type !== 'none'
      pauseSubscription(shop, one, { credit, invoiceNow: asked.invoicing_behavior === 'invoice' })
      return answer(shop, one)
    }
  },
  {
    method: 'post',
    path: '/v1/subscriptions/:id/resume',
    answer({ shop, id, form }) {
      const one = get(shop, id)
      const asked = parameters(
        {
          billing_cycle_anchor: z
            .union([z.strictObject({ type: z.enum(['now', 'unchanged']) }), z.enum(['now', 'unchanged'])])
            .optional(),
          payment_behavior: z.enum(['resume_on_payment_attempt', 'resume_on_payment_success']).optional(),
          proration_behavior: z.enum(['create_prorations', 'always_invoice', 'none']).optional(),
          proration_date: anything
        },
        form
      )
      const anchor = asked.billing_cycle_anchor
      const restart = (typeof anchor === 'object' ? anchor.type : anchor) !== 'unchanged'
      const onSuccess = asked.payment_behavior === 'resume_on_payment_success'
      resumeSubscription(shop, one, { restart, prorate: asked.proration_behavior !== 'none', onSuccess })
      return answer(shop, one)
    }
  }
]

function get(shop: Shop, id: string): SubscriptionRecord {
  return find(shop.state.subscriptions, 'subscription', id)
}

function answer(shop: Shop, one: SubscriptionRecord) {
  return renderSubscription(shop.state, one)
}

function list({ shop, form }: ApiRequest) {
  const asked = parameters(
    {
      ...LISTING,
      customer: words.optional(),
      price: words.optional(),
      status: words.optional(),
      current_period_end: anything,
      current_period_start: anything
    },
    form
  )
  // Without a status Stripe leaves out those that have ended.
  const fits = ({ status }: SubscriptionRecord): boolean =>
    asked.status === undefined
      ? status !== 'canceled'
      : asked.status === 'all' || status === asked.status || (asked.status === 'ended' && status === 'canceled')
  const wanted = Object.values(shop.state.subscriptions).filter(
    (one) =>
      fits(one) &&
      (asked.customer === undefined || one.customerId === asked.customer) &&
      (asked.price === undefined || one.items.some(({ priceId }) => priceId === asked.price))
  )
  return page('/v1/subscriptions', 'subscription', wanted, asked, (one) => answer(shop, one))
}

function cancel({ shop, id, form }: ApiRequest) {
  const one = get(shop, id)
  const asked = parameters({ invoice_now: flag.optional(), prorate: flag.optional(), cancellation_details: DETAILS }, form)
  if (one.status === 'canceled') throw missing('subscription', id)
  one.cancelComment = asked.cancellation_details?.comment ?? one.cancelComment
  one.cancelFeedback = asked.cancellation_details?.feedback ?? one.cancelFeedback
  if (asked.prorate && !asked.invoice_now)
    throw invalid('At the twin `prorate` is only taken together with `invoice_now`.', 'prorate')
  if (asked.invoice_now) {
    const lines = asked.prorate ? one.items.map((item) => proratedLine(shop, one, item, now(shop), 'unused')) : []
    if (lines.length + one.pendingLines.length > 0) {
      billNow(
        shop,
        createInvoice(shop, one, {
          reason: 'subscription_update',
          lines,
          periodStart: now(shop),
          periodEnd: now(shop),
          finalizesAt: null
        })
      )
    }
  }
  endSubscription(shop, one, 'cancellation_requested')
  return answer(shop, one)
}
