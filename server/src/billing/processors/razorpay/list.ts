import { z } from 'zod'
import type { Normalised } from '../../billing-event.ts'
import { identifier, rejected } from '../../payload.ts'
import { AnswerUnknown } from '../../processor.ts'
import type { ListedEntry } from '../../processor.ts'
import { answeredEnvelope, fetchedState } from './asking.ts'
import type { Asker } from './asking.ts'
import { page, PAGE_SIZE } from './client.ts'
import { madeSince, reversalEntry } from './reversals.ts'
import { subscription } from './subscription.ts'

type Listed = { items: unknown[]; entryOf: (item: unknown) => ListedEntry | null }
type List = (asker: Asker, since: string, skip: number) => Promise<Listed>

const LISTS = ['subscriptions', 'refunds', 'disputes'] as const
const ASKING: Record<(typeof LISTS)[number], List> = {
  subscriptions: listSubscriptions,
  refunds: listRefunds,
  disputes: listDisputes
}

const named = z.object({ id: identifier })
const cursorText = z
  .templateLiteral([z.enum(LISTS), ':', z.string().regex(/^(0|[1-9][0-9]{0,8})$/)])
  .transform((text) => {
    const [list, skip] = text.split(':')
    return { list: z.enum(LISTS).parse(list), skip: Number(skip) }
  })

/**
 * listSince pages through all subscriptions, because Razorpay keeps no list of events, and gives each as its present state;
 * then through the refunds and the disputes, whose webhooks may have been lost too ({@link reversalEntry}). `payload` is that
 * event as JSON. Left out are subscriptions that ended before `since` or that nobody has paid for yet, and reversals so old
 * that they cannot have changed since.
 *
 * `cursor` is the list and how many of it to skip: the newest come first, so one made meanwhile makes another come
 * twice, but none is missed. Throws {@link AnswerUnknown} as all calls do.
 */
export async function listSince(
  asker: Asker,
  { since, cursor }: { since: string; cursor: string | null }
): Promise<{ entries: ListedEntry[]; cursor: string | null }> {
  const { list, skip } = cursorText.parse(cursor ?? 'subscriptions:0')
  const { items, entryOf } = await ASKING[list](asker, since, skip)
  const entries = items.map(entryOf).filter((entry) => entry !== null)
  if (items.length >= PAGE_SIZE) return { entries, cursor: `${list}:${skip + PAGE_SIZE}` }
  const next = LISTS[LISTS.indexOf(list) + 1]
  return { entries, cursor: next === undefined ? null : `${next}:0` }
}

async function listSubscriptions(asker: Asker, since: string, skip: number): Promise<Listed> {
  const askedAtMs = asker.nowMs()
  const { items } = await asker.client.ask((sdk) => sdk.subscriptions.all({ count: PAGE_SIZE, skip }), page)
  const sinceMs = Date.parse(since)
  return { items, entryOf: (item) => subscriptionEntry(item, askedAtMs, sinceMs) }
}

async function listRefunds(asker: Asker, since: string, skip: number): Promise<Listed> {
  const askedAtMs = asker.nowMs()
  const sinceMs = madeSince('refund', since)
  const query = { from: Math.floor(sinceMs / 1000), count: PAGE_SIZE, skip }
  const { items } = await asker.client.ask((sdk) => sdk.refunds.all(query), page)
  return { items, entryOf: (item) => reversalEntry('refund', item, { askedAtMs, sinceMs }) }
}

async function listDisputes(asker: Asker, since: string, skip: number): Promise<Listed> {
  const askedAtMs = asker.nowMs()
  const sinceMs = madeSince('dispute', since)
  // This list takes no times.
  const { items } = await asker.client.ask((sdk) => sdk.disputes.all({ count: PAGE_SIZE, skip }), page)
  return { items, entryOf: (item) => reversalEntry('dispute', item, { askedAtMs, sinceMs }) }
}

function subscriptionEntry(item: unknown, askedAtMs: number, sinceMs: number): ListedEntry | null {
  const parsed = subscription.safeParse(item)
  if (!parsed.success) {
    const id = named.safeParse(item)
    if (!id.success) throw new AnswerUnknown('Razorpay answered in an unknown shape: a subscription without an id')
    return { payload: JSON.stringify(item), normalised: rejected(answeredEnvelope(id.data.id, askedAtMs), parsed.error) }
  }
  const { customerId, endedAt } = parsed.data
  if (customerId === null || (endedAt !== null && Date.parse(endedAt) < sinceMs)) return null
  const event = fetchedState(parsed.data, askedAtMs)
  const normalised: Normalised = { outcome: 'event', event }
  return { payload: JSON.stringify(event), normalised }
}
