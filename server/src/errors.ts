import type { Blocker, FieldError, Limit, ProblemBody, Resolution } from './contract/problem.ts'
import { DatabaseError, DatabaseUnavailable } from './db/database.ts'
import { formatTime } from './http/time.ts'

/** ERRORS is the one table of error codes: the HTTP status, the title and what it means, also for the page of problems. */
export const ERRORS = {
  invalid_request: { status: 400, title: 'Invalid request', meaning: 'A field is missing, unknown or has a wrong value; `errors` names it.' },
  malformed_json: { status: 400, title: 'Malformed JSON', meaning: 'The body is no JSON object.' },
  invalid_argument: { status: 400, title: 'Invalid argument', meaning: 'A value is outside of what is allowed; the sentence names it.' },
  invalid_amount: { status: 400, title: 'Invalid amount', meaning: 'An amount is a whole number from 1 to 1,000,000,000.' },
  unknown_metric: { status: 400, title: 'Unknown metric', meaning: 'The catalog has no such metric.' },
  unknown_plan: { status: 400, title: 'Unknown plan', meaning: 'The catalog has no such plan.' },
  downgrade_blocked: { status: 400, title: 'Downgrade blocked', meaning: 'More is there than the plan allows; `blockers` says what to delete first.' },
  not_sold: { status: 400, title: 'Not sold', meaning: 'The processor has no price for this plan and interval.' },
  too_many_chatbots: { status: 400, title: 'Too many chatbots', meaning: 'The plan does not hold that many; name fewer to keep.' },
  metric_moves_with_rows: { status: 400, title: 'Metric moves with its rows', meaning: 'A level such as chatbots changes only by creating and deleting.' },
  immutable: { status: 400, title: 'Not changeable', meaning: 'What was written there stays as it is.' },
  webhook_unreadable: { status: 400, title: 'Unreadable webhook', meaning: 'The delivery is no JSON event of this processor.' },
  webhook_not_verified: { status: 401, title: 'Webhook not verified', meaning: 'The signature is missing, wrong, too old or too new.' },
  unauthenticated: { status: 401, title: 'Not signed in', meaning: 'Send a valid session token as `Authorization: Bearer …`.' },
  quota_exceeded: { status: 402, title: 'Plan quota used up', meaning: 'Waiting a second does not help: upgrade, free some, or wait for the reset.' },
  chatbot_read_only: { status: 402, title: 'Chatbot read-only', meaning: 'The plan does not hold all chatbots; this one can be read and deleted only.' },
  chatbot_cap_reached: { status: 402, title: 'Chatbot cap reached', meaning: 'The chatbot gave as many answers as its own monthly cap allows; the owner can raise it.' },
  payment_declined: { status: 402, title: 'Payment declined', meaning: 'The payment did not go through, and the plan stays as it was.' },
  account_closed: { status: 403, title: 'Account closed', meaning: 'The user or organization was deleted.' },
  forbidden: { status: 403, title: 'Forbidden', meaning: 'This origin or role may not do this.' },
  not_found: { status: 404, title: 'Not found', meaning: 'There is no such thing here, or it belongs to another account.' },
  request_in_progress: { status: 409, title: 'Request still running', meaning: 'The request with this Idempotency-Key is not finished yet.' },
  already_subscribed: { status: 409, title: 'Already subscribed', meaning: 'There is a subscription: change its plan instead of buying another.' },
  checkout_paid: { status: 409, title: 'Checkout paid', meaning: 'A checkout begun before is paid; its subscription is being set up.' },
  checkout_replaced: { status: 409, title: 'Checkout replaced', meaning: 'Another purchase of the account was begun at the same time.' },
  no_subscription: { status: 409, title: 'No subscription', meaning: 'There is no subscription to change; buy one at the checkout.' },
  already_on_plan: { status: 409, title: 'Already on this plan', meaning: 'The subscription is for this plan and interval, at its newest price.' },
  payment_overdue: { status: 409, title: 'Payment overdue', meaning: 'A payment failed and comes first; the portal is where it is made.' },
  subscription_not_running: { status: 409, title: 'Subscription not running', meaning: 'It is paused or has not begun.' },
  subscription_suspended: { status: 409, title: 'Subscription suspended', meaning: 'A refund or dispute took back the payment of the running period.' },
  cancellation_planned: { status: 409, title: 'Cancellation planned', meaning: 'The subscription ends with its period; resume it first.' },
  change_pending: { status: 409, title: 'Change pending', meaning: 'Another change is scheduled; undo that one first.' },
  change_too_late: { status: 409, title: 'Too late', meaning: 'The processor was told of the cancellation, and does not take it back.' },
  change_in_progress: { status: 409, title: 'Change in progress', meaning: 'The processor is being asked for a change; wait for its answer.' },
  change_refused: { status: 409, title: 'Change refused', meaning: 'The processor did not do it, and nothing has changed.' },
  already_applied: { status: 409, title: 'Already applied', meaning: 'The delivery was processed or ignored: it cannot apply twice, nor be discarded.' },
  payload_too_large: { status: 413, title: 'Body too large', meaning: 'Send less at once; the sentence names the maximum.' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', meaning: 'The body has a type or an encoding that is not read here.' },
  request_id_reused: { status: 422, title: 'Idempotency-Key reused', meaning: 'The same key came before with another request.' },
  unreadable_document: { status: 422, title: 'Unreadable document', meaning: 'No text could be taken from the file.' },
  rate_limited: { status: 429, title: 'Too many requests', meaning: 'Slow down; `Retry-After` says for how many seconds.' },
  internal_error: { status: 500, title: 'Internal error', meaning: 'A fault of the server; the log has more under the request id.' },
  unknown_price: { status: 500, title: 'Unknown price', meaning: 'The processor named a price that is not in the catalog.' },
  account_not_linked: { status: 500, title: 'Account not linked', meaning: 'A payment came for an account that is not known yet.' },
  service_unavailable: { status: 503, title: 'Service unavailable', meaning: 'The database cannot do it at this moment; repeat as `Retry-After` says.' },
  processor_unavailable: { status: 503, title: 'Processor unavailable', meaning: 'The payment processor gave no answer; repeat the same request.' },
  widget_unavailable: { status: 503, title: 'Chat unavailable', meaning: 'The chatbot answers no visitor at the moment; `detail` is for them, and the owner is told why.' },
  model_unavailable: { status: 503, title: 'Model unavailable', meaning: 'The language model does not answer; nothing was charged.' }
} as const satisfies Record<string, { status: number; title: string; meaning: string }>

/** ErrorCode is the `code` of a problem, for programs to decide by. */
export type ErrorCode = keyof typeof ERRORS

const CODE_OF_SQLSTATE: ReadonlyMap<string, ErrorCode> = new Map([
  ['PY001', 'unknown_metric'],
  ['PY002', 'unknown_plan'],
  ['PY003', 'invalid_amount'],
  ['PY004', 'invalid_argument'],
  ['PY402', 'quota_exceeded'],
  ['PY404', 'not_found'],
  ['PY409', 'request_id_reused'],
  ['PY410', 'metric_moves_with_rows'],
  ['PY411', 'immutable'],
  ['PY412', 'unknown_price'],
  ['PY413', 'account_not_linked'],
  ['PY414', 'chatbot_read_only'],
  ['PY415', 'account_closed'],
  ['PY416', 'not_found']
])

/** ProblemOptions: `headers` go out with the answer, `cause` only into the log. */
export type ProblemOptions = {
  limit?: Limit
  resolutions?: Resolution[]
  errors?: FieldError[]
  blockers?: Blocker[]
  headers?: Record<string, string>
  cause?: unknown
}

/** Problem is an answer of 4xx or 5xx. `detail` is a sentence for the caller and never holds internals or secrets. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly headers: Record<string, string>
  readonly limit: Limit | undefined
  readonly resolutions: Resolution[] | undefined
  readonly errors: FieldError[] | undefined
  readonly blockers: Blocker[] | undefined

  constructor(code: ErrorCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = ERRORS[code].status
    this.headers = options.headers ?? {}
    this.limit = options.limit
    this.resolutions = options.resolutions
    this.errors = options.errors
    this.blockers = options.blockers
  }
}

/** problemBody is what the caller reads; `instance` is the path without its query. */
export function problemBody(problem: Problem, requestId: string, instance: string): ProblemBody {
  return {
    type: `/docs/problems#${problem.code}`,
    title: ERRORS[problem.code].title,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.limit && { limit: problem.limit }),
    ...(problem.resolutions && { resolutions: problem.resolutions }),
    ...(problem.errors && { errors: problem.errors }),
    ...(problem.blockers && { blockers: problem.blockers }),
    requestId,
    instance
  }
}

