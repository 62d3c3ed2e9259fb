import type { Database } from '../../server/src/db/database.ts'
import { openPostgres } from '../../server/src/db/postgres.ts'
import { openPostgrest } from '../../server/src/db/postgrest.ts'
import { compare } from './comparison.ts'
import { batchedWay, type Keys, PATIENCE_MS, perCallWay, PER_CALL_POOL } from './deciding.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { addPlans, addRequests, FULL, populate, proveLedger } from './population.ts'
import type { BenchSuite } from './suite.ts'

const PG_BATCHED = 'pg, batched'
const PG_PER_CALL = 'pg, one call per decision'
const PG_PER_CALL_WITH_ID = 'pg, one call per decision, with a request id'
const SUPABASE_BATCHED = 'supabase-js, batched'
const SUPABASE_PER_CALL = 'supabase-js, one call per decision'

/** batch measures decisions taken together against one call each, over both transports. */
export const batch: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const accounts = options.quick ? 10_000 : 100_000
    options.progress(`loading ${2 * accounts} accounts`)
    await addPlans(ground.admin)
    await populate(ground.admin, { prefix: 'cold', count: accounts, plan: 'bench', used: 1 })
    await populate(ground.admin, { prefix: 'full', count: accounts, plan: 'bench_full', used: FULL })
    await addRequests(ground.admin, 'cold')
    await settle(ground.admin)
    const rest = await ground.startPostgrest({ lockTimeoutMs: PATIENCE_MS })
    const openRest = (): Database => openPostgrest({ url: rest.url, serviceRoleKey: rest.key, restPath: '/', timeoutMs: PATIENCE_MS })

    const cold: Keys = { prefix: 'cold', count: accounts, allowed: true }
    const hot: Keys = { ...cold, count: 1 }
    const full: Keys = { prefix: 'full', count: accounts, allowed: false }
    const settings: [title: string, keys: Keys, callers: number, pgTarget: number | null, supabaseTarget: number | null][] = [
      ['cold, 64 callers', cold, 64, 3.5, 10],
      ['hot, 64 callers', hot, 64, 20, 10],
      ['refused, cold, 64 callers', full, 64, null, null],
      ['refused, hot, 64 callers', { ...full, count: 1 }, 64, null, null],
      ['cold, 256 callers', cold, 256, 4, 10],
      ['hot, 256 callers', hot, 256, 30, 10]
    ]
    const measured = []
    for (const [title, keys, callers, target, supabaseTarget] of options.quick ? settings.slice(0, 3) : settings) {
      const ways = [
        batchedWay(PG_BATCHED, keys, callers, () => openPg(ground, 10)),
        perCallWay(PG_PER_CALL, keys, callers, () => openPg(ground, PER_CALL_POOL), false),
        perCallWay(PG_PER_CALL_WITH_ID, keys, callers, () => openPg(ground, PER_CALL_POOL), true),
        batchedWay(SUPABASE_BATCHED, keys, callers, openRest),
        perCallWay(SUPABASE_PER_CALL, keys, callers, openRest, false)
      ]
      const wanted = [
        { of: PG_BATCHED, to: PG_PER_CALL, target },
        { of: PG_BATCHED, to: PG_PER_CALL_WITH_ID, target: null },
        { of: SUPABASE_BATCHED, to: SUPABASE_PER_CALL, target: supabaseTarget }
      ]
      measured.push(await compare({ title, ways, wanted }, options))
    }
    return {
      measured,
      method: [
        `Cold: ${accounts.toLocaleString('en-US')} accounts at random. Hot: one account. Refused: accounts that have nothing left, which is also checked of every answer.`,
        `Batched: \`server/src/db/usage-batcher.ts\` as the server uses it: two lanes, each with one batch in flight; a counter and a ledger row for each decision, and a row for each batch, by which one that is sent again gets its first answer. One call per decision: \`check_and_increment_usage\` over a pool of ${PER_CALL_POOL} connections, without a request id (two rows, and not safe to repeat) and with one (three rows).`,
        'Both through the same code to the last byte: transports, parsing and retries of server/src/db. Callers, batcher and transport live in one Node process.',
        await proveLedger(ground.admin)
      ],
      limits: [
        'Postgres, PostgREST and the Node process share the cores; a batch spends a smaller part of its time in Node and PostgREST, which is a part of why it is faster.',
        'Callers are a closed loop: each asks again as soon as it is answered, so that a batch is nearly as large as there are callers. With fewer callers at a time there is less to gain.'
      ],
      leftOut: []
    }
  })

function openPg(ground: BenchGround, poolSize: number): Database {
  return openPostgres({ url: ground.serverUrl, poolSize, timeoutMs: PATIENCE_MS })
}
