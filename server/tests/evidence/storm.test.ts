import { describe, expect, test } from '@jest/globals'
import { storm } from '../../../scripts/evidence/storm.ts'
import { DAY_MS, periodOf } from '../../../scripts/evidence/storm/calendar.ts'
import { keyOf } from '../../../scripts/evidence/storm/facts.ts'
import { idealStorm } from '../../../scripts/evidence/storm/ideal.ts'
import { judge, type Storm } from '../../../scripts/evidence/storm/judge.ts'
import { planDeliveries } from '../../../scripts/evidence/storm/plan.ts'
import { anchorOf, referenceOf, windowAt } from '../../../scripts/evidence/storm/reference-account.ts'
import { createWorld, type World } from '../../../scripts/evidence/storm/world.ts'

const GUARANTEES = [
  'every delivery answered with 2xx is in the inbox',
  'an event is one row of the inbox, however often it comes',
  'a good delivery is answered with 2xx or 503, within 4 s',
  'nothing is left failed, dead or waiting',
  'each event has one set of effects, and they say what it says',
  'a period opens once, by the first event that tells it',
  'each subscription is as the reference model has it',
  'each account is as the reference model has it',
  'webhooks leave the ledger and its counters alone',
  'all invariants of the database hold (api.check_invariants)'
]

test('a short storm leaves everything as the model has it', async () => {
  const checks = await storm({ seed: '1', short: true, progress: () => undefined })
  expect(checks.map(({ guarantee }) => guarantee)).toEqual(GUARANTEES)
  expect(checks.flatMap(({ violations }) => violations)).toEqual([])
}, 120_000)