/** toProblem makes an answer of whatever was thrown; what nobody expected becomes 500 and tells nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof DatabaseError || error instanceof DatabaseUnavailable) return problemFromDatabase(error)
  return internalProblem(error)
}

// Postgres took it back whole, for the sake of others, and so it did with the repetitions (db/retry.ts).
const TAKEN_BACK: ReadonlySet<string> = new Set(['40001', '40P01'])

function repeatLater(reason: string, cause: unknown): Problem {
  return new Problem('service_unavailable', `${reason} Repeat the request in a second.`, {
    headers: { 'Retry-After': '1' },
    resolutions: [{ action: 'retry', afterSeconds: 1 }],
    cause
  })
}

/** problemFromDatabase maps an SQLSTATE of Parley's own to its code. Their messages are written for callers. */
export function problemFromDatabase(error: DatabaseError | DatabaseUnavailable): Problem {
  if (error instanceof DatabaseUnavailable) return repeatLater('The database does not answer at the moment.', error)
  if (TAKEN_BACK.has(error.sqlstate)) return repeatLater('Others were changing the same account at this moment, and nothing was done.', error)
  const code = CODE_OF_SQLSTATE.get(error.sqlstate)
  if (!code || ERRORS[code].status >= 500) return internalProblem(error, code)
  const resolutions = RESOLUTIONS[code]
  return new Problem(code, error.message, { cause: error, ...(resolutions && { resolutions }) })
}

