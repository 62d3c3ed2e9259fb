import type { ClientBase } from 'pg'

const PLANS = ['starter', 'growth', 'enterprise']
const INTERVALS = [
  { suffix: 'monthly', interval: 'month' },
  { suffix: 'yearly', interval: 'year' }
]
const PREFIXES = { stripe: 'price', paddle: 'pri' }

/**
 * prepareSandbox turns a freshly migrated database into a sandbox: marks it, so that its clock may be moved, and registers
 * the processor prices of the embedded catalog (`price_starter_monthly`, `pri_growth_yearly`, …). Safe to repeat.
 * Only for databases the launcher or a test owns.
 */
export async function prepareSandbox(client: ClientBase): Promise<void> {
  await client.query(`update app.environment set kind = 'sandbox' where kind <> 'sandbox'`)
  for (const [processor, prefix] of Object.entries(PREFIXES)) {
    for (const plan of PLANS) {
      for (const { suffix, interval } of INTERVALS) {
        const priceId = `${prefix}_${plan}_${suffix}`
        await client.query('select api.upsert_price($1, $2, $3, $4)', [processor, priceId, plan, interval])
      }
    }
  }
}
