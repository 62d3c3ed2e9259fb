import { z } from 'zod'
import type { BillingEvent, Normalised, SourceName } from './billing-event.ts'
import { Unreadable } from './processor.ts'

/** Envelope is what every stored delivery has, whatever becomes of it. */
export type Envelope = { eventId: string; eventType: string; occurredAt: string }

/**
 * NO_TIME is the `occurredAt` of a delivery that names no readable time. It only ever stands on ignored and rejected
 * ones: `normalise` is pure and may not ask the clock.
 */
export const NO_TIME = '1970-01-01T00:00:00.000Z'

/** identifier is a processor's id or a type name: printable ASCII, which also keeps NUL out of Postgres. */
export const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable characters')

/** accountIdentifier is an account id as metadata carry it; empty metadata (`''`) and absent ones are both null. */
export const accountIdentifier = z
  .string()
  .regex(/^[\x21-\x7e]{0,255}$/, 'expected at most 255 printable characters')
  .nullish()
  .transform((value) => value || null)

/** currencyCode is an ISO 4217 code, upper-case; Stripe sends it in lower case. */
export const currencyCode = z
  .string()
  .regex(/^[A-Za-z]{3}$/, 'expected a currency code of three letters')
  .transform((value) => value.toUpperCase())

/** readObject parses the raw body. @throws {Unreadable} when it is no JSON object. */
export function readObject(rawBody: string): object {
  let value: unknown
  try {
    value = JSON.parse(rawBody)
  } catch {
    throw new Unreadable('the body is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unreadable('the body is no JSON object')
  return value
}

/** readName parses an id or type out of the envelope. @throws {Unreadable} naming the field. */
export function readName(value: unknown, field: string): string {
  const name = identifier.safeParse(value)
  if (!name.success) throw new Unreadable(`the body has no usable ${field}`)
  return name.data
}

/** eventOf fills the fields a particular event leaves open. */
export function eventOf(
  processor: SourceName,
  envelope: Envelope,
  facts: Pick<BillingEvent, 'kind' | 'rank'> & Partial<BillingEvent>
): BillingEvent {
  return {
    processor,
    ...envelope,
    accountId: null,
    customerId: null,
    subscriptionId: null,
    status: null,
    payment: null,
    items: [],
    cancelsAt: null,
    trialEndsAt: null,
    amountMinor: null,
    currency: null,
    paymentId: null,
    objectIds: [],
    reversalId: null,
    reversalStatus: null,
    ...facts
  }
}

/**
 * fetchedEnvelope is the envelope of a state that no webhook told but a processor answered; `askedAtMs` was taken before
 * asking: whatever changes meanwhile is newer than the answer claims to be. The time is cut to the processor's own
 * `resolutionMs`, or an event of the same second would look older than an answer it is newer than; cut, they tie, and a tie
 * is settled by asking again.
 */
export function fetchedEnvelope(subscriptionId: string, askedAtMs: number, resolutionMs: number): Envelope {
  return {
    eventId: `fetch:${subscriptionId}:${new Date(askedAtMs).toISOString()}`,
    eventType: 'fetched',
    occurredAt: new Date(askedAtMs - (askedAtMs % resolutionMs)).toISOString()
  }
}

/** ignored: an event Parley does not act on. */
export function ignored(envelope: Envelope, reason: string): Normalised {
  return { outcome: 'ignored', ...envelope, reason }
}

/** rejected: an event Parley acts on, in a shape it does not know; the reason names fields, never their values. */
export function rejected(envelope: Envelope, error: z.ZodError): Normalised {
  return { outcome: 'rejected', ...envelope, reason: faultsOf(error) }
}

/** faultsOf words up to three faults as `data.object.status: what was expected`. Zod's messages hold no payload values. */
export function faultsOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    .join('; ')
}
