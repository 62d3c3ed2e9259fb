import { describe, expect, test } from '@jest/globals'
import type { SubscriptionBody } from '../../../server/src/contract/subscription.ts'
import { formatMoney } from '../../src/lib/format.ts'
import { nextInvoice, planFacts, priceText } from '../../src/kit/plan-facts.ts'

const usd = (amountMinor: number) => ({ amountMinor, currency: 'USD' })
const PERIOD_END = '2026-12-20T00:00:00.000Z'
const TRIAL_END = '2026-12-04T00:00:00.000Z'

const plan = (id: string, name: string, month: number | null) => ({
  plan: id,
  name,
  quotas: [],
  prices: { month: month === null ? null : { ...usd(month), version: 1 }, year: month === null ? null : { ...usd(month * 10), version: 1 } },
  yearlySavingPercent: null,
  trialDays: 0,
  current: false,
  direction: null
})
const PLANS = [plan('free', 'Free', null), plan('starter', 'Starter', 1900), plan('growth', 'Growth', 7900)]

const growth = (change: Partial<SubscriptionBody> = {}): SubscriptionBody => ({
  plan: 'growth', planName: 'Growth', status: 'active', processor: 'stripe', subscriptionId: 'sub_1', subscribedPlan: 'growth',
  interval: 'month', price: usd(7900), newestPrice: null, periodStart: '2026-11-20T00:00:00.000Z', periodEnd: PERIOD_END,
  trialEndsAt: null, cancelsAt: null, graceEndsAt: null, suspendedBy: null, change: null, operation: null, checkout: null,
  overLimit: [], closedAt: null,
  ...change
})
const none = (): SubscriptionBody =>
  growth({
    plan: 'free', planName: 'Free', status: 'none', processor: null, subscriptionId: null, subscribedPlan: null, interval: null,
    price: null, periodStart: null, periodEnd: null
  })
const change = (to: string) => ({ plan: to, interval: 'month' as const, direction: 'downgrade' as const, effectiveAt: PERIOD_END })
const sentences = (subscription: SubscriptionBody) =>
  planFacts(subscription, PLANS).map(({ before, instant, after }) => `${before}${instant ?? ''}${after}`)

describe('the plan card tells what comes next', () => {
  test('a running plan renews', () => expect(sentences(growth())).toEqual([`Renews on ${PERIOD_END}.`]))

  test('no subscription has nothing to come', () => expect(sentences(none())).toEqual([]))

  test('a trial names its end and the price after it', () =>
    expect(sentences(growth({ status: 'trialing', trialEndsAt: TRIAL_END }))).toEqual([
      `Free trial until ${TRIAL_END}, then ${formatMoney(usd(7900))} per month.`
    ]))

  test('a planned cancellation says when it ends, does not renew, and can be taken back', () => {
    const subscription = growth({ cancelsAt: PERIOD_END })
    expect(sentences(subscription)).toEqual([`Canceled. Growth ends on ${PERIOD_END}.`])
    expect(planFacts(subscription, PLANS)[0]?.undo).toBe('cancellation')
  })

  test('a scheduled change takes the place of the renewal, and can be undone', () => {
    const subscription = growth({ change: change('starter') })
    expect(sentences(subscription)).toEqual([
      `Changes to Starter on ${PERIOD_END}. Until then nothing can be added that it does not hold.`
    ])
    expect(planFacts(subscription, PLANS)[0]?.undo).toBe('change')
  })

  test('an overdue payment says until when the plan stays, and after that which plan is missing', () => {
    expect(sentences(growth({ status: 'past_due', graceEndsAt: TRIAL_END }))).toEqual([
      `A payment is overdue. Growth stays in force until ${TRIAL_END}.`
    ])
    // The server tells when the grace ended also once it has.
    for (const graceEndsAt of [null, TRIAL_END]) {
      expect(sentences(growth({ status: 'past_due', plan: 'free', planName: 'Free', graceEndsAt }))).toEqual([
        'A payment for Growth is overdue; it is back as soon as it is paid.'
      ])
    }
  })

  test('a price that new customers do not pay is told', () =>
    expect(sentences(growth({ newestPrice: usd(8900) }))).toContain(
      `New customers pay ${formatMoney(usd(8900))} per month; yours stays ${formatMoney(usd(7900))}.`
    ))

  test('a plan that is not sold any more is called by its id', () =>
    expect(sentences(growth({ cancelsAt: PERIOD_END, subscribedPlan: 'legacy' }))).toEqual([`Canceled. legacy ends on ${PERIOD_END}.`]))
})

describe('the next invoice', () => {
  test('is the price at the renewal', () => expect(nextInvoice(growth(), PLANS)).toEqual({ total: usd(7900), at: PERIOD_END }))

  test('comes at the end of a trial', () =>
    expect(nextInvoice(growth({ status: 'trialing', trialEndsAt: TRIAL_END }), PLANS)?.at).toBe(TRIAL_END))

  test('is that of the plan it changes to', () =>
    expect(nextInvoice(growth({ change: change('starter') }), PLANS)?.total).toMatchObject(usd(1900)))

  test.each([
    ['after a change to free', growth({ change: change('free') })],
    ['after a cancellation', growth({ cancelsAt: PERIOD_END })],
    ['without a subscription', none()],
    ['while paused', growth({ status: 'paused' })],
    ['while a payment is overdue', growth({ status: 'past_due' })],
    ['while suspended', growth({ suspendedBy: 'refund' })]
  ])('is none %s', (_when, subscription) => expect(nextInvoice(subscription, PLANS)).toBeNull())
})

test('the price is that of the plan in force, not of one that was canceled or is overdue', () => {
  expect(priceText(growth())).toBe(`${formatMoney(usd(7900))} per month`)
  expect(priceText(none())).toBe('Free of charge')
  expect(priceText(growth({ status: 'canceled', plan: 'free', planName: 'Free' }))).toBe('Free of charge')
  expect(priceText(growth({ status: 'past_due', plan: 'free', planName: 'Free' }))).toBe('Free of charge')
})
