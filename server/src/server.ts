import type { Logger } from 'pino'
import { createApp, type Parts } from './app.ts'
import { createClerk } from './billing/clerk/clerk.ts'
import { createPaddle } from './billing/processors/paddle/paddle.ts'
import { createRazorpay } from './billing/processors/razorpay/razorpay.ts'
import { createStripe } from './billing/processors/stripe/stripe.ts'
import type { Processor } from './billing/processor.ts'
import { type Config, ConfigError } from './config.ts'
import { hasRealKeys } from './config-billing.ts'
import { type Database, DatabaseUnavailable } from './db/database.ts'
import { readClock } from './db/functions/read-clock.ts'
import { schemaVersion } from './db/functions/schema-version.ts'
import { openPostgres } from './db/postgres.ts'
import { openPostgrest } from './db/postgrest.ts'
import { isOlder, requiredSchemaVersion } from './db/required-schema-version.ts'
import { createUsageBatcher } from './db/usage-batcher.ts'
import { createLifecycle } from './http/lifecycle.ts'
import { createMetrics } from './http/metrics.ts'
import { serve, stopServing } from './http/serve.ts'
import { SessionCache } from './http/session-cache.ts'
import { createJobs } from './jobs/jobs.ts'
import { createAnswerModel } from './llm/model.ts'
import { RunningAnswers } from './llm/running-answers.ts'
import { createServerClock } from './sandbox/server-clock.ts'

/**
 * RunningServer is a server that answers at `url`, made of `parts`. `stop` drains it: nothing that was begun is cut off before
 * its time.
 */
export type RunningServer = { url: string; port: number; parts: Parts; stop(): Promise<void> }

/** ServerOptions: `jobs` that repeat by themselves, or run only when `parts.runJobsOnce` says so (a simulation's time stands). */
export type ServerOptions = { jobs: 'repeating' | 'on demand' }

/**
 * startServer puts the parts together and serves. A database that does not answer yet is waited for by /readyz, not here.
 * Throws ListenError for the port, DatabaseError when the database answers but refuses this server, and ConfigError for real
 * keys on a database whose clock was moved.
 */
export async function startServer(
  config: Config,
  log: Logger,
  options: ServerOptions = { jobs: 'repeating' }
): Promise<RunningServer> {
  const db = openDatabase(config, log)
  const clock = createServerClock(config.sandboxUrl !== null)
  const processors = createProcessors(config, clock.nowMs)
  const sources = [...processors, ...(config.clerk.webhookSecrets.length > 0 ? [createClerk(config.clerk)] : [])]
  const metrics = createMetrics()
  // Real keys wait for the answer, also that of a database which is away at the start: no operation is performed before.
  let isTimeReal = !hasRealKeys(config)
  const followClock = async (): Promise<void> => {
    if (!isTimeReal) await demandRealTime(db)
    isTimeReal = true
    await clock.follow(db)
  }
  const jobs = createJobs({ db, sources, processors, metrics, log, followClock })
  const parts: Parts = {
    config,
    db,
    usage: createUsageBatcher(db),
    model: createAnswerModel(config.model),
    processors,
    sources,
    log,
    lifecycle: createLifecycle(),
    answers: new RunningAnswers(),
    metrics,
    sessionCache: new SessionCache(),
    retryWebhooksSoon: jobs.retryWebhooksSoon,
    runJobsOnce: jobs.runOnce,
    nowMs: clock.nowMs,
    followClock
  }
  try {
    await checkDatabase(db, log, followClock)
    const { server, port, url } = await serve(createApp(parts), config)
    if (options.jobs === 'repeating') jobs.start()
    const stop = async (): Promise<void> => {
      parts.lifecycle.begin()
      await jobs.stop()
      const deadline = Date.now() + config.drainTimeoutSeconds * 1000
      // Still listening: probes must read 503, and an answer can still be stopped, while the last answers end.
      await parts.answers.drain(deadline - Date.now())
      await stopServing(server, deadline - Date.now())
      // One that began in the moment before: its connection is gone, its cost is not.
      await parts.answers.drain(0)
      await parts.lifecycle.idle()
      await db.close()
    }
    return { url, port, parts, stop }
  } catch (error) {
    await db.close()
    throw error
  }
}

function openDatabase({ database }: Config, log: Logger): Database {
  if (database.transport === 'postgrest') return openPostgrest(database)
  return openPostgres({ url: database.url, onError: (error) => log.warn({ err: error }, 'an idle database connection broke') })
}

/**
 * createProcessors makes the processors that have a webhook secret or an API key; `nowMs` is the clock they date with what
 * they ask for.
 */
export function createProcessors({ stripe, paddle, razorpay }: Config, nowMs: () => number = Date.now): Processor[] {
  const processors: Processor[] = []
  if (stripe.webhookSecrets.length > 0 || stripe.secretKey !== null) {
    processors.push(createStripe({ webhookSecrets: stripe.webhookSecrets, apiKey: stripe.secretKey, nowMs, ...at(stripe.apiUrl) }))
  }
  if (paddle.webhookSecrets.length > 0 || paddle.apiKey !== null) {
    const { webhookSecrets, apiKey, environment, apiUrl } = paddle
    processors.push(createPaddle({ webhookSecrets, apiKey, environment, nowMs, ...at(apiUrl) }))
  }
  if (razorpay.webhookSecrets.length > 0 || razorpay.keyId !== null) {
    const { webhookSecrets, keyId, keySecret, accountId, apiUrl } = razorpay
    processors.push(createRazorpay({ webhookSecrets, keyId, keySecret, accountId, nowMs, ...at(apiUrl) }))
  }
  return processors
}

function at(apiUrl: string | null): { apiUrl?: string } {
  return apiUrl === null ? {} : { apiUrl }
}

async function checkDatabase(db: Database, log: Logger, followClock: () => Promise<void>): Promise<void> {
  try {
    const version = await schemaVersion(db)
    const required = requiredSchemaVersion()
    if (isOlder(version, required)) {
      log.error({ version, required }, 'the database is older than this server, which is not ready until the migrations are applied')
      return
    }
    await followClock()
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error
    log.warn({ err: error }, 'the database does not answer yet, the server is not ready until it does')
  }
}

// Renewals, trials and graces of a future that never came: asked for them, a processor would move real money.
async function demandRealTime(db: Database): Promise<void> {
  const { offsetMs } = await readClock(db)
  if (offsetMs === 0) return
  throw new ConfigError([
    'The clock of this database was moved in a sandbox, so that no key of a real payment processor may be used with it: use a ' +
      'new DATA_DIR or another database, or leave the API keys out.'
  ])
}
