import { type Context, findPlan, found, newId, nowSeconds } from './context.ts'
import type { Invoice, Order } from './money.ts'
import type { SubscriptionRecord } from './state.ts'

/** issueInvoice makes an invoice with its order over `amountMinor` for a stretch of a subscription, in Unix seconds. */
export function issueInvoice(
  context: Context,
  record: SubscriptionRecord,
  bill: { amountMinor: number; start: number; end: number }
): Invoice {
  const { entity } = record
  const plan = findPlan(context, entity.plan_id)
  const at = nowSeconds(context)
  const amount = bill.amountMinor
  const currency = plan.item.currency
  const order: Order = {
    id: newId(context, 'order_'),
    entity: 'order',
    amount,
    amount_paid: 0,
    amount_due: amount,
    currency,
    receipt: null,
    offer_id: null,
    status: 'created',
    attempts: 0,
    notes: [],
    created_at: at
  }
  const customer = entity.customer_id === null ? null : found(context.state.customers, entity.customer_id)
  const id = newId(context, 'inv_')
  const invoice: Invoice = {
    id,
    entity: 'invoice',
    receipt: null,
    invoice_number: null,
    customer_id: entity.customer_id,
    customer_details: {
      id: entity.customer_id,
      name: customer?.name ?? null,
      email: customer?.email ?? null,
      contact: customer?.contact ?? null,
      gstin: null,
      billing_address: null,
      shipping_address: null,
      customer_name: customer?.name ?? null,
      customer_email: customer?.email ?? null,
      customer_contact: customer?.contact ?? null
    },
    order_id: order.id,
    subscription_id: entity.id,
    line_items: [
      {
        id: newId(context, 'li_'),
        item_id: null,
        ref_id: null,
        ref_type: null,
        name: plan.item.name,
        description: null,
        amount,
        unit_amount: plan.item.amount,
        gross_amount: amount,
        tax_amount: 0,
        taxable_amount: amount,
        net_amount: amount,
        currency,
        type: 'plan',
        tax_inclusive: false,
        hsn_code: null,
        sac_code: null,
        tax_rate: null,
        unit: null,
        quantity: entity.quantity,
        taxes: []
      }
    ],
    payment_id: null,
    status: 'issued',
    expire_by: null,
    issued_at: at,
    paid_at: null,
    cancelled_at: null,
    expired_at: null,
    sms_status: null,
    email_status: null,
    date: at,
    terms: null,
    partial_payment: false,
    gross_amount: amount,
    tax_amount: 0,
    taxable_amount: amount,
    amount,
    amount_paid: 0,
    amount_due: amount,
    currency,
    description: null,
    notes: [],
    comment: null,
    short_url: `${context.origin}/i/${id}`,
    view_less: true,
    billing_start: bill.start,
    billing_end: bill.end,
    type: 'invoice',
    group_taxes_discounts: false,
    created_at: at,
    idempotency_key: null
  }
  context.state.orders[order.id] = order
  context.state.invoices[id] = invoice
  return invoice
}
