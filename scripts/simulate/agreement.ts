import { z } from 'zod'
import { reconcile } from '../../server/src/billing/reconcile.ts'
import type { Stage } from './stage.ts'
import { NO_FAULTS } from '../twin/faults.ts'
import { PROCESSORS } from '../twin/processors.ts'

const oursSchema = z.object({
  processor: z.string(),
  subscription_id: z.string(),
  account_id: z.string(),
  status: z.string(),
  price_id: z.string().nullable(),
  period_start: z.date().nullable(),
  period_end: z.date().nullable(),
  cancels_at: z.date().nullable()
})

/**
 * settleAll ends all faults, delivers what is pending and lets Parley finish what it began; then the hourly comparison with
 * each processor runs, as it would, for what was lost for good.
 */
export async function settleAll(stage: Stage, sinceMs: number): Promise<number> {
  for (const processor of PROCESSORS) {
    Object.assign(stage.twin.faults[processor], NO_FAULTS)
    stage.twin.enable(processor)
  }
  await stage.twin.deliver()
  // A purchase, a lost answer and a second subscription each take less than two hours to be settled.
  await stage.moveTo(stage.twin.nowMs() + 2 * 3_600_000)
  let corrections = 0
  for (const processor of stage.server.parts.processors) {
    const found = await reconcile(stage.server.parts.db, processor, { since: new Date(sinceMs).toISOString(), dryRun: false })
    corrections += found.corrections
  }
  await stage.server.parts.runJobsOnce()
  await stage.twin.deliver()
  await stage.server.parts.lifecycle.idle()
  return corrections
}

/** disagreements names each fact about a subscription in which Parley and the twin differ; none is what must be. */
export async function disagreements(stage: Stage): Promise<string[]> {
  const { rows } = await stage.owner.query(
    'select processor, subscription_id, account_id, status, price_id, period_start, period_end, cancels_at from app.processor_subscriptions'
  )
  const ours = new Map(rows.map((row) => oursSchema.parse(row)).map((row) => [`${row.processor} ${row.subscription_id}`, row]))
  const found: string[] = []
  for (const processor of PROCESSORS) {
    for (const theirs of stage.twin.dialect(processor).subscriptions()) {
      const known = ours.get(`${processor} ${theirs.subscriptionId}`)
      // What was never begun grants nothing, and Parley need not have heard of it.
      if (known === undefined && (theirs.status === 'incomplete' || theirs.status === 'canceled')) continue
      const compare = (fact: string, mine: string | null | undefined, its: string | null): void => {
        if ((mine ?? null) !== its) found.push(`${processor} ${theirs.subscriptionId}: ${fact} is ${mine ?? 'nothing'} here, ${its ?? 'nothing'} there`)
      }
      compare('account', known?.account_id, theirs.accountId)
      compare('status', known?.status, theirs.status)
      if (theirs.status === 'canceled') continue
      compare('price', known?.price_id, theirs.priceId)
      // Razorpay shows nowhere that a cancellation is planned.
      if (processor !== 'razorpay') compare('cancellation', known?.cancels_at?.toISOString(), toIso(theirs.cancelsAt))
      // Without a running period (paused) the last one stays known.
      if (theirs.periodStart === null || theirs.status === 'incomplete' || theirs.status === 'paused') continue
      compare('start of the period', known?.period_start?.toISOString(), toIso(theirs.periodStart))
      compare('end of the period', known?.period_end?.toISOString(), toIso(theirs.periodEnd))
    }
  }
  return found
}

function toIso(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString()
}
