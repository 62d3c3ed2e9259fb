import { expect, test } from '@jest/globals'
import { copyCatalog, differences, replayInbox } from '../../../scripts/rebuild/replay-inbox.ts'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { record } from '../../src/billing/receive.ts'
import { discardEventAs } from '../../src/db/functions/discard-event-as.ts'
import { createTestDatabase, openDatabase } from '../support/database.ts'

test('the inbox replayed leaves out what was discarded, and comes to the same subscriptions', async () => {
  const [one, other] = [await createTestDatabase(), await createTestDatabase()]
  const [from, to] = [await one.connect(), await other.connect()]
  const [db, rebuilt] = [await openDatabase('pg', one), await openDatabase('pg', other)]
  const stripe = createStripe({ webhookSecrets: [], apiKey: null })
  for (const [name, price] of [['kept', 'price_starter_monthly'], ['gone', 'price_new']] as const) {
    const payload = JSON.stringify(
      buildEvent('stripe', {
        event: 'updated',
        eventId: `evt_${name}`,
        occurredAt: new Date('2026-11-01T09:00:00Z'),
        accountId: `user_${name}`,
        customerId: `cus_${name}`,
        subscriptionId: `sub_${name}`,
        priceId: price,
        interval: 'month',
        periodStart: new Date('2026-11-01T09:00:00Z'),
        periodEnd: new Date('2026-12-01T09:00:00Z'),
        amountMinor: 1900,
        shape: 'current'
      })
    )
    await record(db, stripe, stripe.normalise(payload), payload)
  }
  await discardEventAs(db, { operatorId: 'user_op', processor: 'stripe', eventId: 'evt_gone', reason: 'Of another product' })
  // Today it would apply.
  await from.query(
    `insert into app.processor_prices (processor, price_id, plan, billing_interval) values ('stripe', 'price_new', 'growth', 'month')`
  )

  await copyCatalog(from, to)
  expect(await replayInbox(from, rebuilt, [stripe])).toBe(1)
  expect(await differences(from, to)).toEqual([])
  expect((await to.query('select subscription_id from app.processor_subscriptions')).rows).toEqual([{ subscription_id: 'sub_kept' }])
})
