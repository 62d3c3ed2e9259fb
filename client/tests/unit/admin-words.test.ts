import { expect, test } from '@jest/globals'
import { inboxStatusSchema } from '../../../server/src/contract/inbox-status.ts'
import { type ReconciliationRun } from '../../../server/src/contract/admin.ts'
import { EVENT_STATUSES, isUnderWay, refusalOf } from '../../src/features/admin/event-words.ts'
import { formatPayload } from '../../src/features/admin/format-payload.ts'
import { lastReconciled } from '../../src/features/admin/reconciled-times.ts'

const NOW = Date.parse('2026-11-21T12:00:00.000Z')

const run = (over: Partial<ReconciliationRun>): ReconciliationRun => ({
  runId: '00000000-0000-4000-8000-000000000000',
  processor: 'stripe',
  since: '2026-11-20T00:00:00.000Z',
  dryRun: false,
  status: 'done',
  entries: 1,
  drifts: 0,
  corrections: 0,
  lastError: null,
  startedAt: '2026-11-21T10:00:00.000Z',
  finishedAt: '2026-11-21T10:01:00.000Z',
  ...over
})

test('every status of the contract can be filtered by', () => {
  expect([...EVENT_STATUSES].toSorted()).toEqual([...inboxStatusSchema.options].toSorted())
})

test('failed and dead deliveries can be replayed and discarded, a discarded one only replayed, others neither', () => {
  const allowed = (act: 'replay' | 'discard') => inboxStatusSchema.options.filter((status) => refusalOf(act, status) === null)
  expect(allowed('replay')).toEqual(['failed', 'dead', 'discarded'])
  expect(allowed('discard')).toEqual(['failed', 'dead'])
})

test('a delivery that was replayed is watched even where the clock of the database is ahead', () => {
  const nextAttemptAt = new Date(Date.now() + 86_400_000).toISOString()
  expect(isUnderWay({ status: 'failed', attempts: 0, nextAttemptAt })).toBe(true)
  expect(isUnderWay({ status: 'failed', attempts: 1, nextAttemptAt })).toBe(false)
})

test('what nothing happens to any more is not watched', () => {
  for (const status of ['processed', 'ignored', 'dead', 'discarded'] as const) {
    expect(isUnderWay({ status, attempts: 0, nextAttemptAt: null })).toBe(false)
  }
})

test('neither a dry run nor one that failed or still runs counts as reconciled', () => {
  const runs = [
    run({ dryRun: true, finishedAt: '2026-11-21T11:59:00.000Z' }),
    run({ status: 'failed', finishedAt: '2026-11-21T11:58:00.000Z' }),
    run({ status: 'running', finishedAt: null }),
    run({ finishedAt: '2026-11-21T09:00:00.000Z' }),
    run({ processor: 'paddle', dryRun: true })
  ]
  expect(lastReconciled(runs, NOW)).toEqual([
    { processor: 'paddle', finishedAt: null, isLate: true },
    { processor: 'stripe', finishedAt: '2026-11-21T09:00:00.000Z', isLate: false }
  ])
})

test('a processor is late when 26 hours have gone by', () => {
  const at = (hours: number) => [run({ finishedAt: new Date(NOW - hours * 3_600_000).toISOString() })]
  expect(lastReconciled(at(25), NOW)[0]?.isLate).toBe(false)
  expect(lastReconciled(at(27), NOW)[0]?.isLate).toBe(true)
})

test('a payload that is no JSON is left as it came', () => {
  expect(formatPayload('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(formatPayload('a=1&b=2')).toBeNull()
})
