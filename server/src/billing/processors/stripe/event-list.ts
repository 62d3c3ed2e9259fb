import type { Normalised } from '../../billing-event.ts'
import type { ListedEntry } from '../../processor.ts'
import { eventPage } from './answers.ts'
import type { Caller } from './api.ts'
import { asking, timeLeft } from './asking.ts'
import { HANDLED_TYPES } from './normalise.ts'

const PAGE = 100
/** At most so many types may be asked for at once (docs.stripe.com/api/events/list). */
const TYPES_AT_ONCE = 20

/**
 * listSince lists the events of the last 30 days that Parley acts on. Stripe lists the newest first and knows no other
 * order; within a page they are turned round. The cursor is `<group of types>:<last event id, or nothing>`.
 */
export async function listSince(
  { stripe, timeoutMs }: Caller,
  request: { since: string; cursor: string | null },
  normalise: (payload: string) => Normalised
): Promise<{ entries: ListedEntry[]; cursor: string | null }> {
  const [place = '0', after = ''] = (request.cursor ?? '').split(':')
  const group = Number(place)
  const params = {
    created: { gte: Math.floor(Date.parse(request.since) / 1000) },
    types: HANDLED_TYPES.slice(group * TYPES_AT_ONCE, (group + 1) * TYPES_AT_ONCE),
    limit: PAGE,
    ...(after === '' ? {} : { starting_after: after })
  }
  const time = timeLeft(timeoutMs)
  const page = await asking(eventPage, () => stripe.events.list(params, time()))
  const entries = page.data.reverse().map((event): ListedEntry => {
    const payload = JSON.stringify(event)
    return { payload, normalised: normalise(payload) }
  })
  return { entries, cursor: nextCursor(group, page.has_more ? page.data[0]?.id : undefined) }
}

function nextCursor(group: number, oldest: string | undefined): string | null {
  if (oldest !== undefined) return `${group}:${oldest}`
  return (group + 1) * TYPES_AT_ONCE < HANDLED_TYPES.length ? `${group + 1}:` : null
}
