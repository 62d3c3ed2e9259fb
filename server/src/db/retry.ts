import { setTimeout as wait } from 'node:timers/promises'
import { type Arguments, DatabaseError, DatabaseUnavailable, type Row } from './database.ts'

const MAX_RETRIES = 2
const BASE_DELAY_MS = 25
// A call that failed later than this has waited for a silent database, and its caller for long enough.
const PATIENCE_MS = 500

/**
 * REPEATABLE are the functions that may run twice without a second effect, besides every call with a request or batch id: reads,
 * and what settles something, which answers a repetition with what the first call settled.
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  'answer_stop_requested',
  'check_invariants',
  'ensure_widget',
  'finish_answer',
  'forget_usage_batches',
  'keep_chatbots',
  'list_account_subscriptions',
  'list_accounts',
  'list_chatbots',
  'list_conversations',
  'list_documents',
  'list_downgrade_candidates',
  'list_drifts',
  'list_expired_checkouts',
  'list_messages',
  'list_old_prices',
  'list_operator_actions',
  'list_plan_prices',
  'list_plans',
  'list_reconciliation_runs',
  'list_usage_events',
  'list_usage_windows',
  'list_webhook_events',
  'next_change_at',
  'note_widget_refusal',
  'open_checkout',
  'open_visit',
  'preview_plan_change',
  'read_account',
  'read_account_overview',
  'read_chatbot',
  'read_checkout',
  'read_clock',
  'read_conversation',
  'read_message',
  'read_passages',
  'read_processor_health',
  'read_subscription',
  'read_usage',
  'read_usage_history',
  'read_visitor',
  'read_webhook_event',
  'read_widget_by_key',
  'reserve_checkout',
  'schema_version',
  'search_passages',
  'settle_checkout',
  'settle_operation',
  'update_widget',
  'validate_plan_change'
])

// When given the message id by which they know their caller again.
const KNOW_THEIR_CALLER: ReadonlySet<string> = new Set(['begin_answer', 'begin_visitor_answer'])

/**
 * withRetries runs one call, and at most twice more with a short jittered pause:
 * - after a serialization failure or a deadlock (40001, 40P01), which Postgres has rolled back whole;
 * - after a lost connection, where the call may already have happened, only if repeating it is harmless, and not after
 *   half a second of silence: all of it together must stay within the limit of the one call.
 *
 * `now` is a clock in milliseconds.
 */
export async function withRetries(
  name: string,
  args: Arguments,
  call: () => Promise<Row[]>,
  pause: (milliseconds: number) => Promise<void> = wait,
  now: () => number = () => performance.now()
): Promise<Row[]> {
  const start = now()
  let lost: DatabaseUnavailable | null = null
  for (let retry = 0; ; retry += 1) {
    try {
      return await call()
    } catch (error) {
      // What Postgres says of a repetition says nothing of the call whose answer was lost, unless it is a rule of ours: that one may have
      // been done, and must not be taken for one that was not.
      const verdict = lost !== null && error instanceof DatabaseError && !error.sqlstate.startsWith('PY') ? lost : error
      if (retry >= MAX_RETRIES || !mayRepeat(name, args, error, now() - start)) throw verdict
      if (error instanceof DatabaseUnavailable) lost = error
      await pause(BASE_DELAY_MS * 2 ** retry * (0.5 + Math.random()))
    }
  }
}

function mayRepeat(name: string, args: Arguments, error: unknown, elapsedMs: number): boolean {
  if (error instanceof DatabaseError) return error.sqlstate === '40001' || error.sqlstate === '40P01'
  if (!(error instanceof DatabaseUnavailable) || elapsedMs > PATIENCE_MS) return false
  if (KNOW_THEIR_CALLER.has(name) && typeof args['p_message_id'] === 'string') return true
  return REPEATABLE.has(name) || typeof args['p_request_id'] === 'string' || typeof args['p_batch_id'] === 'string'
}
