import Stripe from 'stripe'
import type { z } from 'zod'
import { faultsOf } from '../../payload.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../processor.ts'

/**
 * asking makes one request and parses the answer. The parsing is no formality: to stripe-node an answer is an error only if
 * its body has an `error`, so that a proxy's 404 or 502 with another JSON body resolves like a success.
 *
 * @throws {ProcessorRefusal} when Stripe refused, so that nothing has changed.
 * @throws {AnswerUnknown} when the answer is lost, tells nothing, or is in an unknown shape.
 */
export async function asking<Shape extends z.ZodType>(shape: Shape, request: () => Promise<unknown>): Promise<z.output<Shape>> {
  const parsed = shape.safeParse(await request().catch(rethrown))
  if (!parsed.success) throw new AnswerUnknown(`Stripe answered in an unknown shape: ${faultsOf(parsed.error)}`)
  return parsed.data
}

/** timeLeft shares `limitMs` among the requests of one call: each is given what is left. Throws {@link AnswerUnknown} when nothing is. */
export function timeLeft(limitMs: number): () => { timeout: number } {
  const endMs = performance.now() + limitMs
  return () => {
    const timeout = Math.floor(endMs - performance.now())
    if (timeout < 1) throw new AnswerUnknown(`Stripe did not answer within ${limitMs} ms`)
    return { timeout }
  }
}

/** isWrongKey tells whether Stripe refused the API key, or what it may do. */
export function isWrongKey(error: unknown): boolean {
  const { StripeAuthenticationError, StripePermissionError } = Stripe.errors
  return error instanceof StripeAuthenticationError || error instanceof StripePermissionError
}

function rethrown(error: unknown): never {
  const { errors } = Stripe
  if (!(error instanceof errors.StripeError)) throw error
  const options = { cause: error }
  if (error instanceof errors.StripeCardError) throw new ProcessorRefusal('declined', declineOf(error), options)
  if (isWrongKey(error)) {
    // A wrong or rotated key says nothing about what was asked: a refusal is final, and would destroy what customers asked for.
    throw new AnswerUnknown('Stripe does not accept the API key, or it lacks the permission for this', options)
  }
  if (error instanceof errors.StripeInvalidRequestError) throw refusalOf(error)
  // A rate limit, a lock (409 and 429), a key in use or used for something else, a broken connection, a fault of Stripe's.
  throw new AnswerUnknown(`Stripe gave no answer to go by: ${withoutIds(error.message)}`, options)
}

function refusalOf(error: Stripe.errors.StripeInvalidRequestError): ProcessorRefusal {
  const options = { cause: error }
  // Refused with 400 and the code of a missing object, but about the customer's cards.
  if (/no attached payment source|default payment method/.test(error.message)) {
    return new ProcessorRefusal('declined', 'There is no card or other payment method to charge.', options)
  }
  const sentence = `Stripe refused: ${withoutIds(error.message)}`
  if (error.statusCode === 404) return new ProcessorRefusal('not_found', sentence, options)
  // A parameter of ours was wrong; without one it is the object's state that does not allow it.
  return new ProcessorRefusal(error.param === undefined ? 'not_possible' : 'invalid', sentence, options)
}

/** NEEDS_BUYER: the bank wants the buyer to confirm; these codes come with words for developers. */
const NEEDS_BUYER = new Set(['authentication_required', 'subscription_payment_intent_requires_action'])

/** QUIET: what a buyer must not be told more of than "declined" (docs.stripe.com/declines/codes). */
const QUIET = new Set(['fraudulent', 'lost_card', 'stolen_card', 'pickup_card', 'restricted_card', 'merchant_blacklist'])

function declineOf({ code, decline_code: declineCode, message }: Stripe.errors.StripeCardError): string {
  const reason = declineCode || code || ''
  if (NEEDS_BUYER.has(reason)) return 'The bank asks for a confirmation by the card holder before it pays.'
  if (QUIET.has(reason) || message === '') return 'The payment was declined.'
  const sentence = `The payment was declined: ${withoutIds(message)}`
  const words = reason.replaceAll('_', ' ')
  const isTold = ['', 'card declined', 'generic decline'].includes(words) || message.toLowerCase().includes(words)
  return isTold ? sentence : `${sentence.replace(/\.$/, '')} (${words}).`
}

/** withoutIds: Stripe's messages name objects (`'sub_1Abc'`) and sometimes the key. An id has a digit or a capital after its `_`. */
function withoutIds(message: string): string {
  return message.replaceAll(/[:;]?\s*['"`]?\b[a-z]{2,}(?:_[a-z]+)*_(?=\w*[A-Z0-9*])[\w*]{4,}['"`]?/g, '')
}
