import type { TwinSubscription } from '../../../scripts/twin/dialect.ts'
import type { BillingEvent, ProcessorName } from '../../src/billing/billing-event.ts'
import type { Told } from './twin-ledger.ts'
import type { TwinShop } from './twin-shop.ts'

/** ACCOUNT is who lives the lives. */
export const ACCOUNT = 'org_orders'

/**
 * Alone names what alone carries a fact, so that its loss shows until the processor is asked: to which fields even that
 * answers nothing. The reason is beside each field that stays.
 */
export type Alone = Partial<Record<ProcessorName, Record<string, readonly string[]>>>

/**
 * Deed is one step of a life: what happens at the processor, and how that is called. `forgets` are the fields that the
 * hourly comparison changes though all was told.
 */
export type Deed = {
  what: string
  run(shop: TwinShop, subscriptionId: string): Promise<void> | void
  alone?: Alone
  forgets?: Partial<Record<ProcessorName, readonly string[]>>
}

/** Life is a subscription from its purchase on; `begins` is RFC 3339. */
export type Life = { name: string; begins: string; buys: { plan: string; trialDays?: number }; alone: Alone; deeds: Deed[] }

/** Step is a deed that was done: all that was said of it, how the twin stood afterwards, and what it answers when asked then. */
export type Step = Omit<Deed, 'run'> & { atMs: number; told: Told[]; truth: TwinSubscription[]; fetched: BillingEvent }

const CHARGED = { razorpay: { 'subscription.charged': [] } }
// No answer and no event of Razorpay's tells that a cancellation is planned: Parley keeps the change it asked for.
const PLANNED_END = ['subscriptions.cancels_at']

