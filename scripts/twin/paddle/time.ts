import type { Cycle } from './state/catalog.ts'

const DAY_MS = 86_400_000

/** iso writes Unix milliseconds as Paddle does, with microseconds. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

/** isoMicros writes Unix microseconds as Paddle does. */
export function isoMicros(micros: number): string {
  const rest = String(micros % 1000).padStart(3, '0')
  return new Date(Math.floor(micros / 1000)).toISOString().replace('Z', `${rest}Z`)
}

/** millis reads a time of Paddle's; what is below a millisecond is dropped. */
export function millis(time: string): number {
  return Date.parse(time)
}

/**
 * addCycles is `count` billing cycles after `anchorMs`, always counted from the anchor, in UTC: 31 January, 28 February,
 * 31 March. Paddle's documentation says that the billing date of each renewal is based on the date on which the
 * subscription was created (developer.paddle.com, Change billing dates); what it does in a month that has no such day it
 * does not say. The twin takes that month's last day and goes back to the anchor's day afterwards, as Stripe documents.
 */
export function addCycles(anchorMs: number, cycle: Cycle, count: number): number {
  const steps = cycle.frequency * count
  if (cycle.interval === 'day') return anchorMs + steps * DAY_MS
  if (cycle.interval === 'week') return anchorMs + steps * 7 * DAY_MS
  const anchor = new Date(anchorMs)
  const month = anchor.getUTCMonth() + steps * (cycle.interval === 'year' ? 12 : 1)
  const lastDay = new Date(Date.UTC(anchor.getUTCFullYear(), month + 1, 0)).getUTCDate()
  const startOfMonth = Date.UTC(anchor.getUTCFullYear(), month, Math.min(anchor.getUTCDate(), lastDay))
  return startOfMonth + (anchorMs % DAY_MS)
}
