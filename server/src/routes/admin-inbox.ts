import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import {
  type InboxAction,
  type InboxDetail,
  type InboxEvent,
  inboxParamsSchema,
  inboxQuerySchema,
  reasonSchema
} from '../contract/admin.ts'
import { discardEventAs } from '../db/functions/discard-event-as.ts'
import { listOperatorActions } from '../db/functions/list-operator-actions.ts'
import { listWebhookEvents } from '../db/functions/list-webhook-events.ts'
import { readWebhookEvent } from '../db/functions/read-webhook-event.ts'
import { replayEventAs } from '../db/functions/replay-event-as.ts'
import type { EventAction, WebhookEvent } from '../db/webhook-event-row.ts'
import { Problem } from '../errors.ts'
import { textPlaceSchema, timePlaceSchema, toPage, toPageRequest } from '../http/page.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody, parseParams, parseQuery } from '../http/validate.ts'

const ONE = '/api/admin/inbox/:processor/:eventId'
const ACTIONS_SHOWN = 100
const placeSchema = timePlaceSchema.extend({ processor: textPlaceSchema, id: textPlaceSchema })

/** adminInboxRouter shows operators every delivery, and lets them replay or discard those without effect. */
export function adminInboxRouter(parts: Parts): Router {
  const { db } = parts
  const router = express.Router()

  router.get('/api/admin/inbox', async (req, res) => {
    const query = parseQuery(inboxQuerySchema, req)
    const { limit, rowLimit, place } = toPageRequest(query, placeSchema)
    const rows = await listWebhookEvents(db, {
      status: query.status ?? null,
      processor: query.processor ?? null,
      accountId: query.accountId ?? null,
      limit: rowLimit,
      beforeCreatedAt: place?.time ?? null,
      beforeProcessor: place?.processor ?? null,
      beforeId: place?.id ?? null
    })
    res.json(toPage(rows, limit, toBody, ({ receivedAt, processor, eventId }) => ({ time: receivedAt, processor, id: eventId })))
  })

  router.get(ONE, async (req, res) => {
    const params = parseParams(inboxParamsSchema, req)
    const [event, actions] = await Promise.all([
      readWebhookEvent(db, params),
      listOperatorActions(db, { ...params, limit: ACTIONS_SHOWN })
    ])
    if (event === null) throw noSuchDelivery()
    res.json({
      ...toBody(event),
      payload: event.payload,
      actions: actions.map(({ operatorId, action, reason, createdAt }) => ({
        operatorId,
        action,
        reason,
        at: formatTime(createdAt)
      }))
    } satisfies InboxDetail)
  })

  router.post(`${ONE}/replay`, async (req, res) => {
    const params = parseParams(inboxParamsSchema, req)
    const { reason } = parseBody(reasonSchema, req)
    const replayed = await replayEventAs(db, { ...params, reason, operatorId: sessionOf(res).userId })
    const { status } = accepted(replayed)
    parts.retryWebhooksSoon()
    res.json({ status } satisfies InboxAction)
  })

  router.post(`${ONE}/discard`, async (req, res) => {
    const params = parseParams(inboxParamsSchema, req)
    const { reason } = parseBody(reasonSchema, req)
    const { status } = accepted(await discardEventAs(db, { ...params, reason, operatorId: sessionOf(res).userId }))
    res.json({ status } satisfies InboxAction)
  })
  return router
}

function accepted(action: EventAction | null): EventAction {
  if (action === null) throw noSuchDelivery()
  if (action.outcome === 'done') return action
  throw new Problem(
    'already_applied',
    action.status === 'ignored'
      ? 'This delivery was ignored: its type has no effect here, so there is nothing to replay or discard.'
      : 'This delivery was processed: it cannot apply twice, and what it did is not taken back by discarding it.'
  )
}

function noSuchDelivery(): Problem {
  return new Problem('not_found', 'There is no such delivery in the inbox.')
}

function toBody(event: WebhookEvent): InboxEvent {
  const { processor, eventId, eventType, kind, status, attempts, deliveries, lastError, accountId, subscriptionId } = event
  return {
    processor,
    eventId,
    eventType,
    kind,
    status,
    attempts,
    deliveries,
    lastError,
    accountId,
    subscriptionId,
    occurredAt: formatTime(event.occurredAt),
    receivedAt: formatTime(event.receivedAt),
    processedAt: formatTime(event.processedAt),
    nextAttemptAt: formatTime(event.nextAttemptAt)
  }
}
