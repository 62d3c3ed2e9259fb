import { generateKeyPairSync } from 'node:crypto'
import { Writable } from 'node:stream'
import type { Express } from 'express'
import { SignJWT } from 'jose'
import { pino } from 'pino'
import { createApp, type Parts } from '../../src/app.ts'
import { createClerk } from '../../src/billing/clerk/clerk.ts'
import { type Environment, readConfig } from '../../src/config.ts'
import { createLifecycle } from '../../src/http/lifecycle.ts'
import { createUsageBatcher } from '../../src/db/usage-batcher.ts'
import { REDACTED } from '../../src/http/request-log.ts'
import { SessionCache } from '../../src/http/session-cache.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { createJobs } from '../../src/jobs/jobs.ts'
import { createAnswerModel } from '../../src/llm/model.ts'
import { RunningAnswers } from '../../src/llm/running-answers.ts'
import { createServerClock } from '../../src/sandbox/server-clock.ts'
import { createProcessors } from '../../src/server.ts'
import { createTestDatabase, openDatabase, type TestDatabase, type Transport } from '../support/database.ts'

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** ISSUER and ORIGIN are what tokens of the test applications carry. */
export const ISSUER = 'https://local.clerk.accounts.dev'
export const ORIGIN = 'http://localhost:3000'

/** SECRETS are what the test application believes; none of them may ever show in its log. */
export const SECRETS = {
  stripe: 'whsec_local_of_the_tests_0001',
  paddle: 'pdl_ntfset_local_of_the_tests_0001',
  razorpay: 'razorpay_local_of_the_tests_0001',
  clerk: 'sk_test_local',
  clerkWebhooks: `whsec_${Buffer.from('clerk_local_of_the_tests_0001').toString('base64')}`
}

/** TestApp is the whole application over a database of its own. `log` are the lines written so far. */
export type TestApp = { app: Express; parts: Parts; database: TestDatabase; log: string[]; webhookRetries: () => number }

/** testEnvironment are the settings of a test application; anything may be replaced. */
export function testEnvironment(change: Environment = {}): Environment {
  return {
    DATABASE_URL: 'postgresql://unused@127.0.0.1:1/unused',
    CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from('local.clerk.accounts.dev$').toString('base64')}`,
    CLERK_SECRET_KEY: SECRETS.clerk,
    CLERK_JWT_KEY: String(keys.publicKey.export({ type: 'spki', format: 'pem' })),
    STRIPE_WEBHOOK_SECRET: SECRETS.stripe,
    PADDLE_WEBHOOK_SECRET: SECRETS.paddle,
    RAZORPAY_WEBHOOK_SECRET: SECRETS.razorpay,
    CLERK_WEBHOOK_SECRET: SECRETS.clerkWebhooks,
    // Whether the client was built here must not change what a test of the API sees.
    CLIENT_DIR: '/nowhere',
    ...change
  }
}

/** startTestApp makes the application as server.ts does, without jobs and without a port. */
export async function startTestApp(
  options: { transport?: Transport; environment?: Environment; parts?: Partial<Parts> } = {}
): Promise<TestApp> {
  const database = await createTestDatabase()
  const db = options.parts?.db ?? (await openDatabase(options.transport ?? 'pg', database))
  const config = readConfig(testEnvironment(options.environment))
  const clock = createServerClock(config.sandboxUrl !== null)
  const processors = options.parts?.processors ?? createProcessors(config, clock.nowMs)
  const sources = [...processors, createClerk(config.clerk)]
  const log: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(chunk.toString())
      done()
    }
  })
  let retries = 0
  const parts: Parts = {
    config,
    db,
    usage: createUsageBatcher(db),
    model: createAnswerModel(config.model),
    processors,
    sources,
    log: pino({ level: 'trace', redact: REDACTED }, sink),
    lifecycle: createLifecycle(),
    answers: new RunningAnswers(),
    metrics: createMetrics(),
    sessionCache: new SessionCache(),
    retryWebhooksSoon: () => {
      retries += 1
    },
    runJobsOnce: () => jobs.runOnce(),
    nowMs: clock.nowMs,
    followClock: () => clock.follow(db),
    ...options.parts
  }
  const jobs = createJobs(parts)
  return { app: createApp(parts), parts, database, log, webhookRetries: () => retries }
}

/** TokenOptions change a session token that would be valid; an undefined claim is left out. */
export type TokenOptions = {
  claims?: Record<string, unknown>
  algorithm?: 'RS256' | 'HS256' | 'RS512'
  key?: Parameters<SignJWT['sign']>[0]
  expiresInSeconds?: number
}

/** tokenFor signs a session token as `npm run token` does. */
export function tokenFor(userId: string, options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    azp: ORIGIN,
    iss: ISSUER,
    sub: userId,
    sid: 'sess_1',
    sts: 'active',
    v: 2,
    fva: [0, -1],
    iat: now - 10,
    nbf: now - 10,
    exp: now + (options.expiresInSeconds ?? 60),
    ...options.claims
  }
  const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  return new SignJWT(given)
    .setProtectedHeader({ alg: options.algorithm ?? 'RS256', kid: 'ins_local', typ: 'JWT' })
    .sign(options.key ?? keys.privateKey)
}

/** bearer is the Authorization header for a user. */
export async function bearer(userId: string, options: TokenOptions = {}): Promise<{ Authorization: string }> {
  return { Authorization: `Bearer ${await tokenFor(userId, options)}` }
}

/** inOrganization are the claims of a token whose active organization is the given one. */
export function inOrganization(organizationId: string, role = 'admin'): TokenOptions {
  return { claims: { o: { id: organizationId, rol: role, slg: 'acme' } } }
}
