import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import type { Decision } from '../../src/db/decision.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { beyondQuota, brokenInvariants } from '../support/invariants.ts'

const FIRST = '2026-10-15T00:00:00Z'
const SECOND = '2026-11-15T00:00:00Z'
const THIRD = '2026-12-15T00:00:00Z'

/** Move is what one caller does: charge that much, give the charge of that number back, or tell of a change. */
type Move = { charge: number } | { giveBack: number } | { change: 'renewal' | 'upgrade' | 'downgrade' }

const CHARGES = 24

/** moves is one interleaving: all charges, give-backs of half of them, and the changes, in an order drawn from the seed. */
function moves(changes: ('renewal' | 'upgrade' | 'downgrade')[]): fc.Arbitrary<Move[]> {
  return fc
    .array(fc.integer({ min: 1, max: 400 }), { minLength: CHARGES, maxLength: CHARGES })
    .chain((amounts) => {
      const all: Move[] = [
        ...amounts.map((charge) => ({ charge })),
        ...Array.from({ length: CHARGES / 2 }, (_, giveBack) => ({ giveBack })),
        ...changes.map((change) => ({ change }))
      ]
      return fc.shuffledSubarray(all, { minLength: all.length })
    })
}

describe.each(transports)('charges and give-backs at once with changes of the plan, over %s', (transport) => {
  let db: Database
  let owner: Client
  let watcher: Client
  let run = 0

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    watcher = await database.connect()
    // Beyond the start of the second period, so that the renewal's window is open to whoever knows of it.
    await owner.query(`update app.environment set clock_offset = '2026-11-20T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  const tell = (accountId: string, eventId: string, occurredAt: string, plan: string, start: string, end: string, status = 'active') =>
    recordBillingEvent(
      db,
      billingEvent({ accountId, eventId: `${eventId}_${accountId}`, occurredAt, status, subscriptionId: `sub_${accountId}`, ...on(plan, start, end) })
    )
  const CHANGES = {
    renewal: (accountId: string) => tell(accountId, 'evt_renewal', SECOND, 'starter', SECOND, THIRD),
    upgrade: (accountId: string) => tell(accountId, 'evt_upgrade', '2026-11-16T00:00:00Z', 'growth', SECOND, THIRD),
    downgrade: (accountId: string) => tell(accountId, 'evt_downgrade', '2026-11-17T00:00:00Z', 'starter', SECOND, THIRD, 'canceled')
  }

  /** play does all moves at once and answers every decision; the numbers of charges make their request ids. */
  function play(accountId: string, all: Move[]): Promise<(Decision & { move: Move })[]> {
    let number = -1
    const decisions = all.map(async (move): Promise<(Decision & { move: Move })[]> => {
      if ('change' in move) {
        expect(await CHANGES[move.change](accountId)).toMatchObject({ lastError: null })
        return []
      }
      if ('charge' in move) {
        number += 1
        const requestId = `charge_${number}`
        return [{ move, ...(await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: move.charge, requestId })) }]
      }
      return [{ move, ...(await decrementUsage(db, { accountId, metric: 'messages', amount: 1 })) }]
    })
    return Promise.all(decisions).then((each) => each.flat())
  }

  /** watched reads the database again and again while `work` runs, and answers what it found wrong. */
  async function watched(work: Promise<unknown>, neverDowngraded: string[]): Promise<string[]> {
    const found: string[] = []
    const state = { running: true }
    const done = work.finally(() => {
      state.running = false
    })
    while (state.running) {
      found.push(...(await beyondQuota(watcher, neverDowngraded)), ...(await brokenInvariants(watcher)))
    }
    await done
    return found
  }

  async function totals(accountId: string): Promise<unknown> {
    const { rows } = await owner.query(
      `select sum(used)::int as used, min(used)::int >= 0 as never_below_zero, count(*)::int <= 2 as in_known_windows
       from app.counters where account_id = $1 and metric = 'messages'`,
      [accountId]
    )
    return rows[0]
  }

  async function ledger(accountId: string): Promise<number> {
    const { rows } = await owner.query<{ sum: string | null }>('select sum(amount) from app.usage_events where account_id = $1', [accountId])
    return Number(rows[0]?.sum ?? 0)
  }

  test.each([
    { what: 'a renewal', changes: ['renewal'] as const, falls: false },
    { what: 'an upgrade', changes: ['upgrade'] as const, falls: false },
    { what: 'a renewal and an upgrade', changes: ['renewal', 'upgrade'] as const, falls: false },
    { what: 'a downgrade', changes: ['downgrade'] as const, falls: true },
    { what: 'a renewal, an upgrade and a downgrade', changes: ['renewal', 'upgrade', 'downgrade'] as const, falls: true }
  ])('with $what: nobody is granted beyond the plan of the moment, and every read adds up', async ({ changes, falls }) => {
    await fc.assert(
      fc.asyncProperty(moves([...changes]), async (all) => {
        const accountId = `stress_${(run += 1)}`
        await tell(accountId, 'evt_start', FIRST, 'starter', FIRST, SECOND)
        const playing = play(accountId, all)
        expect(await watched(playing, falls ? [] : [accountId])).toEqual([])

        for (const decision of await playing) {
          expect(decision.used).toBeGreaterThanOrEqual(0)
          const within = decision.used <= (decision.quota ?? Infinity)
          if (!falls || (decision.allowed && 'charge' in decision.move)) expect({ ...decision, within }).toMatchObject({ within: true })
        }
        expect(await totals(accountId)).toEqual({ used: await ledger(accountId), never_below_zero: true, in_known_windows: true })
        const { rows } = await owner.query<{ plan: string }>('select plan from app.accounts where account_id = $1', [accountId])
        expect(rows).toEqual([{ plan: falls ? 'free' : changes.some((one) => one === 'upgrade') ? 'growth' : 'starter' }])
        if (!falls) expect(await beyondQuota(owner, [accountId])).toEqual([])
      }),
      { seed: 20261121, numRuns: 20 }
    )
  }, 120_000)
})
