import { HOUR_MS, SECOND_MS } from './calendar.ts'
import { amountOf, type Payment } from './facts.ts'
import { advance, becomeActive, becomePastDue, beginAnew, type Dialect, type Life, otherPlan, stop } from './life.ts'
import { type PaddleAdjustment, paddleAdjustment } from './paddle-adjustment.ts'
import { paddleCheckout, paddleFailed, paddlePayment, paddlePaymentId, paddleState } from './paddle-wire.ts'

type StateEvent = Parameters<typeof paddleState>[1]['event']

function tell({ held, dice, events }: Life, event: StateEvent, atMs: number): void {
  events.push(paddleState(held, { event, atMs, eventId: dice.id('evt_') }))
}

function pay(
  { held, dice, events, payments }: Life,
  atMs: number,
  options: { amountMinor?: number; isOpening?: boolean } = {}
): void {
  const eventId = dice.id('evt_')
  const { amountMinor = amountOf(held), isOpening = true } = options
  events.push(paddlePayment(held, { event: 'paid', atMs, eventId, amountMinor, isOpening }))
  if (isOpening) payments.push({ paymentId: paddlePaymentId(eventId), intentId: '', amountMinor, atMs })
}

/** paddleLife: its clock is fine, and a renewal is told by its subscription before the money has come. */
export const paddleLife: Dialect = {
  begin(life, atMs) {
    const { held, dice, events } = life
    becomeActive(life)
    events.push(paddleCheckout(held, { atMs: atMs + 900, eventId: dice.id('evt_') }))
    tell(life, 'created', atMs + 1_234)
    pay(life, atMs + 2_345)
  },
  renew(life, atMs) {
    advance(life.held)
    tell(life, 'updated', atMs + 217)
    pay(life, atMs + 9 * SECOND_MS + 401)
  },
  fail(life, atMs) {
    const { held, dice, events } = life
    advance(held)
    tell(life, 'updated', atMs + 217)
    events.push(paddleFailed(held, { atMs: atMs + 8 * SECOND_MS, eventId: dice.id('evt_') }))
    const failedMs = atMs + 9 * SECOND_MS
    becomePastDue(life, failedMs)
    tell(life, 'past_due', failedMs)
  },
  recover(life, atMs) {
    pay(life, atMs + 133)
    becomeActive(life)
    if (life.dice.chance(0.7)) tell(life, 'updated', atMs + 150)
  },
  giveUp(life, atMs) {
    if (life.dice.chance(0.5)) return paddleLife.end(life, atMs)
    stop(life, 'paused')
    tell(life, 'paused', atMs + 77)
  },
  change(life, atMs) {
    life.held.plan = otherPlan(life)
    tell(life, 'updated', atMs + 11)
    if (life.dice.chance(0.5)) pay(life, atMs + 2_011, { amountMinor: 500, isOpening: false })
  },
  edit: (life, atMs) => tell(life, 'updated', atMs + 3),
  planEnd(life, atMs) {
    const { held } = life
    held.cancelsAtMs = held.cancelsAtMs === null ? held.period.endMs : null
    tell(life, 'updated', atMs + 5)
  },
  pause(life, atMs) {
    stop(life, 'paused')
    tell(life, 'paused', atMs + 5)
  },
  resume(life, atMs) {
    beginAnew(life.held, atMs)
    becomeActive(life)
    tell(life, 'resumed', atMs + 5)
    pay(life, atMs + 1_005)
  },
  end(life, atMs) {
    stop(life, 'canceled')
    tell(life, 'canceled', atMs + 41)
  },
  reverse({ held, dice, events }, payment: Payment, atMs) {
    const { amountMinor: all } = payment
    const adjust = (at: number, adjustment: PaddleAdjustment): void => {
      events.push(paddleAdjustment(held, payment, adjustment, { atMs: at, eventId: dice.id('evt_') }))
    }
    const laterMs = atMs + dice.between(1, 60) * HOUR_MS
    if (dice.chance(0.4)) {
      adjust(atMs, {
        id: dice.id('adj_'),
        action: 'chargeback',
        status: 'approved',
        isCreation: true,
        standing: 'reversed',
        amountMinor: all
      })
      if (dice.chance(0.5)) {
        adjust(laterMs, {
          id: dice.id('adj_'),
          action: 'chargeback_reverse',
          status: 'approved',
          isCreation: true,
          standing: 'restored',
          amountMinor: all
        })
      }
      return
    }
    const refund = { id: dice.id('adj_'), action: 'refund', amountMinor: dice.chance(0.3) ? Math.floor(all / 2) : all } as const
    adjust(atMs, { ...refund, status: 'pending_approval', isCreation: true, standing: 'pending' })
    const isRejected = dice.chance(0.25)
    const standing = isRejected ? 'restored' : 'reversed'
    adjust(laterMs, { ...refund, status: isRejected ? 'rejected' : 'approved', isCreation: false, standing })
  },
  notice({ held, dice, events }, atMs) {
    events.push(paddleFailed(held, { atMs: atMs + 400, eventId: dice.id('evt_') }))
  }
}
