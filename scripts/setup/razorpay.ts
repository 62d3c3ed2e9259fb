import { z } from 'zod'
import { PAGE_SIZE, page } from '../../server/src/billing/processors/razorpay/client.ts'
import type { RazorpayClient } from '../../server/src/billing/processors/razorpay/client.ts'
import { ACTED_ON } from '../../server/src/billing/processors/razorpay/normalise.ts'
import { StartError } from '../embedded/start-error.ts'
import type { CatalogPrice, ProcessorPrice } from './catalog.ts'

/**
 * RazorpaySetup: `write` tells the database what a plan id means. `isDryRun` looks and says, but makes and writes nothing.
 * `say` gets one line of progress at a time.
 */
export type RazorpaySetup = {
  client: RazorpayClient
  catalog: CatalogPrice[]
  write: (price: ProcessorPrice) => Promise<void>
  isDryRun: boolean
  say: (line: string) => void
}

const plan = z.object({
  entity: z.literal('plan'),
  id: z.string(),
  period: z.string(),
  interval: z.int(),
  item: z.object({ amount: z.int(), currency: z.string() }),
  // Without an entry, notes come as an empty list.
  notes: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown()).transform((): Record<string, unknown> => ({}))]),
  created_at: z.int()
})
type Plan = z.output<typeof plan>

const PERIODS = { month: 'monthly', year: 'yearly' } as const

/**
 * setUpRazorpay makes a plan for every price of the catalog that has none yet, and writes all their ids into the database.
 * Plans are known again by their notes; Razorpay can neither change nor delete one. Run twice, it makes nothing new.
 * Throws {@link StartError} when a plan that is there costs something else than the catalog says.
 */
export async function setUpRazorpay({ client, catalog, write, isDryRun, say }: RazorpaySetup): Promise<void> {
  const plans = await listPlans(client)
  for (const [place, price] of catalog.entries()) {
    const title = `[${place + 1}/${catalog.length}] ${price.plan}, ${PERIODS[price.interval]}, version ${price.version}`
    const found = plans.find((one) => isFor(one, price))
    if (found !== undefined) requireSame(found, price)
    if (found === undefined && isDryRun) {
      say(`${title}: would be made, ${price.amountMinor} ${price.currency} (minor units)`)
      continue
    }
    const { id } = found ?? (await makePlan(client, price))
    const { plan: of, interval, version } = price
    // The trial is a matter of the checkout, not of the plan.
    if (!isDryRun) await write({ processor: 'razorpay', priceId: id, plan: of, interval, version, trialDays: 0 })
    say(`${title}: ${id}, ${found === undefined ? 'made' : 'is there'}`)
  }
}

/**
 * webhookSteps tells how to enter the webhook: Razorpay lets only partners do that through its API (api/partners/webhooks of
 * razorpay/markdown-docs), everybody else at the dashboard. `address` is where it is to be sent.
 */
export function webhookSteps(address: string, secret: string | undefined): string[] {
  const isSet = secret !== undefined
  const toEnter = isSet ? 'that of RAZORPAY_WEBHOOK_SECRET' : 'a long random text; set RAZORPAY_WEBHOOK_SECRET to the same'
  return [
    'The webhook has to be entered by hand, once for test and once for live mode:',
    '  dashboard.razorpay.com, Accounts & Settings, Webhooks, Add New Webhook',
    `  Webhook URL    ${address}`,
    `  Secret         ${toEnter}`,
    '  Alert Email    one that is read: after 24 hours of failures Razorpay turns the webhook off for good',
    '  Active Events  of these, all that are offered:',
    ...ACTED_ON.map((name) => `                 ${name}`)
  ]
}

async function listPlans(client: RazorpayClient): Promise<Plan[]> {
  const plans: Plan[] = []
  for (let skip = 0; ; skip += PAGE_SIZE) {
    const { items } = await client.ask((sdk) => sdk.plans.all({ count: PAGE_SIZE, skip }), page)
    // Plans that are not ours may look as they like.
    plans.push(...items.flatMap((item) => plan.safeParse(item).data ?? []))
    if (items.length < PAGE_SIZE) break
  }
  // Of two that a lost answer has left behind, always the same one.
  return plans.toSorted((one, other) => one.created_at - other.created_at || (one.id < other.id ? -1 : 1))
}

function isFor({ notes }: Plan, price: CatalogPrice): boolean {
  const { parley_plan: of, parley_interval: interval, parley_version: version } = notes
  return of === price.plan && interval === price.interval && Number(version) === price.version
}

function requireSame(found: Plan, price: CatalogPrice): void {
  const { amount, currency } = found.item
  const isSame = amount === price.amountMinor && currency === price.currency
  if (isSame && found.period === PERIODS[price.interval] && found.interval === 1) return
  throw new StartError(
    `The Razorpay plan ${found.id} for version ${price.version} of ${price.plan} costs ${amount} ${currency} ${found.period}, ` +
      `but the catalog says ${price.amountMinor} ${price.currency} ${PERIODS[price.interval]}. ` +
      'A plan cannot be changed: give the price a new version.'
  )
}

function makePlan(client: RazorpayClient, price: CatalogPrice): Promise<Plan> {
  const period = PERIODS[price.interval]
  const item = { name: `${price.planName}, ${period}`, amount: price.amountMinor, currency: price.currency }
  const notes = { parley_plan: price.plan, parley_interval: price.interval, parley_version: String(price.version) }
  return client.ask((sdk) => sdk.plans.create({ period, interval: 1, item, notes }), plan)
}
