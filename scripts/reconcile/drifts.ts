import type { Database } from '../../server/src/db/database.ts'
import { type Drift, listDrifts } from '../../server/src/db/functions/list-drifts.ts'

const PAGE = 100

/** driftLines words what a run found to differ, one line per field, under the subscription and the event it belongs to. */
export async function* driftLines(db: Database, runId: string): AsyncGenerator<string> {
  let heading = ''
  for (let last: Drift | undefined; ; ) {
    const page: Drift[] = await listDrifts(db, { runId, limit: PAGE, afterEventId: last?.eventId ?? null, afterField: last?.field ?? null })
    for (const drift of page) {
      const title = `${drift.processor} ${drift.subscriptionId ?? 'no subscription'} (${drift.accountId ?? 'no account'}) ${drift.eventType} ${drift.eventId}`
      if (title !== heading) yield title
      heading = title
      yield `  ${drift.corrected ? '~' : '!'} ${drift.field}: ${drift.ours ?? 'nothing'} → ${drift.theirs ?? 'nothing'}`
    }
    last = page.at(-1)
    if (page.length < PAGE) return
  }
}
