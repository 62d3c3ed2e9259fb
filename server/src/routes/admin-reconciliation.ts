import express, { type Router } from 'express'
import { z } from 'zod'
import type { Parts } from '../app.ts'
import { type Drift as DriftBody, type ReconciliationRun, runParamsSchema } from '../contract/admin.ts'
import { type Drift, listDrifts } from '../db/functions/list-drifts.ts'
import { listReconciliationRuns, type ReconciliationRunRow } from '../db/functions/list-reconciliation-runs.ts'
import { Problem } from '../errors.ts'
import { readPage, textPlaceSchema, timePlaceSchema, toPage } from '../http/page.ts'
import { formatTime } from '../http/time.ts'
import { parseParams } from '../http/validate.ts'

const driftPlaceSchema = z.strictObject({ eventId: textPlaceSchema, field: textPlaceSchema })

/** adminReconciliationRouter shows operators each time a processor was asked, and what differed. */
export function adminReconciliationRouter({ db }: Parts): Router {
  const router = express.Router()

  router.get('/api/admin/reconciliation', async (req, res) => {
    const { limit, rowLimit, place } = readPage(req, timePlaceSchema)
    const rows = await listReconciliationRuns(db, {
      limit: rowLimit,
      beforeStartedAt: place?.time ?? null,
      beforeId: place?.id ?? null
    })
    res.json(toPage(rows, limit, toRunBody, ({ startedAt, runId }) => ({ time: startedAt, id: runId })))
  })

  router.get('/api/admin/reconciliation/:runId/drifts', async (req, res) => {
    const { runId } = parseParams(runParamsSchema, req)
    const { limit, rowLimit, place } = readPage(req, driftPlaceSchema)
    const args = { runId, limit: rowLimit, afterEventId: place?.eventId ?? null, afterField: place?.field ?? null }
    const [drifts, runs] = await Promise.all([listDrifts(db, args), listReconciliationRuns(db, { runId, limit: 1 })])
    if (runs.length === 0) throw new Problem('not_found', 'There is no such reconciliation run.')
    res.json(toPage(drifts, limit, toDriftBody, ({ eventId, field }) => ({ eventId, field })))
  })
  return router
}

function toRunBody({ since, startedAt, finishedAt, ...run }: ReconciliationRunRow): ReconciliationRun {
  return { ...run, since: formatTime(since), startedAt: formatTime(startedAt), finishedAt: formatTime(finishedAt) }
}

function toDriftBody({ eventId, field, eventType, accountId, subscriptionId, ours, theirs, corrected }: Drift): DriftBody {
  return { eventId, field, eventType, accountId, subscriptionId, ours, theirs, corrected }
}
