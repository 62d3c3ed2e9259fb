import { receivedSchema } from '../../server/src/contract/webhooks.ts'
import { composeScenario } from '../webhook/compose.ts'
import type { Scenario } from '../webhook/scenario.ts'
import { sendWebhook } from '../webhook/send.ts'
import { demandUsed, describeMeter, meterOf, readMe, readUsage } from './account.ts'
import { describe, expectAnswer, parseJson, type Api } from './api.ts'
import { demand, Mismatch, readable, type Steps } from './steps.ts'

/** Cashier sends webhooks as Stripe would, for one account on one plan. `price` is null for the plan's sandbox price. */
export type Cashier = { url: string; secret: string; accountId: string; plan: string; price: string | null }

const WEEK_MS = 7 * 24 * 3600 * 1000

/**
 * upgrade pays for the plan, as of a week ago: so that the renewal, which starts a period now, really starts another.
 * What was used on the old plan is left behind, what is there stays.
 */
export async function upgrade(steps: Steps, api: Api, cashier: Cashier, chatbots: number): Promise<void> {
  await steps.step('upgrade by signed webhook', async () => {
    const scenario = compose(cashier, 'created', new Date(Date.now() - WEEK_MS))
    await deliver(cashier, scenario, 'processed')
    const { account } = await readMe(api)
    demand('plan', cashier.plan, account.plan)
    demand('status', 'active', account.status)
    const detail = await readFreshWindow(api, scenario, chatbots)
    return { detail: `${account.plan} ${account.status}: ${detail}`, made: undefined }
  })
}

/** renew starts the next period now; answers the webhook, to be delivered again. */
export async function renew(steps: Steps, api: Api, cashier: Cashier, chatbots: number): Promise<Scenario> {
  return steps.step('renewal by signed webhook', async () => {
    const before = meterOf(await readUsage(api), 'messages')
    if (before.used === 0) throw new Mismatch('messages used before the renewal', 'none, it would prove nothing')
    const scenario = compose(cashier, 'renewed', new Date())
    await deliver(cashier, scenario, 'processed')
    const detail = await readFreshWindow(api, scenario, chatbots)
    return { detail: `${detail} (messages were ${readable(before.used)})`, made: scenario }
  })
}

/** deliverAgain delivers a webhook a second time and sees nothing change. */
export async function deliverAgain(steps: Steps, api: Api, cashier: Cashier, scenario: Scenario): Promise<void> {
  await steps.step('the same webhook again', async () => {
    // All of it but when it was read.
    const look = async (): Promise<string> => JSON.stringify([await readMe(api), { ...(await readUsage(api)), asOf: null }])
    const before = await look()
    await deliver(cashier, scenario, 'duplicate')
    const after = await look()
    if (after !== before) throw new Mismatch(`nothing changed: ${before}`, after)
    return { detail: `200 duplicate (${scenario.eventId}), nothing changed`, made: undefined }
  })
}

function compose(cashier: Cashier, event: 'created' | 'renewed', periodStart: Date): Scenario {
  const request = { processor: 'stripe' as const, event, account: cashier.accountId, plan: cashier.plan, price: cashier.price ?? undefined }
  // Stripe's times are whole seconds.
  periodStart.setUTCMilliseconds(0)
  return composeScenario({ ...request, periodStart, shape: 'current' }, null, new Date()).scenario
}

async function deliver(cashier: Cashier, scenario: Scenario, outcome: string): Promise<void> {
  const { status, body } = await sendWebhook('stripe', scenario, cashier)
  const answer = { status, body: parseJson(body) }
  if (status === 401) {
    throw new Mismatch('a webhook secret this server knows (STRIPE_WEBHOOK_SECRET, else the local one of DATA_DIR)', describe(answer))
  }
  const received = expectAnswer(answer, 200, receivedSchema)
  if (received.outcome !== outcome) {
    const hint = received.outcome === 'failed' ? `: has the catalog ${scenario.priceId}? (see --price)` : ''
    throw new Mismatch(`the webhook ${scenario.eventId} to be ${outcome}`, `${received.outcome}${hint}`)
  }
}

async function readFreshWindow(api: Api, scenario: Scenario, chatbots: number): Promise<string> {
  const usage = await readUsage(api)
  demand('the window starts', scenario.periodStart.toISOString(), usage.windowStart)
  const messages = demandUsed(usage, 'messages', 0)
  return `${describeMeter(messages)}, ${describeMeter(demandUsed(usage, 'chatbots', chatbots))}`
}
