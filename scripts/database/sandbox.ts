import type { ClientBase } from 'pg'
import { z } from 'zod'
import { PROCESSORS } from '../twin/processors.ts'
import { planPriceSchema, twinPrices } from '../twin/catalog.ts'

/**
 * prepareSandbox turns a freshly migrated database into a sandbox: marks it, so that its clock may be moved, and registers
 * the processor prices of its catalog as the offline twin knows them (`price_starter_monthly`, `pri_growth_yearly_trial`,
 * `plan_enterprise_monthly`, …). Safe to repeat. Only for databases the launcher or a test owns.
 */
export async function prepareSandbox(client: ClientBase): Promise<void> {
  await client.query(`update app.environment set kind = 'sandbox' where kind <> 'sandbox'`)
  const { rows } = await client.query('select * from api.list_plan_prices()')
  const catalog = z.array(planPriceSchema).parse(rows)
  for (const processor of PROCESSORS) {
    for (const { id, plan, interval, trialDays } of twinPrices(processor, catalog)) {
      await client.query('select api.upsert_price($1, $2, $3, $4, null, $5)', [processor, id, plan, interval, trialDays])
    }
  }
}
