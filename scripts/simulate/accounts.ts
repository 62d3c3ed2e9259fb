import type { Client } from 'pg'
import { z } from 'zod'

/** factsSchema is what the simulation must know of an account to choose what happens next; as Parley's own database tells it. */
const factsSchema = z.object({
  plan: z.string(),
  status: z.enum(['none', 'incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled']),
  processor: z.enum(['stripe', 'paddle', 'razorpay']).nullable(),
  subscription_id: z.string().nullable(),
  customer_id: z.string().nullable(),
  cancels_at: z.date().nullable(),
  change_plan: z.string().nullable(),
  chatbots: z.coerce.number<string>()
})
export type AccountFacts = z.infer<typeof factsSchema>

/** readFacts looks at one account. */
export async function readFacts(owner: Client, accountId: string): Promise<AccountFacts> {
  const { rows } = await owner.query(
    `select s.*, (select count(*) from app.chatbots b where b.account_id = $1) as chatbots from api.read_subscription($1) s`,
    [accountId]
  )
  return factsSchema.parse(rows[0])
}

/** Checkout is a purchase under way, by Parley's and the processor's id. */
export type OpenCheckout = { id: string; processor: 'stripe' | 'paddle' | 'razorpay'; processorCheckoutId: string }

const checkoutSchema = z
  .object({ id: z.string(), processor: z.enum(['stripe', 'paddle', 'razorpay']), processor_checkout_id: z.string() })
  .transform(({ id, processor, processor_checkout_id: processorCheckoutId }): OpenCheckout => ({ id, processor, processorCheckoutId }))

/** openCheckoutOf returns the account's purchase under way whose page exists, or null. */
export async function openCheckoutOf(owner: Client, accountId: string): Promise<OpenCheckout | null> {
  const { rows } = await owner.query(
    `select id, processor, processor_checkout_id from app.checkouts
      where account_id = $1 and status = 'open' and expires_at > app.clock()`,
    [accountId]
  )
  return rows.length === 0 ? null : checkoutSchema.parse(rows[0])
}
