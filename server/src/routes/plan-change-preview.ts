import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { apiOf } from '../billing/operations.ts'
import { planChangeSchema, type PlanChangePreview, type QuotaChange } from '../contract/plan-change.ts'
import type { Database } from '../db/database.ts'
import { listDowngradeCandidates } from '../db/functions/list-downgrade-candidates.ts'
import { previewPlanChange, type PlanChangePreviewRow } from '../db/functions/preview-plan-change.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody } from '../http/validate.ts'
import { moneyOf } from './subscription-body.ts'

/** planChangePreviewRouter tells what a change of plan would mean. It changes nothing. */
export function planChangePreviewRouter(parts: Parts): Router {
  const router = express.Router()
  router.post('/api/billing/plan-change/preview', async (req, res) => {
    const { plan, interval } = parseBody(planChangeSchema, req)
    const { accountId } = sessionOf(res)
    const rows = await previewPlanChange(parts.db, { accountId, plan, interval })
    const [first] = rows
    if (first === undefined) throw new Error('api.preview_plan_change answered no row.')
    const blockers = first.direction === 'downgrade' ? await blockersOf(parts.db, accountId, plan, rows) : []
    res.json({
      outcome: first.outcome === 'possible' && blockers.length > 0 ? 'blocked' : first.outcome,
      direction: first.direction,
      takesEffect: first.takesEffect,
      effectiveAt: formatTime(first.effectiveAt),
      price: { from: moneyOf(first.fromAmountMinor, first.currency), to: moneyOf(first.toAmountMinor, first.currency) },
      dueNow: await dueNowOf(parts, first),
      gains: rows.filter(({ quotaNow, quotaThen }) => isMore(quotaThen, quotaNow)).map(toQuotaChange),
      losses: rows.filter(({ quotaNow, quotaThen }) => isMore(quotaNow, quotaThen)).map(toQuotaChange),
      blockers
    } satisfies PlanChangePreview)
  })
  return router
}

// null is unlimited.
function isMore(one: number | null, other: number | null): boolean {
  return other !== null && (one === null || one > other)
}

function toQuotaChange({ metric, title, unit, quotaNow, quotaThen }: PlanChangePreviewRow): QuotaChange {
  return { metric, title, unit, quotaNow, quotaThen }
}

/** dueNowOf asks the processor what a change at once would cost at once. A preview without it is better than none. */
async function dueNowOf(parts: Parts, row: PlanChangePreviewRow): Promise<PlanChangePreview['dueNow']> {
  const { outcome, takesEffect, processor, subscriptionId, toPriceId, currency } = row
  if (outcome !== 'possible' || processor === null || subscriptionId === null || toPriceId === null) return null
  if (takesEffect !== 'now') return currency === null ? null : { amountMinor: 0, currency, estimated: false }
  try {
    const due = await apiOf(parts, processor).previewChange({ subscriptionId, priceId: toPriceId })
    // By the second: what is left of the period shrinks until the owner decides.
    return due === null ? null : { amountMinor: due.dueNowMinor, currency: due.currency, estimated: true }
  } catch (error) {
    parts.log.warn({ err: error, processor }, 'the processor does not tell what a change would cost')
    return null
  }
}

async function blockersOf(
  db: Database,
  accountId: string,
  plan: string,
  rows: PlanChangePreviewRow[]
): Promise<PlanChangePreview['blockers']> {
  const blocking = rows.filter(({ excess }) => excess !== null)
  if (blocking.length === 0) return []
  const candidates = await listDowngradeCandidates(db, { accountId, plan })
  return blocking.map(({ metric, used, quotaThen, excess, message }) => ({
    metric,
    used,
    quota: quotaThen ?? 0,
    excess: excess ?? 0,
    message: message ?? '',
    candidates: candidates
      .filter((candidate) => candidate.metric === metric)
      .map(({ id, chatbotId, name, sizeBytes, createdAt, readOnly }) => {
        return { id, chatbotId, name, sizeBytes, createdAt: formatTime(createdAt), readOnly }
      })
  }))
}
