import type { Blocker } from '../contract/problem.ts'
import { AnswerUnknown, ProcessorRefusal } from '../billing/processor.ts'
import type { ErrorCode, ProblemOptions } from '../errors.ts'
import { Problem } from '../errors.ts'

/** ChangeObstacle is why a subscription cannot be changed now. */
export type ChangeObstacle =
  | 'no_subscription'
  | 'same'
  | 'past_due'
  | 'not_running'
  | 'suspended'
  | 'canceling'
  | 'pending'
  | 'too_late'
  | 'busy'
  | 'not_sold'

// Clients that repeat refused requests by themselves would only be refused again.
const NO_RETRY = { 'x-should-retry': 'false' }

const OBSTACLES: Record<ChangeObstacle, { code: ErrorCode; sentence: string; options: ProblemOptions }> = {
  no_subscription: {
    code: 'no_subscription',
    sentence: 'There is no subscription to change. Buy a plan at the checkout first.',
    options: { resolutions: [{ action: 'checkout' }] }
  },
  same: {
    code: 'already_on_plan',
    sentence: 'The subscription is for this plan and interval already, at its newest price. Nothing needs to be done.',
    options: {}
  },
  past_due: {
    code: 'payment_overdue',
    sentence: 'The last payment failed. Pay what is open, or change the payment method in the portal, before changing the plan.',
    options: { resolutions: [{ action: 'portal' }] }
  },
  not_running: {
    code: 'subscription_not_running',
    sentence: 'The subscription is paused or has not begun. Resume it first.',
    options: { resolutions: [{ action: 'resume' }] }
  },
  suspended: {
    code: 'subscription_suspended',
    sentence:
      'A refund or dispute took back the payment of the running period. Settle the dispute with the bank, or cancel now and ' +
      'subscribe anew.',
    options: { resolutions: [{ action: 'cancel' }, { action: 'checkout' }] }
  },
  canceling: {
    code: 'cancellation_planned',
    sentence: 'The subscription ends with its period. Resume it first, then change the plan.',
    options: { resolutions: [{ action: 'resume' }] }
  },
  pending: {
    code: 'change_pending',
    sentence: 'Another change is scheduled for the next period. Undo it first.',
    options: { resolutions: [{ action: 'undo_change' }] }
  },
  too_late: {
    code: 'change_too_late',
    sentence:
      'The payment processor was told of the cancellation and does not take it back. The plan stays until the end of the ' +
      'period; subscribe anew then.',
    options: { resolutions: [{ action: 'wait' }, { action: 'checkout' }] }
  },
  busy: {
    code: 'change_in_progress',
    sentence: 'The payment processor is being asked for a change of this subscription. Try again in a moment.',
    options: { resolutions: [{ action: 'retry', afterSeconds: 5 }], headers: { 'Retry-After': '5' } }
  },
  not_sold: {
    code: 'not_sold',
    sentence: 'This plan is not sold so. Choose another plan or interval; to go back to the free plan, cancel the subscription.',
    options: { resolutions: [{ action: 'change_plan' }, { action: 'cancel' }] }
  }
}

/** obstacleProblem says what comes before a change. */
export function obstacleProblem(obstacle: ChangeObstacle): Problem {
  const { code, sentence, options } = OBSTACLES[obstacle]
  return new Problem(code, sentence, { ...options, headers: { ...(obstacle === 'busy' ? {} : NO_RETRY), ...options.headers } })
}

/** downgradeBlocked says what must go before a plan fits. */
export function downgradeBlocked(blockers: Blocker[]): Problem {
  return new Problem('downgrade_blocked', blockers.map(({ message }) => message).join('. '), {
    blockers,
    resolutions: blockers.map(({ metric, excess }) => ({ action: 'delete', metric, count: excess })),
    headers: NO_RETRY
  })
}

/** refusalProblem is what a processor refused, in its words; the plan stays as it was. */
export function refusalProblem(refusal: ProcessorRefusal): Problem {
  if (refusal.code === 'declined') {
    return new Problem('payment_declined', `${sentenceOf(refusal.message)} The plan stays as it was.`, {
      resolutions: [{ action: 'portal' }],
      headers: NO_RETRY,
      cause: refusal
    })
  }
  if (refusal.code === 'busy') return obstacleProblem('busy')
  return new Problem('change_refused', `${sentenceOf(refusal.message)} Nothing has changed.`, { headers: NO_RETRY, cause: refusal })
}

/** refusedBefore is the answer to a request repeated with its key: what the processor said to the first one still holds. */
export function refusedBefore(reason: string): Problem {
  return new Problem('change_refused', `${sentenceOf(reason)} Nothing has changed. To try again, use a new Idempotency-Key.`, {
    headers: NO_RETRY
  })
}

/** processorProblem makes an answer of what a call to a processor threw; anything else stays as it is. */
export function processorProblem(error: unknown): unknown {
  if (error instanceof ProcessorRefusal) return refusalProblem(error)
  if (!(error instanceof AnswerUnknown)) return error
  return new Problem('processor_unavailable', 'The payment processor gave no answer. Repeat the same request in a few seconds.', {
    headers: { 'Retry-After': '5' },
    resolutions: [{ action: 'retry', afterSeconds: 5 }],
    cause: error
  })
}

function sentenceOf(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
