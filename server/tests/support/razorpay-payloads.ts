import { createHmac } from 'node:crypto'

/** RAZORPAY_ACCOUNT is the account that the payloads of these tests come from. */
export const RAZORPAY_ACCOUNT = 'acc_Parley00000001'

/** at is a time of these tests as Razorpay writes it. */
export function at(iso: string): number {
  return Date.parse(iso) / 1000
}

type Fields = Record<string, unknown>

/**
 * subscriptionEntity is a monthly starter subscription within its first period, from 31 January 2026 10:00 UTC to midnight in
 * India before 28 February, as Razorpay shows it (the fields of webhooks/subscriptions.md in razorpay/markdown-docs).
 */
export function subscriptionEntity(changes: Fields = {}): Fields {
  return {
    id: 'sub_Parley00000001',
    entity: 'subscription',
    plan_id: 'plan_starter_monthly',
    customer_id: 'cust_Parley0000001',
    status: 'active',
    current_start: at('2026-01-31T10:00:00Z'),
    current_end: at('2026-02-27T18:30:00Z'),
    ended_at: null,
    quantity: 1,
    notes: { account_id: 'org_parley', checkout_id: 'chk_1', operation_id: 'op_1' },
    charge_at: at('2026-02-27T18:30:00Z'),
    start_at: at('2026-01-31T10:00:00Z'),
    end_at: at('2035-12-30T18:30:00Z'),
    auth_attempts: 0,
    total_count: 120,
    paid_count: 1,
    customer_notify: true,
    created_at: at('2026-01-31T09:58:00Z'),
    expire_by: at('2026-02-01T09:58:00Z'),
    short_url: 'https://rzp.io/i/parley',
    has_scheduled_changes: false,
    change_scheduled_at: null,
    source: 'api',
    remaining_count: 119,
    ...changes
  }
}

/** unpaidEntity is the same subscription before anybody has paid on its page. */
export function unpaidEntity(changes: Fields = {}): Fields {
  const nobody = { customer_id: null, status: 'created', current_start: null, current_end: null, start_at: null, charge_at: null }
  return subscriptionEntity({ ...nobody, paid_count: 0, ...changes })
}

/** paymentEntity is a captured payment of 19.00 USD. */
export function paymentEntity(changes: Fields = {}): Fields {
  return {
    id: 'pay_Parley00000001',
    entity: 'payment',
    amount: 1900,
    currency: 'USD',
    status: 'captured',
    order_id: 'order_Parley000001',
    invoice_id: 'inv_Parley00000001',
    method: 'card',
    amount_refunded: 0,
    captured: true,
    customer_id: 'cust_Parley0000001',
    notes: [],
    created_at: at('2026-01-31T10:00:05Z'),
    ...changes
  }
}

/** refundEntity gives 5.00 USD of that payment back. */
export function refundEntity(changes: Fields = {}): Fields {
  return {
    id: 'rfnd_Parley0000001',
    entity: 'refund',
    amount: 500,
    currency: 'USD',
    payment_id: 'pay_Parley00000001',
    notes: [],
    status: 'processed',
    created_at: at('2026-02-02T08:00:00Z'),
    ...changes
  }
}

/** disputeEntity contests that payment. */
export function disputeEntity(changes: Fields = {}): Fields {
  return {
    id: 'disp_Parley0000001',
    entity: 'dispute',
    payment_id: 'pay_Parley00000001',
    amount: 1900,
    currency: 'USD',
    amount_deducted: 0,
    reason_code: 'goods_or_services_not_received',
    status: 'open',
    phase: 'chargeback',
    created_at: at('2026-02-03T08:00:00Z'),
    ...changes
  }
}

/** razorpayEvent wraps entities, by name, as a webhook does. */
export function razorpayEvent(event: string, entities: Record<string, Fields>, changes: Fields = {}): Fields {
  return {
    entity: 'event',
    account_id: RAZORPAY_ACCOUNT,
    event,
    contains: Object.keys(entities),
    payload: Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { entity }])),
    created_at: at('2026-01-31T10:00:07Z'),
    ...changes
  }
}

/** razorpaySignature is what Razorpay puts into X-Razorpay-Signature. */
export function razorpaySignature(body: string | Buffer, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}
