import type { Interval } from '../../webhook/scenario.ts'

/** Period is a half-open span in Unix milliseconds. */
export type Period = { startMs: number; endMs: number }

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** INDIA_AHEAD_MS is how far India's clocks are ahead of UTC, all year; Razorpay's months go by them. */
export const INDIA_AHEAD_MS = 5.5 * HOUR_MS

const MONTHS: Record<Interval, number> = { month: 1, year: 12 }

/** addMonths moves an instant by whole months in UTC; a day the month lacks becomes its last day (31 January, 28 February). */
export function addMonths(fromMs: number, months: number): number {
  const from = new Date(fromMs)
  const month = from.getUTCFullYear() * 12 + from.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(Math.floor(month / 12), (((month % 12) + 12) % 12) + 1, 0)).getUTCDate()
  const day = Math.min(from.getUTCDate(), lastDay)
  return Date.UTC(Math.floor(month / 12), ((month % 12) + 12) % 12, day) + (((fromMs % DAY_MS) + DAY_MS) % DAY_MS)
}

/** inIndia does arithmetic of days and months by India's clocks. */
export function inIndia(ms: number, change: (indianMs: number) => number): number {
  return change(ms + INDIA_AHEAD_MS) - INDIA_AHEAD_MS
}

/** midnight is the beginning of the day. */
export function midnight(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}

/**
 * periodOf is the billing period number `place` (from 0) of a subscription that was begun at `anchorMs`. All bounds follow from
 * the anchor; Razorpay's first period begins when it is paid for, and all others at midnight in India.
 */
export function periodOf(subscription: { processor: string; anchorMs: number; interval: Interval }, place: number): Period {
  const { processor, anchorMs, interval } = subscription
  const bound = (number: number): number => {
    const months = number * MONTHS[interval]
    if (processor !== 'razorpay') return addMonths(anchorMs, months)
    return number === 0 ? anchorMs : inIndia(anchorMs, (ms) => midnight(addMonths(ms, months)))
  }
  return { startMs: bound(place), endMs: bound(place + 1) }
}
