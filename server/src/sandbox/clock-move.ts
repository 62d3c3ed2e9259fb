/** MOST_YEARS is how far the clock may be moved in one call. */
export const MOST_YEARS = 5

const UNIT_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const

/**
 * targetOf is where a move leads, in Unix milliseconds; null for one that leads further than a Date can go. A month is one of
 * the calendar, in UTC: from the 31st it leads to the last day of a shorter one. `advance` is `<number> <unit>`.
 */
export function targetOf(move: { advance: string } | { to: string }, nowMs: number): number | null {
  const target = 'to' in move ? Date.parse(move.to) : advanced(move.advance, nowMs)
  return Number.isNaN(target) ? null : target
}

function advanced(span: string, nowMs: number): number {
  const [count = '', unit = ''] = span.replace(/s$/, '').split(' ')
  if (unit === 'month') return addMonths(nowMs, Number(count))
  if (unit === 'year') return addMonths(nowMs, 12 * Number(count))
  return isFixed(unit) ? nowMs + Number(count) * UNIT_MS[unit] : Number.NaN
}

function isFixed(unit: string): unit is keyof typeof UNIT_MS {
  return unit in UNIT_MS
}

/** addMonths goes whole months ahead by the calendar, in UTC. */
export function addMonths(ms: number, count: number): number {
  const from = new Date(ms)
  const [year, month] = [from.getUTCFullYear(), from.getUTCMonth() + count]
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return Date.UTC(year, month, Math.min(from.getUTCDate(), lastDay)) + (ms - Date.UTC(year, from.getUTCMonth(), from.getUTCDate()))
}
