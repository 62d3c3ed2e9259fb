import { openCheckoutOf } from './accounts.ts'
import { type Actor, type Deed, isLive, pick } from './actor.ts'

const PLANS = ['starter', 'growth', 'enterprise']
const PROCESSORS = ['stripe', 'paddle', 'razorpay']

/** OWNER_DEEDS are what owners do at Parley. A refusal (4xx) is an answer like any other: the invariants say whether it was right. */
export const OWNER_DEEDS: readonly Deed[] = [
  { name: 'buys', weight: (facts) => (isLive(facts) || facts.status === 'paused' ? 0 : 12), run: buy },
  { name: 'comes back to the page', weight: (facts) => (isLive(facts) ? 0 : 4), run: payOpenCheckout },
  {
    name: 'changes plan',
    weight: (facts) => (isLive(facts) ? 8 : 0),
    run: (actor) =>
      tell(actor, 'POST', '/api/billing/plan-change', {
        plan: pick(actor.random, PLANS),
        interval: pick(actor.random, ['month', 'month', 'year'])
      })
  },
  { name: 'undoes a change', weight: (facts) => (facts.change_plan === null ? 0 : 6), run: (actor) => tell(actor, 'DELETE', '/api/billing/plan-change') },
  {
    name: 'cancels at the end',
    weight: (facts) => (isLive(facts) && facts.cancels_at === null ? 2 : 0),
    run: (actor) => tell(actor, 'POST', '/api/billing/cancel', { when: 'period_end' })
  },
  {
    name: 'cancels now',
    weight: (facts) => (isLive(facts) || facts.status === 'paused' ? 0.7 : 0),
    run: (actor) => tell(actor, 'POST', '/api/billing/cancel', { when: 'now' })
  },
  {
    name: 'resumes',
    weight: (facts) => (facts.cancels_at !== null || facts.status === 'paused' ? 6 : 0),
    run: (actor) => tell(actor, 'POST', '/api/billing/resume')
  },
  { name: 'pauses', weight: (facts) => (isLive(facts) ? 1.5 : 0), run: (actor) => tell(actor, 'POST', '/api/billing/pause') },
  { name: 'makes chatbots', weight: () => 6, run: makeChatbots },
  { name: 'deletes a chatbot', weight: (facts) => (facts.chatbots > 0 ? 3 : 0), run: deleteChatbot },
  { name: 'uses messages', weight: () => 10, run: useMessages }
]

async function buy(actor: Actor): Promise<string> {
  const { accountId, call, random, stage } = actor
  const wish = { plan: pick(random, PLANS), interval: pick(random, ['month', 'month', 'year']), processor: pick(random, PROCESSORS) }
  // Two tabs, one of four times: one slot, whichever is first.
  const tabs = random() < 0.25 ? [wish, { ...wish, plan: pick(random, PLANS) }] : [wish]
  const answers = await Promise.all(tabs.map((tab) => call('POST', '/api/billing/checkout', tab)))
  const { rows } = await stage.owner.query<{ count: string }>(
    `select count(*) from app.checkouts where account_id = $1 and status in ('reserved', 'open')`,
    [accountId]
  )
  if (Number(rows[0]?.count) > 1) throw new Error(`${accountId} has two purchases open at once.`)
  const said = `${wish.plan} per ${wish.interval} at ${wish.processor}: ${answers.map(({ status }) => status).join(', ')}`
  return random() < 0.15 ? `${said}, and leaves` : `${said}, ${await payOpenCheckout(actor)}`
}

async function payOpenCheckout({ accountId, stage, random, call }: Actor): Promise<string> {
  const checkout = await openCheckoutOf(stage.owner, accountId)
  if (checkout === null) return 'finds no page'
  const { control } = stage.twin.dialect(checkout.processor)
  const card = pick(random, ['good', 'good', 'good', 'good', 'declined', 'declined_later'] as const)
  const isPaid = control.pay(checkout.processorCheckoutId, card)
  // The return page is not seen by everybody.
  if (random() < 0.5) return `${card} card, ${isPaid ? 'paid' : 'declined'}`
  const { status } = await call('GET', `/api/billing/checkout/${checkout.id}`)
  return `${card} card, ${isPaid ? 'paid' : 'declined'}, return page ${status}`
}

async function makeChatbots({ call, random }: Actor): Promise<string> {
  const count = 1 + Math.floor(random() * 4)
  const answers = await Promise.all(Array.from({ length: count }, (_, place) => call('POST', '/api/chatbots', { name: `Bot ${place}` })))
  return answers.map(({ status }) => status).join(', ')
}

async function deleteChatbot({ accountId, stage, call, random }: Actor): Promise<string> {
  const { rows } = await stage.owner.query<{ id: string }>('select id from app.chatbots where account_id = $1 order by created_at, id', [accountId])
  if (rows.length === 0) return 'has none'
  const { status } = await call('DELETE', `/api/chatbots/${pick(random, rows).id}`)
  return String(status)
}

async function useMessages({ accountId, stage, random }: Actor): Promise<string> {
  const amount = 1 + Math.floor(random() * 900)
  const { rows } = await stage.owner.query<{ allowed: boolean; used: string; quota: string | null }>(
    `select allowed, used, quota from api.check_and_increment_usage($1, 'messages', $2)`,
    [accountId, amount]
  )
  const decision = rows[0]
  if (decision === undefined) throw new Error('No decision came.')
  if (decision.allowed && decision.quota !== null && Number(decision.used) > Number(decision.quota)) {
    throw new Error(`${accountId} was granted ${amount} messages beyond its quota: ${decision.used} of ${decision.quota}.`)
  }
  return `${amount} ${decision.allowed ? 'granted' : 'refused'}`
}

async function tell(actor: Actor, method: 'POST' | 'DELETE', path: string, body?: object): Promise<string> {
  const { status, body: answer } = await actor.call(method, path, body)
  const code = typeof answer === 'object' && answer !== null && 'code' in answer ? ` ${String(answer.code)}` : ''
  return `${body === undefined ? '' : `${Object.values(body).join(' ')}: `}${status}${code}`
}
