import type { PlanChangePreview } from '../../../server/src/contract/plan-change.ts'

const SENTENCES: Record<Exclude<PlanChangePreview['outcome'], 'possible' | 'blocked'>, string> = {
  no_subscription: 'There is no subscription to change.',
  same: 'You have this plan already, at its newest price.',
  past_due: 'The last payment failed. Update the payment first, then change the plan.',
  not_running: 'The subscription is paused or has not begun. Resume it first.',
  suspended: 'A refund or dispute took back the payment of this period. Settle it, or cancel now and subscribe anew.',
  canceling: 'The subscription ends with its period. Keep it first, then change the plan.',
  pending: 'Another change is scheduled for the next period. Undo it first.',
  busy: 'The payment processor is being asked for a change. Try again in a moment.',
  not_sold: 'This plan is not sold so. Choose another plan or interval.'
}

/** obstacleSentence says what stands in the way of a change, and what comes first; null where nothing does, or it is said elsewhere. */
export function obstacleSentence(outcome: PlanChangePreview['outcome'], isFirst: boolean): string | null {
  if (outcome === 'possible' || outcome === 'blocked') return null
  if (isFirst && outcome === 'no_subscription') return null
  return SENTENCES[outcome]
}
