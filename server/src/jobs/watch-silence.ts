import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { type ProcessorHealth, readProcessorHealth } from '../db/functions/read-processor-health.ts'
import type { Metrics } from '../http/metrics.ts'

/**
 * watchSilence raises the alarm when a processor has sent nothing for longer than it normally does: a webhook that was
 * switched off, or points elsewhere, tells by nothing else. The gauges are for alerts; the log names it once per turn.
 */
export async function watchSilence({ db, metrics, log }: { db: Database; metrics: Metrics; log: Logger }): Promise<void> {
  for (const health of await readProcessorHealth(db)) {
    if (health.gapSeconds !== null) metrics.webhookSilenceSeconds.set({ processor: health.processor }, health.gapSeconds)
    metrics.webhookSilent.set({ processor: health.processor }, health.silent ? 1 : 0)
    if (!health.silent) continue
    log.error(health, `${health.processor} ${silenceOf(health)}: look whether its webhook is set up and switched on`)
  }
}

function silenceOf({ lastEventAt, gapSeconds }: ProcessorHealth): string {
  if (lastEventAt === null || gapSeconds === null) return 'has never sent anything, although it has subscriptions'
  return `has sent nothing for ${Math.round(gapSeconds / 3600)} h, longer than it normally does`
}
