import type { Database } from '../db/database.ts'
import { advanceReconciliation } from '../db/functions/advance-reconciliation.ts'
import { beginReconciliation } from '../db/functions/begin-reconciliation.ts'
import { listLiveSubscriptions } from '../db/functions/list-live-subscriptions.ts'
import { reconcileEvent, type ReconciledEvent } from '../db/functions/reconcile-event.ts'
import type { Normalised } from './billing-event.ts'
import { type Processor, type ProcessorApi, ProcessorRefusal } from './processor.ts'
import { billingEventArguments, settleTie } from './receive.ts'

/** ReconcileOptions: `since` is RFC 3339 (null = since the last finished run); `onEntry` is told of each thing compared. */
export type ReconcileOptions = {
  since: string | null
  dryRun: boolean
  onEntry?: (entry: ReconciledEvent & { eventType: string }) => void
}

/** Reconciliation is what a run found: entries compared, fields that differed, corrections made. `resumed`: it went on with one that was broken off. */
export type Reconciliation = { runId: string; since: string; resumed: boolean; entries: number; corrections: number; drifts: number }

const PAGE = 100

/**
 * reconcile asks a processor what happened since a time, and then how every subscription stands that is believed to be
 * live, and takes each answer in by the same normalise and the same SQL as a delivery: what was missed is made good, the rest
 * changes nothing. It goes on where an earlier run was broken off. Throws what the processor and the database throw.
 */
export async function reconcile(db: Database, processor: Processor, options: ReconcileOptions): Promise<Reconciliation> {
  const { api } = processor
  if (api === null) throw new ProcessorRefusal('not_possible', `No API key of ${processor.name} is configured.`)
  const run = await beginReconciliation(db, { processor: processor.name, since: options.since, dryRun: options.dryRun })
  const compare = comparer(db, processor, run.runId, options)
  let cursor = run.cursor
  try {
    // A cursor of ours marks the second part: which live subscriptions have been asked for.
    while (cursor === null || !cursor.startsWith(LIVE)) {
      const page = await api.listSince({ since: run.since, cursor })
      for (const { normalised, payload } of page.entries) await compare(normalised, payload)
      cursor = page.cursor ?? LIVE
      await advanceReconciliation(db, { runId: run.runId, cursor, entries: page.entries.length })
    }
    for await (const last of compareLive(db, processor, api, { after: cursor.slice(LIVE.length) || null, compare })) {
      cursor = `${LIVE}${last.subscriptionId}`
      await advanceReconciliation(db, { runId: run.runId, cursor, entries: last.entries })
    }
    const sums = await advanceReconciliation(db, { runId: run.runId, cursor: null, entries: 0, status: 'done' })
    return { runId: run.runId, since: run.since, resumed: run.resumed, ...sums }
  } catch (error) {
    // The next run goes on here: what broke it off is most often gone by then.
    const reason = error instanceof Error ? error.message : String(error)
    await advanceReconciliation(db, { runId: run.runId, cursor, entries: 0, status: 'failed', error: reason }).catch(() => undefined)
    throw error
  }
}

const LIVE = 'live:'

type Compare = (normalised: Normalised, payload: string) => Promise<void>

function comparer(db: Database, processor: Processor, runId: string, { dryRun, onEntry }: ReconcileOptions): Compare {
  return async (normalised, payload) => {
    const recorded = await reconcileEvent(db, { runId, dryRun, ...billingEventArguments(processor.name, normalised, payload) })
    if (recorded.tie && recorded.subscriptionId !== null) await settleTie(db, processor, recorded.subscriptionId)
    const eventType = normalised.outcome === 'event' ? normalised.event.eventType : normalised.eventType
    onEntry?.({ ...recorded, eventType })
  }
}

/** compareLive yields after each page, with the last subscription it has compared. */
async function* compareLive(
  db: Database,
  processor: Processor,
  api: ProcessorApi,
  { after, compare }: { after: string | null; compare: Compare }
): AsyncGenerator<{ subscriptionId: string; entries: number }> {
  for (let last = after; ; ) {
    const page = await listLiveSubscriptions(db, { processor: processor.name, limit: PAGE, afterSubscriptionId: last })
    for (const { subscriptionId } of page) await compareOne(api, subscriptionId, compare)
    last = page.at(-1)?.subscriptionId ?? last
    if (last !== null && page.length > 0) yield { subscriptionId: last, entries: page.length }
    if (page.length < PAGE) return
  }
}

async function compareOne(api: ProcessorApi, subscriptionId: string, compare: Compare): Promise<void> {
  try {
    const event = await api.fetchSubscription(subscriptionId)
    await compare({ outcome: 'event', event }, JSON.stringify(event))
  } catch (error) {
    // A processor that does not know it (another account of ours, a test object) says nothing about it.
    if (!(error instanceof ProcessorRefusal && error.code === 'not_found')) throw error
  }
}
