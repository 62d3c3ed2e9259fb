import { z } from 'zod'
import type { ApiRoute } from './api.ts'
import { invalid } from './fault.ts'
import { integer, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderDispute } from './render-dispute.ts'
import { renderCharge, renderPaymentIntent, renderRefund } from './render-payment.ts'
import { refundCharge } from './reversals.ts'
import { find } from './shop.ts'

const ABOUT_PAYMENT = { ...LISTING, charge: words.optional(), payment_intent: words.optional() }

/** PAYMENT_ROUTES are charges, payment intents, refunds and disputes. */
export const PAYMENT_ROUTES: ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/charges/:id',
    answer: ({ shop, id }) => renderCharge(shop.state, find(shop.state.charges, 'charge', id), shop.origin)
  },
  {
    method: 'get',
    path: '/v1/charges',
    answer({ shop, form }) {
      const asked = parameters({ ...LISTING, customer: words.optional(), payment_intent: words.optional() }, form)
      const wanted = Object.values(shop.state.charges).filter(
        (one) =>
          (asked.customer === undefined || one.customerId === asked.customer) &&
          (asked.payment_intent === undefined || one.paymentIntentId === asked.payment_intent)
      )
      return page('/v1/charges', 'charge', wanted, asked, (one) => renderCharge(shop.state, one, shop.origin))
    }
  },
  {
    method: 'get',
    path: '/v1/payment_intents/:id',
    answer: ({ shop, id }) => renderPaymentIntent(find(shop.state.paymentIntents, 'payment_intent', id))
  },
  {
    method: 'post',
    path: '/v1/refunds',
    answer({ shop, form }) {
      const asked = parameters(
        {
          charge: words.optional(),
          payment_intent: words.optional(),
          amount: integer.optional(),
          reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
          metadata: metadata.optional()
        },
        form
      )
      const intent =
        asked.payment_intent === undefined
          ? null
          : find(shop.state.paymentIntents, 'payment_intent', asked.payment_intent, 'payment_intent')
      const chargeId = asked.charge ?? intent?.latestChargeId
      if (!chargeId) throw invalid('One of the following params should be provided for this request: payment_intent or charge.')
      const charge = find(shop.state.charges, 'charge', chargeId, 'charge')
      const refund = refundCharge(shop, charge, {
        amount: asked.amount ?? null,
        reason: asked.reason ?? null,
        metadata: merged({}, asked.metadata)
      })
      return renderRefund(shop.state, refund)
    }
  },
  {
    method: 'get',
    path: '/v1/refunds/:id',
    answer: ({ shop, id }) => renderRefund(shop.state, find(shop.state.refunds, 'refund', id))
  },
  {
    method: 'get',
    path: '/v1/refunds',
    answer({ shop, form }) {
      const asked = parameters(ABOUT_PAYMENT, form)
      const wanted = Object.values(shop.state.refunds).filter(
        (one) =>
          (asked.charge === undefined || one.chargeId === asked.charge) &&
          (asked.payment_intent === undefined || shop.state.charges[one.chargeId]?.paymentIntentId === asked.payment_intent)
      )
      return page('/v1/refunds', 'refund', wanted, asked, (one) => renderRefund(shop.state, one))
    }
  },
  {
    method: 'get',
    path: '/v1/disputes/:id',
    answer: ({ shop, id }) => renderDispute(shop.state, find(shop.state.disputes, 'dispute', id))
  },
  {
    method: 'get',
    path: '/v1/disputes',
    answer({ shop, form }) {
      const asked = parameters(ABOUT_PAYMENT, form)
      const wanted = Object.values(shop.state.disputes).filter(
        (one) =>
          (asked.charge === undefined || one.chargeId === asked.charge) &&
          (asked.payment_intent === undefined || shop.state.charges[one.chargeId]?.paymentIntentId === asked.payment_intent)
      )
      return page('/v1/disputes', 'dispute', wanted, asked, (one) => renderDispute(shop.state, one))
    }
  }
]
