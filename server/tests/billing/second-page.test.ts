import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { beginCheckout, type CheckoutParts } from '../../src/billing/checkouts.ts'
import type { Checkout, Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import type { Arguments, Row } from '../../src/db/database.ts'

const SLOT: Row = {
  outcome: 'reserved',
  checkout_id: 'co_1',
  processor: 'paddle',
  plan: 'starter',
  billing_interval: 'month',
  price_id: 'pri_starter_monthly',
  trial_days: 0,
  price_trial_days: 0,
  customer_id: null,
  processor_checkout_id: null,
  url: null,
  expires_at: '2026-02-02T10:30:00Z'
}
const MADE: Checkout = { id: 'txn_second', status: 'open', url: 'https://pay.example/second', subscriptionId: null, customerId: null }

/** begin buys at a processor whose page is made too late: `opened` is the page that the slot has by then. */
async function begin(opened: Row, expire: (id: string) => Promise<Checkout>) {
  const calls: [string, Arguments][] = []
  const expired: string[] = []
  const lines: string[] = []
  const answers: Record<string, Row[]> = { reserve_checkout: [SLOT], open_checkout: [opened], settle_checkout: [{ status: 'expired' }] }
  const never = (): Promise<never> => Promise.reject(new Error('not asked for here'))
  const api: ProcessorApi = {
    createCheckout: () => Promise.resolve(MADE),
    expireCheckout: (id) => {
      expired.push(id)
      return expire(id)
    },
    fetchCheckout: never,
    previewChange: never,
    changePlan: never,
    undoPlanChange: never,
    cancel: never,
    resume: never,
    pause: never,
    portal: never,
    listInvoices: never,
    invoiceDocument: never,
    fetchSubscription: never,
    listSince: never
  }
  const processor: Processor = {
    name: 'paddle',
    verify: () => ({ valid: false, reason: 'never asked' }),
    normalise: () => {
      throw new Error('not asked for here')
    },
    api
  }
  const parts: CheckoutParts = {
    db: {
      rpc(name, args) {
        calls.push([name, args])
        return Promise.resolve(answers[name] ?? [])
      },
      close: () => Promise.resolve()
    },
    processors: [processor],
    log: pino({ level: 'trace' }, { write: (line) => void lines.push(line) }),
    nowMs: () => Date.parse('2026-02-02T09:50:00Z'),
    origin: 'https://parley.test',
    retryWebhooksSoon: () => undefined
  }
  const begun = await beginCheckout(parts, { accountId: 'org_parley', processor: 'paddle', plan: 'starter', interval: 'month' })
  return { begun, expired, log: lines.join(''), settled: calls.filter(([name]) => name === 'settle_checkout') }
}

const FIRST: Row = { status: 'open', processor_checkout_id: 'txn_first', url: 'https://pay.example/first' }
const closed = (id: string): Promise<Checkout> => Promise.resolve({ ...MADE, id, status: 'expired', url: null })

test('a page made beside another one is closed, and the buyer goes to the first, which stays', async () => {
  const { begun, expired, log, settled } = await begin(FIRST, closed)
  expect(begun).toMatchObject({ outcome: 'open', url: 'https://pay.example/first' })
  expect(expired).toEqual(['txn_second'])
  // The slot is that of the first page.
  expect(settled).toEqual([])
  expect(log).toBe('')
})

test('a second page that cannot be closed is logged, and keeps nobody from the first', async () => {
  const { begun, log } = await begin(FIRST, () => Promise.reject(new AnswerUnknown('busy')))
  expect(begun).toMatchObject({ outcome: 'open', url: 'https://pay.example/first' })
  expect(log).toContain('a second page of a purchase is not closed')
})

test('the only page of a slot is not closed', async () => {
  const { begun, expired } = await begin({ status: 'open', processor_checkout_id: MADE.id, url: MADE.url ?? '' }, closed)
  expect(begun).toMatchObject({ outcome: 'open', url: MADE.url })
  expect(expired).toEqual([])
})

test('a page made for a slot that is over is closed, and leads nobody anywhere', async () => {
  const { begun, expired } = await begin({ status: 'expired', processor_checkout_id: null, url: null }, closed)
  expect(begun).toEqual({ outcome: 'replaced' })
  expect(expired).toEqual(['txn_second'])
})
