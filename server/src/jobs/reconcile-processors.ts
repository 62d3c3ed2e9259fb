import type { Logger } from 'pino'
import { reconcile } from '../billing/reconcile.ts'
import type { Processor } from '../billing/processor.ts'
import type { Database } from '../db/database.ts'
import type { Metrics } from '../http/metrics.ts'

/** ReconcileParts is what the comparison needs. */
export type ReconcileParts = { db: Database; processors: Processor[]; metrics: Metrics; log: Logger }

/**
 * reconcileProcessors compares with every processor that can be asked what it says happened since the last time, and makes
 * good what never arrived. One processor that does not answer does not keep the others from being compared.
 */
export async function reconcileProcessors({ db, processors, metrics, log }: ReconcileParts): Promise<void> {
  for (const processor of processors) {
    if (processor.api === null) continue
    try {
      const found = await reconcile(db, processor, { since: null, dryRun: false })
      metrics.reconciliationCorrections.inc({ processor: processor.name }, found.corrections)
      if (found.corrections > 0) log.warn({ processor: processor.name, ...found }, 'deliveries were missing and are made good')
    } catch (error) {
      log.error({ err: error, processor: processor.name }, 'a comparison with a processor was broken off; the next one goes on there')
    }
  }
}
