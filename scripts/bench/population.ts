import type { Client } from 'pg'

/** METRIC is the counter that every suite moves. */
export const METRIC = 'api_calls'

/** Population: `count` accounts named `<prefix>_<number>`; `used` units of {@link METRIC} are charged to each. */
export type Population = { prefix: string; count: number; plan: 'bench' | 'bench_full'; used: number }

/** accountId is the name of an account of a population, from 0. */
export function accountId(prefix: string, index: number): string {
  return `${prefix}_${String(index).padStart(8, '0')}`
}

/** FULL is the quota of plan `bench_full`: a population that used as much is refused everything. */
export const FULL = 5

/** addPlans makes the plans of the populations: `bench`, whose quota is never reached, and `bench_full`. */
export async function addPlans(client: Client): Promise<void> {
  await client.query(`insert into app.plans (plan, name, position) values ('bench', 'Bench', 900), ('bench_full', 'Full', 901)`)
  await client.query(`update app.plan_quotas set quota = 9000000000000000 where plan = 'bench'`)
  await client.query(`update app.plan_quotas set quota = $1 where plan = 'bench_full'`, [FULL])
}

/**
 * populate loads accounts, their counters of the window in force and the ledger rows behind those, in bulk and without
 * triggers; what it leaves is what as many calls would have left. Anchors lie 1 to 27 days back, so that windows differ and
 * none ends within the run.
 */
export async function populate(client: Client, { prefix, count, plan, used }: Population): Promise<void> {
  await client.query('set session_replication_role = replica')
  await client.query(
    `insert into app.accounts (account_id, plan, anchor, counts_from, created_at)
     select $1 || '_' || lpad(n::text, 8, '0'), $2, a.anchor, a.anchor, a.anchor
     from generate_series(0, $3::integer - 1) n
     cross join lateral (select app.clock() - make_interval(days => 1 + n % 26, secs => n % 3600) as anchor) a`,
    [prefix, plan, count]
  )
  await addCounters(client, prefix, used)
  await addLedger(client, prefix, used)
  await client.query('set session_replication_role = origin')
}

/**
 * addRequests gives a population one decided request each. A table that is empty when it is vacuumed would be read from end
 * to end by every connection that planned its statement then, however long it grew since.
 */
export async function addRequests(client: Client, prefix: string): Promise<void> {
  await client.query(
    `insert into app.usage_requests
       (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
     select account_id, 'first', 'charge', $2, 1, true, 1, null, null, plan, anchor, anchor
     from app.accounts where account_id like $1 || '\\_%' order by account_id`,
    [prefix, METRIC]
  )
}

async function addCounters(client: Client, prefix: string, used: number): Promise<void> {
  await client.query(
    `insert into app.counters (account_id, metric, window_start, used)
     select account_id, $2, anchor, $3 from app.accounts where account_id like $1 || '\\_%' order by account_id`,
    [prefix, METRIC, used]
  )
}

async function addLedger(client: Client, prefix: string, rowsPerAccount: number): Promise<void> {
  if (rowsPerAccount === 0) return
  await client.query(
    `insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
     select a.account_id, $2, 1, a.anchor + make_interval(secs => n), a.anchor, 'charge'
     from app.accounts a cross join generate_series(1, $3::integer) n
     where a.account_id like $1 || '\\_%'`,
    [prefix, METRIC, rowsPerAccount]
  )
}

/**
 * chargeAll adds `units` units to every account of a population that was charged nothing, with a ledger row each. Indexes of
 * the ledger are made anew afterwards: millions of rows load several times faster without them.
 */
export async function chargeAll(client: Client, prefix: string, units: number): Promise<void> {
  const { rows } = await client.query<{ drop: string; make: string }>(
    `select case when i.indisprimary then format('alter table app.usage_events drop constraint %I', c.relname)
                 else format('drop index app.%I', c.relname) end as drop,
            case when i.indisprimary then format('alter table app.usage_events add constraint %I %s', c.relname,
                                                 (select pg_get_constraintdef(k.oid) from pg_constraint k where k.conindid = i.indexrelid and k.contype = 'p'))
                 else pg_get_indexdef(i.indexrelid) end as make
     from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = 'app.usage_events'::regclass`
  )
  await client.query('set session_replication_role = replica')
  for (const { drop } of rows) await client.query(drop)
  await addLedger(client, prefix, units)
  for (const { make } of rows) await client.query(make)
  await client.query('truncate app.counters')
  await addCounters(client, prefix, units)
  await client.query('set session_replication_role = origin')
}

/**
 * proveLedger checks that the counters still are the sum of the ledger after all that was done to them, and says how much
 * that was. Throws Error when they are not: then what was measured is not what was promised.
 */
export async function proveLedger(client: Client): Promise<string> {
  const { rows } = await client.query<{ counted: string; written: string; events: string }>(
    `select (select coalesce(sum(used), 0) from app.counters where metric = $1) as counted,
            (select coalesce(sum(amount), 0) from app.usage_events where metric = $1) as written,
            (select count(*) from app.usage_events) as events`,
    [METRIC]
  )
  const [found] = rows
  if (found === undefined || found.counted !== found.written) {
    throw new Error(`The counters hold ${found?.counted}, the ledger ${found?.written}: this was no measurement.`)
  }
  return `Afterwards the counters equalled the sum of the ledger: ${Number(found.counted).toLocaleString('en-US')} units in ${Number(found.events).toLocaleString('en-US')} rows.`
}