/** LIVES: the first begins on a month's last day, which is the hardest anchor to keep; the second with a trial. */
export const LIVES: Life[] = [
  {
    name: 'a subscription begun on 31 January',
    begins: '2026-01-31T10:00:00Z',
    buys: { plan: 'starter' },
    alone: {},
    deeds: [
      { what: 'a renewal at the end of February', run: (shop) => shop.pass('2026-03-01T12:00:00Z'), alone: CHARGED },
      {
        what: 'the renewals of March and April',
        run: (shop) => shop.pass('2026-05-01T12:00:00Z'),
        // Of a renewal long past Razorpay's present state tells nothing: its window is not written down, which decides nothing.
        alone: { razorpay: { 'subscription.charged': ['windows'], 'subscription.charged 2': [] } }
      },
      {
        what: 'a renewal that fails',
        run(shop, id) {
          shop.control.setCard(id, 'declined_later')
          shop.pass('2026-05-31T12:00:00Z')
        },
        // Since when it is past due the state does not tell: the grace counts from when Parley learns of it.
        alone: { razorpay: { 'subscription.pending': ['accounts.plan_ends_at', 'subscriptions.past_due_since'] } }
      },
      { what: 'its recovery with another card', run: (shop, id) => shop.control.setCard(id, 'good') },
      {
        what: 'a renewal that fails and recovers',
        run(shop, id) {
          shop.control.setCard(id, 'declined_later')
          shop.pass('2026-07-01T12:00:00Z')
          shop.control.setCard(id, 'good')
        }
      },
      {
        what: 'a plan change at the renewal',
        async run(shop, id) {
          shop.pass('2026-07-30T06:00:00Z')
          const change = { subscriptionId: id, priceId: shop.price('growth'), when: 'period_end' as const }
          await shop.ask('changePlan', (api) => api.changePlan(change, 'change'))
          shop.pass('2026-08-01T12:00:00Z')
        }
      },
      { what: 'a refund of a part', run: (shop, id) => void shop.control.refund(id, 100) },
      {
        what: 'a dispute that is won',
        run(shop, id) {
          const dispute = shop.control.dispute(id)
          shop.pass('2026-08-11T12:00:00Z')
          shop.control.closeDispute(dispute, 'won')
        },
        alone: { razorpay: { 'payment.dispute.won': [] } }
      },
      {
        what: 'a cancellation at the end of the period',
        run: (shop, id) => shop.ask('cancel', (api) => api.cancel({ subscriptionId: id, when: 'period_end' }, 'cancel')),
        alone: { razorpay: { 'answer: cancel': PLANNED_END } },
        forgets: { razorpay: PLANNED_END }
      },
      {
        what: 'the end',
        run: (shop) => shop.pass('2026-09-02T12:00:00Z'),
        alone: { stripe: { 'customer.subscription.deleted': [] }, razorpay: { 'subscription.cancelled': [] } }
      }
    ]
  },
  {
    name: 'a subscription begun with a trial',
    begins: '2026-01-17T10:00:00Z',
    buys: { plan: 'growth', trialDays: 14 },
    alone: { stripe: { 'customer.subscription.created': [] }, razorpay: { 'subscription.authenticated': [] } },
    deeds: [
      { what: 'the end of the trial', run: (shop) => shop.pass('2026-02-01T12:00:00Z') },
      { what: 'a renewal after the trial', run: (shop) => shop.pass('2026-03-02T12:00:00Z'), alone: CHARGED },
      { what: 'a refund in full', run: (shop, id) => void shop.control.refund(id) },
      {
        what: 'the renewal after a refund',
        run: (shop) => shop.pass('2026-04-02T12:00:00Z'),
        // Which payment the running period was paid with is told by the payment alone.
        alone: {
          stripe: { 'invoice.paid': [] },
          paddle: { 'transaction.completed': [] },
          razorpay: { 'subscription.charged': [] }
        }
      },
      {
        what: 'a dispute that is lost',
        run(shop, id) {
          const dispute = shop.control.dispute(id)
          shop.pass('2026-04-12T12:00:00Z')
          shop.control.closeDispute(dispute, 'lost')
        },
        alone: { paddle: { 'adjustment.created': [] } }
      },
      {
        what: 'a change of plan from outside',
        run: (shop, id) => shop.control.changePrice(id, shop.price('starter')),
        alone: {
          stripe: { 'customer.subscription.updated': [] },
          paddle: { 'subscription.updated': [] },
          razorpay: { 'subscription.updated': [] }
        }
      },
      {
        what: 'an end at once',
        run: (shop, id) => shop.ask('cancel', (api) => api.cancel({ subscriptionId: id, when: 'now' }, 'cancel'))
      }
    ]
  }
]

/** live lets the twin live the whole life, and stands still at the end of each step. */
export async function* live(shop: TwinShop, life: Life): AsyncGenerator<Step> {
  const subscriptionId = await shop.buy(ACCOUNT, life.buys)
  yield await done(shop, subscriptionId, { what: 'the first purchase', alone: life.alone })
  for (const { run, ...deed } of life.deeds) {
    // Nothing of two steps happens in one second.
    shop.pass(new Date(shop.nowMs() + 60_000).toISOString())
    await run(shop, subscriptionId)
    yield await done(shop, subscriptionId, deed)
  }
}

/** together is what was said in several steps as one set; how the twin stands is as of the last. Throws without any. */
export function together(what: string, steps: readonly Step[]): Step {
  const last = steps.at(-1)
  if (last === undefined) throw new Error('There is no step.')
  const told = numbered(steps.flatMap((step) => step.told))
  return { ...last, what, told, alone: {} }
}

async function done(shop: TwinShop, subscriptionId: string, deed: Omit<Deed, 'run'>): Promise<Step> {
  // Whoever asks how it stands asks a moment later than it happened.
  shop.pass(new Date(shop.nowMs() + 2000).toISOString())
  const fetched = await shop.api.fetchSubscription(subscriptionId)
  return { ...deed, atMs: shop.nowMs(), told: numbered(shop.told()), truth: shop.truth(), fetched }
}

function numbered(told: readonly Told[]): Told[] {
  return told.map((one, place) => {
    const before = told.slice(0, place).filter(({ name }) => name === one.name).length
    return before === 0 ? one : { ...one, name: `${one.name} ${before + 1}` }
  })
}
