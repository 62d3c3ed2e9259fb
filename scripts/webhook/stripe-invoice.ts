import type { Payload, Scenario } from './scenario.ts'
import { planOf, priceOf, unix } from './stripe-price.ts'

/** stripeInvoice builds the invoice of a renewal; its own period is the one *before*, as Stripe has it. */
export function stripeInvoice(scenario: Scenario): Payload {
  const old = scenario.shape === 'old'
  const paid = scenario.event === 'paid'
  const metadata = { account_id: scenario.accountId }
  const length = scenario.periodEnd.getTime() - scenario.periodStart.getTime()
  return {
    id: `in_${scenario.eventId.slice(4)}`,
    object: 'invoice',
    amount_due: scenario.amountMinor,
    amount_paid: paid ? scenario.amountMinor : 0,
    amount_remaining: paid ? 0 : scenario.amountMinor,
    attempt_count: 1,
    attempted: true,
    billing_reason: 'subscription_cycle',
    collection_method: 'charge_automatically',
    created: unix(scenario.periodStart),
    currency: 'usd',
    customer: scenario.customerId,
    lines: { object: 'list', data: [invoiceLine(scenario)], has_more: false, total_count: 1, url: '/v1/invoices/lines' },
    livemode: false,
    metadata: {},
    ...(old ? { paid, subscription: scenario.subscriptionId } : {}),
    ...(old
      ? {}
      : {
          parent: {
            quote_details: null,
            subscription_details: { metadata, subscription: scenario.subscriptionId },
            type: 'subscription_details'
          }
        }),
    period_end: unix(scenario.periodStart),
    period_start: unix(new Date(scenario.periodStart.getTime() - length)),
    status: paid ? 'paid' : 'open',
    subtotal: scenario.amountMinor,
    total: scenario.amountMinor
  }
}

function invoiceLine(scenario: Scenario): Payload {
  const item = `si_${scenario.subscriptionId.slice(4)}`
  const common = {
    id: `il_${scenario.eventId.slice(4)}`,
    object: 'line_item',
    amount: scenario.amountMinor,
    currency: 'usd',
    discountable: true,
    discounts: [],
    livemode: false,
    metadata: { account_id: scenario.accountId },
    period: { end: unix(scenario.periodEnd), start: unix(scenario.periodStart) },
    quantity: 1
  }
  if (scenario.shape === 'old') {
    return {
      ...common,
      plan: planOf(scenario),
      price: priceOf(scenario),
      proration: false,
      subscription: scenario.subscriptionId,
      subscription_item: item,
      type: 'subscription'
    }
  }
  return {
    ...common,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: scenario.subscriptionId,
        subscription_item: item
      },
      type: 'subscription_item_details'
    },
    pricing: {
      price_details: { price: scenario.priceId, product: `prod_${scenario.priceId.slice(6)}` },
      type: 'price_details',
      unit_amount_decimal: String(scenario.amountMinor)
    }
  }
}
