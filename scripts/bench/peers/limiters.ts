import { Pool } from 'pg'
import { seededRandom } from '../../twin/random.ts'
import { runLoop } from '../closed-loop.ts'
import type { Way } from '../comparison.ts'
import { accountId } from '../population.ts'
import type { Peers, RedisClient } from './install.ts'

/** Keys is whom the callers ask for: one of `count` accounts at random. */
export type Keys = { count: number; callers: number }

/** POINTS is a limit that is never reached, for as long as {@link DURATION_S}. */
const POINTS = 2_000_000_000
const DURATION_S = 30 * 86_400

/** TABLE is where rate-limiter-flexible keeps its counts on Postgres. */
export const TABLE = 'rate_limits'

/**
 * QUOTA_SCRIPT is what one writes to hold a quota in Redis: take the amount if it fits, in one step. KEYS[1] the account's
 * counter; ARGV amount, limit, seconds.
 */
const QUOTA_SCRIPT = `local used = tonumber(redis.call('get', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {0, used} end
used = redis.call('incrby', KEYS[1], ARGV[1])
if used == tonumber(ARGV[1]) then redis.call('expire', KEYS[1], ARGV[3]) end
return {1, used}`

/** redisLimiterWay is rate-limiter-flexible on the Redis at `port`. */
export function redisLimiterWay(name: string, peers: Peers, port: number, keys: Keys): Way {
  return redisWay(name, peers, port, keys, (client) => {
    const limiter = new peers.RateLimiterRedis({ storeClient: client, keyPrefix: 'rlf', points: POINTS, duration: DURATION_S })
    return Promise.resolve(async (key) => {
      await limiter.consume(key, 1)
    })
  })
}

/** scriptWay is a Lua script on the Redis at `port`; with `pipelined` ioredis sends what is asked at once together. */
export function scriptWay(name: string, peers: Peers, port: number, keys: Keys, pipelined: boolean): Way {
  return redisWay(
    name, peers, port, keys,
    async (client) => {
      const sha = String(await client.script('LOAD', QUOTA_SCRIPT))
      return async (key) => {
        const answer = await client.evalsha(sha, 1, `quota:${key}`, 1, POINTS, DURATION_S)
        if (!Array.isArray(answer) || answer[0] !== 1) throw new Error(`${name} refused what it should not have.`)
      }
    },
    pipelined
  )
}

function redisWay(
  name: string,
  peers: Peers,
  port: number,
  { count, callers }: Keys,
  prepare: (client: RedisClient) => Promise<(key: string) => Promise<void>>,
  pipelined = false
): Way {
  return {
    name,
    async open() {
      const client = new peers.Redis({ port, host: '127.0.0.1', lazyConnect: true, enableAutoPipelining: pipelined })
      await client.connect()
      const take = await prepare(client)
      const random = seededRandom(name)
      return {
        measure: (times) => runLoop(callers, times, () => take(accountId('cold', Math.floor(random.next() * count)))),
        close: () => Promise.resolve(client.disconnect())
      }
    }
  }
}

/** fillRedis makes every account's key beforehand, as the rows of the others are. */
export async function fillRedis(peers: Peers, port: number, count: number): Promise<void> {
  const client = new peers.Redis({ port, host: '127.0.0.1', lazyConnect: true, enableAutoPipelining: false })
  await client.connect()
  const fill = `for index = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    local id = string.format('cold_%08d', index)
    redis.call('set', 'rlf:' .. id, 1, 'EX', ARGV[3])
    redis.call('set', 'quota:' .. id, 1, 'EX', ARGV[3])
  end`
  for (let from = 0; from < count; from += 5_000) await client.eval(fill, 0, from, Math.min(from + 5_000, count) - 1, DURATION_S)
  client.disconnect()
}

/** postgresLimiterWay is rate-limiter-flexible on Postgres, over a pool of `poolSize` connections. */
export function postgresLimiterWay(name: string, peers: Peers, url: string, poolSize: number, { count, callers }: Keys): Way {
  return {
    name,
    open() {
      const pool = new Pool({ connectionString: url, max: poolSize })
      const limiter = new peers.RateLimiterPostgres({
        storeClient: pool, keyPrefix: 'rlf', points: POINTS, duration: DURATION_S,
        tableName: TABLE, tableCreated: true, clearExpiredByTimeout: false
      })
      const random = seededRandom(name)
      return Promise.resolve({
        measure: (times) =>
          runLoop(callers, times, async () => {
            await limiter.consume(accountId('cold', Math.floor(random.next() * count)), 1)
          }),
        close: () => pool.end()
      })
    }
  }
}

/** POSTGRES_TABLE makes its table as it would itself, with a row per account; $1 is the number of accounts. */
export const POSTGRES_TABLE = {
  create: `create table ${TABLE} (key varchar(255) primary key, points integer not null default 0, expire bigint)`,
  fill: `insert into ${TABLE}
         select 'rlf:cold_' || lpad(n::text, 8, '0'), 1, (extract(epoch from now()) * 1000)::bigint + ${DURATION_S * 1000}
         from generate_series(0, $1::integer - 1) n`
}
