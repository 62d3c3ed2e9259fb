import { ApiError } from '@paddle/paddle-node-sdk'
import { AnswerUnknown, ProcessorRefusal } from '../../processor.ts'

type Meaning = [code: ProcessorRefusal['code'], reason: string]

const TRY_LATER: Meaning = ['busy', 'Paddle is billing or changing the subscription right now. Try again in an hour.']
const NO_CHECKOUT: Meaning = ['invalid', 'Checkouts are not set up at Paddle: a default payment link is needed.']
const OTHER_STATE: Meaning = ['not_possible', 'Paddle does not allow this change to the subscription as it stands.']
const NOT_UNDERSTOOD: Meaning = ['invalid', 'Paddle did not accept the request.']

/**
 * MEANINGS: what Paddle's error codes say to the owner (developer.paddle.com/errors). Paddle locks a subscription for half
 * an hour before it bills it.
 */
const MEANINGS = new Map<string, Meaning>([
  ['not_found', ['not_found', 'Paddle does not know it.']],
  ['subscription_payment_declined', ['declined', 'The payment was declined. Nothing was changed.']],
  ['subscription_locked_renewal', TRY_LATER],
  ['subscription_locked_processing', TRY_LATER],
  ['concurrent_modification', TRY_LATER],
  ['conflict', TRY_LATER],
  ['transaction_immutable_while_processing_payment', ['busy', 'A payment is under way. Try again in a minute.']],
  ['subscription_locked_pending_changes', ['not_possible', 'A cancellation or pause is planned, and must be taken back first.']],
  ['subscription_update_when_canceled', ['not_possible', 'The subscription has ended.']],
  ['subscription_is_canceled_action_invalid', ['not_possible', 'The subscription has ended.']],
  ['subscription_update_when_past_due', ['not_possible', 'The last bill is not paid yet, and must be first.']],
  ['subscription_outstanding_transaction', ['not_possible', 'A bill is not paid yet, and must be first.']],
  ['transaction_default_checkout_url_not_set', NO_CHECKOUT],
  ['transaction_checkout_not_enabled', NO_CHECKOUT],
  ['transaction_checkout_url_domain_is_not_approved', NO_CHECKOUT]
])

/**
 * NO_RIGHT: a wrong, rotated or too weak key says nothing about what was asked. A refusal is final and would destroy what
 * customers asked for.
 */
const NO_RIGHT = new Set(['authentication_missing', 'authentication_malformed', 'invalid_token', 'forbidden', 'paddle_billing_not_enabled'])

/** meaningOf says what a failed call to Paddle means: a {@link ProcessorRefusal}, or that the answer is unknown. */
export function meaningOf(error: unknown): ProcessorRefusal | AnswerUnknown {
  if (error instanceof ProcessorRefusal || error instanceof AnswerUnknown) return error
  if (error instanceof ApiError) return refusalOf(error.code, error.type, error)
  // A broken connection, no JSON (a gateway's page), or an entity that the SDK cannot read: what was asked may have been done.
  return new AnswerUnknown('Paddle gave no answer that can be read', { cause: error })
}

/** refusalOf words one of Paddle's errors. Those of type `api_error` (5xx, 429) say nothing about what was asked. */
export function refusalOf(code: string, type: string, cause?: unknown): ProcessorRefusal | AnswerUnknown {
  if (type !== 'request_error' || code === 'too_many_requests') return new AnswerUnknown('Paddle cannot answer now', { cause })
  if (NO_RIGHT.has(code)) return new AnswerUnknown("Paddle does not accept Parley's API key for this", { cause })
  const [kind, reason] = MEANINGS.get(code) ?? (/^(subscription|transaction)_/.test(code) ? OTHER_STATE : NOT_UNDERSTOOD)
  return new ProcessorRefusal(kind, reason, { cause })
}
