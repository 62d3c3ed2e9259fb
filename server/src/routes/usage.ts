import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Usage } from '../contract/usage.ts'
import { readUsage } from '../db/functions/read-usage.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'

/** usageRouter answers every meter of the account. */
export function usageRouter({ db }: Parts): Router {
  const router = express.Router()
  router.get('/api/usage', async (_req, res) => {
    const rows = await readUsage(db, { accountId: sessionOf(res).accountId })
    // All counters of an account share one window.
    const counter = rows.find(({ kind }) => kind === 'counter')
    res.json({
      plan: rows[0]?.plan ?? '',
      windowStart: formatTime(counter?.windowStart ?? null),
      resetsAt: formatTime(counter?.resetsAt ?? null),
      metrics: rows.map(({ metric, title, kind, unit, used, quota, remaining, resetsAt }) => ({
        metric,
        title,
        kind,
        unit,
        used,
        quota,
        remaining,
        resetsAt: formatTime(resetsAt)
      }))
    } satisfies Usage)
  })
  return router
}
