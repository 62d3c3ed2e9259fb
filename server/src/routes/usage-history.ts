import express, { type Request, type Response, type Router } from 'express'
import { z } from 'zod'
import type { Parts } from '../app.ts'
import { eventsQuerySchema, historyQuerySchema, type UsageEvent, type UsageHistory } from '../contract/usage-history.ts'
import { listUsageEvents, type UsageEventRow } from '../db/functions/list-usage-events.ts'
import { listUsageWindows } from '../db/functions/list-usage-windows.ts'
import { readUsageHistory } from '../db/functions/read-usage-history.ts'
import { readUsage } from '../db/functions/read-usage.ts'
import { Problem } from '../errors.ts'
import { toPage, toPageRequest } from '../http/page.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseQuery } from '../http/validate.ts'
import { usageCsv } from './usage-csv.ts'

/** usageHistoryRouter shows what is behind the meters: a counter day by day, also as CSV, and the rows of the ledger. */
export function usageHistoryRouter({ db }: Parts): Router {
  const router = express.Router()

  const readHistory = async (req: Request, res: Response): Promise<UsageHistory> => {
    const { metric, windowStart } = parseQuery(historyQuerySchema, req)
    const { accountId } = sessionOf(res)
    // First of all, because it makes the account, where its windows begin.
    const meters = await readUsage(db, { accountId })
    const windows = await listUsageWindows(db, { accountId, metric })
    const meter = meters.find((row) => row.metric === metric)
    const window = windows.find((one) => (windowStart === undefined ? one.isCurrent : isSameTime(one.windowStart, windowStart)))
    if (meter === undefined || window === undefined) {
      const start = windowStart ?? 'now'
      throw new Problem('not_found', `There is no window of ${metric} that begins ${start}; \`windows\` has those there are.`)
    }
    const days = await readUsageHistory(db, { accountId, metric, windowStart: window.windowStart })
    return {
      metric,
      title: meter.title,
      unit: meter.unit,
      windowStart: formatTime(window.windowStart),
      windowEnd: formatTime(window.windowEnd),
      used: days.reduce((sum, { amount }) => sum + amount, 0),
      quota: meter.quota,
      windows: windows.map((one) => ({
        windowStart: formatTime(one.windowStart),
        windowEnd: formatTime(one.windowEnd),
        current: one.isCurrent
      })),
      days
    }
  }

  router.get('/api/usage/history', async (req, res) => {
    res.json(await readHistory(req, res))
  })

  router.get('/api/usage/history.csv', async (req, res) => {
    const history = await readHistory(req, res)
    res.set('Content-Disposition', `attachment; filename="parley-${history.metric}-${history.windowStart.slice(0, 10)}.csv"`)
    res.type('text/csv; charset=utf-8').send(usageCsv(history))
  })

  router.get('/api/usage/events', async (req, res) => {
    const query = parseQuery(eventsQuerySchema, req)
    const { metric = null, day = null, channel = null, chatbotId } = query
    const windowStart = query.windowStart === undefined ? null : storableTime(query.windowStart)
    if (day !== null) storableTime(`${day}T00:00:00Z`, 'day')
    // A balance is that of one list: the cursor must not be used with other filters.
    const list = JSON.stringify([metric, windowStart, day, chatbotId ?? null, channel])
    const placeSchema = z.strictObject({ id: z.int().positive(), balance: z.int().optional(), list: z.literal(list) })
    const { limit, rowLimit, place } = toPageRequest(query, placeSchema)
    const rows = await listUsageEvents(db, {
      accountId: sessionOf(res).accountId,
      metric,
      windowStart,
      day,
      chatbotId: chatbotId === 'none' ? null : (chatbotId ?? null),
      withoutChatbot: chatbotId === 'none',
      channel,
      limit: rowLimit,
      beforeId: place?.id ?? null,
      balance: place?.balance ?? null
    })
    res.json(
      toPage(rows, limit, toEvent, ({ eventId, amount, balanceAfter }) => ({
        id: eventId,
        ...(balanceAfter !== null && { balance: balanceAfter - amount }),
        list
      }))
    )
  })
  return router
}

function toEvent(row: UsageEventRow): UsageEvent {
  const { eventId, occurredAt, windowStart } = row
  return { ...row, eventId: String(eventId), occurredAt: formatTime(occurredAt), windowStart: formatTime(windowStart) }
}

/** isSameTime compares to the millisecond, which is what HTTP answers carry of the database's microseconds. */
function isSameTime(one: string, other: string): boolean {
  return Date.parse(one) === Date.parse(other)
}

/** storableTime writes a time as the database takes it, which has neither a year 0 nor ISO's years of six digits. */
function storableTime(time: string, field = 'windowStart'): string {
  const iso = new Date(time).toISOString()
  if (/^(?!0000)\d{4}-/.test(iso)) return iso
  const problem = 'is outside of the years 1 to 9999'
  throw new Problem('invalid_request', `The query is not valid. ${field}: ${problem}.`, { errors: [{ field, problem }] })
}
