import { Client, type Pool } from 'pg'

type GateWhere = { table: string; when: string; column: string; atCommit: boolean }

const STREAMED = `old.status = 'streaming' and new.status <> 'streaming'`
const RELEASED = `old.status = 'open' and new.status = 'released'`

/** GATES are the named points: which row passes them, and by which of its columns one of them is named. */
const GATES = {
  'delivery, before the insert': row('app.webhook_events', 'before insert', 'id'),
  'delivery, after the insert': row('app.webhook_events', 'after insert', 'id'),
  'delivery, after the effect': commit('app.webhook_events', 'after update', 'id', `new.status = 'processed'`),
  'charge, before the insert': row('app.usage_events', 'before insert', 'request_id', `new.reason = 'charge'`),
  'charge, after the effect': commit('app.usage_events', 'after insert', 'request_id', `new.reason = 'charge'`),
  'answer, after it was begun': commit('app.messages', 'after insert', 'conversation_id', `new.role = 'assistant'`),
  'answer, before it is settled': row('app.messages', 'before update', 'conversation_id', STREAMED),
  'answer, after it was settled': commit('app.messages', 'after update', 'conversation_id', STREAMED),
  'release, before it': row('app.usage_reservations', 'before update', 'conversation_id', RELEASED),
  'release, after it': commit('app.usage_reservations', 'after update', 'conversation_id', RELEASED),
  'operation, before it is settled': row('app.processor_operations', 'before update', 'account_id', `new.status = 'done'`)
} satisfies Record<string, GateWhere>

/** Gate is a point in the database at which a transaction can be held. */
export type Gate = keyof typeof GATES

/**
 * Hold keeps one gate shut. `untilWaiting` resolves with the server that stands before it; `release` opens it, once or often.
 * `isYoung` tells whether a statement stands there that began less than so many milliseconds ago.
 */
export type Hold = { untilWaiting(): Promise<string>; isYoung(ageMs: number): Promise<boolean>; release(): Promise<void> }

const WAIT_LIMIT_MS = 120_000

function row(table: string, event: string, column: string, condition = 'true'): GateWhere {
  return { table: `${event} on ${table}`, when: condition, column, atCommit: false }
}

function commit(table: string, event: string, column: string, condition: string): GateWhere {
  return { table: `${event} on ${table}`, when: condition, column, atCommit: true }
}

/**
 * installGates puts them into a database of our own: triggers that pass at once unless somebody holds their advisory lock.
 * Those at commit are deferred constraint triggers, which run when all else of the transaction is done.
 */
export async function installGates(pool: Pool): Promise<void> {
  await pool.query(`
    create schema evidence;
    create function evidence.pass_gate() returns trigger language plpgsql set search_path = '' as $$
    declare
      v_gate bigint := hashtextextended(tg_argv[0] || ': ' || coalesce(to_jsonb(new) ->> tg_argv[1], ''), 0);
    begin
      perform pg_advisory_lock_shared(v_gate);
      perform pg_advisory_unlock_shared(v_gate);
      return new;
    end $$`)
  for (const [index, [gate, { table, when, column, atCommit }]] of Object.entries(GATES).entries()) {
    const [kind, deferral] = atCommit ? ['constraint trigger', 'deferrable initially deferred'] : ['trigger', '']
    await pool.query(`create ${kind} zz_gate_${index} ${table} ${deferral} for each row when (${when})
      execute function evidence.pass_gate('${gate}', '${column}')`)
  }
}

/** hold shuts a gate for the row that `subject` names. */
export async function hold(pool: Pool, databaseUrl: string, gate: Gate, subject: string): Promise<Hold> {
  const holder = new Client({ connectionString: databaseUrl })
  // Ended with Postgres, it holds nothing any more.
  holder.on('error', () => undefined)
  await holder.connect()
  const { rows } = await holder.query<{ pid: number }>(
    `select pg_backend_pid() as pid, pg_advisory_lock(hashtextextended($1, 0))`, [`${gate}: ${subject}`]
  )
  const pid = rows[0]?.pid ?? 0
  return {
    async untilWaiting() {
      const deadline = performance.now() + WAIT_LIMIT_MS
      for (;;) {
        const waiting = await pool.query<{ name: string }>(
          `select a.application_name as name from pg_stat_activity a where $1::int = any (pg_blocking_pids(a.pid))`, [pid]
        )
        const [first] = waiting.rows
        if (first !== undefined) return first.name
        if (performance.now() > deadline) throw new Error(`Nobody came to the gate "${gate}" of ${subject} within ${WAIT_LIMIT_MS / 1000} s.`)
        await pool.query('select pg_sleep(0.004)')
      }
    },
    async isYoung(ageMs) {
      const { rows: young } = await pool.query(
        `select from pg_stat_activity a
         where $1::int = any (pg_blocking_pids(a.pid)) and clock_timestamp() - a.query_start < $2 * interval '1 ms'`,
        [pid, ageMs]
      )
      return young.length > 0
    },
    async release() {
      // Ending alone would open it at some time after.
      await holder.query('select pg_advisory_unlock_all()').catch(() => undefined)
      await holder.end().catch(() => undefined)
    }
  }
}

/** endBackends ends what the database still does for this server, as its end of the connection breaking would. */
export async function endBackends(pool: Pool, name: string): Promise<void> {
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`, [name])
}

/** untilGone resolves when the database does nothing any more for this server. */
export async function untilGone(pool: Pool, name: string): Promise<void> {
  const deadline = performance.now() + WAIT_LIMIT_MS
  for (;;) {
    const { rows } = await pool.query(`select from pg_stat_activity where application_name = $1`, [name])
    if (rows.length === 0) return
    if (performance.now() > deadline) throw new Error(`The database still works for ${name}, ${WAIT_LIMIT_MS / 1000} s after its end.`)
    await pool.query('select pg_sleep(0.004)')
  }
}
