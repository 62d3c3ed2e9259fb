import { EVENT_RANK } from '../../../server/src/billing/billing-event.ts'
import { HOUR_MS, MINUTE_MS } from './calendar.ts'
import { amountOf } from './facts.ts'
import { advance, becomeActive, becomePastDue, type Dialect, type Life, otherPlan, stop } from './life.ts'
import {
  razorpayCharge,
  razorpayFailed,
  razorpayPaymentId,
  razorpayReversal,
  type RazorpayReversal,
  razorpayState
} from './razorpay-wire.ts'

type StateEvent = Parameters<typeof razorpayState>[1]['event']

function tell({ held, dice, events }: Life, event: StateEvent, atMs: number): void {
  events.push(razorpayState(held, { event, atMs, eventId: dice.id('evt_') }))
}

function charge({ held, dice, events, payments }: Life, atMs: number): void {
  const eventId = dice.id('evt_')
  const amountMinor = amountOf(held)
  events.push(razorpayCharge(held, { event: 'paid', atMs, eventId, amountMinor }))
  payments.push({ paymentId: razorpayPaymentId(eventId), intentId: '', amountMinor, atMs })
}

/** razorpayLife: a period begins when it was charged for, and the charge alone tells it; no event announces an end. */
export const razorpayLife: Dialect = {
  begin(life, atMs) {
    life.held.status = 'incomplete'
    tell(life, 'checkout', atMs)
    becomeActive(life)
    tell(life, 'created', atMs)
    charge(life, atMs)
  },
  renew(life, atMs) {
    advance(life.held)
    charge(life, atMs + 5 * MINUTE_MS)
  },
  fail(life, atMs) {
    const { held, dice, events } = life
    events.push(razorpayFailed(held, { atMs, eventId: dice.id('evt_') }))
    becomePastDue(life, atMs)
    tell(life, 'past_due', atMs)
  },
  recover(life, atMs) {
    advance(life.held)
    becomeActive(life)
    charge(life, atMs)
  },
  giveUp: (life, atMs) => razorpayLife.end(life, atMs),
  change(life, atMs) {
    life.held.plan = otherPlan(life)
    tell(life, 'updated', atMs)
  },
  edit: (life, atMs) => tell(life, 'updated', atMs),
  planEnd: () => undefined,
  pause(life, atMs) {
    stop(life, 'paused')
    tell(life, 'paused', atMs)
  },
  resume(life, atMs) {
    becomeActive(life)
    tell(life, 'resumed', atMs)
  },
  end(life, atMs) {
    stop(life, 'canceled')
    tell(life, 'canceled', atMs)
  },
  reverse({ held, dice, events }, payment, atMs) {
    const reversal = (at: number, told: Omit<RazorpayReversal, 'amountMinor'>, amountMinor = payment.amountMinor): void => {
      events.push(razorpayReversal(held, payment, { ...told, amountMinor }, at))
    }
    const laterMs = atMs + dice.between(1, 60) * HOUR_MS
    if (dice.chance(0.4)) {
      const dispute = { id: dice.id('disp_'), kind: 'dispute' } as const
      reversal(atMs, {
        ...dispute,
        type: 'payment.dispute.created',
        rank: EVENT_RANK.created,
        status: 'open',
        standing: 'reversed'
      })
      const status = dice.pick(['won', 'lost', 'open'])
      const standing = status === 'won' ? 'restored' : 'reversed'
      if (status !== 'open')
        reversal(laterMs, { ...dispute, type: `payment.dispute.${status}`, rank: EVENT_RANK.ended, status, standing })
      return
    }
    const refund = { id: dice.id('rfnd_'), kind: 'refund' } as const
    const amountMinor = dice.chance(0.3) ? Math.floor(payment.amountMinor / 2) : payment.amountMinor
    reversal(
      atMs,
      { ...refund, type: 'refund.created', rank: EVENT_RANK.created, status: 'pending', standing: 'pending' },
      amountMinor
    )
    const isFailed = dice.chance(0.2)
    const [type, status, standing] = isFailed
      ? (['refund.failed', 'failed', 'restored'] as const)
      : (['refund.processed', 'processed', 'reversed'] as const)
    reversal(laterMs, { ...refund, type, rank: EVENT_RANK.updated, status, standing }, amountMinor)
  },
  notice({ held, dice, events }, atMs) {
    events.push(razorpayFailed(held, { atMs, eventId: dice.id('evt_') }))
  }
}
