import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import {
  type AdminAccount,
  type AdminAccountDetail,
  adminAccountParamsSchema,
  adminAccountsQuerySchema
} from '../contract/admin.ts'
import type { AccountOverview } from '../db/account-overview-row.ts'
import { type AccountSubscription, listAccountSubscriptions } from '../db/functions/list-account-subscriptions.ts'
import { listAccounts } from '../db/functions/list-accounts.ts'
import { listWebhookEvents } from '../db/functions/list-webhook-events.ts'
import { readAccountOverview } from '../db/functions/read-account-overview.ts'
import { readUsage } from '../db/functions/read-usage.ts'
import { Problem } from '../errors.ts'
import { textPlaceSchema, timePlaceSchema, toPage, toPageRequest } from '../http/page.ts'
import { formatTime } from '../http/time.ts'
import { parseParams, parseQuery } from '../http/validate.ts'

const EVENTS_SHOWN = 20
const placeSchema = timePlaceSchema.extend({ id: textPlaceSchema })

/** adminAccountsRouter shows operators every account. */
export function adminAccountsRouter({ db }: Parts): Router {
  const router = express.Router()

  router.get('/api/admin/accounts', async (req, res) => {
    const query = parseQuery(adminAccountsQuerySchema, req)
    const { limit, rowLimit, place } = toPageRequest(query, placeSchema)
    const rows = await listAccounts(db, {
      // An empty search field is no search.
      search: query.search === '' ? null : (query.search ?? null),
      limit: rowLimit,
      beforeCreatedAt: place?.time ?? null,
      beforeId: place?.id ?? null
    })
    res.json(toPage(rows, limit, toBody, ({ createdAt, accountId }) => ({ time: createdAt, id: accountId })))
  })

  router.get('/api/admin/accounts/:accountId', async (req, res) => {
    const { accountId } = parseParams(adminAccountParamsSchema, req)
    const overview = await readAccountOverview(db, { accountId })
    // Asked first: reading the usage of an account that is not there would make it.
    if (overview === null) throw new Problem('not_found', 'There is no such account: it is made when somebody first uses it.')
    const [usage, subscriptions, events] = await Promise.all([
      readUsage(db, { accountId }),
      listAccountSubscriptions(db, { accountId }),
      listWebhookEvents(db, { accountId, limit: EVENTS_SHOWN })
    ])
    res.json({
      ...toBody(overview),
      metrics: usage.map(({ metric, title, used, quota, resetsAt }) => ({
        metric,
        title,
        used,
        quota,
        resetsAt: formatTime(resetsAt)
      })),
      subscriptions: subscriptions.map(toSubscriptionBody),
      events: events.map(({ processor, eventId, eventType, status, occurredAt }) => ({
        processor,
        eventId,
        eventType,
        status,
        occurredAt: formatTime(occurredAt)
      }))
    } satisfies AdminAccountDetail)
  })
  return router
}

function toBody({ createdAt, closedAt, ...account }: AccountOverview): AdminAccount {
  return { ...account, createdAt: formatTime(createdAt), closedAt: formatTime(closedAt) }
}

function toSubscriptionBody(subscription: AccountSubscription): AdminAccountDetail['subscriptions'][number] {
  const { periodStart, periodEnd, asOf, ...row } = subscription
  return { ...row, periodStart: formatTime(periodStart), periodEnd: formatTime(periodEnd), asOf: formatTime(asOf) }
}
