import type { ClientBase } from 'pg'
import { z } from 'zod'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import { withClient } from '../database/with-client.ts'
import { connectedDatabaseUrl } from '../embedded/connected-database.ts'
import type { Environment } from '../embedded/environment.ts'
import { codeOf, StartError } from '../embedded/start-error.ts'

const catalogPriceSchema = z.object({
  plan: z.string(),
  name: z.string(),
  billing_interval: z.enum(['month', 'year']),
  version: z.int().min(1),
  currency: z.string().regex(/^[A-Z]{3}$/),
  amount_minor: z.int().min(0),
  trial_days: z.int().min(0)
})

/**
 * CatalogPrice is what a plan costs, in its newest version: `amountMinor` of `currency` (ISO 4217, upper-case) per
 * `interval`, with `trialDays` (0 = none) before the first bill. `planName` is for people.
 */
export type CatalogPrice = {
  plan: string
  planName: string
  interval: 'month' | 'year'
  version: number
  currency: string
  amountMinor: number
  trialDays: number
}

/** ProcessorPrice says what a processor's price id means. `trialDays` only where the trial belongs to the price (Paddle); else 0. */
export type ProcessorPrice = {
  processor: ProcessorName
  priceId: string
  plan: string
  interval: 'month' | 'year'
  version: number
  trialDays: number
}

/** readCatalog lists the prices that a processor must have. Throws {@link StartError} when nothing is for sale. */
export async function readCatalog(client: ClientBase): Promise<CatalogPrice[]> {
  // As JSON, because the driver gives a bigint as text.
  const { rows } = await client.query<{ row: unknown }>('select to_jsonb(p) as row from api.list_plan_prices() p')
  const prices = rows.map(({ row }) => catalogPriceSchema.parse(row))
  if (prices.length === 0) throw new StartError('The catalog has no prices: nothing is for sale.')
  return prices.map((price) => ({
    plan: price.plan,
    planName: price.name,
    interval: price.billing_interval,
    version: price.version,
    currency: price.currency,
    amountMinor: price.amount_minor,
    trialDays: price.trial_days
  }))
}

/** writePrice tells the database what a price id means, which also wakes deliveries that failed for not knowing it. Idempotent. */
export async function writePrice(client: ClientBase, price: ProcessorPrice): Promise<void> {
  const { processor, priceId, plan, interval, version, trialDays } = price
  await client.query('select api.upsert_price($1, $2, $3, $4, $5, $6)', [processor, priceId, plan, interval, version, trialDays])
}

/**
 * withCatalog runs `work` on a connection that may read the catalog and write prices: to `url`, else DATABASE_URL, else the
 * running embedded database. Throws {@link StartError} when the database cannot be used.
 */
export async function withCatalog(
  url: string | undefined,
  environment: Environment,
  work: (client: ClientBase) => Promise<void>
): Promise<void> {
  if (url !== undefined && !/^postgres(ql)?:\/\//.test(url)) throw new StartError('--database-url is not a postgres:// URL.')
  try {
    await withClient(url ?? connectedDatabaseUrl(environment, 'operator'), async (client) => {
      await takeRole(client)
      await work(client)
    })
  } catch (error) {
    // What the driver and the database say (refused, wrong password, no right) never holds the password.
    if (!(error instanceof Error) || !isOfDatabase(error)) throw error
    throw new StartError(`The database cannot be used: ${error.message || codeOf(error)}.`, { cause: error })
  }
}

// A login like the server's has no right of its own, but may become service_role.
async function takeRole(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean }>(
    `select coalesce(bool_or(has_function_privilege(p.oid, 'execute')), false) as allowed
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'api' and p.proname = 'upsert_price' and has_schema_privilege(n.oid, 'usage')`
  )
  if (!rows[0]?.allowed) await client.query('set role service_role')
}

function isOfDatabase(error: Error): boolean {
  const code = codeOf(error)
  return /^[0-9A-Z]{5}$/.test(code) || /^E[A-Z]+$/.test(code)
}
