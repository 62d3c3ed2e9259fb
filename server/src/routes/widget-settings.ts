import { randomBytes } from 'node:crypto'
import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { chatbotParamsSchema } from '../contract/chatbots.ts'
import { widgetChangeSchema, type WidgetSettings } from '../contract/widget.ts'
import type { Database } from '../db/database.ts'
import { ensureWidget } from '../db/functions/ensure-widget.ts'
import { updateWidget } from '../db/functions/update-widget.ts'
import type { Widget } from '../db/widget-row.ts'
import { Problem } from '../errors.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody, parseParams } from '../http/validate.ts'

const PATH = '/api/chatbots/:chatbotId/widget'

/** widgetSettingsRouter shows and changes the widget of a chatbot, for its owner. */
export function widgetSettingsRouter({ db }: Parts): Router {
  const router = express.Router()

  router.get(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    res.json(toBody(await findOrMake(db, sessionOf(res).accountId, chatbotId)))
  })

  router.patch(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const change = parseBody(widgetChangeSchema, req)
    const { accountId } = sessionOf(res)
    await findOrMake(db, accountId, chatbotId)
    const widget = await updateWidget(db, {
      accountId,
      chatbotId,
      enabled: change.enabled ?? null,
      allowedOrigins: change.allowedOrigins ?? null,
      messagesPerVisitorPerHour: change.messagesPerVisitorPerHour ?? null,
      unavailableMessage: change.unavailableMessage ?? null,
      identityRequired: change.identityRequired ?? null,
      identitySecret: change.rotateIdentitySecret === true ? newSecret() : null
    })
    if (widget === null) throw noSuchChatbot()
    res.json(toBody(widget))
  })
  return router
}

async function findOrMake(db: Database, accountId: string, chatbotId: string): Promise<Widget> {
  const widgetKey = `wgt_${randomBytes(12).toString('base64url')}`
  const widget = await ensureWidget(db, { accountId, chatbotId, widgetKey, identitySecret: newSecret() })
  if (widget === null) throw noSuchChatbot()
  return widget
}

function newSecret(): string {
  return `wsec_${randomBytes(32).toString('base64url')}`
}

function toBody({ lastRefusedAt, lastRefusedCause, lastRefusedRequestId, ...settings }: Widget): WidgetSettings {
  if (lastRefusedAt === null) return { ...settings, lastRefusal: null }
  const lastRefusal = { at: formatTime(lastRefusedAt), cause: lastRefusedCause ?? '', requestId: lastRefusedRequestId ?? '' }
  return { ...settings, lastRefusal }
}

function noSuchChatbot(): Problem {
  return new Problem('not_found', 'There is no such chatbot in this account.')
}
