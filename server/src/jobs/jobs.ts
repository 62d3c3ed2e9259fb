import type { ConfirmParts } from '../billing/confirm-checkout.ts'
import { performOperations } from './perform-operations.ts'
import { reconcileProcessors } from './reconcile-processors.ts'
import { RepeatingJob } from './repeating-job.ts'
import { type RetryParts, retryWebhooks } from './retry-webhooks.ts'
import { settleCheckouts } from './settle-checkouts.ts'
import { sweepReservations } from './sweep-reservations.ts'
import { watchSilence } from './watch-silence.ts'

/**
 * Jobs is all the work nobody asks for. `runOnce` does now, as if it were due, what lets things take their course, and throws
 * what fails; comparing with the processors and listening for silence are left to their hour.
 */
export type Jobs = {
  start(): void
  stop(): Promise<void>
  runOnce(): Promise<void>
  retryWebhooksSoon(): void
}

const WEBHOOKS_EVERY_MS = 5_000
const OPERATIONS_EVERY_MS = 5_000
const CHECKOUTS_EVERY_MS = 60_000
const SWEEP_EVERY_MS = 30_000
const HOUR_MS = 3_600_000

/** createJobs makes them; nothing runs before `start`. `followClock` brings the processors' clock in line with the database's. */
export function createJobs(parts: RetryParts & Omit<ConfirmParts, 'retryWebhooksSoon'> & { followClock: () => Promise<void> }): Jobs {
  const { log } = parts
  const retryWebhooksSoon = (): void => webhooks.kick()
  const asking = { ...parts, retryWebhooksSoon }
  const operate = async (): Promise<void> => {
    await parts.followClock()
    await performOperations(asking)
  }
  const retry = (): Promise<void> => retryWebhooks(parts)
  const settle = (): Promise<void> => settleCheckouts(asking)
  const sweep = (): Promise<void> => sweepReservations(parts)

  const webhooks = new RepeatingJob({ name: 'retry webhooks', everyMs: WEBHOOKS_EVERY_MS, work: retry, log })
  const jobs = [
    webhooks,
    new RepeatingJob({ name: 'perform operations', everyMs: OPERATIONS_EVERY_MS, work: operate, log }),
    new RepeatingJob({ name: 'settle checkouts', everyMs: CHECKOUTS_EVERY_MS, work: settle, log }),
    new RepeatingJob({ name: 'sweep reservations', everyMs: SWEEP_EVERY_MS, work: sweep, log }),
    new RepeatingJob({ name: 'reconcile', everyMs: HOUR_MS, work: () => reconcileProcessors(parts), log }),
    new RepeatingJob({ name: 'watch silence', everyMs: HOUR_MS, work: () => watchSilence(parts), log })
  ]
  return {
    retryWebhooksSoon,
    start: () => jobs.forEach((job) => job.start()),
    async stop() {
      await Promise.all(jobs.map((job) => job.stop()))
    },
    async runOnce() {
      await retry()
      await operate()
      await settle()
      // What the others made known may let waiting deliveries pass.
      await retry()
      await sweep()
    }
  }
}
