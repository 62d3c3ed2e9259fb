import { EVENT_RANK } from '../../../server/src/billing/billing-event.ts'
import { DAY_MS, HOUR_MS, SECOND_MS } from './calendar.ts'
import { amountOf, type Payment } from './facts.ts'
import { advance, becomeActive, becomePastDue, beginAnew, type Dialect, type Life, otherPlan, stop } from './life.ts'
import { stripeCustomerDeleted, stripeIgnored, stripeReversal, stripeSettled, type StripeReversal } from './stripe-objects.ts'
import { stripeCheckout, stripePayment, stripePaymentId, stripeState } from './stripe-wire.ts'

type StateEvent = Parameters<typeof stripeState>[1]['event']

function tell(
  { held, dice, events }: Life,
  event: StateEvent,
  atMs: number,
  options: { isUnpaid?: boolean; eventId?: string } = {}
): void {
  events.push(stripeState(held, { event, atMs, eventId: dice.id('evt_'), ...options }))
}

function pay(life: Life, atMs: number, options: { amountMinor?: number; isOpening?: boolean; isFirst?: boolean } = {}): void {
  const { held, dice, events, payments } = life
  const eventId = dice.id('evt_')
  const { amountMinor = amountOf(held), isOpening = true, isFirst = false } = options
  events.push(stripePayment(held, { event: 'paid', atMs, eventId, amountMinor, isOpening, isFirst }))
  if (!isOpening || amountMinor === 0) return
  const payment: Payment = { paymentId: stripePaymentId(eventId), intentId: dice.id('pi_'), amountMinor, atMs }
  payments.push(payment)
  if (dice.chance(0.3)) settle(life, payment)
}

function settle({ held, dice, events }: Life, payment: Payment): void {
  events.push(stripeSettled(held, payment, { atMs: payment.atMs, eventId: dice.id('evt_') }))
}

