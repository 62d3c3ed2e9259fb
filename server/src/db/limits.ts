/**
 * CALL_LIMIT_MS is how long a call may take with all that belongs to it, such as waiting for a free connection and repeating:
 * whoever asks while the database is away must hear so within two seconds.
 */
export const CALL_LIMIT_MS = 1_500

/** PATIENT_LIMIT_MS is how long a patient call may take, as long as the database answers others. */
export const PATIENT_LIMIT_MS = 5_000

// The work of these grows with what is stored or sent along: a database that is well may need seconds for them.
const PATIENT: ReadonlySet<string> = new Set([
  'check_invariants',
  'claim_operations',
  'claim_webhook_events',
  'create_document',
  'delete_chatbot',
  'delete_conversation',
  'delete_document',
  'keep_chatbots',
  'list_accounts',
  'list_downgrade_candidates',
  'list_drifts',
  'list_expired_checkouts',
  'list_live_subscriptions',
  'list_old_prices',
  'list_webhook_events',
  'move_clock',
  'queue_due_changes',
  'read_account_overview',
  'read_processor_health',
  'read_usage_history',
  'reconcile_event',
  'release_expired_reservations',
  'search_passages',
  'sync_chatbot_count'
])

/** isPatient tells whether calls of this function are given {@link PATIENT_LIMIT_MS}. */
export function isPatient(name: string): boolean {
  return PATIENT.has(name)
}

/**
 * unlessSilent resolves and rejects as `call` does, but sooner where nothing is heard at all: each time another `everyMs` have
 * passed without its answer, `probe` asks the database something that costs nothing, and its failure is the call's.
 */
export async function unlessSilent<Answer>(
  call: Promise<Answer>,
  probe: () => Promise<unknown>,
  everyMs: number
): Promise<Answer> {
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_resolve, reject) => {
    const listen = (): void => {
      if (isOver) return
      timer = setTimeout(() => void probe().then(listen, reject), everyMs)
    }
    listen()
  })
  try {
    return await Promise.race([call, silence])
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}
