import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { deliver, inBatches, missingOne, permutations, STORIES, type Step, tell } from './renewal-story.ts'

/** START is how the subscription began: on a month's last day, which is the hardest anchor to keep. */
const START: Step[] = [
  { event: 'checkout', at: '2026-01-31T10:00:05Z', period: 'first' },
  { event: 'created', at: '2026-01-31T10:00:05Z', period: 'first' },
  { event: 'paid', at: '2026-01-31T10:00:06Z', period: 'first' }
]

const RENEWED: Step = { event: 'renewed', at: '2026-02-28T10:00:01Z', period: 'second' }
const RENEWAL: Step[] = [RENEWED, { event: 'paid', at: '2026-02-28T11:00:04Z', period: 'second' }]

/** FAILED is told within one second, as Stripe does; RECOVERED is the money of a second attempt. */
const FAILED: Step[] = [
  RENEWED,
  { event: 'payment_failed', at: '2026-02-28T11:00:00Z', period: 'second' },
  { event: 'past_due', at: '2026-02-28T11:00:00Z', period: 'second' }
]
const RECOVERED: Step[] = [
  { event: 'paid', at: '2026-03-03T09:00:00Z', period: 'second' },
  { event: 'updated', at: '2026-03-03T09:00:00Z', period: 'second' }
]

const FIRST = new Date('2026-01-31T10:00:00Z')
const SECOND = new Date('2026-02-28T10:00:00Z')
const THIRD = new Date('2026-03-31T10:00:00Z')

const active = {
  plan: 'starter',
  plan_ends_at: null,
  anchor: THIRD,
  counts_from: SECOND,
  window_start: SECOND,
  window_end: THIRD,
  status: 'active',
  subscribed: 'starter',
  period_start: SECOND,
  period_end: THIRD,
  cancels_at: null,
  past_due_since: null,
  in_force: true,
  windows: [FIRST, SECOND],
  rows: 1
}
const pastDue = {
  ...active,
  status: 'past_due',
  past_due_since: new Date('2026-02-28T11:00:00Z'),
  plan_ends_at: new Date('2026-03-07T11:00:00Z')
}

