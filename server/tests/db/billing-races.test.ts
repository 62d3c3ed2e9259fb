import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { beginPlanChange } from '../../src/db/functions/begin-plan-change.ts'
import { beginPlanChangeUndo } from '../../src/db/functions/begin-plan-change-undo.ts'
import { claimOperations } from '../../src/db/functions/claim-operations.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { keepChatbots } from '../../src/db/functions/keep-chatbots.ts'
import { queueDueChanges } from '../../src/db/functions/queue-due-changes.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { reserveCheckout } from '../../src/db/functions/reserve-checkout.ts'
import { settleOperation } from '../../src/db/functions/settle-operation.ts'
import { billingEvent } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const START = '2026-11-01T00:00:00Z'
const END = '2026-12-01T00:00:00Z'
const STARTER_CHATBOTS = 3

describe.each(transports)('what owners ask for at once, over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client
  let events = 0

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    // The events below are dated; the clock stands in their window.
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  /** event is what a processor says of an account's subscription; each is a second later than the one before. */
  const event = (accountId: string, priceId: string, status = 'active', end = END): ReturnType<typeof billingEvent> => {
    events += 1
    return billingEvent({
      accountId,
      processor: priceId.startsWith('pri_') ? 'paddle' : 'stripe',
      eventId: `evt_${String(events).padStart(6, '0')}`,
      occurredAt: new Date(Date.parse(START) + events * 1_000).toISOString(),
      status,
      customerId: `cus_${accountId}`,
      subscriptionId: `sub_${accountId}`,
      priceIds: [priceId],
      periodStarts: [START],
      periodEnds: [end]
    })
  }
  const subscribe = async (accountId: string, priceId = 'price_growth_monthly', end = END): Promise<void> => {
    const { outcome } = await recordBillingEvent(db, event(accountId, priceId, 'active', end))
    expect(outcome).toBe('processed')
  }
  const downgrade = (accountId: string): ReturnType<typeof beginPlanChange> =>
    beginPlanChange(db, { accountId, plan: 'starter', interval: 'month' })
  const createMany = async (accountId: string, count: number): Promise<number> => {
    const names = Array.from({ length: count }, (_, index) => `Bot ${index}`)
    const made = await Promise.all(names.map((name) => createChatbot(db, { accountId, name })))
    return made.filter((one) => one.allowed).length
  }
  const one = async <T>(text: string, values: unknown[]): Promise<T> => {
    const { rows } = await owner.query<{ value: T }>(text, values)
    const [row] = rows
    if (row === undefined) throw new Error(`no row: ${text}`)
    return row.value
  }
  /** known makes the account: one that is new would be waited for at its own row, and hide a lock that is missing. */
  const known = (accountId: string): Promise<unknown> => owner.query('select app.ensure_account($1)', [accountId])
  const chatbotsOf = (accountId: string): Promise<number> =>
    one('select count(*)::integer as value from app.chatbots where account_id = $1', [accountId])
  const operationsOf = (accountId: string): Promise<number> =>
    one('select count(*)::integer as value from app.processor_operations where account_id = $1', [accountId])
  const pendingPlanOf = (accountId: string): Promise<string | null> =>
    one('select pending_plan as value from app.accounts where account_id = $1', [accountId])
  const slotsOf = (accountId: string): Promise<string[]> =>
    one(`select coalesce(array_agg(status order by status), '{}') as value from app.checkouts where account_id = $1`, [accountId])
  const inTransaction = async (text: string, values: unknown[]): Promise<Client> => {
    const client = await database.connect()
    await client.query('begin')
    await client.query(text, values)
    return client
  }

  test('20 tabs that buy the same at once share one slot and one key', async () => {
    const accountId = 'tabs'
    await known(accountId)
    const slots = await Promise.all(
      Array.from({ length: 20 }, () => reserveCheckout(db, { accountId, processor: 'stripe', plan: 'growth', interval: 'month' }))
    )
    expect(slots.map((slot) => slot.outcome).toSorted()).toEqual([...Array<string>(19).fill('open'), 'reserved'])
    expect(new Set(slots.map((slot) => ('checkoutId' in slot ? slot.checkoutId : null))).size).toBe(1)
    expect(await slotsOf(accountId)).toEqual(['reserved'])
  })

  test('20 tabs that buy different things at once: one has the slot, the others are shown it', async () => {
    const accountId = 'different_tabs'
    await known(accountId)
    const plans = ['starter', 'growth', 'enterprise', 'starter']
    const slots = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        reserveCheckout(db, {
          accountId,
          processor: index % 2 === 0 ? 'stripe' : 'paddle',
          plan: plans[index % 4] ?? '',
          interval: 'month'
        })
      )
    )
    expect(slots.filter((slot) => slot.outcome === 'reserved')).toHaveLength(1)
    expect(new Set(slots.map((slot) => ('checkoutId' in slot ? slot.checkoutId : null))).size).toBe(1)
    expect(await slotsOf(accountId)).toEqual(['reserved'])
  })

  test('a purchase that is reserved while its subscription arrives never leaves a slot open beside it', async () => {
    for (let round = 0; round < 15; round += 1) {
      const accountId = `arrives_${round}`
      await known(accountId)
      const [slot] = await Promise.all([
        reserveCheckout(db, { accountId, processor: 'stripe', plan: 'growth', interval: 'month' }),
        recordBillingEvent(db, event(accountId, 'price_growth_monthly'))
      ])
      const left = slot.outcome === 'subscribed' ? ['subscribed', []] : ['reserved', ['complete']]
      expect([slot.outcome, await slotsOf(accountId)]).toEqual(left)
    }
  })

  test('the arrival of a subscription waits for a reservation in flight, and completes it; a reservation waits for an arrival', async () => {
    await known('in_flight')
    await known('in_flight_2')
    const reserving = await inTransaction(`select * from api.reserve_checkout($1, 'stripe', 'growth', 'month')`, ['in_flight'])
    const arrival = recordBillingEvent(db, event('in_flight', 'price_growth_monthly'))
    await untilBlocked(owner)
    await reserving.query('commit')
    expect(await arrival).toMatchObject({ outcome: 'processed' })
    expect(await slotsOf('in_flight')).toEqual(['complete'])

    const arriving = await inTransaction(
      `select * from api.record_billing_event($1, 'stripe', 'evt_flight', 't', 'state', $2, 2, null, 'sub_flight', 'active', null,
         array['price_growth_monthly'], array[$2::timestamptz], array[$3::timestamptz], null, null, null, '{}')`,
      ['in_flight_2', START, END]
    )
    const reservation = reserveCheckout(db, { accountId: 'in_flight_2', processor: 'paddle', plan: 'growth', interval: 'month' })
    await untilBlocked(owner)
    await arriving.query('commit')
    expect(await reservation).toMatchObject({ outcome: 'subscribed' })
    expect(await slotsOf('in_flight_2')).toEqual([])
  })

  test.each([0, 1])('a downgrade while chatbots are created is blocked, or the account fits the smaller plan (%s before)', async (before) => {
    for (let round = 0; round < 12; round += 1) {
      const accountId = `down_${before}_${round}`
      await subscribe(accountId, round % 2 === 0 ? 'price_growth_monthly' : 'pri_growth_monthly')
      expect(await createMany(accountId, before)).toBe(before)
      const [[change]] = await Promise.all([
        downgrade(accountId),
        createMany(accountId, 1 + (round % 4)),
        createMany(accountId, 2)
      ])
      const count = await chatbotsOf(accountId)
      if (change?.outcome === 'blocked') {
        expect([count > STARTER_CHATBOTS, await pendingPlanOf(accountId)]).toEqual([true, null])
      } else {
        expect(['started', 'scheduled']).toContain(change?.outcome)
        expect([count <= STARTER_CHATBOTS, await pendingPlanOf(accountId)]).toEqual([true, 'starter'])
        await createMany(accountId, 4)
        expect(await chatbotsOf(accountId)).toBe(STARTER_CHATBOTS)
      }
    }
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a downgrade waits for what is added in flight, and is blocked by it; what is added waits for a downgrade in flight, and is refused', async () => {
    await subscribe('adding')
    await createMany('adding', STARTER_CHATBOTS)
    const adding = await inTransaction(`select * from api.create_chatbot($1, 'One more')`, ['adding'])
    const waiting = downgrade('adding')
    await untilBlocked(owner)
    await adding.query('commit')
    expect(await waiting).toMatchObject([{ outcome: 'blocked', metric: 'chatbots', used: 4, quota: 3, excess: 1 }])

    await subscribe('leaving')
    await createMany('leaving', STARTER_CHATBOTS)
    const leaving = await inTransaction(`select * from api.begin_plan_change($1, 'starter', 'month')`, ['leaving'])
    const added = createChatbot(db, { accountId: 'leaving', name: 'One more' })
    await untilBlocked(owner)
    await leaving.query('commit')
    expect(await added).toMatchObject({ allowed: false, used: 3, quota: 3, plan: 'growth' })
  })

  test('a level that was never used is held, too: the first use waits for a downgrade in flight', async () => {
    await subscribe('never_used')
    await owner.query(`update app.plan_quotas set quota = 0 where plan = 'starter' and metric = 'seats'`)
    const leaving = await inTransaction(`select * from api.begin_plan_change($1, 'starter', 'month')`, ['never_used'])
    const first = checkSeats('never_used')
    await untilBlocked(owner)
    await leaving.query('commit')
    expect(await first).toEqual({ allowed: false, quota: '0' })
    await owner.query(`update app.plan_quotas set quota = 3 where plan = 'starter' and metric = 'seats'`)
  })

  async function checkSeats(accountId: string): Promise<unknown> {
    const client = await database.connect()
    const { rows } = await client.query(`select allowed, quota from api.check_and_increment_usage($1, 'seats')`, [accountId])
    return rows[0]
  }

  test('a downgrade and a batch that counts messages, then seats, take their locks in one order: neither is rolled back', async () => {
    await subscribe('ordered')
    const batch = await inTransaction(
      `select * from api.check_and_increment_usage_many(array[$1, $1], array['messages', 'seats'])`,
      ['ordered']
    )
    await batch.query('commit')
    await batch.query('begin')
    await batch.query(`select * from api.check_and_increment_usage($1, 'messages')`, ['ordered'])
    const other = await database.connect()
    const change = other.query(`select outcome from api.begin_plan_change($1, 'starter', 'month')`, ['ordered'])
    await untilBlocked(owner)
    const [counted, begun] = await Promise.allSettled([
      batch
        .query(`select allowed from api.check_and_increment_usage($1, 'seats')`, ['ordered'])
        .then(() => batch.query('commit')),
      change
    ])
    expect([counted.status, begun.status]).toEqual(['fulfilled', 'fulfilled'])
  })

  test('20 requests for one change with one id begin it once; without an id nothing is begun twice, either', async () => {
    await subscribe('same_id')
    const request = { accountId: 'same_id', plan: 'enterprise', interval: 'month', requestId: 'req_1' } as const
    const same = await Promise.all(Array.from({ length: 20 }, () => beginPlanChange(db, request)))
    expect(same.flat().map((row) => row.outcome).toSorted()).toEqual([...Array<string>(19).fill('replayed'), 'started'])
    expect(new Set(same.flat().map((row) => row.operationId)).size).toBe(1)

    await subscribe('no_id')
    const changes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        beginPlanChange(db, { accountId: 'no_id', plan: index % 2 === 0 ? 'enterprise' : 'starter', interval: 'month' })
      )
    )
    expect(changes.flat().filter((row) => row.outcome === 'started')).toHaveLength(1)
    expect(await operationsOf('no_id')).toBe(1)
  })

  test('an undo while the operation is settled: it is busy or begins, and the change ends in one way', async () => {
    for (let round = 0; round < 15; round += 1) {
      const accountId = `undo_${round}`
      await subscribe(accountId)
      const [change] = await downgrade(accountId)
      const told = round % 3 === 2 ? 'refused' : 'done'
      const operationId = change?.operationId ?? ''
      const [undo] = await Promise.all([
        beginPlanChangeUndo(db, { accountId }),
        settleOperation(db, { accountId, operationId, outcome: told })
      ])
      expect(undo.outcome === 'busy' || undo.outcome === (told === 'done' ? 'started' : 'nothing')).toBe(true)
      if (undo.outcome === 'started') {
        const again = await Promise.all([
          ...Array.from({ length: 4 }, () => beginPlanChangeUndo(db, { accountId })),
          settleOperation(db, { accountId, operationId: undo.operationId ?? '', outcome: 'done' })
        ])
        expect(again.every((row) => 'status' in row || row.outcome === 'busy' || row.outcome === 'nothing')).toBe(true)
      }
      const states = await one(
        `select array_agg(status) || array(
             select status from app.processor_operations where account_id = $1 and next_attempt_at is not null) as value
           from app.plan_changes where account_id = $1`,
        [accountId]
      )
      const expected = told === 'refused' ? 'failed' : undo.outcome === 'started' ? 'undone' : 'scheduled'
      expect(states).toEqual([expected])
      expect(await pendingPlanOf(accountId)).toBe(expected === 'scheduled' ? 'starter' : null)
    }
  })

  test('an operation that two workers settle differently at once has one end, which both are told', async () => {
    const accountId = 'settled'
    await subscribe(accountId)
    const [change] = await beginPlanChange(db, { accountId, plan: 'enterprise', interval: 'month' })
    const operationId = change?.operationId ?? ''
    const first = await inTransaction(`select * from api.settle_operation($1, $2, 'done')`, [accountId, operationId])
    const second = settleOperation(db, { accountId, operationId, outcome: 'refused', error: 'later' })
    await untilBlocked(owner)
    await first.query('commit')
    expect(await second).toEqual({ status: 'done' })
    expect(await one('select last_error as value from app.processor_operations where account_id = $1', [accountId])).toBeNull()
  })

  test('5 workers that queue and 10 that claim at once: each kept change is asked for once', async () => {
    const soon = '2026-11-10T03:00:00Z'
    const accountIds = Array.from({ length: 24 }, (_, index) => `kept_${index}`)
    for (const accountId of accountIds) {
      await subscribe(accountId, 'pri_growth_monthly', soon)
      expect(await downgrade(accountId)).toMatchObject([{ outcome: 'scheduled' }])
    }
    const queued = await Promise.all(Array.from({ length: 5 }, () => queueDueChanges(db, { limit: 100 })))
    queued.push(await queueDueChanges(db, { limit: 100 }))
    expect(queued.flat().map((row) => row.accountId).toSorted()).toEqual(accountIds.toSorted())

    const claimed = await Promise.all(Array.from({ length: 10 }, () => claimOperations(db, { limit: 4 })))
    claimed.push(await claimOperations(db, { limit: 100 }))
    const ids = claimed.flat().map((row) => row.operationId)
    expect(ids).toHaveLength(new Set(ids).size)
    expect(ids.toSorted()).toEqual(queued.flat().flatMap((row) => row.operationId ?? []).toSorted())
  })

  test('an undo while a kept change is queued: it is taken back or the processor is asked, never both', async () => {
    for (let round = 0; round < 12; round += 1) {
      const accountId = `kept_undo_${round}`
      await subscribe(accountId, 'pri_growth_monthly', '2026-11-10T03:00:00Z')
      await downgrade(accountId)
      const [undo] = await Promise.all([beginPlanChangeUndo(db, { accountId }), queueDueChanges(db, { limit: 100 })])
      const asked = await operationsOf(accountId)
      const status = await one('select status as value from app.plan_changes where account_id = $1', [accountId])
      expect([undo.outcome, status]).toEqual(asked === 0 ? ['undone', 'undone'] : ['busy', 'scheduled'])
    }
  })

  test('a downgrade from outside while chatbots are created: nothing is granted by the old plan after it, and nothing is lost', async () => {
    for (let round = 0; round < 10; round += 1) {
      const accountId = `outside_${round}`
      await subscribe(accountId)
      const before = await createMany(accountId, 2)
      const fallen = event(accountId, 'price_starter_monthly')
      const [made] = await Promise.all([createMany(accountId, 6), recordBillingEvent(db, fallen)])
      const count = await chatbotsOf(accountId)
      expect(count).toBe(before + made)
      expect(await createMany(accountId, 4)).toBe(Math.max(0, STARTER_CHATBOTS - count))
      const readOnly = await one('select count(*)::integer as value from app.read_only_chatbots($1)', [accountId])
      expect(readOnly).toBe(Math.max(0, count - STARTER_CHATBOTS))
    }
    const falling = await inTransaction(
      `select * from api.record_billing_event('outside_0', 'stripe', 'evt_falls', 't', 'state', '2026-11-09T00:00:00Z', 3, null,
         'sub_outside_0', 'canceled', null, null, null, null, null, null, null, '{}')`,
      []
    )
    const added = createChatbot(db, { accountId: 'outside_0', name: 'Late' })
    await untilBlocked(owner)
    await falling.query('commit')
    expect(await added).toMatchObject({ allowed: false, plan: 'free', quota: 1 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('of choices made at once which chatbots stay, one is in force, whole', async () => {
    const accountId = 'choices'
    await subscribe(accountId)
    expect(await createMany(accountId, 9)).toBe(9)
    await recordBillingEvent(db, event(accountId, 'price_starter_monthly'))
    const ids = await one<string[]>('select array_agg(id order by id) as value from app.chatbots where account_id = $1', [
      accountId
    ])
    const choices = [ids.slice(0, 3), ids.slice(3, 6), ids.slice(6, 9)]
    for (let round = 0; round < 8; round += 1) {
      const kept = await Promise.all([...choices, ...choices, ...choices].map((chatbotIds) => keepChatbots(db, { accountId, chatbotIds })))
      expect(kept.every((row) => row.outcome === 'kept' && row.kept === STARTER_CHATBOTS)).toBe(true)
      const chosen = await one(
        'select array_agg(id order by id) as value from app.chatbots where account_id = $1 and kept_at is not null',
        [accountId]
      )
      expect(choices).toContainEqual(chosen)
    }
  })
})