/** stripeLife: seconds are all Stripe's clock has, so that several events of a moment differ in their rank alone. */
export const stripeLife: Dialect = {
  begin(life, atMs) {
    const { held, dice, events } = life
    const checkout = stripeCheckout(held, { atMs: atMs + 2 * SECOND_MS, eventId: dice.id('evt_') })
    if (dice.chance(0.1)) {
      held.trialEndsAtMs = atMs + 14 * DAY_MS
      held.status = 'trialing'
      held.period = { startMs: atMs, endMs: held.trialEndsAtMs }
      life.isOpened = true
      tell(life, 'created', atMs)
      pay(life, atMs, { amountMinor: 0, isFirst: true })
      events.push(checkout)
      return
    }
    held.status = 'incomplete'
    tell(life, 'created', atMs)
    if (dice.chance(0.05)) {
      const eventId = dice.id('evt_')
      events.push(
        stripePayment(held, {
          event: 'payment_failed',
          atMs,
          eventId,
          amountMinor: amountOf(held),
          isOpening: true,
          isFirst: true
        })
      )
      if (!held.isNamed) events.push(checkout)
      if (dice.chance(0.5)) stripeLife.end(life, atMs + 23 * HOUR_MS)
      return
    }
    pay(life, atMs, { isFirst: true })
    becomeActive(life)
    tell(life, 'updated', atMs)
    events.push(checkout)
  },
  renew(life, atMs) {
    const { held } = life
    if (held.status === 'trialing') beginAnew(held, held.period.endMs)
    else advance(held)
    becomeActive(life)
    tell(life, 'updated', atMs)
    pay(life, atMs + HOUR_MS)
  },
  fail(life, atMs) {
    const { held, dice, events } = life
    if (held.status === 'trialing') beginAnew(held, held.period.endMs)
    else advance(held)
    becomeActive(life)
    tell(life, 'updated', atMs)
    const failedMs = atMs + HOUR_MS
    events.push(
      stripePayment(held, {
        event: 'payment_failed',
        atMs: failedMs,
        eventId: dice.id('evt_'),
        amountMinor: amountOf(held),
        isOpening: true
      })
    )
    becomePastDue(life, failedMs)
    // Sometimes the invoice is all that tells it.
    if (dice.chance(0.7)) tell(life, 'updated', failedMs)
  },
  recover(life, atMs) {
    pay(life, atMs)
    becomeActive(life)
    if (life.dice.chance(0.7)) tell(life, 'updated', atMs)
  },
  giveUp(life, atMs) {
    if (life.dice.chance(0.5)) return stripeLife.end(life, atMs)
    stop(life, 'paused')
    tell(life, 'updated', atMs, { isUnpaid: true })
  },
  change(life, atMs) {
    const { held, dice } = life
    const [first = dice.id('evt_'), second = dice.id('evt_')] = [dice.id('evt_'), dice.id('evt_')].sort()
    if (dice.chance(0.2)) {
      // Two changes within a second: nothing but their ids orders them.
      held.plan = otherPlan(life)
      tell(life, 'updated', atMs, { eventId: first })
    }
    held.plan = otherPlan(life)
    tell(life, 'updated', atMs, { eventId: second })
    if (dice.chance(0.5)) pay(life, atMs, { amountMinor: 500, isOpening: false })
  },
  edit: (life, atMs) => tell(life, 'updated', atMs),
  planEnd(life, atMs) {
    const { held } = life
    held.cancelsAtMs = held.cancelsAtMs === null ? held.period.endMs : null
    tell(life, 'updated', atMs)
  },
  pause(life, atMs) {
    stop(life, 'paused')
    tell(life, 'paused', atMs)
  },
  resume(life, atMs) {
    beginAnew(life.held, atMs)
    becomeActive(life)
    tell(life, 'resumed', atMs)
    pay(life, atMs)
  },
  end(life, atMs) {
    const { held, dice, events } = life
    const isCustomerGone = dice.chance(0.1)
    if (isCustomerGone) events.push(stripeCustomerDeleted(held, { atMs, eventId: dice.id('evt_') }))
    // What the end overtakes within its second, and sometimes after it.
    if (dice.chance(0.2)) tell(life, 'updated', atMs)
    stop(life, 'canceled')
    if (!isCustomerGone || dice.chance(0.5)) tell(life, 'canceled', atMs + (isCustomerGone ? SECOND_MS : 0))
  },
  reverse(life, payment, atMs) {
    const { held, dice, events } = life
    settle(life, payment)
    const reversal = (at: number, told: Omit<StripeReversal, 'amountMinor'>, amountMinor = payment.amountMinor): void => {
      events.push(stripeReversal(held, payment, { ...told, amountMinor }, { atMs: at, eventId: dice.id('evt_') }))
    }
    const laterMs = atMs + dice.between(1, 60) * HOUR_MS
    if (dice.chance(0.4)) {
      const dispute = { id: dice.id('dp_'), kind: 'dispute' } as const
      reversal(atMs, {
        ...dispute,
        type: 'charge.dispute.created',
        rank: EVENT_RANK.created,
        status: 'needs_response',
        standing: 'reversed'
      })
      const status = dice.pick(['won', 'lost', 'open'])
      const standing = status === 'won' ? 'restored' : 'reversed'
      if (status !== 'open')
        reversal(laterMs, { ...dispute, type: 'charge.dispute.closed', rank: EVENT_RANK.ended, status, standing })
      return
    }
    const refund = { id: dice.id('re_'), kind: 'refund' } as const
    const amountMinor = dice.chance(0.3) ? Math.floor(payment.amountMinor / 2) : payment.amountMinor
    reversal(
      atMs,
      { ...refund, type: 'refund.created', rank: EVENT_RANK.created, status: 'pending', standing: 'pending' },
      amountMinor
    )
    const isFailed = dice.chance(0.2)
    reversal(
      laterMs,
      { ...refund, type: 'refund.updated', rank: EVENT_RANK.updated, status: 'succeeded', standing: 'reversed' },
      amountMinor
    )
    if (isFailed)
      reversal(
        laterMs + HOUR_MS,
        { ...refund, type: 'refund.failed', rank: EVENT_RANK.updated, status: 'failed', standing: 'restored' },
        amountMinor
      )
  },
  notice({ held, dice, events }, atMs) {
    events.push(stripeIgnored(held, { atMs, eventId: dice.id('evt_') }))
  }
}