const RESOLUTIONS: Partial<Record<ErrorCode, Resolution[]>> = {
  chatbot_read_only: [{ action: 'upgrade' }, { action: 'delete', metric: 'chatbots' }, { action: 'choose_chatbots' }]
}

function internalProblem(cause: unknown, code: ErrorCode = 'internal_error'): Problem {
  return new Problem(code, 'The server could not do this, and it is not your fault. Name the requestId when you ask about it.', {
    cause
  })
}

/** RefusedDecision is as much of a refusing decision as the answer needs. */
export type RefusedDecision = {
  used: number | null
  quota: number | null
  remaining: number | null
  resetsAt: string | null
  plan: string | null
}

/**
 * quotaProblem is the 402 for a refused quota. Its sentence says what is used up, how much of how much, when it returns
 * (never, for levels) and what to do. `requested` is in the metric's unit.
 */
export function quotaProblem(decision: RefusedDecision, metric: string, requested: number): Problem {
  const used = decision.used ?? 0
  const quota = decision.quota ?? 0
  const remaining = decision.remaining ?? Math.max(quota - used, 0)
  const needs = remaining > 0 ? `, and this needs ${count(requested)}` : ''
  const plan = decision.plan === null ? '' : ` on the ${decision.plan} plan`
  const way =
    decision.resetsAt === null
      ? 'Delete some or upgrade the plan.'
      : `The quota is full again on ${readableTime(decision.resetsAt)}; upgrade the plan to go on now.`
  return new Problem(
    'quota_exceeded',
    `Limit reached: ${count(used)} of ${count(quota)} ${metric.replaceAll('_', ' ')} are used${plan}${needs}. ${way}`,
    {
      limit: { metric, used, quota: decision.quota, remaining, resetsAt: formatTime(decision.resetsAt), requested },
      resolutions: [
        { action: 'upgrade' },
        decision.resetsAt === null
          ? { action: 'delete', metric, count: Math.max(used + requested - quota, 1) }
          : { action: 'wait', until: formatTime(decision.resetsAt) }
      ]
    }
  )
}

/**
 * capProblem is the 402 for a chatbot that gave as many answers as its owner lets it give in a window, whatever the quota of
 * the account still allows.
 */
export function capProblem(decision: RefusedDecision, chatbotId: string): Problem {
  const used = decision.used ?? 0
  const resetsAt = formatTime(decision.resetsAt)
  const returns = decision.resetsAt === null ? '' : `; it returns on ${readableTime(decision.resetsAt)}`
  return new Problem(
    'chatbot_cap_reached',
    `This chatbot has given ${count(used)} of the ${count(decision.quota ?? 0)} answers its own monthly cap allows${returns}. ` +
      'Raise or remove the cap in its settings.',
    {
      limit: { metric: 'chatbot_messages', used, quota: decision.quota, remaining: decision.remaining, resetsAt, requested: 1 },
      resolutions: [{ action: 'raise_cap', chatbotId }, { action: 'wait', until: resetsAt }]
    }
  )
}

function count(amount: number): string {
  return amount.toLocaleString('en-US')
}

function readableTime(timestamp: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(new Date(timestamp))} UTC`
}
