import express, { type RequestHandler, type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Normalised } from '../billing/billing-event.ts'
import type { EventSource } from '../billing/processor.ts'
import { receive, settleTie } from '../billing/receive.ts'
import type { ReceivedWebhook } from '../contract/webhooks.ts'
import { DatabaseUnavailable } from '../db/database.ts'
import type { RecordedBillingEvent } from '../db/functions/record-billing-event.ts'
import { Problem } from '../errors.ts'

const PATH = '/webhooks/:processor'
const LIMIT_BYTES = 1024 * 1024

/**
 * webhooksRouter takes signed deliveries. It is mounted before any body parser, because signatures are over raw bytes; for
 * the same reason a compressed body is refused.
 */
export function webhooksRouter(parts: Parts): Router {
  const router = express.Router()
  const raw = express.raw({ type: () => true, limit: LIMIT_BYTES, inflate: false })

  const requireSource: RequestHandler = (req, _res, next) => {
    findSource(parts, req.params['processor'])
    next()
  }
  router.post(PATH, requireSource, raw, async (req, res) => {
    const source = findSource(parts, req.params['processor'])
    const count = (outcome: string): void => parts.metrics.webhookEvents.inc({ processor: source.name, outcome })
    const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
    try {
      const reception = await receive(parts.db, source, { rawBody, headers: req.headers, nowMs: Date.now() })
      if (reception.result !== 'stored') {
        count(reception.result)
        req.log.warn({ processor: source.name, reason: reception.reason }, `webhook ${reception.result}`)
        throw refusal(reception)
      }
      count(reception.recorded.outcome)
      forgetSessions(parts, reception.normalised)
      res.json({ received: true, outcome: reception.recorded.outcome } satisfies ReceivedWebhook)
      followUp(parts, source, reception.recorded)
    } catch (error) {
      if (error instanceof DatabaseUnavailable) count('unavailable')
      throw error
    }
  })
  return router
}

function findSource(parts: Parts, name: unknown): EventSource {
  const source = parts.sources.find((candidate) => candidate.name === name)
  if (source) return source
  throw new Problem('not_found', 'Nobody of this name delivers webhooks here: no secret or key of theirs is configured.')
}

function refusal(reception: { result: 'not_verified' | 'unreadable'; reason: string }): Problem {
  return reception.result === 'not_verified'
    ? new Problem('webhook_not_verified', `The delivery is not verified: ${reception.reason}`)
    : new Problem('webhook_unreadable', `The delivery cannot be read: ${reception.reason}`)
}

// After the commit: a session that is verified again from here on meets an account that is closed.
function forgetSessions({ sessionCache }: Parts, normalised: Normalised): void {
  if (normalised.outcome !== 'event' || normalised.event.kind !== 'closed') return
  if (normalised.event.accountId !== null) sessionCache.drop(normalised.event.accountId)
}

/** followUp runs after the answer, because senders wait only seconds; what it fails to do shows in the log. */
function followUp(parts: Parts, source: EventSource, recorded: RecordedBillingEvent): void {
  if (recorded.outcome === 'failed' || recorded.outcome === 'dead') {
    // One that came before what makes its account known is no fault, as long as it still waits.
    const isWaiting = recorded.outcome === 'failed' && recorded.lastError?.startsWith('PY413') === true
    const about = { processor: source.name, outcome: recorded.outcome, reason: recorded.lastError }
    parts.log[isWaiting ? 'info' : 'error'](about, isWaiting ? 'webhook waits for its account' : 'webhook has no effect')
  }
  // What came for an account before it was known may pass now.
  if (recorded.linked) parts.retryWebhooksSoon()
  if (!recorded.tie || recorded.subscriptionId === null) return
  const processor = parts.processors.find(({ name }) => name === source.name)
  const settling = settleTie(parts.db, processor, recorded.subscriptionId).then(
    () => undefined,
    (error: unknown) => {
      parts.log.error({ err: error, processor: source.name, subscriptionId: recorded.subscriptionId }, 'a tie is not settled')
    }
  )
  parts.lifecycle.track(settling)
}
