import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { forecastUsage } from '../billing/forecast.ts'
import { type Charged, chargeSchema, type Usage } from '../contract/usage.ts'
import { type MetricUsage, readUsage } from '../db/functions/read-usage.ts'
import { quotaProblem } from '../errors.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody } from '../http/validate.ts'

/** usageRouter answers every meter of the account, and takes an amount of one for who measures something of their own. */
export function usageRouter({ db, usage, nowMs }: Parts): Router {
  const router = express.Router()
  router.get('/api/usage', async (_req, res) => {
    const rows = await readUsage(db, { accountId: sessionOf(res).accountId })
    const asOfMs = nowMs()
    // All counters of an account share one window.
    const counter = rows.find(({ kind }) => kind === 'counter')
    res.json({
      plan: rows[0]?.plan ?? '',
      windowStart: formatTime(counter?.windowStart ?? null),
      resetsAt: formatTime(counter?.resetsAt ?? null),
      asOf: new Date(asOfMs).toISOString(),
      metrics: rows.map((row) => toMeter(row, asOfMs))
    } satisfies Usage)
  })

  router.post('/api/usage', async (req, res) => {
    const { metric, amount } = parseBody(chargeSchema, req)
    const requestId = idempotencyKeyOf(req)
    const { allowed, replayed, ...standing } = await usage.decide({ accountId: sessionOf(res).accountId, metric, amount, requestId })
    if (replayed) res.set('Idempotent-Replayed', 'true')
    if (!allowed) throw quotaProblem(standing, metric, amount)
    res.json({ metric, amount, ...standing, resetsAt: formatTime(standing.resetsAt) } satisfies Charged)
  })
  return router
}

function toMeter(row: MetricUsage, nowMs: number): Usage['metrics'][number] {
  const { metric, title, kind, unit, used, quota, remaining, windowStart, resetsAt } = row
  const forecast = forecastUsage({ used, quota, windowStartMs: toMs(windowStart), windowEndMs: toMs(resetsAt), nowMs })
  return {
    metric,
    title,
    kind,
    unit,
    used,
    quota,
    remaining,
    resetsAt: formatTime(resetsAt),
    forecast: forecast && {
      projected: forecast.projected,
      reachesQuotaAt: forecast.reachesQuotaAtMs === null ? null : new Date(forecast.reachesQuotaAtMs).toISOString()
    }
  }
}

function toMs(timestamp: string | null): number | null {
  return timestamp === null ? null : Date.parse(timestamp)
}
