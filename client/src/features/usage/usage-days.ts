import type { UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import { type Grouping, groupKey } from './usage-groups.ts'

const DAY_MS = 86_400_000

/** ChartDay is one day (UTC) of a window, with an amount per group. */
export type ChartDay = { day: string; total: number; amounts: Record<string, number> }

/**
 * chartDays lists every day of a window, also those without use, so that two windows are drawn alike. A day outside of the window
 * is among them only if something was charged to the window on it: what is given back months later.
 */
export function chartDays(
  { days, windowStart, windowEnd }: Pick<UsageHistory, 'days' | 'windowStart' | 'windowEnd'>,
  by: Grouping,
  keyOf: (key: string) => string = (key) => key
): ChartDay[] {
  const rows = new Map<string, ChartDay>(daysOfWindow(windowStart, windowEnd).map((day) => [day, { day, total: 0, amounts: {} }]))
  for (const entry of days) {
    const row = rows.get(entry.day) ?? { day: entry.day, total: 0, amounts: {} }
    const key = keyOf(groupKey(entry, by))
    row.amounts[key] = (row.amounts[key] ?? 0) + entry.amount
    row.total += entry.amount
    rows.set(entry.day, row)
  }
  return [...rows.values()].sort((a, b) => a.day.localeCompare(b.day))
}

/** daysOfWindow lists the days in UTC that a half-open window touches. */
export function daysOfWindow(windowStart: string, windowEnd: string): string[] {
  const last = Date.parse(windowEnd) - 1
  const days: string[] = []
  for (let at = Math.floor(Date.parse(windowStart) / DAY_MS) * DAY_MS; at <= last; at += DAY_MS) {
    days.push(new Date(at).toISOString().slice(0, 10))
  }
  return days
}
