import { Client } from 'pg'
import { seededRandom } from '../twin/random.ts'
import { runLoop } from './closed-loop.ts'
import { compare, type Comparison, type Way } from './comparison.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { accountId, addPlans, addRequests, METRIC, populate, proveLedger } from './population.ts'
import type { BenchSuite } from './suite.ts'

/** Prepared is one named statement, called over a connection per caller; `values` are those of an account's call. */
type Prepared = { name: string; text: string; values: (account: string, turn: number) => (string | number)[] }

/** AnswerRow: a refusal writes nothing, and so would be no measurement of the function. */
type AnswerRow = { allowed?: boolean }

const FUNCTION: Prepared = {
  name: 'check_and_increment_usage',
  text: 'select * from api.check_and_increment_usage($1, $2, $3)',
  values: (account) => [account, METRIC, 1]
}
const FUNCTION_WITH_ID: Prepared = {
  name: 'check_and_increment_usage with a request id (a third row)',
  text: 'select * from api.check_and_increment_usage($1, $2, $3, $4)',
  values: (account, turn) => [account, METRIC, 1, `request_${turn}`]
}
const TWO_WRITES: Prepared = {
  name: 'bare UPDATE … RETURNING + INSERT',
  text: `with counted as (
           update bench.counters set used = used + $3::bigint
           where account_id = $1 and metric = $2 and window_start = '2026-01-01Z' returning used
         ), written as (
           insert into bench.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
           select $1, $2, $3::bigint, now(), '2026-01-01Z', 'charge' from counted
         )
         select used from counted`,
  values: (account) => [account, METRIC, 1]
}
const ONE_WRITE: Prepared = {
  name: 'bare UPDATE … RETURNING',
  text: `update bench.counters_alone set used = used + $3::bigint
         where account_id = $1 and metric = $2 and window_start = '2026-01-01Z' returning used`,
  values: (account) => [account, METRIC, 1]
}
const NOTHING: Prepared = {
  name: 'select of a parameter (what this client and the protocol alone reach)',
  text: 'select $1::text',
  values: (account) => [account]
}

/** single measures one quota call against the same writes done bare, each a prepared statement over a connection per caller. */
export const single: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const accounts = options.quick ? 10_000 : 100_000
    options.progress(`loading ${accounts} accounts`)
    await addPlans(ground.admin)
    await populate(ground.admin, { prefix: 'cold', count: accounts, plan: 'bench', used: 1 })
    await addRequests(ground.admin, 'cold')
    await addBareTables(ground, accounts)
    await settle(ground.admin)

    const measured = []
    for (const keys of ['cold', 'hot'] as const) {
      for (const callers of options.quick ? [8] : [1, 8, 64]) {
        const target = 0.75
        const comparison: Comparison = {
          title: `${keys}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
          ways: [FUNCTION, FUNCTION_WITH_ID, TWO_WRITES, ONE_WRITE, NOTHING].map((statement) =>
            preparedWay(ground, statement, callers, keys === 'cold' ? accounts : 1)
          ),
          wanted: [
            { of: FUNCTION.name, to: TWO_WRITES.name, target },
            { of: FUNCTION.name, to: ONE_WRITE.name, target: null },
            { of: FUNCTION_WITH_ID.name, to: TWO_WRITES.name, target: null }
          ]
        }
        measured.push(await compare(comparison, options))
      }
    }
    return {
      measured,
      method: [
        `Cold: each call takes one of ${accounts.toLocaleString('en-US')} accounts at random. Hot: all calls take the same account.`,
        'Every caller has a connection and calls one prepared statement again as soon as it is answered; the calls are made by one Node process.',
        'The bare tables are copies of app.counters and app.usage_events with their keys, checks, indexes and fill factor, without foreign keys; both bare writes are one statement, so one round trip and one commit, as the function is.',
        await proveLedger(ground.admin)
      ],
      limits: [
        'The client runs on the same cores as Postgres and takes its share of each call, the same for every way; the row "select of a parameter" shows its own ceiling. A lighter client would move all rates up and this ratio down a little.',
        'On one hot account all callers wait for one row: the rate is that of one commit after the other, whatever the statement.'
      ],
      leftOut: []
    }
  })

async function addBareTables({ admin }: BenchGround, accounts: number): Promise<void> {
  await admin.query('create schema bench')
  for (const table of ['counters', 'counters_alone']) {
    await admin.query(`create table bench.${table} (like app.counters including all) with (fillfactor = 80)`)
    await admin.query(
      `insert into bench.${table} select 'cold_' || lpad(n::text, 8, '0'), $1, '2026-01-01Z', 1 from generate_series(0, $2::integer - 1) n`,
      [METRIC, accounts]
    )
  }
  await admin.query('create table bench.usage_events (like app.usage_events including all)')
  await admin.query(
    `insert into bench.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
     select account_id, metric, amount, occurred_at, '2026-01-01Z', reason from app.usage_events order by account_id`
  )
  await admin.query('grant usage on schema bench to service_role')
  await admin.query('grant all on all tables in schema bench to service_role')
}

let turn = 0

function preparedWay(ground: BenchGround, statement: Prepared, callers: number, accounts: number): Way {
  return {
    name: statement.name,
    async open() {
      const clients = await Promise.all(
        Array.from({ length: callers }, async () => {
          const client = new Client({ connectionString: ground.serverUrl, options: '-c role=service_role' })
          await client.connect()
          return client
        })
      )
      const random = seededRandom(statement.name)
      return {
        measure: (times) =>
          runLoop(callers, times, async (caller) => {
            const account = accountId('cold', Math.floor(random.next() * accounts))
            turn += 1
            const answer = await clients[caller]?.query<AnswerRow>({
              name: 'call', text: statement.text, values: statement.values(account, turn)
            })
            if (answer?.rows.length !== 1 || answer.rows[0]?.allowed === false) throw new Error(`${statement.name} did not do its work.`)
          }),
        async close() {
          await Promise.all(clients.map((client) => client.end()))
        }
      }
    }
  }
}
