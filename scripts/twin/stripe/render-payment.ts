import { NO_ADDRESS, renderList } from './render-catalog.ts'
import { find } from './shop.ts'
import type { JsonObject } from './shop.ts'
import type { ChargeRecord, PaymentIntentRecord, RefundRecord, State } from './state.ts'

/** renderPaymentIntent words a payment intent as Stripe's API does. */
export function renderPaymentIntent(one: PaymentIntentRecord): JsonObject {
  const failed = one.status === 'requires_payment_method' && one.latestChargeId !== null
  return {
    id: one.id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: one.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: one.status === 'succeeded' ? one.amount : 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: one.canceledAt,
    cancellation_reason: one.canceledAt === null ? null : 'void_invoice',
    capture_method: 'automatic',
    client_secret: `${one.id}_secret_${one.secret}`,
    confirmation_method: 'automatic',
    created: one.created,
    currency: one.currency,
    customer: one.customerId,
    customer_account: null,
    description: one.description,
    excluded_payment_method_types: null,
    last_payment_error: failed ? { ...DECLINE, type: 'card_error', charge: one.latestChargeId } : null,
    latest_charge: one.latestChargeId,
    livemode: false,
    managed_payments: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: failed ? null : one.paymentMethodId,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' }
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: 'off_session',
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: one.status,
    transfer_data: null,
    transfer_group: null
  }
}

const DECLINE = { code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' }

/** renderCharge words one attempt to take money from a card. */
export function renderCharge(state: State, one: ChargeRecord, origin: string): JsonObject {
  const refunds = Object.values(state.refunds)
    .filter(({ chargeId }) => chargeId === one.id)
    .reverse()
  return {
    id: one.id,
    object: 'charge',
    amount: one.amount,
    amount_captured: one.succeeded ? one.amount : 0,
    amount_refunded: one.amountRefunded,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: one.balanceTransactionId,
    billing_details: { address: NO_ADDRESS, email: one.email, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: one.succeeded ? 'PARLEY' : null,
    captured: one.succeeded,
    created: one.created,
    currency: one.currency,
    customer: one.customerId,
    description: one.description,
    disputed: one.disputed,
    failure_balance_transaction: null,
    failure_code: one.succeeded ? null : DECLINE.code,
    failure_message: one.succeeded ? null : DECLINE.message,
    fraud_details: {},
    livemode: false,
    metadata: {},
    on_behalf_of: null,
    outcome: renderOutcome(one.succeeded),
    paid: one.succeeded,
    payment_intent: one.paymentIntentId,
    payment_method: one.paymentMethodId,
    payment_method_details: { card: renderCard(one), type: 'card' },
    receipt_email: null,
    receipt_number: null,
    receipt_url: one.succeeded ? `${origin}/receipt/${one.id}` : null,
    refunded: one.amountRefunded === one.amount && one.amount > 0,
    refunds: renderList(
      `/v1/charges/${one.id}/refunds`,
      refunds.map((refund) => renderRefund(state, refund))
    ),
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: one.succeeded ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null
  }
}

function renderOutcome(succeeded: boolean): JsonObject {
  return {
    advice_code: succeeded ? null : 'try_again_later',
    network_advice_code: null,
    network_decline_code: succeeded ? null : '01',
    network_status: succeeded ? 'approved_by_network' : 'declined_by_network',
    reason: succeeded ? null : DECLINE.decline_code,
    risk_level: 'normal',
    seller_message: succeeded ? 'Payment complete.' : 'The bank did not return any further details with this decline.',
    type: succeeded ? 'authorized' : 'issuer_declined'
  }
}

function renderCard(one: ChargeRecord): JsonObject {
  return {
    amount_authorized: one.succeeded ? one.amount : null,
    authorization_code: null,
    brand: 'visa',
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    exp_month: 12,
    exp_year: 2040,
    extended_authorization: { status: 'disabled' },
    fingerprint: `twin${one.last4}`,
    funding: 'credit',
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: one.last4,
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: 'visa',
    network_token: { used: false },
    network_transaction_id: null,
    overcapture: { maximum_amount_capturable: one.amount, status: 'unavailable' },
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null
  }
}

/** renderRefund words a refund; a card refund succeeds at once at the twin. */
export function renderRefund(state: State, one: RefundRecord): JsonObject {
  const charge = find(state.charges, 'charge', one.chargeId)
  return {
    id: one.id,
    object: 'refund',
    amount: one.amount,
    balance_transaction: one.balanceTransactionId,
    charge: charge.id,
    created: one.created,
    currency: one.currency,
    customer: charge.customerId,
    customer_account: null,
    destination_details: { card: { type: 'refund' }, type: 'card' },
    metadata: one.metadata,
    payment_intent: charge.paymentIntentId,
    payment_method: charge.paymentMethodId,
    reason: one.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null
  }
}
