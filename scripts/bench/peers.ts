import { openPostgres } from '../../server/src/db/postgres.ts'
import { batchedWay, PATIENCE_MS, perCallWay, PER_CALL_POOL } from './deciding.ts'
import { compare, type Way } from './comparison.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { fillRedis, type Keys, postgresLimiterWay, POSTGRES_TABLE, redisLimiterWay, scriptWay } from './peers/limiters.ts'
import { installPeers, PEER_PACKAGES, type Peers } from './peers/install.ts'
import { findRedis, type Flushing, type Redis, REDIS_MISSING, startRedis } from './peers/redis.ts'
import { addPlans, addRequests, populate, proveLedger } from './population.ts'
import type { BenchSuite } from './suite.ts'

const PARLEY = 'Parley, batched'
const PARLEY_PER_CALL = 'Parley, one call per decision'
const ON_POSTGRES = 'rate-limiter-flexible on Postgres'
const ON_REDIS = { always: 'rate-limiter-flexible on Redis, appendfsync always', everysec: 'rate-limiter-flexible on Redis, appendfsync everysec' }
const SCRIPT = { always: 'Lua script on Redis, appendfsync always', everysec: 'Lua script on Redis, appendfsync everysec' }
const PIPELINED = 'Lua script on Redis, appendfsync always, auto-pipelined'

/** peers measures Parley's decisions against rate limiters that count without a ledger. */
export const peers: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const accounts = options.quick ? 10_000 : 100_000
    options.progress('installing the peers')
    const packages = installPeers()
    const running: Redis[] = []
    try {
      const redis = findRedis()
      const servers: Partial<Record<Flushing, Redis>> = {}
      if (redis !== null) {
        for (const flushing of ['always', 'everysec'] as const) {
          const server = await startRedis(redis.program, flushing)
          running.push(server)
          servers[flushing] = server
          await fillRedis(packages, server.port, accounts)
        }
      }
      options.progress(`loading ${accounts} accounts`)
      await addPlans(ground.admin)
      await populate(ground.admin, { prefix: 'cold', count: accounts, plan: 'bench', used: 1 })
      await addRequests(ground.admin, 'cold')
      await ground.admin.query(POSTGRES_TABLE.create)
      await ground.admin.query(POSTGRES_TABLE.fill, [accounts])
      await settle(ground.admin)

      const measured = []
      for (const callers of options.quick ? [64] : [64, 256]) {
        for (const [title, count] of [['cold', accounts], ['hot', 1]] as const) {
          const isTarget = title === 'cold' && callers === 64
          const ways = waysOf(ground, packages, servers, { count, callers })
          const wanted = ways.slice(2).map(({ name }) => ({ of: PARLEY, to: name, target: isTarget ? targetAgainst(name) : null }))
          measured.push(await compare({ title: `${title}, ${callers} callers`, ways, wanted }, options))
        }
      }
      const versions = Object.entries(PEER_PACKAGES).map(([name, version]) => `${name} ${version}`).join(', ')
      return {
        measured,
        method: [
          `${versions}${redis === null ? '' : `, Redis ${redis.version}`}, installed for this run only. Every key exists beforehand; nobody is refused.`,
          'What the peers do not do: none writes a ledger row, none looks up a plan, none knows an account\'s own window, none remembers a request id, so that a repeated call counts twice. rate-limiter-flexible increments first and compares afterwards: a refused call has counted too. Parley does all of that in one commit before it answers.',
          `rate-limiter-flexible on Postgres has ${PER_CALL_POOL} connections, as Parley's one call per decision; Parley batched has two, each with one batch in flight. On Redis all share one connection, which ioredis keeps full.`,
          await proveLedger(ground.admin)
        ],
        limits: [
          'The peers are not batched by themselves, Parley is: on one hot key that is the whole difference. The row "auto-pipelined" gives Redis what comes nearest to a batch.',
          'Redis runs one thread on the same cores as its client; on a machine with more cores it gains less from that than Postgres does.',
          'Redis with everysec may lose a second of counts when the machine fails; Postgres here loses nothing. Compare durable with durable.'
        ],
        leftOut: redis === null ? [REDIS_MISSING] : []
      }
    } finally {
      for (const server of running) await server.stop()
      packages.remove()
    }
  })

function waysOf(ground: BenchGround, packages: Peers, servers: Partial<Record<Flushing, Redis>>, { count, callers }: Keys): Way[] {
  const accounts = { prefix: 'cold', count, allowed: true } as const
  const keys = { count, callers }
  const open = (poolSize: number) => () => openPostgres({ url: ground.serverUrl, poolSize, timeoutMs: PATIENCE_MS })
  const ways = [
    batchedWay(PARLEY, accounts, callers, open(10)),
    perCallWay(PARLEY_PER_CALL, accounts, callers, open(PER_CALL_POOL), false),
    postgresLimiterWay(ON_POSTGRES, packages, ground.databaseUrl, PER_CALL_POOL, keys)
  ]
  for (const flushing of ['always', 'everysec'] as const) {
    const server = servers[flushing]
    if (server === undefined) continue
    ways.push(redisLimiterWay(ON_REDIS[flushing], packages, server.port, keys))
    ways.push(scriptWay(SCRIPT[flushing], packages, server.port, keys, false))
    if (flushing === 'always') ways.push(scriptWay(PIPELINED, packages, server.port, keys, true))
  }
  return ways
}

function targetAgainst(name: string): number | null {
  if (name === ON_POSTGRES) return 2.5
  return name === ON_REDIS.always ? 0.7 : null
}
