import { z } from 'zod'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import { withClient } from '../database/with-client.ts'
import { planPriceSchema, twinPrices, type PlanPrice } from '../twin/catalog.ts'
import { TWIN_ACCOUNT_ID, TWIN_KEY_ID } from '../twin/razorpay/context.ts'
import type { Listening, Twin } from '../twin/twin.ts'
import type { DataPaths } from './data-folder.ts'
import { settingOf, type Environment } from './environment.ts'
import type { EmbeddedStack } from './stack.ts'

/** TwinPlace: the running database, the data folder, and where the server will listen. */
export type TwinPlace = {
  stack: EmbeddedStack
  environment: Environment
  folder: DataPaths
  httpPort: number
  log: (line: string) => void
}

/** TWIN_KEYS open the twin's APIs and nothing else (Razorpay's is the secret). They have the form of test keys. */
export const TWIN_KEYS = {
  stripe: 'sk_test_offline_twin',
  paddle: 'pdl_sdbx_apikey_offline_twin',
  razorpay: 'offline_twin'
}

/** twinSettings are the variables that lead the server to the twin. */
export function twinSettings(urls: Record<Listening, string>): Record<string, string> {
  return {
    STRIPE_SECRET_KEY: TWIN_KEYS.stripe,
    STRIPE_API_URL: urls.stripe,
    PADDLE_API_KEY: TWIN_KEYS.paddle,
    PADDLE_API_URL: urls.paddle,
    RAZORPAY_KEY_ID: TWIN_KEY_ID,
    RAZORPAY_KEY_SECRET: TWIN_KEYS.razorpay,
    RAZORPAY_ACCOUNT_ID: TWIN_ACCOUNT_ID,
    RAZORPAY_API_URL: urls.razorpay,
    SANDBOX_URL: urls.control
  }
}

/**
 * startEmbeddedTwin starts the offline twin in this process, with the catalog and the clock of the embedded database, and
 * notes it in `run.json`. It does nothing by itself before `begin`. Throws StartError for a state file it cannot read.
 */
export async function startEmbeddedTwin(place: TwinPlace): Promise<Twin> {
  const { stack, environment, folder, log } = place
  const [{ startTwin }, { aheadMs, catalog }] = await Promise.all([import('../twin/twin.ts'), readDatabase(stack.ownerUrl)])
  const secretOf = (variable: string, local: string): string => (settingOf(environment, variable) ?? local).split(',')[0]?.trim() ?? local
  const prices = (name: ProcessorName) => twinPrices(name, catalog)
  const twin = await startTwin({
    parleyUrl: parleyUrl(environment, place.httpPort),
    secrets: {
      stripe: secretOf('STRIPE_WEBHOOK_SECRET', stack.secrets.stripeWebhookSecret),
      paddle: secretOf('PADDLE_WEBHOOK_SECRET', stack.secrets.paddleWebhookSecret),
      razorpay: secretOf('RAZORPAY_WEBHOOK_SECRET', stack.secrets.razorpayWebhookSecret)
    },
    apiKeys: TWIN_KEYS,
    prices: { stripe: prices('stripe'), paddle: prices('paddle'), razorpay: prices('razorpay') },
    startMs: Date.now() + aheadMs,
    beginLater: true,
    stateFile: folder.twin,
    log
  })
  stack.noteTwin(twin.urls)
  return twin
}

// How far Parley's clock is ahead (measured, because an interval of months has no fixed length), and what it sells.
async function readDatabase(ownerUrl: string): Promise<{ aheadMs: number; catalog: PlanPrice[] }> {
  return withClient(ownerUrl, async (client) => {
    const clock = await client.query('select extract(epoch from app.clock() - now()) * 1000 as ahead_ms')
    const catalog = await client.query('select * from api.list_plan_prices()')
    const [{ ahead_ms: aheadMs }] = z.tuple([z.object({ ahead_ms: z.coerce.number<string>() })]).parse(clock.rows)
    return { aheadMs, catalog: z.array(planPriceSchema).parse(catalog.rows) }
  })
}

// Nobody can send anything to 0.0.0.0.
function parleyUrl(environment: Environment, port: number): string {
  const host = settingOf(environment, 'HOST') ?? '127.0.0.1'
  const name = ['0.0.0.0', '::', 'localhost'].includes(host) ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
