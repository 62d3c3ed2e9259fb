import { DAY_MS, HOUR_MS, MINUTE_MS, periodOf, SECOND_MS } from './calendar.ts'
import type { Dice } from './dice.ts'
import { type Held, type Payment, PLANS, type StormEvent } from './facts.ts'

/**
 * Life is a subscription while it is lived: `held` is how it stands at its processor, `events` what was told of it so far.
 * `isOpened`: a period was begun in a live state. At the end `held`, `isOpened` and `pastDueSinceMs` are the processor's own
 * truth, with which the reference model has to agree as much as the database.
 */
export type Life = {
  held: Held
  dice: Dice
  events: StormEvent[]
  payments: Payment[]
  isOpened: boolean
  pastDueSinceMs: number | null
}

/**
 * Dialect is how one processor lives through a moment and tells it: each function changes `held` and appends the events,
 * as of `atMs` (whole seconds).
 */
export type Dialect = {
  begin(life: Life, atMs: number): void
  renew(life: Life, atMs: number): void
  fail(life: Life, atMs: number): void
  recover(life: Life, atMs: number): void
  giveUp(life: Life, atMs: number): void
  change(life: Life, atMs: number): void
  edit(life: Life, atMs: number): void
  planEnd(life: Life, atMs: number): void
  pause(life: Life, atMs: number): void
  resume(life: Life, atMs: number): void
  end(life: Life, atMs: number): void
  reverse(life: Life, payment: Payment, atMs: number): void
  notice(life: Life, atMs: number): void
}

/** live lets a subscription live from `beginMs` until it ends, falls silent, or its period reaches past `lastMs`. */
export function live(life: Life, dialect: Dialect, beginMs: number, lastMs: number): void {
  const { held, dice } = life
  dialect.begin(life, beginMs)
  let nowMs = beginMs + MINUTE_MS
  while (isLive(held)) {
    nowMs = liveWithinPeriod(life, dialect, nowMs)
    if (!isLive(held) || held.period.endMs > lastMs || dice.chance(0.02)) return
    nowMs = held.period.endMs + dice.between(0, 90) * SECOND_MS
    if (held.cancelsAtMs !== null) return dialect.end(life, held.period.endMs)
    if (dice.chance(0.85)) {
      dialect.renew(life, nowMs)
      nowMs += 2 * HOUR_MS
      continue
    }
    dialect.fail(life, nowMs)
    nowMs += dice.between(3, 70) * HOUR_MS
    if (dice.chance(0.65)) dialect.recover(life, nowMs)
    else if (dice.chance(0.6)) dialect.giveUp(life, nowMs)
    else return
    nowMs += 2 * HOUR_MS
  }
}

function liveWithinPeriod(life: Life, dialect: Dialect, fromMs: number): number {
  const { held, dice } = life
  let nowMs = fromMs
  for (let left = dice.between(0, 3); left > 0 && isLive(held); left -= 1) {
    nowMs += dice.between(30, 2 * 86_400) * SECOND_MS
    if (nowMs > held.period.endMs - 6 * HOUR_MS) return nowMs
    const drawn = dice.between(1, 100)
    if (drawn <= 30) dialect.change(life, nowMs)
    else if (drawn <= 50) dialect.edit(life, nowMs)
    else if (drawn <= 62) dialect.planEnd(life, nowMs)
    else if (drawn <= 70) nowMs = pauseForAWhile(life, dialect, nowMs)
    else if (drawn <= 86) reverseLatest(life, dialect, nowMs)
    else if (drawn <= 96) dialect.notice(life, nowMs)
    else dialect.end(life, nowMs)
  }
  return nowMs
}

function pauseForAWhile(life: Life, dialect: Dialect, nowMs: number): number {
  if (life.held.status !== 'active' || life.held.cancelsAtMs !== null) return nowMs
  dialect.pause(life, nowMs)
  const resumedMs = nowMs + life.dice.between(1, 100) * HOUR_MS
  if (resumedMs < life.held.period.endMs - DAY_MS && life.dice.chance(0.8)) dialect.resume(life, resumedMs)
  return resumedMs + HOUR_MS
}

function reverseLatest(life: Life, dialect: Dialect, nowMs: number): void {
  const payment = life.payments.pop()
  if (payment !== undefined) dialect.reverse(life, payment, nowMs)
}

function isLive({ status }: Held): boolean {
  return status === 'active' || status === 'trialing' || status === 'past_due'
}

/** advance lets the next period begin. */
export function advance(held: Held): void {
  held.place += 1
  held.period = periodOf(held, held.place)
}

/** beginAnew lets the periods follow from another anchor: a first payment after a trial, or a resumption. */
export function beginAnew(held: Held, anchorMs: number): void {
  held.anchorMs = anchorMs
  held.place = 0
  held.period = periodOf(held, 0)
}

/** otherPlan draws a plan that it is not on. */
export function otherPlan({ held, dice }: Life): Held['plan'] {
  const [first, ...others] = PLANS.filter((plan) => plan !== held.plan)
  return first === undefined ? held.plan : dice.pick([first, ...others])
}

/** becomeActive notes that it is paid for. */
export function becomeActive(life: Life): void {
  life.held.status = 'active'
  life.isOpened = true
  life.pastDueSinceMs = null
}

/** becomePastDue notes since when it is not. */
export function becomePastDue(life: Life, atMs: number): void {
  life.held.status = 'past_due'
  life.pastDueSinceMs ??= atMs
}

/** stop notes that it is paused or over. */
export function stop(life: Life, status: 'paused' | 'canceled'): void {
  life.held.status = status
  life.pastDueSinceMs = null
}
