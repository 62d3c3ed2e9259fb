import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { StartError } from '../../embedded/start-error.ts'

/** PEER_PACKAGES are what Parley is compared with, in the versions that are measured. */
export const PEER_PACKAGES = { 'rate-limiter-flexible': '11.4.0', ioredis: '6.0.0' } as const

/** Limiter is what this bench uses of rate-limiter-flexible's limiters: `consume` takes points, and rejects when none are left. */
export type Limiter = { consume(key: string, points: number): Promise<{ consumedPoints: number }> }

/** RedisClient is what this bench uses of ioredis. */
export type RedisClient = {
  connect(): Promise<unknown>
  disconnect(): void
  eval(script: string, keyCount: number, ...rest: (string | number)[]): Promise<unknown>
  script(command: 'LOAD', text: string): Promise<unknown>
  evalsha(sha: string, keyCount: number, ...rest: (string | number)[]): Promise<unknown>
}

type LimiterOptions = { storeClient: unknown; keyPrefix: string; points: number; duration: number }
type PostgresLimiterOptions = LimiterOptions & { tableName: string; tableCreated: boolean; clearExpiredByTimeout: boolean }
type RedisOptions = { port: number; host: string; lazyConnect: boolean; enableAutoPipelining: boolean }

const limitersSchema = z.object({
  RateLimiterRedis: z.custom<new (options: LimiterOptions) => Limiter>((value) => typeof value === 'function'),
  RateLimiterPostgres: z.custom<new (options: PostgresLimiterOptions) => Limiter>((value) => typeof value === 'function')
})
const redisSchema = z.custom<new (options: RedisOptions) => RedisClient>((value) => typeof value === 'function')

/** Peers are the packages, loaded; `remove` deletes their folder. */
export type Peers = z.output<typeof limitersSchema> & { Redis: z.output<typeof redisSchema>; remove(): void }

/**
 * installPeers installs {@link PEER_PACKAGES} with npm into a temporary folder and loads them, so that Parley itself never
 * depends on them. Throws StartError when npm cannot.
 */
export function installPeers(): Peers {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-peers-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: PEER_PACKAGES }))
    const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], { cwd: folder, encoding: 'utf8' })
    if (npm.status !== 0) {
      throw new StartError(`npm could not install the peers to compare with: ${(npm.stderr || npm.error?.message || 'it failed').trim()}`)
    }
    const load = createRequire(join(folder, 'package.json'))
    const limiters: unknown = load('rate-limiter-flexible')
    const redis: unknown = load('ioredis')
    return { ...limitersSchema.parse(limiters), Redis: redisSchema.parse(redis), remove }
  } catch (error) {
    remove()
    throw error
  }
}
