/** MINUTE, HOUR and DAY in seconds. */
export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

/** Recurrence is how often a price is billed. */
export type Recurrence = { interval: 'month' | 'year'; intervalCount: number }

/**
 * addPeriods gives the `count`-th boundary after `anchor` (Unix seconds, UTC). Always counted from the anchor, so that the
 * 31st comes back after a shorter month: 31 Jan, 28 Feb, 31 Mar (docs.stripe.com/billing/subscriptions/billing-cycle).
 */
export function addPeriods(anchor: number, recurrence: Recurrence, count: number): number {
  const date = new Date(anchor * 1000)
  const months = count * recurrence.intervalCount * (recurrence.interval === 'year' ? 12 : 1)
  const month = date.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate()
  const day = Math.min(date.getUTCDate(), lastDay)
  const midnight = Date.UTC(date.getUTCFullYear(), month, day) / 1000
  return midnight + (anchor % DAY)
}

/** boundaryAfter gives the first boundary of the anchor's cycle that is later than `time`, counting from the anchor itself. */
export function boundaryAfter(anchor: number, recurrence: Recurrence, time: number): number {
  const from = new Date(anchor * 1000)
  const until = new Date(time * 1000)
  const monthsApart = (until.getUTCFullYear() - from.getUTCFullYear()) * 12 + until.getUTCMonth() - from.getUTCMonth()
  const monthsEach = recurrence.intervalCount * (recurrence.interval === 'year' ? 12 : 1)
  let count = Math.max(0, Math.floor(monthsApart / monthsEach) - 1)
  while (addPeriods(anchor, recurrence, count) <= time) count += 1
  return addPeriods(anchor, recurrence, count)
}
