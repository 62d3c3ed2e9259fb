import type { Logger } from 'pino'
import type { Normalised } from '../billing/billing-event.ts'
import { NO_TIME } from '../billing/payload.ts'
import { type EventSource, type Processor, Unreadable } from '../billing/processor.ts'
import { record, settleTie } from '../billing/receive.ts'
import { readStored } from '../billing/stored-event.ts'
import type { Database } from '../db/database.ts'
import { claimWebhookEvents, type ClaimedWebhookEvent } from '../db/functions/claim-webhook-events.ts'
import type { Metrics } from '../http/metrics.ts'

const BATCH = 20

/** RetryParts is what the retries need; `sources` are all who deliver, `processors` those that can be asked. */
export type RetryParts = { db: Database; sources: EventSource[]; processors: Processor[]; metrics: Metrics; log: Logger }

/**
 * retryWebhooks tries all stored deliveries again that are due. They were verified when they came; they are normalised
 * anew, so that a mended processor mends them too.
 */
export async function retryWebhooks(parts: RetryParts): Promise<void> {
  for (;;) {
    const claimed = await claimWebhookEvents(parts.db, { limit: BATCH })
    for (const event of claimed) await retry(parts, event)
    // One that links an account wakes others: until nothing is due any more. What fails is due later.
    if (claimed.length === 0) return
  }
}

async function retry({ db, sources, processors, metrics, log }: RetryParts, event: ClaimedWebhookEvent): Promise<void> {
  const about = { processor: event.processor, id: event.id, attempts: event.attempts }
  const source = sources.find(({ name }) => name === event.processor)
  if (!source) {
    log.warn(about, 'a stored webhook waits for a processor that is not configured')
    return
  }
  try {
    const recorded = await record(db, source, readAgain(source, event), event.payload, true)
    metrics.webhookEvents.inc({ processor: source.name, outcome: `retry_${recorded.outcome}` })
    if (recorded.outcome === 'dead') log.error({ ...about, reason: recorded.lastError }, 'webhook is given up')
    const processor = processors.find(({ name }) => name === source.name)
    if (recorded.tie && recorded.subscriptionId !== null) await settleTie(db, processor, recorded.subscriptionId)
  } catch (error) {
    // Its lease ends by itself and brings it back.
    log.error({ ...about, err: error }, 'webhook retry failed')
  }
}

// What cannot be read today will not be readable tomorrow: it is given up where it is seen, not tried for ever.
function readAgain(source: EventSource, event: ClaimedWebhookEvent): Normalised {
  try {
    return readStored(source, event)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { outcome: 'rejected', eventId: event.id, eventType: 'unreadable', occurredAt: NO_TIME, reason: error.message }
  }
}
