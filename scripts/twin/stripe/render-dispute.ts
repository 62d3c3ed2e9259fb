import { DAY } from './calendar.ts'
import { find } from './shop.ts'
import type { Json, JsonObject } from './shop.ts'
import type { DisputeRecord, State } from './state.ts'

const EVIDENCE = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_communication',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'customer_signature',
  'duplicate_charge_documentation',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'receipt',
  'refund_policy',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'service_documentation',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_documentation',
  'shipping_tracking_number',
  'uncategorized_file',
  'uncategorized_text'
]

/** renderDispute words a dispute; the bank wants an answer within about three weeks. */
export function renderDispute(state: State, one: DisputeRecord): JsonObject {
  const charge = find(state.charges, 'charge', one.chargeId)
  const evidence: Record<string, Json> = Object.fromEntries(EVIDENCE.map((name) => [name, null]))
  return {
    id: one.id,
    object: 'dispute',
    amount: one.amount,
    balance_transactions: one.balanceTransactionIds.map((id, place) => ({
      id,
      object: 'balance_transaction',
      amount: place === 0 ? -one.amount : one.amount,
      created: one.created,
      currency: one.currency,
      type: 'adjustment'
    })),
    charge: charge.id,
    created: one.created,
    currency: one.currency,
    enhanced_eligibility_types: [],
    evidence: { ...evidence, enhanced_evidence: {} },
    evidence_details: {
      due_by: one.created + 21 * DAY,
      enhanced_eligibility: {},
      has_evidence: one.status !== 'needs_response',
      past_due: false,
      submission_count: one.status === 'needs_response' ? 0 : 1
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: one.metadata,
    payment_intent: charge.paymentIntentId,
    payment_method_details: {
      card: { brand: 'visa', case_type: 'chargeback', network: 'visa', network_reason_code: '10.4' },
      type: 'card'
    },
    reason: 'fraudulent',
    status: one.status
  }
}