describe('the world', () => {
  test.each(['1', '2', '3'])('ends at its processors as the model computes it from events in any order (seed %s)', (seed) => {
    const { events, lives } = createWorld(seed, 4_000)
    const { subscriptions } = referenceOf(events.toReversed())
    expect(subscriptions.size).toBe(lives.length)
    for (const { held, isOpened, pastDueSinceMs } of lives) {
      expect(subscriptions.get(`${held.processor} ${held.subscriptionId}`)).toMatchObject({
        accountId: held.accountId,
        status: held.status,
        plan: held.plan,
        period: isOpened ? held.period : null,
        cancelsAtMs: held.cancelsAtMs,
        pastDueSinceMs
      })
    }
  })

  test('is the same for the same seed, to the byte', () => {
    const bytes = ({ events }: World) => events.map((event) => event.body())
    expect(bytes(createWorld('4', 500))).toEqual(bytes(createWorld('4', 500)))
    expect(bytes(createWorld('4', 500))).not.toEqual(bytes(createWorld('5', 500)))
  })

  test('is delivered in exactly the dose', () => {
    const dose = { deliveries: 5_000, events: 3_000, reordered: 0.2, lost: 0.05, servers: 2 }
    const { events } = createWorld('1', dose.events)
    const deliveries = planDeliveries(events, dose, '1')
    expect(deliveries).toHaveLength(5_000)
    expect(new Set(deliveries.map(({ event }) => keyOf(event))).size).toBe(3_000)
    expect(deliveries.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(2_000)
    expect(deliveries.filter(({ isMoved }) => isMoved)).toHaveLength(1_000)
    expect(deliveries.filter(({ loss }) => loss !== null)).toHaveLength(250)
    const latest = deliveries.reduce(
      (late, { event }, place) => Math.max(late, (deliveries[place - 1]?.event.atMs ?? 0) - event.atMs),
      0
    )
    expect(latest).toBeGreaterThan(DAY_MS)
  })

  test('computes bounds from the anchor', () => {
    const anchorMs = Date.parse('2026-01-31T10:00:00Z')
    const period = (processor: string, place: number) => periodOf({ processor, anchorMs, interval: 'month' }, place)
    expect(period('stripe', 1)).toEqual({
      startMs: Date.parse('2026-02-28T10:00:00Z'),
      endMs: Date.parse('2026-03-31T10:00:00Z')
    })
    expect(period('razorpay', 0)).toEqual({ startMs: anchorMs, endMs: Date.parse('2026-02-27T18:30:00Z') })
    expect(anchorOf('stripe', period('stripe', 1))).toBe(Date.parse('2026-03-31T10:00:00Z'))
    expect(anchorOf('razorpay', period('razorpay', 0))).toBe(Date.parse('2026-01-30T18:30:00Z'))
    expect(windowAt(anchorMs, 0, Date.parse('2026-03-01T00:00:00Z'))).toEqual(period('stripe', 1))
  })
})

describe('the judge', () => {
  test('finds nothing wrong with what is right', () => {
    expect(faulted(perfect())).toEqual([])
  })

  test('misses an acknowledged delivery', () => {
    const ideal = perfect()
    ideal.seen.inbox.delete(keyOf(first(ideal.events)))
    expect(faulted(ideal)).toEqual([GUARANTEES[0]])
  })

  test('sees an event that nobody acknowledged', () => {
    const ideal = perfect()
    ideal.sent.acknowledged.delete(keyOf(first(ideal.events)))
    expect(faulted(ideal)).toEqual([GUARANTEES[0]])
  })

  test('sees an id that is there twice, one that is not of this world, and a count of deliveries that cannot be', () => {
    const twice = perfect()
    twice.seen.doubled.push('evt_twice')
    expect(faulted(twice)).toEqual([GUARANTEES[1]])
    const stranger = perfect()
    stranger.seen.inbox.set('stripe evt_stranger', { status: 'processed', deliveries: 1, waited: false, lastError: null })
    expect(faulted(stranger)).toEqual([GUARANTEES[1]])
    const miscounted = perfect()
    Object.assign(miscounted.seen.inbox.get(keyOf(first(miscounted.events))) ?? {}, { deliveries: 2 })
    expect(faulted(miscounted)).toEqual([GUARANTEES[1]])
  })

  test('sees an acknowledgement of 4.1 s, a refusal, and a delivery without an answer', () => {
    const slow = perfect()
    slow.sent.ackMs.push(4_100)
    expect(faulted(slow)).toEqual([GUARANTEES[2]])
    const refused = perfect()
    refused.sent.refusals.push({ event: 'stripe evt_refused', status: 401 })
    expect(faulted(refused)).toEqual([GUARANTEES[2]])
    const unanswered = perfect()
    unanswered.sent.unanswered.push('stripe evt_unanswered: socket hang up')
    expect(faulted(unanswered)).toEqual([GUARANTEES[2]])
  })

  test('sees an event that is left failed', () => {
    const ideal = perfect()
    Object.assign(ideal.seen.inbox.get(keyOf(first(ideal.events))) ?? {}, {
      status: 'failed',
      lastError: 'PY413 no account is known yet'
    })
    expect(faulted(ideal)).toEqual([GUARANTEES[3]])
  })

  test('sees an effect that is there twice, lacking, of nobody, or other than what was said', () => {
    const twice = perfect()
    twice.seen.effects.push({ ...first(twice.seen.effects) })
    expect(faulted(twice)).toEqual([GUARANTEES[4]])
    const lacking = perfect()
    lacking.seen.effects.pop()
    expect(faulted(lacking)).toEqual([GUARANTEES[4]])
    const nobodys = perfect()
    nobodys.seen.effects.push({ key: 'stripe evt_stranger', says: 'something' })
    expect(faulted(nobodys)).toEqual([GUARANTEES[4]])
    const other = perfect()
    first(other.seen.effects).says += ' more'
    expect(faulted(other)).toEqual([GUARANTEES[4]])
    const revived = perfect()
    revived.seen.tombstones.pop()
    expect(faulted(revived)).toEqual([GUARANTEES[4]])
  })

  test('sees a window that opened twice, and one opened by another event', () => {
    const twice = perfect()
    twice.seen.windows.push({ ...first(twice.seen.windows), window_start: 1 })
    expect(faulted(twice)).toEqual([GUARANTEES[5]])
    const other = perfect()
    first(other.seen.windows).opened_by = 'evt_other'
    expect(faulted(other)).toEqual([GUARANTEES[5]])
  })

  test.each([
    ['status', 'incomplete'],
    ['plan', 'free'],
    ['period_start', 1],
    ['cancels_at', 1],
    ['past_due_since', 1],
    ['suspended_by', 'nobody'],
    ['as_of_event_id', 'evt_other'],
    ['account_id', 'user_other']
  ])('sees a subscription whose %s is another', (fact, value) => {
    const ideal = perfect()
    Object.assign(first(ideal.seen.subscriptions), { [fact]: value })
    expect(faulted(ideal)).toEqual([GUARANTEES[6]])
  })

  test.each([
    ['granted_plan', 'other'],
    ['plan', 'other'],
    ['status', 'none'],
    ['plan_ends_at', 1],
    ['anchor', 1],
    ['counts_from', 1],
    ['window_start', 1],
    ['closed_at', 1]
  ])('sees an account whose %s is another', (fact, value) => {
    const ideal = perfect()
    Object.assign(first(ideal.seen.accounts), { [fact]: value })
    expect(faulted(ideal)).toEqual([GUARANTEES[7]])
  })

  test('sees a ledger that was touched, and an invariant that is broken', () => {
    const touched = perfect()
    touched.seen.ledger.after = 'other'
    expect(faulted(touched)).toEqual([GUARANTEES[8]])
    const broken = perfect()
    broken.seen.invariants.push({ name: 'a counter is the sum of its ledger', violations: 1, example: 'one' })
    expect(faulted(broken)).toEqual([GUARANTEES[9]])
  })
})

function faulted(given: Storm): string[] {
  return judge(given)
    .filter(({ violationCount }) => violationCount > 0)
    .map(({ guarantee }) => guarantee)
}

const world = createWorld('1', 1_500)

function perfect(): Storm {
  return idealStorm(world)
}

function first<Entry>(entries: readonly Entry[]): Entry {
  const [entry] = entries
  if (entry === undefined) throw new Error('there is none')
  return entry
}
