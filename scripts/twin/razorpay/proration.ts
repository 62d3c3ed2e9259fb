import { frequencyDays, istDayNumber } from './calendar.ts'
import type { Plan } from './state.ts'

/**
 * differenceMinor is what a change at once costs (negative: is given back): update.md, "Update Subscriptions Immediately".
 * With the same frequency the rest of the days is paid at the difference; the day of the change counts as rest. With
 * another frequency the new plan is paid in full, less the rest of the old.
 */
export function differenceMinor(
  old: { plan: Plan; quantity: number },
  next: { plan: Plan; quantity: number },
  currentStart: number,
  at: number
): number {
  const days = frequencyDays(old.plan)
  const remaining = Math.max(0, days - (istDayNumber(currentStart, at) - 1))
  const oldRest = (old.plan.item.amount * old.quantity * remaining) / days
  const nextAmount = next.plan.item.amount * next.quantity
  const sameFrequency = old.plan.period === next.plan.period && old.plan.interval === next.plan.interval
  return Math.round((sameFrequency ? (nextAmount * remaining) / days : nextAmount) - oldRest)
}
