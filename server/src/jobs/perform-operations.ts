import { perform, type OperationParts } from '../billing/operations.ts'
import { claimOperations } from '../db/functions/claim-operations.ts'
import { type QueuedChange, queueDueChanges } from '../db/functions/queue-due-changes.ts'

const BATCH = 20
// One after another, each for as long as a processor may take (10 s): what is claimed must be done within its lease of a minute.
const CLAIM = 4

/**
 * performOperations queues the changes whose time has come, and asks processors for whatever is due: those, what the
 * database itself wants ended, and what was asked for before and never answered.
 */
export async function performOperations(parts: OperationParts & { retryWebhooksSoon: () => void }): Promise<void> {
  for (;;) {
    const queued = await queueDueChanges(parts.db, { limit: BATCH })
    for (const change of queued) tell(parts, change)
    if (queued.length < BATCH) break
  }
  for (;;) {
    const claimed = await claimOperations(parts.db, { limit: CLAIM })
    for (const operation of claimed) {
      try {
        const performed = await perform(parts, operation)
        if (performed.status === 'done' && performed.linked) parts.retryWebhooksSoon()
      } catch (error) {
        // Its lease ends by itself and brings it back; the others must not wait for it.
        parts.log.error({ err: error, operationId: operation.operationId }, 'an operation was not settled')
      }
    }
    if (claimed.length < CLAIM) return
  }
}

function tell({ log }: OperationParts, change: QueuedChange): void {
  if (change.kind !== 'missed') {
    log.info(change, 'a change kept for the end of a period is due')
    return
  }
  const { accountId, planChangeId } = change
  log.error(
    change,
    `the cancellation ${planChangeId} of ${accountId} came too late: the renewal was charged, and it ends with the new period; ` +
      'refund by hand if the customer asks'
  )
}
