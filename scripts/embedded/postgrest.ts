import { closeSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { postgrestPrograms, type Programs } from './binaries.ts'
import { startChild, type Child, type End } from './child.ts'
import { freePort } from './free-port.ts'
import { openLog } from './log-file.ts'
import type { OsUser } from './os-user.ts'
import { reachPrograms } from './reach.ts'
import { StartError } from './start-error.ts'
import { stopChild } from './stop-child.ts'

export { serviceRoleKey } from './service-role-key.ts'

/**
 * PostgrestOptions: `databaseUrl` is the login `authenticator`, `jwtSecret` at least 32 characters, `schemas` the exposed
 * ones, `pool` the most database connections (default 10), `lockTimeoutMs` how long a call may wait for a connection, and then
 * for a lock (default 1.2 seconds), `user` whom root steps down to, `logFile` where it writes; without `port` a free one is chosen.
 */
export type PostgrestOptions = {
  databaseUrl: string
  jwtSecret: string
  schemas: string
  log: (line: string) => void
  pool?: number
  lockTimeoutMs?: number
  user?: OsUser | null
  logFile?: string
  port?: number
}

/** Postgrest is a running one. `url` has no `/rest/v1`; `stop` ends it and is safe to repeat. */
export type Postgrest = { url: string; port: number; pid: number; ended: Promise<End>; stop(): Promise<void> }

const START_LIMIT_MS = 30_000
const POLL_MS = 10
// Callers wait a second and a half (server/src/db/limits.ts), and PostgREST does not hear of it when they go: what it still
// did for them later would be charged to somebody who was told that it failed.
const LOCK_TIMEOUT_MS = 1_200
const STATEMENT_TIMEOUT_MS = 4_000

/** postgrestAvailable tells whether this machine has a PostgREST to start. */
export function postgrestAvailable(): boolean {
  return postgrestPrograms() !== null
}

/**
 * startPostgrest starts PostgREST on a free port of 127.0.0.1 and resolves when it has read the database's schema.
 * Throws {@link StartError} with one sentence.
 */
export async function startPostgrest(options: PostgrestOptions): Promise<Postgrest> {
  const programs = postgrestPrograms()
  if (programs === null) throw new StartError('There is no PostgREST for this machine on npm: use DATABASE_URL instead.')
  for (let attempt = 1; ; attempt += 1) {
    const [port, adminPort] = [options.port ?? (await freePort()), await freePort()]
    const log = options.logFile === undefined ? null : openLog(options.logFile)
    const child = spawnPostgrest(programs, options, port, adminPort, log?.descriptor ?? 'ignore')
    if (log !== null) closeSync(log.descriptor)
    if (await isReady(child, adminPort)) {
      const stop = () => stopChild(child, ['SIGTERM', 'SIGKILL'], 5_000)
      return { url: `http://127.0.0.1:${port}`, port, pid: child.pid, ended: child.ended, stop }
    }
    const end = await child.ended
    const written = log === null ? '' : readFileSync(log.path).subarray(log.size).toString().trim()
    if (attempt < 3 && (log === null || written.includes('in use'))) continue
    const reason = end.error?.message ?? written.split('\n').at(-1) ?? ''
    throw new StartError(`PostgREST did not start: ${reason || `it ended with ${end.code ?? end.signal}`}.`)
  }
}

function spawnPostgrest(programs: Programs, options: PostgrestOptions, port: number, adminPort: number, log: number | 'ignore'): Child {
  const user = options.user ?? null
  const reach = reachPrograms(programs, user)
  return startChild({
    program: join(reach.folder, 'postgrest'),
    args: [],
    workingFolder: tmpdir(),
    environment: {
      PGRST_DB_URI: withLimits(options.databaseUrl, options.lockTimeoutMs ?? LOCK_TIMEOUT_MS),
      PGRST_DB_SCHEMAS: options.schemas,
      PGRST_DB_EXTRA_SEARCH_PATH: '',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_POOL: String(options.pool ?? 10),
      PGRST_DB_POOL_ACQUISITION_TIMEOUT: String(Math.max(1, Math.floor((options.lockTimeoutMs ?? LOCK_TIMEOUT_MS) / 1000))),
      PGRST_JWT_SECRET: options.jwtSecret,
      PGRST_OPENAPI_MODE: 'disabled',
      PGRST_SERVER_HOST: '127.0.0.1',
      PGRST_SERVER_PORT: String(port),
      PGRST_ADMIN_SERVER_PORT: String(adminPort)
    },
    user,
    readAnywhere: reach.readAnywhere,
    endsWithParent: 'TERM',
    stdio: ['ignore', log, log]
  })
}

function withLimits(databaseUrl: string, lockTimeoutMs: number): string {
  const url = new URL(databaseUrl)
  // Not through searchParams: libpq does not read a plus sign as a space.
  const statementTimeoutMs = Math.max(STATEMENT_TIMEOUT_MS, lockTimeoutMs)
  const options = encodeURIComponent(`-c lock_timeout=${lockTimeoutMs} -c statement_timeout=${statementTimeoutMs}`)
  url.search = `${url.search === '' ? '?' : `${url.search}&`}options=${options}`
  return url.href
}

async function isReady(child: Child, adminPort: number): Promise<boolean> {
  const deadline = Date.now() + START_LIMIT_MS
  while (!child.hasEnded()) {
    if ((await statusOf(`http://127.0.0.1:${adminPort}/ready`)) === 200) return true
    if (Date.now() > deadline) {
      await stopChild(child, ['SIGTERM', 'SIGKILL'], 2_000)
      throw new StartError(`PostgREST could not use the database within ${START_LIMIT_MS / 1000} s.`)
    }
    await wait(POLL_MS)
  }
  return false
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(0))
  })
}
