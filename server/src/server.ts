import type { Logger } from 'pino'
import { createApp, type Parts } from './app.ts'
import { createPaddle } from './billing/processors/paddle/paddle.ts'
import { createStripe } from './billing/processors/stripe/stripe.ts'
import type { Processor } from './billing/processor.ts'
import type { Config } from './config.ts'
import { type Database, DatabaseUnavailable } from './db/database.ts'
import { schemaVersion } from './db/functions/schema-version.ts'
import { openPostgres } from './db/postgres.ts'
import { openPostgrest } from './db/postgrest.ts'
import { isOlder, requiredSchemaVersion } from './db/required-schema-version.ts'
import { createLifecycle } from './http/lifecycle.ts'
import { createMetrics } from './http/metrics.ts'
import { serve, stopServing } from './http/serve.ts'
import { RepeatingJob } from './jobs/repeating-job.ts'
import { retryWebhooks } from './jobs/retry-webhooks.ts'
import { sweepReservations } from './jobs/sweep-reservations.ts'
import { createAnswerModel } from './llm/model.ts'
import { RunningAnswers } from './llm/running-answers.ts'

/** RunningServer is a server that answers at `url`. `stop` drains it: nothing that was begun is cut off before its time. */
export type RunningServer = { url: string; port: number; stop(): Promise<void> }

const RETRY_EVERY_MS = 5_000
const SWEEP_EVERY_MS = 30_000

/**
 * startServer puts the parts together and serves. A database that does not answer yet is waited for by /readyz, not here.
 * Throws ListenError for the port, and DatabaseError when the database answers but refuses this server.
 */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const db = openDatabase(config, log)
  const processors = createProcessors(config)
  const metrics = createMetrics()
  const retries = new RepeatingJob({
    name: 'retry webhooks',
    everyMs: RETRY_EVERY_MS,
    work: () => retryWebhooks({ db, processors, metrics, log }),
    log
  })
  const sweep = new RepeatingJob({
    name: 'sweep reservations',
    everyMs: SWEEP_EVERY_MS,
    work: () => sweepReservations({ db, log }),
    log
  })
  const parts: Parts = {
    config,
    db,
    model: createAnswerModel(config.model),
    processors,
    log,
    lifecycle: createLifecycle(),
    answers: new RunningAnswers(),
    metrics,
    retryWebhooksSoon: () => retries.kick()
  }
  try {
    await checkDatabase(db, log)
    const { server, port, url } = await serve(createApp(parts), config)
    retries.start()
    sweep.start()
    const stop = async (): Promise<void> => {
      parts.lifecycle.begin()
      await Promise.all([retries.stop(), sweep.stop()])
      const deadline = Date.now() + config.drainTimeoutSeconds * 1000
      // Still listening: probes must read 503, and an answer can still be stopped, while the last answers end.
      await parts.answers.drain(deadline - Date.now())
      await stopServing(server, deadline - Date.now())
      // One that began in the moment before: its connection is gone, its cost is not.
      await parts.answers.drain(0)
      await db.close()
    }
    return { url, port, stop }
  } catch (error) {
    await db.close()
    throw error
  }
}

function openDatabase({ database }: Config, log: Logger): Database {
  if (database.transport === 'postgrest') return openPostgrest(database)
  return openPostgres({ url: database.url, onError: (error) => log.warn({ err: error }, 'an idle database connection broke') })
}

function createProcessors({ stripe, paddle }: Config): Processor[] {
  const processors: Processor[] = []
  if (stripe.webhookSecrets.length > 0) {
    processors.push(createStripe({ webhookSecrets: stripe.webhookSecrets, apiKey: stripe.secretKey }))
  }
  if (paddle.webhookSecrets.length > 0) {
    processors.push(
      createPaddle({ webhookSecrets: paddle.webhookSecrets, apiKey: paddle.apiKey, environment: paddle.environment })
    )
  }
  return processors
}

async function checkDatabase(db: Database, log: Logger): Promise<void> {
  try {
    const version = await schemaVersion(db)
    const required = requiredSchemaVersion()
    if (isOlder(version, required)) {
      log.error({ version, required }, 'the database is older than this server, which is not ready until the migrations are applied')
    }
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error
    log.warn({ err: error }, 'the database does not answer yet, the server is not ready until it does')
  }
}
