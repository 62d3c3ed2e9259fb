import type { World } from '../dialect.ts'
import { DAY } from './calendar.ts'
import { missing } from './fault.ts'
import { olderShape } from './older-shape.ts'
import type { State } from './state.ts'

/** Json is what JSON.parse can give; JsonObject is one object of Stripe's API. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [name: string]: Json }

/** API_VERSION is the version of the SDK that Parley pins; OLDER_VERSION is what endpoints of shape '2024' were made with. */
export const API_VERSION = '2026-10-28.endive'
export const OLDER_VERSION = '2024-06-20'

/** How long events can be listed (docs.stripe.com/api/events). */
const EVENTS_KEPT_SECONDS = 30 * DAY

/** Change is what one request, or one moment of the passing time, brings about; its webhooks share a group. */
type Change = { group: string; requestId: string | null; idempotencyKey: string | null }

/**
 * Shop is the account at Stripe that everything here works on.
 * - `state` is replaced as a whole by `load`, so hold on to the shop and not to it.
 * - `unsettled` are the ids of invoices that may still be due: an index of `state`, so that old ones cost nothing.
 * - `momentSeconds` is set while something is done that was due earlier than the clock's now.
 * - `payloadShape` is the shape of webhooks: 'current' (API_VERSION) or '2024' (periods on the subscription).
 * - `afterRetries` is what becomes of a subscription whose bill was tried in vain for the last time.
 */
export type Shop = {
  world: World
  origin: string
  state: State
  unsettled: Set<string>
  momentSeconds: number | null
  change: Change | null
  payloadShape: 'current' | '2024'
  afterRetries: 'cancel' | 'unpaid' | 'past_due'
}

/** now is the time at which things happen, in Unix seconds. */
export function now(shop: Shop): number {
  return shop.momentSeconds ?? Math.floor(shop.world.nowMs() / 1000)
}

/** find gives a record by its id, or throws Stripe's resource_missing; `param` is the parameter that named it. */
export function find<Kept>(records: Record<string, Kept>, what: string, id: string, param?: string): Kept {
  const record = Object.hasOwn(records, id) ? records[id] : undefined
  if (record === undefined) throw missing(what, id, param)
  return record
}

/** inOneChange does `work` as one change: its events carry the request, and one group. */
export function inOneChange<Result>(shop: Shop, request: { idempotencyKey: string | null } | null, work: () => Result): Result {
  if (shop.change) return work()
  const id = shop.world.id('req_', 14)
  shop.change = { group: id, requestId: request ? id : null, idempotencyKey: request?.idempotencyKey ?? null }
  try {
    return work()
  } finally {
    shop.change = null
    shop.world.changed()
  }
}

/** recentEvents are those that can still be listed, oldest first. */
export function recentEvents(shop: Shop): State['events'] {
  const { events } = shop.state
  const first = events.findIndex(({ created }) => created >= now(shop) - EVENTS_KEPT_SECONDS)
  return first < 0 ? [] : events.slice(first)
}

/** emit tells of `object` as it is now: by a webhook, and in the list of events. */
export function emit(shop: Shop, type: string, object: JsonObject, previous?: JsonObject): void {
  const change = shop.change ?? { group: shop.world.id('req_', 14), requestId: null, idempotencyKey: null }
  const id = shop.world.id('evt_')
  const event = (apiVersion: string, data: JsonObject): string =>
    JSON.stringify({
      id,
      object: 'event',
      api_version: apiVersion,
      created: now(shop),
      data,
      livemode: false,
      pending_webhooks: 1,
      request: { id: change.requestId, idempotency_key: change.idempotencyKey },
      type
    })
  const body = event(API_VERSION, { object, ...(previous ? { previous_attributes: previous } : {}) })
  const { events } = shop.state
  events.splice(0, events.length - recentEvents(shop).length)
  events.push({ id, type, created: now(shop), body })
  const sent = shop.payloadShape === 'current' ? body : event(OLDER_VERSION, olderData(shop, object, previous))
  shop.world.send({ processor: 'stripe', eventId: id, eventType: type, body: sent, group: change.group })
  shop.world.changed()
}

function olderData(shop: Shop, object: JsonObject, previous: JsonObject | undefined): JsonObject {
  const before = previous && olderShape(shop.state, { ...object, ...previous })
  const after = olderShape(shop.state, object)
  return { object: after, ...(before ? { previous_attributes: difference(before, after) } : {}) }
}

/** difference gives the fields of `before` that are not the same in `after`, as Stripe's previous_attributes do. */
export function difference(before: JsonObject, after: JsonObject): JsonObject {
  const names = Object.keys(before).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(names.map((name) => [name, before[name] ?? null]))
}

/** updating does `work`, tells of `render()` with an event of `type` if it has become another, and gives what `work` gave. */
export function updating<Result>(shop: Shop, type: string, render: () => JsonObject, work: () => Result): Result {
  const before = render()
  const result = work()
  const after = render()
  const previous = difference(before, after)
  if (Object.keys(previous).length > 0) emit(shop, type, after, previous)
  return result
}