describe.each(transports)('over %s', (transport) => {
  let db: Database
  let owner: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database)
    await standAt('2026-03-10T00:00:00Z')
  })

  const standAt = (time: string): Promise<unknown> => owner.query('update app.environment set clock_offset = $1::timestamptz - now()', [time])

  /** stateOf is all that events decide; `origin` is which of them it rests on, by their place in the story. */
  async function stateOf(accountId: string): Promise<{ state: unknown; origin: unknown }> {
    const { rows } = await owner.query<{ state: unknown; origin: unknown }>(
      `select a.plan, a.plan_ends_at, a.anchor, a.counts_from, w.window_start, w.window_end, s.status, s.plan as subscribed,
              s.period_start, s.period_end, s.cancels_at, s.past_due_since, s.in_force,
              (select array_agg(o.window_start order by o.window_start) from app.windows o where o.account_id = a.account_id) as windows,
              (select count(*)::int from app.processor_subscriptions o where o.account_id = a.account_id) as rows,
              jsonb_build_array(s.as_of, s.as_of_rank, split_part(s.as_of_event_id, '_', 2), s.price_id,
                (select jsonb_agg(split_part(o.opened_by, '_', 2) order by o.window_start)
                   from app.windows o where o.account_id = a.account_id)) as origin
         from app.accounts a
         join app.processor_subscriptions s using (account_id)
         cross join lateral app.window_at(a.anchor, app.clock()) w
        where a.account_id = $1`,
      [accountId]
    )
    const [row] = rows.map(({ origin, ...state }) => ({ state, origin }))
    return row ?? { state: null, origin: null }
  }

  describe.each(STORIES)('$name', (story) => {
    const sets = [
      { what: 'a start and a renewal', before: [], steps: [...START, ...RENEWAL], expected: active, needed: [] },
      { what: 'a failed renewal that recovers', before: START, steps: [...FAILED, ...RECOVERED], expected: active, needed: [] },
      // Paddle tells a failure by subscription.past_due alone: without it nothing was told.
      { what: 'a failed renewal', before: START, steps: FAILED, expected: pastDue, needed: story.processor === 'paddle' ? ['past_due'] : [] }
    ]
    const accountOf = (what: string, run: number): string => `${story.key} ${what} ${run}`.replaceAll(/\W/g, '-')

    test.each(sets)('every order of $what, each event twice, ends in the same state', async ({ what, before, steps, expected }) => {
      const inOrder = accountOf(`${what} in order`, 0)
      await deliver(db, story, [...tell(story, inOrder, before), ...tell(story, inOrder, steps)])
      const { origin } = await stateOf(inOrder)

      await inBatches(permutations(steps.map((_, place) => place)), async (order, run) => {
        const accountId = accountOf(what, run)
        const told = tell(story, accountId, steps)
        const places = run % 2 === 0 ? order.flatMap((place) => [place, place]) : [...order, ...order]
        await deliver(db, story, [...tell(story, accountId, before), ...places.flatMap((place) => told[place] ?? [])])
        expect({ places, ...(await stateOf(accountId)) }).toEqual({ places, state: expected, origin })
      })
      expect(await brokenInvariants(owner)).toEqual([])
    }, 120_000)

    test.each(sets)('every order of $what with any one of them missing ends in that state too', async ({ what, before, steps, expected, needed }) => {
      const expendable = steps.flatMap(({ event }, place) => (needed.some((one) => one === event) ? [] : [place]))
      const orders = missingOne(steps.map((_, place) => place), expendable).flatMap(permutations)
      await inBatches(orders, async (order, run) => {
        const accountId = accountOf(`${what} missing`, run)
        const told = tell(story, accountId, steps)
        await deliver(db, story, [...tell(story, accountId, before), ...order.flatMap((place) => told[place] ?? [])])
        expect({ order, state: (await stateOf(accountId)).state }).toEqual({ order, state: expected })
      })
      expect(await brokenInvariants(owner)).toEqual([])
    }, 120_000)

    test.each([
      { what: 'a renewal', steps: RENEWAL },
      { what: 'a failed renewal that recovers', steps: [...FAILED, ...RECOVERED] }
    ])('usage before, between and after the events of $what is all there afterwards, in its own window', async ({ what, steps }) => {
      const all = steps.map((_, place) => place)
      const orders = [...permutations(all), ...missingOne(all, all).flatMap(permutations)]
      const accountIds = orders.map((_, run) => accountOf(`${what} used`, run))
      const charge = (accountId: string, amount: number): ReturnType<typeof checkAndIncrementUsage> =>
        checkAndIncrementUsage(db, { accountId, metric: 'messages', amount })

      await standAt('2026-02-20T00:00:00Z')
      await inBatches(accountIds, async (accountId) => {
        await deliver(db, story, tell(story, accountId, START))
        expect(await charge(accountId, 50)).toMatchObject({ allowed: true, used: 50 })
      })
      await standAt('2026-03-10T00:00:00Z')

      await inBatches(orders, async (order, run) => {
        const accountId = accountIds[run] ?? ''
        const told = tell(story, accountId, steps)
        let used = 0
        for (const [turn, place] of [...order, ...order].entries()) {
          used += turn + 1
          expect({ order, turn, ...(await charge(accountId, turn + 1)) }).toMatchObject({ order, turn, allowed: true, used })
          await deliver(db, story, told.slice(place, place + 1))
        }
        expect(await charge(accountId, 1)).toMatchObject({ allowed: true, used: used + 1, resetsAt: '2026-03-31T10:00:00+00:00' })
        const { rows } = await owner.query('select window_start, used::int from app.counters where account_id = $1 order by 1', [accountId])
        expect({ order, rows }).toEqual({
          order,
          rows: [
            { window_start: FIRST, used: 50 },
            { window_start: SECOND, used: used + 1 }
          ]
        })
      })
      expect(await brokenInvariants(owner)).toEqual([])
    }, 120_000)
  })
})
