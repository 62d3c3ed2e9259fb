import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import type { BillingEvent } from '../../src/billing/billing-event.ts'
import type { Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../src/billing/processor.ts'
import type { Arguments, Database, Row } from '../../src/db/database.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { performOperations } from '../../src/jobs/perform-operations.ts'
import { watchSilence } from '../../src/jobs/watch-silence.ts'

const PAUSED: BillingEvent = {
  processor: 'paddle',
  eventId: 'fetch:sub_1:2026-02-02T09:30:00.000Z',
  eventType: 'fetched',
  kind: 'state',
  occurredAt: '2026-02-02T09:30:00.000Z',
  rank: 2,
  accountId: 'org_parley',
  customerId: 'ctm_1',
  subscriptionId: 'sub_1',
  status: 'paused',
  payment: null,
  items: [],
  cancelsAt: null,
  trialEndsAt: null,
  amountMinor: null,
  currency: null,
  paymentId: null,
  objectIds: [],
  reversalId: null,
  reversalStatus: null
}
const RECORDED: Row = { outcome: 'processed', account_id: 'org_parley', subscription_id: 'sub_1', tie: false, linked: false, last_error: null }
// The other subscription of the account, beside which sub_1 is the second.
const OTHER: Row = {
  plan: 'growth', plan_name: 'Growth', status: 'active', processor: 'stripe', subscription_id: 'sub_other', customer_id: null,
  subscribed_plan: 'growth', billing_interval: 'month', amount_minor: 7900, currency: 'USD', price_version: 1, newest_version: 1,
  newest_amount_minor: 7900, period_start: null, period_end: null, trial_ends_at: null, cancels_at: null, grace_ends_at: null,
  suspended_by: null, suspended_kind: null, change_plan: null, change_interval: null, change_direction: null, change_at: null,
  operation: null, operation_status: null, checkout_id: null, checkout_url: null, checkout_plan: null, closed_at: null
}

function operation(number: number, reason = 'owner', kind = 'pause'): Row {
  const facts = { processor: 'paddle', subscription_id: 'sub_1', price_id: null, attempts: 1, first_sent_at: null }
  return { account_id: 'org_parley', operation_id: `op_${number}`, kind, reason, ...facts }
}

/** databaseWith answers each function from its list, then with its last answer; `calls` are those that were made. */
function databaseWith(answers: Record<string, Row[][]>): Database & { calls: [string, Arguments][] } {
  const calls: [string, Arguments][] = []
  return {
    calls,
    rpc(name, args) {
      calls.push([name, args])
      return Promise.resolve(answers[name]?.shift() ?? LATER[name] ?? [])
    },
    close: () => Promise.resolve()
  }
}
const LATER: Record<string, Row[]> = { record_billing_event: [RECORDED], settle_operation: [{ status: 'done' }], read_subscription: [OTHER] }

/** asked is a processor whose every change ends in `answer`. */
function asked(answer: () => Promise<BillingEvent>): Processor[] {
  const never = (): Promise<never> => Promise.reject(new Error('not asked for here'))
  const changes = { changePlan: answer, undoPlanChange: answer, cancel: answer, resume: answer, pause: answer, fetchSubscription: answer }
  const api: ProcessorApi = {
    ...changes,
    createCheckout: never,
    fetchCheckout: never,
    expireCheckout: never,
    previewChange: never,
    portal: never,
    listInvoices: never,
    invoiceDocument: never,
    listSince: never
  }
  const source = { verify: () => ({ valid: false, reason: 'never asked' }) as const, normalise: never as () => never }
  return [{ name: 'paddle', ...source, api }, { name: 'stripe', ...source, api }]
}

function partsWith(answers: Record<string, Row[][]>, answer = (): Promise<BillingEvent> => Promise.resolve(PAUSED)) {
  const lines: { level: number; msg: string }[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  return { db: databaseWith(answers), processors: asked(answer), metrics, log, retryWebhooksSoon: () => undefined, lines }
}

const ERROR = 50

test('no more operations are claimed at once than can be asked for within their lease, and all are asked for', async () => {
  const parts = partsWith({ claim_operations: [[1, 2, 3, 4].map((number) => operation(number)), [operation(5)]] })
  await performOperations(parts)
  const claims = parts.db.calls.filter(([name]) => name === 'claim_operations').map(([, args]) => args['p_limit'])
  expect(claims).toEqual([4, 4])
  expect(parts.db.calls.filter(([name]) => name === 'settle_operation').map(([, args]) => args['p_operation_id'])).toEqual(['op_1', 'op_2', 'op_3', 'op_4', 'op_5'])
})

test.each([
  ['done', () => Promise.resolve(PAUSED)],
  ['refused', () => Promise.reject(new ProcessorRefusal('declined', 'No.'))],
  ['unknown', () => Promise.reject(new AnswerUnknown('silence'))]
] as const)('what becomes of an operation is counted: %s', async (outcome, answer) => {
  const parts = partsWith({ claim_operations: [[operation(1)]] }, answer)
  await performOperations(parts)
  expect(await parts.metrics.registry.metrics()).toContain(`operations_total{kind="pause",outcome="${outcome}"} 1`)
})

test('the end of a second subscription asks a human, as an error, to refund what was paid for it; another end does not', async () => {
  const parts = partsWith({ claim_operations: [[operation(1, 'duplicate', 'cancel_now')]] })
  await performOperations(parts)
  const errors = parts.lines.filter(({ level }) => level >= ERROR)
  expect(errors).toMatchObject([{ msg: expect.stringContaining('refund what was paid for it by hand'), accountId: 'org_parley', subscriptionId: 'sub_1' }])

  const owner = partsWith({ claim_operations: [[operation(2, 'owner', 'cancel_now')]] })
  await performOperations(owner)
  expect(owner.lines.filter(({ level }) => level >= ERROR)).toEqual([])
})

test('a kept cancellation that came too late is told as an error that names account and change, and nothing is asked for', async () => {
  const missed = { account_id: 'org_parley', operation_id: null, kind: 'missed', plan_change_id: 'change_1' }
  const due = { account_id: 'org_other', operation_id: 'op_1', kind: 'cancel_at_period_end', plan_change_id: 'change_2' }
  const parts = partsWith({ queue_due_changes: [[missed, due]] })
  await performOperations(parts)
  expect(parts.lines.filter(({ level }) => level >= ERROR).map(({ msg }) => msg)).toEqual([
    'the cancellation change_1 of org_parley came too late: the renewal was charged, and it ends with the new period; refund by hand if the customer asks'
  ])
})

test('a processor that has subscriptions and never sent anything is told of in these words', async () => {
  const silent = { deliveries: 0, failed: 0, dead: 0, normal_gap_seconds: 3600, silent: true, last_event_at: null }
  for (const gap_seconds of [null, 7200]) {
    const parts = partsWith({ read_processor_health: [[{ processor: 'razorpay', gap_seconds, ...silent }]] })
    await watchSilence(parts)
    expect(parts.lines.map(({ msg }) => msg)).toEqual([
      'razorpay has never sent anything, although it has subscriptions: look whether its webhook is set up and switched on'
    ])
    expect(await parts.metrics.registry.metrics()).toContain('webhook_silent{processor="razorpay"} 1')
  }
})
