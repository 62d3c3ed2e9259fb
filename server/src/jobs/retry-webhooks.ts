import type { Logger } from 'pino'
import { type Processor, Unreadable } from '../billing/processor.ts'
import { record, settleTie } from '../billing/receive.ts'
import type { Database } from '../db/database.ts'
import { claimWebhookEvents, type ClaimedWebhookEvent } from '../db/functions/claim-webhook-events.ts'
import type { Metrics } from '../http/metrics.ts'

const BATCH = 20

/** RetryParts is what the retries need. */
export type RetryParts = { db: Database; processors: Processor[]; metrics: Metrics; log: Logger }

/**
 * retryWebhooks tries all stored deliveries again that are due. They were verified when they came; they are normalised
 * anew, so that a mended processor mends them too.
 */
export async function retryWebhooks(parts: RetryParts): Promise<void> {
  for (;;) {
    const claimed = await claimWebhookEvents(parts.db, { limit: BATCH })
    for (const event of claimed) await retry(parts, event)
    if (claimed.length < BATCH) return
  }
}

async function retry({ db, processors, metrics, log }: RetryParts, event: ClaimedWebhookEvent): Promise<void> {
  const about = { processor: event.processor, id: event.id, attempts: event.attempts }
  const processor = processors.find(({ name }) => name === event.processor)
  if (!processor) {
    log.warn(about, 'a stored webhook waits for a processor that is not configured')
    return
  }
  try {
    const recorded = await record(db, processor, processor.normalise(event.payload), event.payload, true)
    metrics.webhookEvents.inc({ processor: processor.name, outcome: `retry_${recorded.outcome}` })
    if (recorded.outcome === 'dead') log.error({ ...about, reason: recorded.lastError }, 'webhook is given up')
    if (recorded.tie && recorded.subscriptionId !== null) await settleTie(db, processor, recorded.subscriptionId)
  } catch (error) {
    // Its lease ends by itself and brings it back.
    log.error({ ...about, err: error }, error instanceof Unreadable ? 'a stored webhook cannot be read' : 'webhook retry failed')
  }
}
