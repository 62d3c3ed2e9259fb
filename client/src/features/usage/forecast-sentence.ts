import type { Meter } from '../../kit/meter-state.ts'
import { formatAmount, formatDay, formatQuota } from '../../lib/format.ts'

/** forecastSentence says where a counter is heading; null for a level, and where it is too early in the window to tell. */
export function forecastSentence({ kind, metric, title, used, quota, resetsAt, forecast }: Meter): string | null {
  if (kind === 'gauge') return null
  if (quota !== null && used >= quota) return `${title} are used up${resetsAt === null ? '' : ` until ${formatDay(resetsAt)}`}.`
  if (forecast === null) return null
  if (forecast.reachesQuotaAt !== null) {
    return `At this pace you reach the limit of ${formatQuota(metric, quota)} on ${formatDay(forecast.reachesQuotaAt)}.`
  }
  const until = resetsAt === null ? '' : ` by ${formatDay(resetsAt)}`
  return `At this pace it will be ${formatAmount(metric, forecast.projected)}${until}${quota === null ? '' : `, of ${formatQuota(metric, quota)}`}.`
}
