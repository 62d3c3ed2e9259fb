import type { IncomingHttpHeaders } from 'node:http'
import type { Database } from '../db/database.ts'
import {
  type BillingEventArguments,
  recordBillingEvent,
  type RecordedBillingEvent
} from '../db/functions/record-billing-event.ts'
import { type BillingEvent, EVENT_RANK, type Normalised, type SourceName } from './billing-event.ts'
import { type EventSource, type Processor, Unreadable } from './processor.ts'

/** Delivery is one webhook request as it came; `nowMs` is the time its signature's age is judged by. */
export type Delivery = { rawBody: Buffer; headers: IncomingHttpHeaders; nowMs: number }

/** Reception: `stored` means that the inbox has it, whatever became of what it says; the others left no trace. */
export type Reception =
  | { result: 'stored'; normalised: Normalised; recorded: RecordedBillingEvent }
  | { result: 'not_verified'; reason: string }
  | { result: 'unreadable'; reason: string }

/**
 * receive takes a delivery in: verify, normalise, one SQL call. Throws only what the database throws, and then
 * the sender has to deliver again.
 */
export async function receive(db: Database, source: EventSource, delivery: Delivery): Promise<Reception> {
  const verification = source.verify(delivery)
  if (!verification.valid) return { result: 'not_verified', reason: verification.reason }
  try {
    const payload = decode(delivery.rawBody)
    const normalised = source.normalise(payload)
    return { result: 'stored', normalised, recorded: await record(db, source, normalised, payload) }
  } catch (error) {
    if (error instanceof Unreadable) return { result: 'unreadable', reason: error.message }
    throw error
  }
}

/** record writes what was said into the inbox and applies it; `payload` is kept for retries and replays. */
export function record(
  db: Database,
  source: { name: SourceName },
  normalised: Normalised,
  payload: string,
  isRetry = false
): Promise<RecordedBillingEvent> {
  return recordBillingEvent(db, { ...billingEventArguments(source.name, normalised, payload), isRetry })
}

/** recordFetched writes down what a processor answered when it was asked. */
export function recordFetched(db: Database, event: BillingEvent): Promise<RecordedBillingEvent> {
  return record(db, { name: event.processor }, { outcome: 'event', event }, JSON.stringify(event))
}

/** billingEventArguments puts what `normalise` made of a payload into the arguments of SQL. */
export function billingEventArguments(name: SourceName, normalised: Normalised, payload: string): BillingEventArguments {
  if (normalised.outcome !== 'event') {
    const { outcome, eventId, eventType, occurredAt, reason } = normalised
    return { ...NOTHING, processor: name, eventId, eventType, kind: outcome, occurredAt, reason, payload }
  }
  const { rank, items, ...event } = normalised.event
  return {
    ...event,
    eventRank: rank,
    priceIds: items.map(({ priceId }) => priceId),
    periodStarts: items.map(({ periodStart }) => periodStart),
    periodEnds: items.map(({ periodEnd }) => periodEnd),
    payload
  }
}

/**
 * settleTie asks the processor how a subscription stands now and records the answer, because two events with the same
 * time and rank do not tell which came last. False where the processor cannot be asked.
 */
export async function settleTie(db: Database, processor: Processor | undefined, subscriptionId: string): Promise<boolean> {
  if (!processor?.api) return false
  await recordFetched(db, await processor.api.fetchSubscription(subscriptionId))
  return true
}

const NOTHING = {
  accountId: null,
  eventRank: EVENT_RANK.updated,
  customerId: null,
  subscriptionId: null,
  status: null,
  payment: null,
  priceIds: [],
  periodStarts: [],
  periodEnds: [],
  cancelsAt: null,
  amountMinor: null,
  currency: null
}

function decode(rawBody: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(rawBody)
  } catch (error) {
    throw new Unreadable('the body is not UTF-8', { cause: error })
  }
}
