import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import type { ProcessorName } from '../../../server/src/billing/billing-event.ts'
import { WIDGET_CONFIG_MARK } from '../../../server/src/http/widget-page.ts'
import { freePort } from '../../embedded/free-port.ts'
import { planPriceSchema, twinPrices } from '../../twin/catalog.ts'
import { perProcessor } from '../../twin/processors.ts'
import { startTwin, type Twin } from '../../twin/twin.ts'
import { startGround, type Ground } from '../ground.ts'
import type { ServerProcess } from '../server-process.ts'
import { type CanaryBook, createCanaryBook } from './canaries.ts'
import { type Ask, createAsk } from './http-client.ts'
import { startFakeModel } from './fake-model.ts'

/**
 * Scene is what the attackers find: a whole Parley with the processors' twins and a model, whose secrets are all canaries.
 * There is a server per transport; `owner` is a superuser's connection to look with; `seen` is all that the servers and
 * Postgres wrote until now.
 */
export type Scene = {
  ground: Ground
  owner: Client
  twin: Twin
  canaries: CanaryBook
  servers: { transport: 'pg' | 'postgrest'; process: ServerProcess; ask: Ask }[]
  postgrest: { url: string; jwtSecret: string; key: string }
  metricsToken: string
  digest(name: string): string
  seen(): { name: string; text: string }[]
  stop(): Promise<void>
}

/** startScene starts it. `digest` makes secrets and ids of the seed; with `both` there is a server over PostgREST too. */
export async function startScene(digest: (name: string) => string, both: boolean): Promise<Scene> {
  const ground = await startGround()
  const stops: (() => Promise<void>)[] = [() => ground.stop()]
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) await end()
  }
  try {
    const canaries = createCanaryBook()
    const secret = (name: string, text: string): string => {
      canaries.add({ name, text, kind: 'secret' })
      return text
    }
    const owner = await ground.connect()
    const model = await startFakeModel()
    stops.push(() => model.stop())
    const clientFolder = makeClientFolder()
    stops.push(() => Promise.resolve(rmSync(clientFolder, { recursive: true, force: true })))
    const postgrest = await ground.startPostgrest()

    const port = await freePort()
    const apiKeys = perProcessor((name) => secret(`the API key of ${name}`, `${KEY_PREFIX[name]}${digest(`key of ${name}`)}`))
    const { stripeWebhookSecret, paddleWebhookSecret, razorpayWebhookSecret, clerkWebhookSecret } = ground.secrets
    const twin = await startTwin({
      parleyUrl: `http://127.0.0.1:${port}`,
      secrets: { stripe: stripeWebhookSecret, paddle: paddleWebhookSecret, razorpay: razorpayWebhookSecret },
      apiKeys,
      prices: await pricesOf(owner),
      seed: digest('twin')
    })
    stops.push(() => twin.stop())

    const metricsToken = secret('METRICS_TOKEN', digest('metrics'))
    const environment = {
      // Nobody signs anybody in, as in production.
      LOCAL_SIGNING_KEY: '',
      CLIENT_DIR: clientFolder,
      LOG_LEVEL: 'trace',
      METRICS_TOKEN: metricsToken,
      OPENAI_BASE_URL: model.url,
      // A provider's keys begin as it likes.
      OPENAI_API_KEY: secret('the key of the model', `gsk_${digest('model')}`),
      MODEL: 'm',
      STRIPE_SECRET_KEY: apiKeys.stripe,
      STRIPE_API_URL: twin.urls.stripe,
      PADDLE_API_KEY: apiKeys.paddle,
      PADDLE_API_URL: twin.urls.paddle,
      RAZORPAY_KEY_ID: 'rzp_test_twin',
      RAZORPAY_KEY_SECRET: apiKeys.razorpay,
      RAZORPAY_API_URL: twin.urls.razorpay,
      RATE_LIMIT_VISITOR_MESSAGES_PER_MINUTE: '1000000',
      RATE_LIMIT_NEW_VISITS_PER_HOUR: '1000000'
    }
    for (const [name, text] of Object.entries({ stripeWebhookSecret, paddleWebhookSecret, razorpayWebhookSecret,
      clerkWebhookSecret })) {
      secret(name, text)
    }
    secret('the private key of the sign-in', ground.secrets.clerk.privateKey.split('\n')[4] ?? '')
    secret("the password of the database's owner", new URL(ground.databaseUrl).password)
    secret("the password of the server's login", new URL(ground.serverUrl).password)
    secret("PostgREST's secret", postgrest.jwtSecret)
    secret('the service role key', postgrest.key)

    const rest = { SUPABASE_URL: postgrest.url, SUPABASE_SERVICE_ROLE_KEY: postgrest.key, SUPABASE_REST_PATH: '/' }
    const overPostgres = await ground.startServer({ environment: { ...environment, PORT: String(port) } })
    const running: ['pg' | 'postgrest', ServerProcess][] = [['pg', overPostgres]]
    if (both) running.push(['postgrest', await ground.startServer({ environment: { ...environment, ...rest,
      DATABASE_URL: '' } })])
    const servers = running.map(([transport, process]) => ({
      transport,
      process,
      // A person's own text may be in an answer to that person, but in no error; each attack forbids more.
      ask: createAsk({ url: process.url, forbidden: () => [],
        forbiddenInErrors: () => canaries.list(({ isPublic }) => !isPublic) })
    }))
    const logFile = await postgresLog(owner)
    return {
      ground, owner, twin, canaries, servers, postgrest, metricsToken, digest, stop,
      seen: () => [
        ...servers.map(({ transport, process }) => ({ name: `the log of the server (${transport})`, text: process.output() })),
        { name: "Postgres' log", text: readFileSync(logFile, 'utf8') }
      ]
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const KEY_PREFIX: Record<ProcessorName, string> = { stripe: 'sk_test_', paddle: 'pdl_sdbx_', razorpay: '' }

async function pricesOf(owner: Client) {
  const { rows } = await owner.query('select * from api.list_plan_prices()')
  const catalog = rows.map((row) => planPriceSchema.parse(row))
  return perProcessor((processor) => twinPrices(processor, catalog))
}

/** makeClientFolder makes as much of a built client as the widget's page needs: what the server writes into it is looked at. */
function makeClientFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-client-'))
  writeFileSync(join(folder, 'widget.html'), `<!doctype html><html><head>${WIDGET_CONFIG_MARK}</head><body></body></html>`)
  writeFileSync(join(folder, 'widget.js'), '// nothing')
  return folder
}

async function postgresLog(owner: Client): Promise<string> {
  const { rows } = await owner.query<{ data_directory: string }>('show data_directory')
  return `${rows[0]?.data_directory ?? ''}.log`
}
