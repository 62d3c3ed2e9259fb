import type { Client } from 'pg'
import { pino } from 'pino'
import { z } from 'zod'
import type { Normalised } from '../../src/billing/billing-event.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { record } from '../../src/billing/receive.ts'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { rowsOf, statement } from '../../src/db/postgres.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'
import { type Facts, readFacts, readOrigins } from './twin-facts.ts'

/** Told is one thing a processor said, as a webhook or as the answer to a call of ours; `name` is for messages. */
export type Told = { name: string; normalised: Normalised; payload: string }

/**
 * Ledger is a real Parley database inside one transaction, so that thousands of histories can be tried and taken back.
 * - `standAt` puts its clock.
 * - `tell` records what was said; true when two states of one instant are known, so that the server would ask.
 * - `retry` is the server's own job for deliveries that had to wait for another one.
 * - `charge` uses one message. `attempt` takes back all that `work` did.
 * - `waiting` are the deliveries without an effect; `messagesUsed` sums all counters of messages.
 */
export type Ledger = {
  db: Database
  standAt(ms: number): Promise<void>
  tell(processor: Processor, told: readonly Told[]): Promise<boolean>
  retry(processor: Processor): Promise<void>
  charge(accountId: string): Promise<void>
  attempt<Result>(work: () => Promise<Result>): Promise<Result>
  facts(): Promise<Facts>
  origins(): Promise<unknown>
  waiting(): Promise<string[]>
  messagesUsed(): Promise<number>
  brokenInvariants(): Promise<string[]>
}

const NEVER_LOWERED = `
  create schema proof;
  create function proof.refuse() returns trigger language plpgsql as $$
  begin
    if tg_op = 'DELETE' or new.used < old.used then
      raise exception 'a counter of % was lowered from %', old.account_id, old.used;
    end if;
    return new;
  end $$;
  create trigger never_lowered before update or delete on app.counters for each row execute function proof.refuse();`

const RUNS = 5
const IS_DUE = `select exists (
  select from app.webhook_events where status = 'failed' and next_attempt_at <= app.clock()) as answer`
const USED = `select coalesce(sum(used), 0) as answer from app.counters where metric = 'messages'`

const MESSAGE = { metric: 'messages', amount: 1 } as const

/** openLedger begins the transaction on the owner's connection. From here on no counter may fall: that would be an error. */
export async function openLedger(client: Client): Promise<Ledger> {
  await client.query(`set timezone = 'UTC'; ${NEVER_LOWERED} begin`)
  const [metrics, log] = [createMetrics(), pino({ level: 'silent' })]
  const db: Database = {
    async rpc(name, args) {
      const { text, values } = statement(name, args)
      return rowsOf(name, (await client.query(text, values)).rows)
    },
    close: async () => undefined
  }
  const answer = async (text: string): Promise<unknown> => (await client.query<{ answer: unknown }>(text)).rows[0]?.answer
  let attempts = 0
  return {
    db,
    async standAt(ms) {
      await client.query('update app.environment set clock_offset = $1::timestamptz - now()', [new Date(ms).toISOString()])
    },
    async tell(processor, told) {
      let isTied = false
      for (const { name, normalised, payload } of told) {
        const recorded = await record(db, processor, normalised, payload)
        // What has to wait is found by waiting(); anything else that fails is a fault.
        if (recorded.outcome === 'dead' || (recorded.outcome === 'failed' && !recorded.lastError?.startsWith('PY413'))) {
          throw new Error(`${name}: ${recorded.outcome}: ${recorded.lastError}`)
        }
        isTied ||= recorded.tie
      }
      return isTied
    },
    async retry(processor) {
      // What a retried delivery links may be what another one waited for: that is the next run's.
      for (let run = 0; run < RUNS && (await answer(IS_DUE)) === true; run += 1) {
        await retryWebhooks({ db, sources: [processor], processors: [], metrics, log })
      }
    },
    async charge(accountId) {
      const { allowed } = await checkAndIncrementUsage(db, { accountId, ...MESSAGE })
      if (!allowed) throw new Error(`a message of ${accountId} was refused`)
    },
    async attempt(work) {
      attempts += 1
      const savepoint = `attempt_${attempts}`
      await client.query(`savepoint ${savepoint}`)
      try {
        return await work()
      } finally {
        await client.query(`rollback to savepoint ${savepoint}; release savepoint ${savepoint}`)
      }
    },
    facts: () => readFacts(answer),
    origins: () => readOrigins(answer),
    async waiting() {
      const { rows } = await client.query<{ what: string }>(
        `select event_type || ': ' || last_error as what from app.webhook_events where status in ('failed', 'dead')`
      )
      return rows.map(({ what }) => what)
    },
    messagesUsed: async () => z.coerce.number<unknown>().parse(await answer(USED)),
    async brokenInvariants() {
      const { rows } = await client.query<{ what: string }>(
        `select name || ': ' || example as what from api.check_invariants() where violations > 0`
      )
      return rows.map(({ what }) => what)
    }
  }
}
