import type { Usage } from '../../../server/src/contract/usage.ts'
import { formatAmount } from '../lib/format.ts'

/** Meter is one limit as `GET /api/usage` tells it. */
export type Meter = Usage['metrics'][number]

/** SOFT_MARK_PERCENT is where a meter begins to warn, and where the banner does. */
export const SOFT_MARK_PERCENT = 80

/** MeterState is how a meter stands; `label` says in words what the colour says, null where there is nothing to say. */
export type MeterState = { kind: 'unlimited' | 'fine' | 'near' | 'reached' | 'over'; percent: number; label: string | null }

/** meterState tells how a meter stands. `percent` may be above 100; it is 0 where there is no limit. */
export function meterState({ metric, used, quota }: Pick<Meter, 'metric' | 'used' | 'quota'>): MeterState {
  if (quota === null) return { kind: 'unlimited', percent: 0, label: null }
  const fullness = fullnessOf(used, quota)
  const labels = { over: `Over the limit by ${formatAmount(metric, used - quota)}`, reached: 'Limit reached', near: 'Near the limit', fine: null }
  return { ...fullness, label: labels[fullness.kind] }
}

/** fullnessOf tells how full something is that has a limit. `percent` may be above 100. */
export function fullnessOf(used: number, quota: number): { kind: 'fine' | 'near' | 'reached' | 'over'; percent: number } {
  const percent = quota === 0 ? 100 : (used / quota) * 100
  if (used > quota) return { kind: 'over', percent }
  if (used === quota) return { kind: 'reached', percent }
  return { kind: percent >= SOFT_MARK_PERCENT ? 'near' : 'fine', percent }
}

/** meterText is a meter in words, for those who do not see its bar: `42 of 100 used, 58 left`. */
export function meterText(meter: Pick<Meter, 'metric' | 'used' | 'quota'>): string {
  const { metric, used, quota } = meter
  if (quota === null) return `${formatAmount(metric, used)} used, unlimited`
  const { label } = meterState(meter)
  const left = used < quota ? `, ${formatAmount(metric, quota - used)} left` : ''
  return `${formatAmount(metric, used)} of ${formatAmount(metric, quota)} used${left}${label === null ? '' : `. ${label}`}`
}
