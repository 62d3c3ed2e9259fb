import type { Plan } from './state.ts'

const DAY_SECONDS = 86_400
const IST_SECONDS = 19_800

/**
 * cycleStart is when cycle number `cycle` (from 0) of a schedule begins that starts at `anchorAt`, in Unix seconds.
 *
 * Cycle 0 begins at the very second of the start; every later one at midnight in India (18:30 UTC of the day before), on the
 * start's day of the month there, or the month's last day where there is none: 31 Jan, 28 Feb, 31 Mar. Read off the
 * samples of razorpay/markdown-docs: `subscription.paused` in webhooks/subscriptions.md has current_start 1600416437
 * (18 Sep 2020 13:37:17 IST), current_end 1602959400 (18 Oct 00:00 IST) and, with a total_count of 5, end_at 1610908200
 * (18 Jan 00:00 IST): `end_at` is the start of the last cycle. What happens at a month's end is in no sample.
 */
export function cycleStart(anchorAt: number, plan: Pick<Plan, 'period' | 'interval'>, cycle: number): number {
  if (cycle <= 0) return anchorAt
  const midnight = istMidnight(anchorAt)
  const steps = cycle * plan.interval
  switch (plan.period) {
    case 'daily':
      return midnight + steps * DAY_SECONDS
    case 'weekly':
      return midnight + steps * 7 * DAY_SECONDS
    case 'monthly':
      return plusMonths(midnight, steps)
    case 'quarterly':
      return plusMonths(midnight, steps * 3)
    case 'yearly':
      return plusMonths(midnight, steps * 12)
  }
}

/** istMidnight is the last midnight in India at or before a time, in Unix seconds. India has no daylight saving. */
export function istMidnight(at: number): number {
  return Math.floor((at + IST_SECONDS) / DAY_SECONDS) * DAY_SECONDS - IST_SECONDS
}

/** istDayNumber counts the days in India from `start` to `at`; the day of `start` is 1. */
export function istDayNumber(start: number, at: number): number {
  return (istMidnight(at) - istMidnight(start)) / DAY_SECONDS + 1
}

/** frequencyDays is a plan's frequency in days as Razorpay counts it for proration: a month has 30, a year 365. */
export function frequencyDays(plan: Pick<Plan, 'period' | 'interval'>): number {
  return plan.interval * { daily: 1, weekly: 7, monthly: 30, quarterly: 90, yearly: 365 }[plan.period]
}

/** maximumCount is the largest total_count of a plan: Razorpay bills for at most 100 years (observed per period). */
export function maximumCount(plan: Pick<Plan, 'period' | 'interval'>): number {
  return Math.floor({ daily: 36_500, weekly: 5_200, monthly: 1_200, quarterly: 400, yearly: 100 }[plan.period] / plan.interval)
}

function plusMonths(istMidnightAt: number, months: number): number {
  const day = new Date((istMidnightAt + IST_SECONDS) * 1000)
  const month = day.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(day.getUTCFullYear(), month + 1, 0)).getUTCDate()
  return Date.UTC(day.getUTCFullYear(), month, Math.min(day.getUTCDate(), lastDay)) / 1000 - IST_SECONDS
}
