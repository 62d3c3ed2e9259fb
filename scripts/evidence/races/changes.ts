import { setTimeout as wait } from 'node:timers/promises'
import { type Database, DatabaseUnavailable } from '../../../server/src/db/database.ts'
import {
  type BillingEventArguments,
  recordBillingEvent,
  type RecordedBillingEvent
} from '../../../server/src/db/functions/record-billing-event.ts'
import { eventOf } from './events.ts'
import { monotonicMs, type Version } from './history.ts'

/**
 * Change is one thing a processor tells of an account's subscription: `event`, and what is in force from then on. `late` is
 * an event of a subscription known before that was overtaken long ago, and must do nothing.
 */
export type Change = {
  accountId: string
  what: 'begin' | 'renewal' | 'upgrade' | 'downgrade' | 'end' | 'return'
  event: BillingEventArguments
  late: BillingEventArguments | null
  plan: string
  windowStartMs: number
  windowEndMs: number
}

const PAID = ['starter', 'growth', 'enterprise']
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const OVERTAKEN = { name: 'late', plan: 'enterprise', status: 'active' }

/**
 * lifeOf draws the life of an account's subscription: its begin and `count` changes. Periods run from the 5th of the running
 * month or the one before; each renewal is for the month after the last, which is known early and opens its window at once.
 */
export function lifeOf(accountId: string, count: number, random: () => number, nowMs: number): Change[] {
  const now = new Date(nowMs - 5 * DAY_MS)
  let start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 5)
  let plan = 'starter'
  let status = 'active'
  let subscription = 1
  let known = 0
  const changes: Change[] = []
  const note = (what: Change['what']): void => {
    const number = changes.length
    const base = { accountId, number, subscription, plan, startMs: start, endMs: monthAfter(start) }
    changes.push({
      accountId,
      what,
      event: eventOf({ ...base, status, occurredAtMs: nowMs + number * MINUTE_MS, name: 'evt' }),
      late:
        known === 0
          ? null
          : eventOf({
              ...base, ...OVERTAKEN, subscription: known, startMs: start - 40 * DAY_MS, endMs: start - 9 * DAY_MS, occurredAtMs: nowMs - 2 * DAY_MS
            }),
      plan: status === 'active' ? plan : 'free',
      windowStartMs: start,
      windowEndMs: monthAfter(start)
    })
    known = subscription
  }
  note('begin')
  while (changes.length <= count) {
    const drawn = random()
    const place = PAID.indexOf(plan)
    if (status === 'canceled') {
      subscription += 1
      status = 'active'
      plan = 'starter'
      start += DAY_MS
      note('return')
    } else if (drawn < 0.35) {
      start = monthAfter(start)
      note('renewal')
    } else if (drawn < 0.6 && place < PAID.length - 1) {
      plan = PAID[place + 1] ?? plan
      note('upgrade')
    } else if (drawn < 0.9 && place > 0) {
      plan = PAID[place - 1] ?? plan
      note('downgrade')
    } else if (drawn >= 0.9) {
      status = 'canceled'
      note('end')
    }
  }
  return changes
}

/**
 * tellChange delivers a change to several databases at once, and the late event with it. It answers when it can have come into
 * force: after its first delivery began, and before any was answered. Throws Error where one is not taken in.
 */
export async function tellChange(databases: Database[], change: Change): Promise<{ fromMs: number; knownMs: number }> {
  const fromMs = monotonicMs()
  const tell = async (db: Database): Promise<number> => {
    const { outcome, lastError } = await deliver(db, change.event)
    if ((outcome !== 'processed' && outcome !== 'duplicate') || lastError !== null) {
      throw new Error(`${change.what} of ${change.accountId} was ${outcome}: ${lastError}`)
    }
    return monotonicMs()
  }
  const { late: overtaken } = change
  const late = overtaken === null ? [] : databases.slice(0, 1).map((db) => deliver(db, overtaken))
  const known = await Promise.all(databases.map(tell))
  await Promise.all(late)
  return { fromMs, knownMs: Math.min(...known) }
}

const MAX_REPEATS = 60
const PAUSE_MS = 50

/** deliver is what a processor does: it delivers the same event again when the service, or the account's counters, are too busy. */
async function deliver(db: Database, event: BillingEventArguments): Promise<RecordedBillingEvent> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await recordBillingEvent(db, event)
    } catch (error) {
      if (repeats === MAX_REPEATS || !(error instanceof DatabaseUnavailable)) throw error
    }
    await wait(PAUSE_MS)
  }
}

/** toVersions tells what an account had when, from when its changes came into force. */
export function toVersions(told: { change: Change; fromMs: number; knownMs: number }[]): Version[] {
  return told.map(({ change: { accountId, plan, windowStartMs, windowEndMs }, fromMs }, index) => ({
    accountId,
    plan,
    windowStartMs,
    windowEndMs,
    fromMs,
    untilMs: told[index + 1]?.knownMs ?? Infinity
  }))
}

function monthAfter(ms: number): number {
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())
}
