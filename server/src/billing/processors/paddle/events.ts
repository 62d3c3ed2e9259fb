import { z } from 'zod'
import { AnswerUnknown } from '../../processor.ts'
import type { ListedEntry, ProcessorApi } from '../../processor.ts'
import { readAnswer } from './connection.ts'
import type { Connection } from './connection.ts'
import { normalisePaddle, PADDLE_EVENT_TYPES } from './normalise.ts'
import { refusalOf } from './refusal.ts'
import { time } from './shape.ts'

/** The most that Paddle lists at once. */
const PAGE_SIZE = 200

const listed = z.looseObject({ event_id: z.string(), occurred_at: time })
const page = z.object({ data: z.array(listed), meta: z.object({ pagination: z.object({ has_more: z.boolean() }) }) })
const failure = z.object({ error: z.object({ code: z.string(), type: z.string() }) })

/**
 * eventCalls list events (GET /events, developer.paddle.com: kept for 90 days). The list can be asked for event types
 * but not for a time; it is therefore read newest first until it is older than `since`, and the cursor is the id of
 * the last event seen. A plain request, because the SDK renames the fields and drops the ones it does not know: what
 * is stored must read as a webhook does. Only `notification_id` is missing, which Parley does not use.
 */
export function eventCalls({ apiKey, apiUrl, startCall }: Connection): Pick<ProcessorApi, 'listSince'> {
  return {
    async listSince({ since, cursor }) {
      const url = new URL(`${apiUrl}/events`)
      url.searchParams.set('order_by', 'id[DESC]')
      url.searchParams.set('per_page', String(PAGE_SIZE))
      url.searchParams.set('event_type', PADDLE_EVENT_TYPES.join(','))
      if (cursor !== null) url.searchParams.set('after', cursor)

      const body = await startCall()((signal) => getJson(url, apiKey, signal))
      const { data, meta } = readAnswer(page, body)
      const sinceMs = Date.parse(since)
      const recent = data.filter((event) => Date.parse(event.occurred_at) >= sinceMs)
      const last = data.at(-1)
      // The order is that of the ids; one event out of place must not end the list early.
      const goesOn = meta.pagination.has_more && last !== undefined && recent.length > 0
      return { entries: recent.map(entryOf), cursor: goesOn ? last.event_id : null }
    }
  }
}

function entryOf(event: z.output<typeof listed>): ListedEntry {
  const payload = JSON.stringify(event)
  return { payload, normalised: normalisePaddle(payload) }
}

async function getJson(url: URL, apiKey: string, signal: AbortSignal): Promise<unknown> {
  // A redirect could carry the key elsewhere.
  const headers = { authorization: `bearer ${apiKey}`, 'paddle-version': '1' }
  const response = await fetch(url, { signal, redirect: 'error', headers })
  const body: unknown = await response.json()
  if (response.ok) return body
  const parsed = failure.safeParse(body)
  if (!parsed.success) throw new AnswerUnknown(`Paddle answered with status ${response.status}`)
  throw refusalOf(parsed.data.error.code, parsed.data.error.type)
}
