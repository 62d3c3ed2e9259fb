import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { settleOperation } from '../db/functions/settle-operation.ts'
import type { OperationKind } from '../db/operation-row.ts'
import type { Metrics } from '../http/metrics.ts'
import type { BillingEvent } from './billing-event.ts'
import { AnswerUnknown, type Processor, type ProcessorApi, ProcessorRefusal } from './processor.ts'
import { recordFetched } from './receive.ts'

/** Operation is a change a processor is to be asked for, as the database has written it down; its id is the key. */
export type Operation = {
  accountId: string
  operationId: string
  processor: string
  subscriptionId: string
  kind: OperationKind
  priceId: string | null
  reason?: string
}

/**
 * Performed is what became of it: `refused` means that nothing has changed, `unknown` that it may have, and that a job asks
 * again with the same key. `linked`: deliveries that waited are due now.
 */
export type Performed =
  | { status: 'done'; linked: boolean }
  | { status: 'refused'; refusal: ProcessorRefusal }
  | { status: 'unknown'; cause: unknown }

/** OperationParts is what performing needs. */
export type OperationParts = { db: Database; processors: Processor[]; metrics: Metrics; log: Logger }

/**
 * perform asks the processor, records how the subscription stands since, and settles the operation. Whatever goes wrong on
 * the way leaves it `unknown`, never failed. Throws only what the database throws where it cannot even be told so; then its
 * lease brings the operation back.
 */
export async function perform(parts: OperationParts, operation: Operation): Promise<Performed> {
  const performed = await performOnce(parts, operation)
  parts.metrics.operations.inc({ kind: operation.kind, outcome: performed.status })
  return performed
}

async function performOnce(parts: OperationParts, operation: Operation): Promise<Performed> {
  const { db, log } = parts
  const { accountId, operationId } = operation
  const about = { operationId, processor: operation.processor, kind: operation.kind }
  try {
    const api = apiOf(parts, operation.processor)
    if (operation.reason === 'duplicate' && !(await isStillWanted(parts, operation))) {
      const refusal = new ProcessorRefusal('not_possible', 'It is no longer needed.')
      await settleOperation(db, { accountId, operationId, outcome: 'refused', error: 'it is no longer needed' })
      return { status: 'refused', refusal }
    }
    const recorded = await recordFetched(db, ofAccount(await ask(api, operation), accountId))
    if (recorded.outcome === 'failed' || recorded.outcome === 'dead') {
      log.error({ ...about, reason: recorded.lastError }, 'what the processor answered has no effect')
    }
    await settleOperation(db, { accountId, operationId, outcome: 'done' })
    if (operation.reason === 'duplicate') {
      // No processor gives money back by itself, and whether it is owed is for a human to see.
      const named = { ...about, accountId, subscriptionId: operation.subscriptionId }
      log.error(named, 'a second subscription of an account was ended: refund what was paid for it by hand')
    }
    return { status: 'done', linked: recorded.linked }
  } catch (error) {
    // A processor that is at something else with the subscription will be done with it in a moment.
    if (error instanceof ProcessorRefusal && error.code !== 'busy') {
      await settleOperation(db, { accountId, operationId, outcome: 'refused', error: error.message })
      log.info({ ...about, code: error.code, reason: error.message }, 'the processor refused')
      return { status: 'refused', refusal: error }
    }
    log.warn({ err: error, ...about }, 'the answer to an operation is not known, it will be asked for again')
    const reason = error instanceof Error ? error.message : String(error)
    await settleOperation(db, { accountId, operationId, outcome: 'unknown', error: reason })
    return { status: 'unknown', cause: error }
  }
}

/** apiOf finds the calls of a processor. Throws {@link AnswerUnknown} where it is not configured. */
export function apiOf({ processors }: { processors: Processor[] }, name: string): ProcessorApi {
  const api = processors.find((processor) => processor.name === name)?.api
  if (!api) throw new AnswerUnknown(`No API key of ${name} is configured here`)
  return api
}

/** ofAccount: an answer that names no account belongs to the account it was asked for. */
export function ofAccount(event: BillingEvent, accountId: string): BillingEvent {
  return event.accountId === null ? { ...event, accountId } : event
}

function ask(api: ProcessorApi, { kind, subscriptionId, priceId, operationId: key }: Operation): Promise<BillingEvent> {
  switch (kind) {
    case 'change_now':
      return api.changePlan({ subscriptionId, priceId: priceOf(priceId), when: 'now' }, key)
    case 'change_at_period_end':
      return api.changePlan({ subscriptionId, priceId: priceOf(priceId), when: 'period_end' }, key)
    case 'undo_change':
      return api.undoPlanChange({ subscriptionId }, key)
    case 'cancel_now':
      return api.cancel({ subscriptionId, when: 'now' }, key)
    case 'cancel_at_period_end':
      return api.cancel({ subscriptionId, when: 'period_end' }, key)
    case 'resume':
      return api.resume({ subscriptionId }, key)
    case 'pause':
      return api.pause({ subscriptionId }, key)
  }
}

function priceOf(priceId: string | null): string {
  if (priceId === null) throw new Error('A change of plan has no price; the table does not allow that.')
  return priceId
}

/**
 * isStillWanted looks, before money of a customer is stopped, whether the one to end really stands beside another live
 * subscription: both are asked for how they stand now, because what is known of them may be old.
 */
async function isStillWanted(parts: Pick<OperationParts, 'db' | 'processors'>, { accountId, processor, subscriptionId }: Operation): Promise<boolean> {
  const { db } = parts
  await recordFetched(db, ofAccount(await apiOf(parts, processor).fetchSubscription(subscriptionId), accountId))
  const before = await readSubscription(db, { accountId })
  if (before.processor !== null && before.subscriptionId !== null && before.subscriptionId !== subscriptionId) {
    const fetched = await apiOf(parts, before.processor).fetchSubscription(before.subscriptionId)
    await recordFetched(db, ofAccount(fetched, accountId))
  }
  const after = await readSubscription(db, { accountId })
  const isOther = after.subscriptionId !== null && (after.processor !== processor || after.subscriptionId !== subscriptionId)
  return isOther && LIVE.has(after.status)
}

const LIVE: ReadonlySet<string> = new Set(['trialing', 'active', 'past_due'])
