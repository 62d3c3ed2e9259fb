import { createHash, randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { pino } from 'pino'
import { readConfig } from '../../server/src/config.ts'
import { startServer, type RunningServer } from '../../server/src/server.ts'
import { applyMigrations } from '../database/apply.ts'
import { prepareSandbox } from '../database/sandbox.ts'
import { startScratchPostgres } from '../database/scratch-postgres.ts'
import { withClient } from '../database/with-client.ts'
import { freePort } from '../embedded/free-port.ts'
import { localKeys } from '../embedded/local-keys.ts'
import { makeSecrets } from '../embedded/secrets.ts'
import { signSessionToken } from '../../server/src/sandbox/session-token.ts'
import { createApi, type Api } from '../smoke/api.ts'
import { planPriceSchema, twinPrices } from '../twin/catalog.ts'
import { perProcessor } from '../twin/processors.ts'
import { startTwin, type Twin } from '../twin/twin.ts'

/**
 * Stage is a whole Parley on a database of its own, with the twin beside it and both clocks standing: time moves by
 * `moveTo` alone. `owner` is a superuser's connection to look with; `emptyDatabase` makes another migrated one and returns its URL.
 */
export type Stage = {
  owner: Client
  databaseUrl: string
  twin: Twin
  server: RunningServer
  api(accountId: string): Api
  moveTo(ms: number): Promise<void>
  emptyDatabase(): Promise<string>
  stop(): Promise<void>
}

/** startStage starts it at a time of its own, the same for the same seed. */
export async function startStage(seed: string, startMs: number): Promise<Stage> {
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) await end()
  }
  try {
    const postgres = await startScratchPostgres({ max_connections: '100' })
    stops.push(() => postgres.stop())
    const databaseUrl = await makeDatabase(postgres.url, 'parley_simulated')
    const owner = new Client({ connectionString: databaseUrl })
    await owner.connect()
    stops.push(() => owner.end())

    const secrets = await makeSecrets()
    const port = await freePort()
    const twin = await startTwin({
      parleyUrl: `http://127.0.0.1:${port}`,
      secrets: { stripe: secrets.stripeWebhookSecret, paddle: secrets.paddleWebhookSecret, razorpay: secrets.razorpayWebhookSecret },
      apiKeys: API_KEYS,
      prices: await pricesOf(owner),
      startMs,
      seed,
      // Time runs, as it does for Parley, but nothing happens by itself.
      clock: 'running',
      beginLater: true
    })
    stops.push(() => twin.stop())
    const config = readConfig({
      ...localKeys({ signIn: true, stripe: true, paddle: true, razorpay: true, clerkWebhooks: true, payments: true }, secrets),
      PARLEY_EMBEDDED: '1',
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      STRIPE_SECRET_KEY: API_KEYS.stripe,
      STRIPE_API_URL: twin.urls.stripe,
      PADDLE_API_KEY: API_KEYS.paddle,
      PADDLE_API_URL: twin.urls.paddle,
      RAZORPAY_KEY_ID: 'rzp_test_twin',
      RAZORPAY_KEY_SECRET: API_KEYS.razorpay,
      RAZORPAY_API_URL: twin.urls.razorpay,
      SANDBOX_URL: twin.urls.control,
      RATE_LIMIT_ACCOUNT_PER_MINUTE: '1000000',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000'
    })
    await owner.query('select api.move_clock($1)', [new Date(startMs).toISOString()])
    const server = await startServer(config, pino({ level: 'silent' }), { jobs: 'on demand' })
    stops.push(() => server.stop())

    const tokens = new Map<string, Api>()
    const api = (accountId: string): Api => {
      const known = tokens.get(accountId)
      if (known !== undefined) return known
      const token = signSessionToken(secrets.clerk.privateKey, {
        userId: accountId,
        organization: null,
        operator: false,
        authorizedParty: `http://localhost:${port}`,
        expiresInSeconds: 86_400
      })
      const made = createApi({ url: server.url, token, onWait: () => undefined })
      tokens.set(accountId, made)
      return made
    }
    return {
      owner,
      databaseUrl,
      twin,
      server,
      api,
      moveTo: async (ms) => {
        const answer = await api('clock')('POST', '/sandbox/clock', { to: new Date(ms).toISOString() })
        if (answer.status !== 200) throw new Error(`The clock answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      },
      emptyDatabase: () => makeDatabase(postgres.url, `parley_${randomBytes(4).toString('hex')}`),
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** API_KEYS open the twin; they are not secret, and look like the keys of a test mode. */
const API_KEYS = perProcessor((processor) => `${{ stripe: 'sk_test_', paddle: 'pdl_sdbx_', razorpay: '' }[processor]}${digest(processor)}`)

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}

async function makeDatabase(url: (database: string) => string, name: string): Promise<string> {
  await withClient(url('postgres'), (client) => client.query(`create database ${name}`))
  await withClient(url(name), async (client) => {
    await applyMigrations(client)
    await prepareSandbox(client)
  })
  return url(name)
}

async function pricesOf(owner: Client) {
  const { rows } = await owner.query('select * from api.list_plan_prices()')
  const catalog = rows.map((row) => planPriceSchema.parse(row))
  return perProcessor((processor) => twinPrices(processor, catalog))
}
